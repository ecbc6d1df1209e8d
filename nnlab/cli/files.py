"""Files the user names on the command line: pictures, pages and laid-out configs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nnlab.errors import ConfigError


def write(path: Path, content: bytes) -> Path:
    """Write a file so that it appears whole or not at all. Raises ConfigError where that cannot be."""
    with appearing(path) as file:
        file.write(content)
    return path


@contextmanager
def appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that appears at the end of the block, or not at all. Raises ConfigError where it cannot."""
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(aside).chmod(0o644)
            Path(aside).replace(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror}", "name a file in a folder that is there"
        ) from None


def write_picture(path: Path, content: bytes) -> Path:
    """Write a PNG; the file's ending must say so."""
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{path}: pictures are PNG files", "give the file a name that ends in .png")
    return write(path, content)
