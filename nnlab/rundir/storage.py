"""Storage: the only code that changes a run's files; a change happens whole or not at all, lasts, follows no link."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from nnlab.errors import RunError

# Every change is one of this module's calls of ``os``, so that a test can make any of them fail, or be the last.
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def write(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all: beside it first, flushed, then renamed. Raises OSError."""
    aside = path.with_name(f".{path.name}.tmp")
    try:
        _fill(aside, content)
        os.replace(aside, path)  # noqa: PTH105 (see above)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)  # noqa: PTH108
        raise
    _flush_folder(path.parent)


def append(path: Path, content: bytes) -> None:
    """Add to a file's end; where that fails half-way the half is taken off again. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | _PLAIN | _BINARY)
    try:
        length = os.fstat(handle).st_size
        try:
            _write_all(handle, content)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, length)
            raise
    finally:
        os.close(handle)


def flush(path: Path) -> None:
    """Make what a file holds last through a power cut. Raises OSError."""
    handle = os.open(path, os.O_RDWR | _PLAIN | _BINARY)  # some systems flush only what is open for writing
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_or_create(path: Path) -> int:
    """A handle to change a plain file by, empty where there was none. Raises OSError, for anything else too."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _PLAIN | _BINARY, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileExistsError(errno.EEXIST, "something that is no plain file is in the way", str(path))
    return handle


def delete(path: Path) -> None:
    """Delete a file; one that is not there is none too many. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108


def delete_folder(path: Path) -> bool:
    """Delete a folder that is empty; False where it is not. Raises OSError."""
    try:
        os.rmdir(path)  # noqa: PTH106
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def new_folder(path: Path) -> None:
    """Make a folder that nobody else has made. Raises OSError, FileExistsError where there is something."""
    os.mkdir(path)  # noqa: PTH102
    try:
        _flush_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            os.rmdir(path)  # noqa: PTH106
        raise


def make_folder(path: Path) -> None:
    """Make a folder where there is none; a link to one is refused. Raises OSError."""
    try:
        new_folder(path)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise


def exists(path: Path) -> bool:
    """Whether there is anything, be it a link to nothing. Raises RunError where that cannot be seen."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    return True


def read(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most ``limit`` bytes.

    Raises RunError for a missing or larger file and for what is no plain file: links are not followed, and a pipe is
    not waited for.
    """
    with opened(path, limit) as file:
        return file.read(limit)


def sha256(path: Path, limit: int) -> str:
    """The SHA-256 in hexadecimal of a file that ``read`` would read, of which only a piece is in memory at a time."""
    with opened(path, limit) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(path: Path, limit: int) -> Iterator[BufferedReader]:
    """A plain file of at most ``limit`` bytes to read from. Raises RunError as ``read`` does."""
    handle = open_plain(path)
    try:
        size = os.fstat(handle).st_size
        if size > limit:
            raise RunError(f"{path}: {size:,} bytes are more than the {limit:,} that fit here", "the file is damaged")
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    finally:
        os.close(handle)


def open_plain(path: Path) -> int:
    """A handle to read a plain file by; raises RunError as ``read`` does. The caller closes it."""
    try:
        # First without opening: a device or a tape may do something when it is opened.
        plain = stat.S_ISREG(os.lstat(path).st_mode)
        handle = os.open(path, os.O_RDONLY | _PLAIN | _BINARY) if plain else -1
    except FileNotFoundError:
        hint = "the run stopped before it was written, or it was deleted"
        raise RunError(f"{path}: there is no such file", hint) from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    if handle < 0 or not stat.S_ISREG(os.fstat(handle).st_mode):
        if handle >= 0:
            os.close(handle)
        raise RunError(f"{path}: this is not a plain file", "a run directory holds plain files only")
    return handle


def _fill(path: Path, content: bytes) -> None:
    """Write a new file and flush it. What a kill left in its place, or someone put there, is not written through."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN | _BINARY
    try:
        handle = os.open(path, flags, 0o666)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108
        handle = os.open(path, flags, 0o666)
    try:
        _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _flush_folder(path: Path) -> None:
    """Make a rename last through a power cut; where folders cannot be opened (Windows) the system sees to it."""
    with suppress(PermissionError, IsADirectoryError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
