"""One run's directory: its files, each written whole or not at all, and read again with care."""

import io
import re
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np

from nnlab.dataset import Array, read_npy
from nnlab.errors import RunError
from nnlab.rundir import checkpoint, frames, lock, sealed, storage, table, tensors
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.frames import Frame
from nnlab.rundir.growing import Growing
from nnlab.rundir.strict import ShapeError
from nnlab.rundir.summary import DIED, RUNNING, SCHEMA_VERSION, Summary

SUMMARY = "run.json"
CONFIG = "config.yaml"
METRICS = "metrics.csv"
PICTURE = re.compile(r"(loss|accuracy|r2|samples|(confusion|fit)-(train|val|test))\.png")
WEIGHTS = "weights.safetensors"
BEST_WEIGHTS = "best.safetensors"
PREDICTIONS = "predictions.npz"
LOSSES = "losses.npy"
ENVIRONMENT = "env.json"
MANIFEST = "manifest.json"
SOURCES = "plugins"
"""The folder of the source text of plug-ins, to be read: nothing runs what is in it."""
KEPT_TABLE = "kept-data.csv"
"""The data of a run that was trained on a data frame, where a copy was asked for."""
KEPT_ARRAYS = "kept-data.npz"
"""The same of arrays."""
MAX_JSON_BYTES = 8 * 2**20
MAX_TEXT_BYTES = 2**20
MAX_METRICS_BYTES = 40 * 2**20
MAX_ARRAY_BYTES = 2 * 2**30
HEADERS = 64 * 2**10
"""Bytes of a file of arrays beside their numbers, at most."""
MAX_FILES = 1000
MAX_DEPTH = 10
# What reading a damaged .npz may raise; RuntimeError is for parts that are locked or packed in an unknown way.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error, BadZipFile)


class RunDir:
    """One run's directory: every file in it is written, and read again, through this."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.path.name

    def locked(self) -> AbstractContextManager[bool]:
        """Hold the run's lock, as whoever trains it does; False where there are no locks.

        Raises RunError where another process holds it.
        """
        return lock.locked(self.path)

    # Writing

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it appears whole or not at all. Raises OSError."""
        storage.write(self.path / name, content)

    def write_text(self, name: str, text: str) -> None:
        """Write UTF-8 text."""
        self.write(name, text.encode())

    def write_json(self, name: str, content: Any) -> None:
        """Write strict JSON; see ``sealed.dump``."""
        self.write(name, sealed.dump(content))

    def write_summary(self, summary: Summary) -> None:
        """Write run.json."""
        self.write_json(SUMMARY, summary.to_json())

    def write_weights(self, name: str, weights: Mapping[str, Array]) -> None:
        """Write arrays as safetensors."""
        self.write(name, tensors.dump(weights))

    def write_arrays(self, name: str, **arrays: Array) -> None:
        """Write named arrays as .npz."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        self.write(name, buffer.getvalue())

    def write_array(self, name: str, array: Array) -> None:
        """Write one array as .npy."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        self.write(name, buffer.getvalue())

    def append_metrics(self, row: Sequence[float]) -> None:
        """Add a row to metrics.csv; floats are written so that they read back as the same bits."""
        storage.append(self.path / METRICS, table.line(row))

    def metrics_bytes(self) -> bytes:
        """The content of metrics.csv."""
        return self.read(METRICS, MAX_METRICS_BYTES)

    def write_checkpoint(self, kept: Checkpoint) -> None:
        """Keep what a resume from here needs, in place of the checkpoint before. Raises OSError."""
        storage.flush(self.path / METRICS)  # the state says how long it is, so that much of it must last
        checkpoint.write(self.path, kept)

    def write_source(self, name: str, content: bytes) -> None:
        """Keep the source text of a plug-in. Raises OSError."""
        storage.make_folder(self.path / SOURCES)
        self.write(f"{SOURCES}/{name}", content)

    def write_frame(self, frame: Frame) -> None:
        """Keep what the net looks like after a step. Raises OSError."""
        frames.write(self.path, frame)

    def write_cut_rows(self, rows: bytes) -> None:
        """Keep rows of metrics.csv that have been cut off, until they have come again. Raises OSError."""
        storage.make_folder(self.path / checkpoint.FOLDER)
        self.write(checkpoint.CUT, rows)

    def cut_rows(self) -> bytes:
        """What ``write_cut_rows`` kept; empty where it kept nothing. Raises RunError for what is no plain file."""
        there = storage.exists(self.path / checkpoint.CUT)
        return self.read(checkpoint.CUT, MAX_METRICS_BYTES) if there else b""

    def remove_cut_rows(self) -> None:
        """Forget them: they have come again. Raises OSError."""
        storage.delete(self.path / checkpoint.CUT)

    def tidy(self) -> None:
        """Delete what a kill has left beside the last checkpoint. Raises OSError, RunError where that is damaged."""
        checkpoint.tidy(self.path)

    def remove_pictures(self, drawn: Collection[str]) -> None:
        """Delete all pictures but those just ``drawn``: an earlier end or an evaluation left them. Raises OSError."""
        for name in self.files():
            if PICTURE.fullmatch(name) and name not in drawn:
                storage.delete(self.path / name)

    def write_manifest(self, *soon: tuple[str, bytes]) -> None:
        """Record SHA-256 and size of every file, and of those that are to be written next: (name, content)."""
        sizes = {name: size for name, size in self.files().items() if name != MANIFEST}
        hashes = {name: self.sha256(name) for name in sizes}
        hashes |= {name: sealed.sha256(content) for name, content in soon}
        sizes |= {name: len(content) for name, content in soon}
        found = {"sha256": dict(sorted(hashes.items())), "bytes": dict(sorted(sizes.items()))}
        self.write(MANIFEST, sealed.seal({"schema_version": SCHEMA_VERSION, **found}))

    def remove_manifest(self) -> None:
        """Delete the manifest of a run that goes on. Raises OSError."""
        storage.delete(self.path / MANIFEST)

    # Reading

    def files(self) -> dict[str, int]:
        """The size in bytes of each plain file, sorted by name.

        Links are not followed; hidden files, and those whose names no screen can show, are not counted. Raises RunError
        where there are more, or deeper ones, than a run can have, and where a folder cannot be read.
        """
        sizes: dict[str, int] = {}
        try:
            for path in self._walk():
                with suppress(FileNotFoundError):  # a checkpoint that a training has just replaced
                    sizes[path.relative_to(self.path).as_posix()] = path.stat().st_size
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be read: {error.strerror}") from None
        return dict(sorted(sizes.items()))

    def _walk(self) -> Iterator[Path]:
        """The paths of all that ``files`` counts."""
        folders, count = [(self.path, 0)], 0
        while folders:
            folder, depth = folders.pop()
            for path in _inside(folder):
                count += 1
                if count > MAX_FILES or depth > MAX_DEPTH:
                    raise RunError(f"{self.path}: there are more than {MAX_FILES:,} files here", "this is no run")
                if path.name.startswith(".") or not path.name.isprintable() or path.is_symlink():
                    continue
                if path.is_dir():
                    folders.append((path, depth + 1))
                elif path.is_file():
                    yield path

    def read(self, name: str, limit: int = MAX_ARRAY_BYTES) -> bytes:
        """The content of a file.

        Raises RunError where it is missing, larger than ``limit``, or no plain file: links and pipes are not followed.
        """
        return storage.read(self.path / name, limit)

    def sha256(self, name: str) -> str:
        """The SHA-256 of a file's content, however large. Raises RunError as ``read`` does."""
        return storage.sha256(self.path / name, MAX_ARRAY_BYTES)

    def read_text(self, name: str) -> str:
        """The content of a UTF-8 file of at most ``MAX_TEXT_BYTES``."""
        try:
            return self.read(name, MAX_TEXT_BYTES).decode()
        except UnicodeDecodeError:
            raise RunError(f"{self.path / name}: this is not UTF-8 text", "the file is damaged") from None

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of a JSON file that holds an object."""
        content = self.read(name, MAX_JSON_BYTES)
        try:
            return sealed.load(content)
        except ValueError as error:
            raise RunError(f"{self.path / name}: this is not valid JSON: {error}", "the file is damaged") from None

    def manifest(self) -> dict[str, str]:
        """The SHA-256 of each file by its name, as recorded when the run ended. Raises RunError for damage."""
        return self.hashes_and_sizes()[0]

    def hashes_and_sizes(self) -> tuple[dict[str, str], dict[str, int]]:
        """What ``manifest`` gives, and the size of each file in bytes. Raises RunError for damage."""
        content = self.read(MANIFEST, MAX_JSON_BYTES)
        try:
            found = sealed.unseal(content)
            hashes, sizes = found["sha256"], found.get("bytes", {})
            if not isinstance(hashes, dict) or not isinstance(sizes, dict) or len(hashes) > MAX_FILES:
                raise ValueError("it holds no hashes, or more than there can be files")
        except (ValueError, KeyError) as error:
            raise RunError(f"{self.path / MANIFEST}: this is not a manifest: {error}", "the file is damaged") from None
        return hashes, sizes

    def checkpoint_state(self) -> Checkpoint | None:
        """The last checkpoint without its arrays; None where there is none. Raises RunError where it is damaged."""
        return checkpoint.read_state(self.path)

    def checkpoint(self, limit: int = MAX_ARRAY_BYTES, check: tensors.Check | None = None) -> Checkpoint | None:
        """The last checkpoint, of at most ``limit`` bytes; None where there is none.

        Raises RunError for damage, and what ``check`` raises of its arrays' headers.
        """
        return checkpoint.read(self.path, limit, check)

    def summary(self) -> Summary:
        """What run.json says.

        A run that says it is running, and whose lock nobody holds, has the status ``died``. Raises RunError where the
        file is missing, damaged or of another version.
        """
        summary = self._summary()
        if summary.status == RUNNING and not self.going():
            summary = self._summary()  # it may have ended since
            if summary.status == RUNNING:
                return replace(summary, status=DIED)
        return summary

    def going(self) -> bool:
        """Whether a living process trains it; False where there are no locks to tell by."""
        return lock.held(self.path)

    def _summary(self) -> Summary:
        content = self.read_json(SUMMARY)
        if (version := content.get("schema_version")) != SCHEMA_VERSION:
            raise RunError(f"{self.path / SUMMARY}: schema_version is {version!r}, not {SCHEMA_VERSION}")
        try:
            return Summary.of(content)
        except ShapeError as error:
            raise RunError(f"{self.path / SUMMARY}: {error}", "the file is damaged") from None

    def metrics(self, length: int | None = None) -> dict[str, list[float]]:
        """The columns of metrics.csv, or of its first ``length`` bytes.

        A last line cut short, as a killed run may leave it, is left out.
        """
        try:
            return table.load(self.metrics_bytes()[:length])
        except ValueError as error:
            raise RunError(f"{self.path / METRICS}:{error}", "the file is damaged") from None

    def frames(self) -> list[Frame]:
        """What ``write_frame`` kept, the first step first. Raises RunError for damage."""
        return list(frames.read(self.path))

    def there(self) -> bool:
        """Whether it still has its run.json, without which a directory is no run."""
        return storage.exists(self.path / SUMMARY)

    def growing_metrics(self) -> Growing:
        """The columns of metrics.csv, for whoever reads them again and again while it grows."""
        return Growing(self.path / METRICS, MAX_METRICS_BYTES)

    def weights(
        self, name: str = WEIGHTS, check: tensors.Check | None = None, limit: int = MAX_ARRAY_BYTES
    ) -> dict[str, Array]:
        """The arrays of a safetensors file; ``check`` may refuse them by their headers, before they are loaded."""
        return tensors.load(self.path / name, limit, check)

    def count(self, name: str = WEIGHTS) -> int:
        """How many numbers a safetensors file has, told by its header alone."""
        return tensors.count(self.path / name)

    def arrays(self, name: str = PREDICTIONS, limit: int = MAX_ARRAY_BYTES) -> dict[str, Array]:
        """The arrays of an .npz file, of at most ``limit`` bytes, never pickle. Raises RunError for damage."""
        content = self.read(name, limit)
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
            message = f"{self.path / name}: this is not a plain .npz file: {error or type(error).__name__}"
            raise RunError(message, "the file is damaged") from None

    def array(self, name: str = LOSSES, limit: int = MAX_ARRAY_BYTES) -> Array:
        """The array of a .npy file of at most ``limit`` bytes, never pickle. Raises RunError for damage."""
        content = self.read(name, limit)
        try:
            return read_npy(io.BytesIO(content), len(content))
        except ValueError as error:
            raise RunError(f"{self.path / name}: this is not a .npy file: {error}", "the file is damaged") from None


def _inside(folder: Path) -> list[Path]:
    """What a folder holds; nothing for one that has just been deleted."""
    with suppress(FileNotFoundError):
        return list(islice(folder.iterdir(), MAX_FILES + 1))
    return []
