"""Run directories: the only code that touches what is under ``runs/``."""

from nnlab.rundir.checkpoint import FOLDER as CHECKPOINTS
from nnlab.rundir.checkpoint import STATE, Checkpoint
from nnlab.rundir.directory import (
    BEST_WEIGHTS,
    CONFIG,
    ENVIRONMENT,
    HEADERS,
    KEPT_ARRAYS,
    KEPT_TABLE,
    LOSSES,
    MANIFEST,
    MAX_ARRAY_BYTES,
    MAX_TEXT_BYTES,
    METRICS,
    PREDICTIONS,
    SOURCES,
    SUMMARY,
    WEIGHTS,
    RunDir,
)
from nnlab.rundir.edited import edited
from nnlab.rundir.folder import (
    LATEST,
    Removal,
    all_runs,
    ambiguous,
    check_name,
    create,
    discard,
    find,
    matching,
    new_stamp,
    remove,
)
from nnlab.rundir.frames import FOLDER as FRAMES
from nnlab.rundir.frames import Frame
from nnlab.rundir.growing import Growing
from nnlab.rundir.ours import is_ours
from nnlab.rundir.sealed import finite, sha256
from nnlab.rundir.summary import DIED, RUNNING, Baselines, Facts, Membership, Status, Summary
from nnlab.rundir.table import MAX_ROWS
from nnlab.rundir.tensors import Header

__all__ = [
    "BEST_WEIGHTS",
    "CHECKPOINTS",
    "CONFIG",
    "DIED",
    "ENVIRONMENT",
    "FRAMES",
    "HEADERS",
    "KEPT_ARRAYS",
    "KEPT_TABLE",
    "LATEST",
    "LOSSES",
    "MANIFEST",
    "MAX_ARRAY_BYTES",
    "MAX_ROWS",
    "MAX_TEXT_BYTES",
    "METRICS",
    "PREDICTIONS",
    "RUNNING",
    "SOURCES",
    "STATE",
    "SUMMARY",
    "WEIGHTS",
    "Baselines",
    "Checkpoint",
    "Facts",
    "Frame",
    "Growing",
    "Header",
    "Membership",
    "Removal",
    "RunDir",
    "Status",
    "Summary",
    "all_runs",
    "ambiguous",
    "check_name",
    "create",
    "discard",
    "edited",
    "find",
    "finite",
    "is_ours",
    "matching",
    "new_stamp",
    "remove",
    "sha256",
]
