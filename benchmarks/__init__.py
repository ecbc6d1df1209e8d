"""Benchmarks: nnlab beside the article's code, the tools one would pick instead and the arithmetic's own limit."""
