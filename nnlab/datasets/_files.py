"""Files of the user's: found, small enough to fit, and named in every message."""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nnlab import memory
from nnlab.errors import DataError, did_you_mean
from nnlab.tables.cells import short

_BROKEN = (OSError, ValueError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error, zipfile.BadZipFile)


def existing(path: str | Path, suffixes: Sequence[str] = (), folder: bool = False) -> Path:
    """The path of a file with one of these suffixes, or of a folder. Raises DataError where it is not that."""
    path, kind = Path(path), "folder" if folder else "file"
    try:
        found = path.exists()
        right = path.is_dir() if folder else path.is_file()
        nearby = [] if found or not path.parent.is_dir() else [p.name for p in path.parent.iterdir()]
    except (OSError, ValueError) as error:  # ValueError: a NUL inside the name
        raise DataError(f"dataset.path: {short(str(path))} cannot be read ({error})", f"give a {kind}") from error
    if not found:
        raise DataError(
            f"dataset.path: there is no {kind} {str(path)!r}", did_you_mean(path.name, nearby) + f"give a {kind}"
        )
    if not right:
        raise DataError(f"dataset.path: {str(path)!r} is no {kind}", f"give a {kind}")
    if not folder and not path.name.lower().endswith(tuple(suffixes)):
        raise DataError(f"dataset.path: {str(path)!r} has the wrong suffix", f"what is read: {', '.join(suffixes)}")
    return path


@contextmanager
def archive(source: str | Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """A zip file to read members of. Raises ValueError for whatever is wrong with it, then or while it is read."""
    try:
        with zipfile.ZipFile(source) as opened:
            for member in opened.infolist():  # the two ways that Python can undo in every build
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError("packed in a way that is not read")
            yield opened
    except _BROKEN as error:  # locked ones raise RuntimeError
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error


def must_fit(path: Path, needed: int) -> None:
    """Raises DataError where the data of this file would take more memory than there is room for, in bytes."""
    if needed > (there := memory.room()):
        figures = f"it would take {memory.gib(needed)} of {memory.gib(there)} of memory"
        raise DataError(f"{str(path)!r} is too large: {figures}", "take part of it")
