"""One run's directory: its files, each written whole or not at all, and read again with care."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import get_args

from nnlab.dataset.split import SplitName
from nnlab.dataset.task import TASKS, every_curve
from nnlab.errors import RunError
from nnlab.rundir import checkpoint, evaluations, file, frames, lock, sealed, storage, tensors
from nnlab.rundir.checkpoint import Checkpoint
from nnlab.rundir.file import MAX_FILES, File, Manifest
from nnlab.rundir.frames import Frame
from nnlab.rundir.strict import ShapeError
from nnlab.rundir.summary import DIED, RUNNING, SCHEMA_VERSION, Summary

SUMMARY = "run.json"
CONFIG = "config.yaml"
METRICS = "metrics.csv"
WEIGHTS = "weights.safetensors"
BEST_WEIGHTS = "best.safetensors"
PREDICTIONS = "predictions.npz"
LOSSES = "losses.npy"
ENVIRONMENT = "env.json"
MANIFEST = "manifest.json"
SOURCES = "plugins"
"""The folder of the source text of plug-ins, to be read: nothing runs what is in it."""
KEPT_TABLE = "kept-data.csv"
KEPT_ARRAYS = "kept-data.npz"
MAX_JSON_BYTES = 8 * 2**20
MAX_TEXT_BYTES = 2**20
MAX_METRICS_BYTES = 40 * 2**20
MAX_ARRAY_BYTES = 2 * 2**30
HEADERS = 64 * 2**10
"""Bytes of a file of arrays beside their numbers, at most."""
MAX_DEPTH = 10


def is_picture(name: str) -> bool:
    """Whether a run of some task has a picture of this name."""
    curves = {"loss", "samples", *(metric.name for metric in every_curve())}
    of_splits = {f"{task.picture}-{split}" for task in TASKS.values() for split in get_args(SplitName)}
    return name.removesuffix(".png") in curves | of_splits and name.endswith(".png")


class RunDir:
    """One run's directory: every file in it is written, and read again, through this."""

    json = File(SUMMARY, sealed.dump, file.json, MAX_JSON_BYTES)
    """Read as what it says by ``summary``."""
    config = File(CONFIG, str.encode, file.text, MAX_TEXT_BYTES)
    metrics = File(METRICS, bytes, file.columns, MAX_METRICS_BYTES)
    weights = File(WEIGHTS, tensors.dump, tensors.load, MAX_ARRAY_BYTES)
    best = File(BEST_WEIGHTS, tensors.dump, tensors.load, MAX_ARRAY_BYTES)
    predictions = File(PREDICTIONS, file.arrays_bytes, file.arrays, MAX_ARRAY_BYTES)
    losses = File(LOSSES, file.array_bytes, file.array, MAX_ARRAY_BYTES)
    environment = File(ENVIRONMENT, sealed.dump, file.json, MAX_JSON_BYTES)
    manifest = File(MANIFEST, file.manifest_bytes, file.manifest, MAX_JSON_BYTES)
    kept_table = File(KEPT_TABLE, bytes, file.plain, MAX_ARRAY_BYTES)
    """The data of a run that was trained on a data frame, where a copy was asked for."""
    kept_arrays = File(KEPT_ARRAYS, bytes, file.plain, MAX_ARRAY_BYTES)
    """The same of arrays."""
    cut = File(checkpoint.CUT, bytes, file.plain, MAX_METRICS_BYTES)
    """Rows of metrics.csv that have been cut off, until they have come again."""

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

    def append_metrics(self, row: Sequence[float]) -> None:
        """Add a row to metrics.csv; floats are written so that they read back as the same bits."""
        storage.append(self.path / METRICS, evaluations.line(row))

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

    def tidy(self) -> None:
        """Delete what a kill has left beside the last checkpoint. Raises OSError, RunError where that is damaged."""
        checkpoint.tidy(self.path)

    def remove_pictures(self, drawn: Collection[str]) -> None:
        """Delete all pictures but those just ``drawn``: an earlier end or an evaluation left them. Raises OSError."""
        for name in self.files():
            if is_picture(name) and name not in drawn:
                storage.delete(self.path / name)

    def write_manifest(self, *soon: tuple[str, bytes]) -> None:
        """Record SHA-256 and size of every file, and of those that are to be written next: (name, content)."""
        sizes = {name: size for name, size in self.files().items() if name != MANIFEST}
        hashes = {name: self.sha256(name) for name in sizes}
        hashes |= {name: sealed.sha256(content) for name, content in soon}
        sizes |= {name: len(content) for name, content in soon}
        self.manifest.write(Manifest(sha256=dict(sorted(hashes.items())), bytes=dict(sorted(sizes.items()))))

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
        content = self.json.read()
        if (version := content.get("schema_version")) != SCHEMA_VERSION:
            raise RunError(f"{self.path / SUMMARY}: schema_version is {version!r}, not {SCHEMA_VERSION}")
        try:
            return Summary.of(content)
        except ShapeError as error:
            raise RunError(f"{self.path / SUMMARY}: {error}", "the file is damaged") from None

    def frames(self) -> list[Frame]:
        """What ``write_frame`` kept, the first step first. Raises RunError for damage."""
        return list(frames.read(self.path))


def _inside(folder: Path) -> list[Path]:
    """What a folder holds; nothing for one that has just been deleted."""
    with suppress(FileNotFoundError):
        return list(islice(folder.iterdir(), MAX_FILES + 1))
    return []
