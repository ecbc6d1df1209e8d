"""Report: runs as one HTML page that needs no server, no network and no other file."""

from nnlab.report.compose import report

__all__ = ["report"]
