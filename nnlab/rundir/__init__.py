"""Run directories: the only code that touches what is under ``runs/``."""

from nnlab.rundir.directory import (
    BEST_WEIGHTS,
    CONFIG,
    ENVIRONMENT,
    LOSSES,
    MANIFEST,
    MAX_TEXT_BYTES,
    METRICS,
    PREDICTIONS,
    SUMMARY,
    WEIGHTS,
    RunDir,
    finite,
)
from nnlab.rundir.folder import LATEST, all_runs, check_name, create, find, remove
from nnlab.rundir.summary import SCHEMA_VERSION

__all__ = [
    "BEST_WEIGHTS",
    "CONFIG",
    "ENVIRONMENT",
    "LATEST",
    "LOSSES",
    "MANIFEST",
    "MAX_TEXT_BYTES",
    "METRICS",
    "PREDICTIONS",
    "SCHEMA_VERSION",
    "SUMMARY",
    "WEIGHTS",
    "RunDir",
    "all_runs",
    "check_name",
    "create",
    "find",
    "finite",
    "remove",
]
