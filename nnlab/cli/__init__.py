"""The command line: one file per group of commands; errors and exit codes are dealt with here, in one place."""

from nnlab.cli.app import main

__all__ = ["main"]
