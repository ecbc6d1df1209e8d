"""Run directories: the only code that touches what is under ``runs/``."""

from nnlab.rundir.checkpoint import FOLDER as CHECKPOINTS
from nnlab.rundir.checkpoint import STATE, Checkpoint, State
from nnlab.rundir.directory import (
    BEST_WEIGHTS,
    CONFIG,
    ENVIRONMENT,
    HEADERS,
    LOSSES,
    MANIFEST,
    MAX_ARRAY_BYTES,
    MAX_TEXT_BYTES,
    METRICS,
    PREDICTIONS,
    SUMMARY,
    WEIGHTS,
    RunDir,
)
from nnlab.rundir.folder import LATEST, all_runs, check_name, create, discard, find, remove
from nnlab.rundir.growing import Growing
from nnlab.rundir.sealed import dump as json_bytes
from nnlab.rundir.sealed import finite, sha256
from nnlab.rundir.summary import DIED, RUNNING, SCHEMA_VERSION
from nnlab.rundir.table import MAX_ROWS
from nnlab.rundir.table import line as metrics_line
from nnlab.rundir.tensors import Header

__all__ = [
    "BEST_WEIGHTS",
    "CHECKPOINTS",
    "CONFIG",
    "DIED",
    "ENVIRONMENT",
    "HEADERS",
    "LATEST",
    "LOSSES",
    "MANIFEST",
    "MAX_ARRAY_BYTES",
    "MAX_ROWS",
    "MAX_TEXT_BYTES",
    "METRICS",
    "PREDICTIONS",
    "RUNNING",
    "SCHEMA_VERSION",
    "STATE",
    "SUMMARY",
    "WEIGHTS",
    "Checkpoint",
    "Growing",
    "Header",
    "RunDir",
    "State",
    "all_runs",
    "check_name",
    "create",
    "discard",
    "find",
    "finite",
    "json_bytes",
    "metrics_line",
    "remove",
    "sha256",
]
