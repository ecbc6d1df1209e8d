"""Verify: whether a run's files are as they were written, belong together, and its weights still give its numbers."""

from nnlab.experiment.verify.all_checks import verify

__all__ = ["verify"]
