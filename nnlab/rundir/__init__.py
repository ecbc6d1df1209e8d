"""Run directories: the only code that touches what is under ``runs/``."""

from nnlab.rundir.directory import RunDir
from nnlab.rundir.folder import all_runs, create, find, remove
from nnlab.rundir.summary import Summary

__all__ = ["RunDir", "Summary", "all_runs", "create", "find", "remove"]
