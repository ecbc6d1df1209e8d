"""Ours: which names in a run directory are those of files that nnlab writes; all others are the user's."""

import re

from nnlab.rundir import checkpoint, frames, lock
from nnlab.rundir.directory import SOURCES, RunDir, is_picture
from nnlab.rundir.file import File

FOLDERS = (checkpoint.FOLDER, frames.FOLDER, SOURCES)
NAMES = {file.name for file in vars(RunDir).values() if isinstance(file, File)} | {lock.FILE, checkpoint.STATE}
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
        return whole in NAMES or bool(checkpoint.FILE.fullmatch(base))
    if folder == frames.FOLDER:
        return bool(frames.FILE.fullmatch(base))
    if folder == SOURCES:
        return bool(_SOURCE.fullmatch(base))
    return whole in NAMES or is_picture(whole)
