"""Plug-ins for nnlab: radial basis functions, and rings to try them on."""
