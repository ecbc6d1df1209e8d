"""Ours: which names in a run directory are those of files that nnlab writes; all others are the user's."""

import re

from nnlab.rundir import checkpoint, frames, lock
from nnlab.rundir.directory import (
    BEST_WEIGHTS,
    CONFIG,
    ENVIRONMENT,
    KEPT_ARRAYS,
    KEPT_TABLE,
    LOSSES,
    MANIFEST,
    METRICS,
    PICTURE,
    PREDICTIONS,
    SOURCES,
    SUMMARY,
    WEIGHTS,
)

FOLDERS = (checkpoint.FOLDER, frames.FOLDER, SOURCES)
_NAMES = {SUMMARY, CONFIG, METRICS, WEIGHTS, BEST_WEIGHTS, PREDICTIONS, LOSSES, ENVIRONMENT, MANIFEST}
_NAMES |= {KEPT_TABLE, KEPT_ARRAYS, lock.FILE, checkpoint.STATE, checkpoint.CUT}
_SOURCE = re.compile(r"[A-Za-z0-9_]{1,60}\.py\.txt")
_ASIDE = re.compile(r"\.(.+)\.tmp")
"""What a kill leaves of a file that was being written."""


def is_ours(name: str) -> bool:
    """Whether nnlab writes a file of this name, which is within the run directory, with slashes."""
    folder, _, base = name.rpartition("/")
    if aside := _ASIDE.fullmatch(base):
        base = aside[1]
    whole = f"{folder}/{base}" if folder else base
    if folder == checkpoint.FOLDER:
        return whole in _NAMES or bool(checkpoint.FILE.fullmatch(base))
    if folder == frames.FOLDER:
        return bool(frames.FILE.fullmatch(base))
    if folder == SOURCES:
        return bool(_SOURCE.fullmatch(base))
    return whole in _NAMES or bool(PICTURE.fullmatch(whole))
