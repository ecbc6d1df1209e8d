"""Lock: tells a run that is going from one that died; the kernel holds it for a process and frees it when that ends."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nnlab.errors import RunError
from nnlab.rundir import storage

try:
    import fcntl
except ImportError:  # Windows
    _LOCKS = False
else:
    _LOCKS = True

FILE = ".lock"
PATIENCE = 1.0
"""Seconds: someone who only looks holds the lock for a moment too."""


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of the run in ``folder``; gives False where there are no locks, and goes on without.

    Raises RunError where another process holds it, or the folder cannot be written.
    """
    path = folder / FILE
    handle = _take(path)
    try:
        yield _has_locks(handle)
    finally:
        with suppress(OSError):  # the folder may be gone
            storage.delete(path)  # while it is held: nobody else can have begun to use it
        os.close(handle)


def held(folder: Path) -> bool:
    """Whether a living process holds the lock; False where it is free, not there, or cannot be looked at."""
    try:
        handle = storage.open_plain(folder / FILE)
    except RunError:
        return False
    try:
        return not _try(handle, shared=True)
    finally:
        os.close(handle)


def _take(path: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            handle = storage.open_or_create(path)
        except OSError as error:
            message = f"{path.parent}: the run cannot be written: {error.strerror}"
            raise RunError(message, "check that it is there and its permissions") from None
        if _try(handle) and _same(handle, path):
            return handle
        os.close(handle)
        if time.monotonic() > deadline:
            raise RunError(f"{path.parent}: this run is still going", "stop it first, or wait for its end")
        time.sleep(0.02)


def _try(handle: int, *, shared: bool = False) -> bool:
    """Whether the lock could be had; True where there are no locks, which is then nobody's fault."""
    if not _LOCKS:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _has_locks(handle: int) -> bool:
    """Whether the file system knows of locks, which this process holds already."""
    if not _LOCKS:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _same(handle: int, path: Path) -> bool:
    """Whether the file at ``path`` is still the one that was locked: whoever held it before has deleted it."""
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
