"""A file of a run, declared once: its name, how its content is written and read, and how large it may be."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np

from nnlab.dataset import Array
from nnlab.dataset.npy import read_npy
from nnlab.errors import RunError
from nnlab.rundir import evaluations, sealed, storage, strict, tensors
from nnlab.rundir.summary import SCHEMA_VERSION

MAX_FILES = 1000
Content = TypeVar("Content")
Dump = Callable[[Any], bytes]
Load = Callable[[Path, int, tensors.Check | None], Content]
"""Reads a file of at most so many bytes; a check may refuse arrays by their headers. Raises RunError."""
# What reading a damaged .npz may raise; RuntimeError is for parts that are locked or packed in an unknown way.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error, BadZipFile)


@dataclass(frozen=True)
class File(Generic[Content]):
    """One of a run's files: of the class what it is, of a run the file there."""

    name: str
    dump: Dump
    load: Load[Content]
    limit: int
    """Bytes, at most."""
    path: Path = Path()
    """Of a run: where it is."""

    def __get__(self, run: Any, owner: Any) -> "File[Content]":
        return self if run is None else replace(self, path=run.path / self.name)

    def write(self, content: Any) -> None:
        """Write it so that it appears whole or not at all. Raises OSError."""
        if "/" in self.name:
            storage.make_folder(self.path.parent)
        storage.write(self.path, self.dump(content))

    def delete(self) -> None:
        """Delete it, where it is. Raises OSError."""
        storage.delete(self.path)

    def there(self) -> bool:
        """Whether there is anything of its name."""
        return storage.exists(self.path)

    def bytes(self) -> bytes:
        """Its bytes. Raises RunError where it is missing, too large, or no plain file: links and pipes are no files."""
        return storage.read(self.path, self.limit)

    def count(self) -> int:
        """How many numbers a safetensors file has, told by its header alone. Raises RunError as ``read`` does."""
        return tensors.count(self.path)

    def read(self, limit: int | None = None, check: tensors.Check | None = None) -> Content:
        """Its content, of ``limit`` bytes at most; ``check`` may refuse arrays by their headers, before they are read.

        Raises RunError as ``bytes`` does and for damage, and what ``check`` raises.
        """
        return self.load(self.path, self.limit if limit is None else limit, check)


@dataclass(frozen=True)
class Manifest:
    """What a run's files were when it ended, by their names."""

    schema_version: int = SCHEMA_VERSION
    sha256: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    """Their sizes; of older runs none."""


def plain(path: Path, limit: int, check: object = None) -> bytes:
    """The bytes of a file."""
    return storage.read(path, limit)


def text(path: Path, limit: int, check: object = None) -> str:
    """UTF-8 text."""
    try:
        return storage.read(path, limit).decode()
    except UnicodeDecodeError:
        raise RunError(f"{path}: this is not UTF-8 text", "the file is damaged") from None


def json(path: Path, limit: int, check: object = None) -> dict[str, Any]:
    """A JSON object."""
    return _parsed(path, limit, sealed.load, "valid JSON")


def manifest(path: Path, limit: int, check: object = None) -> Manifest:
    """A manifest, with its seal."""
    return _parsed(path, limit, _manifest_of, "a manifest")


def _manifest_of(content: bytes) -> Manifest:
    found = strict.read(Manifest, sealed.unseal(content))
    if len(found.sha256) > MAX_FILES:
        raise ValueError("it holds more hashes than there can be files")
    return found


def manifest_bytes(content: Manifest) -> bytes:
    """A manifest, sealed."""
    return sealed.seal(strict.plain(content))


def columns(path: Path, limit: int, check: object = None) -> dict[str, list[float]]:
    """The columns of metrics.csv; a last line cut short, as a killed run may leave it, is left out."""
    content = storage.read(path, limit)
    try:
        return evaluations.load(content)
    except ValueError as error:
        raise RunError(f"{path}:{error}", "the file is damaged") from None


def array(path: Path, limit: int, check: object = None) -> Array:
    """A .npy file's array, never pickle."""
    return _parsed(path, limit, lambda content: read_npy(io.BytesIO(content), len(content)), "a .npy file")


def _parsed(path: Path, limit: int, parse: Callable[[bytes], Content], what: str) -> Content:
    """What ``parse`` makes of a file's bytes. Raises RunError where it raises ValueError: they are not ``what``."""
    content = storage.read(path, limit)
    try:
        return parse(content)
    except ValueError as error:
        raise RunError(f"{path}: this is not {what}: {error}", "the file is damaged") from None


def arrays(path: Path, limit: int, check: object = None) -> dict[str, Array]:
    """An .npz file's arrays, of as many bytes at most as the file may have, never pickle."""
    content = storage.read(path, limit)
    try:
        with ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
            if sum(member.file_size for member in members) > limit:
                raise ValueError("it holds more than fits here")
            if any(member.compress_type not in (0, ZIP_DEFLATED) for member in members):
                raise ValueError("packed in a way that is not read")
            return {
                member.filename.removesuffix(".npy"): read_npy(file.open(member), member.file_size)
                for member in members
            }
    except _DAMAGED as error:
        message = f"{path}: this is not a plain .npz file: {error or type(error).__name__}"
        raise RunError(message, "the file is damaged") from None


def array_bytes(content: Array) -> bytes:
    """An array as .npy."""
    buffer = io.BytesIO()
    np.save(buffer, content, allow_pickle=False)
    return buffer.getvalue()


def arrays_bytes(content: Mapping[str, Array]) -> bytes:
    """Named arrays as .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **content)
    return buffer.getvalue()
