"""Report: runs as one HTML page that needs no server, no network and no other file."""

from nnlab.report.compose import Report, report

__all__ = ["Report", "report"]
