"""Run directories: the only code that writes, reads, finds and removes what is under ``runs/``."""

import csv
import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from nnlab.dataset import Array, read_npy
from nnlab.errors import RunError

SCHEMA_VERSION = 1
LATEST = "latest"
SUMMARY = "run.json"
CONFIG = "config.yaml"
METRICS = "metrics.csv"
WEIGHTS = "weights.safetensors"
BEST_WEIGHTS = "best.safetensors"
PREDICTIONS = "predictions.npz"
LOSSES = "losses.npy"
ENVIRONMENT = "env.json"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoint"
MAX_TEXT_BYTES = 64 * 2**20
MAX_ARRAY_BYTES = 8 * 2**30
# What reading a damaged .npz may raise; RuntimeError is for parts that are locked or packed in an unknown way.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, RuntimeError, OverflowError, struct.error, zlib.error, BadZipFile)
_NUMBER = int | float
_EVERY_RUN_HAS = {
    "name": str,
    "status": str,
    "model": str,
    "task": str,
    "dataset": dict,
    "metrics": dict,
    "seconds": dict,
}
_MAY_HAVE = {"steps": int, "epochs": _NUMBER, "parameters": int, "best": dict}
_OF_DATA = {
    **dict.fromkeys(("train", "val", "test", "features", "outputs"), int),
    **dict.fromkeys(("shape", "classes", "feature_names", "mean", "std"), list),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class RunDir:
    """One run's directory: every file in it is written, and read again, through this."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.path.name

    # Writing

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it appears whole or not at all: beside it first, flushed, then renamed."""
        target = self.path / name
        aside = target.with_name(f".{target.name}.tmp")
        try:
            with aside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        _flush_folder(target.parent)

    def write_text(self, name: str, text: str) -> None:
        """Write UTF-8 text."""
        self.write(name, text.encode())

    def write_json(self, name: str, content: Any) -> None:
        """Write strict JSON: numbers that are not finite become null, because JSON has no word for them."""
        self.write_text(name, json.dumps(_finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n")

    def write_weights(self, name: str, weights: Mapping[str, Array]) -> None:
        """Write arrays as safetensors."""
        from safetensors.numpy import save

        self.write(name, save({key: np.array(array, order="C") for key, array in weights.items()}))

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

    def start_metrics(self, columns: Sequence[str]) -> None:
        """Begin metrics.csv with its header."""
        self.write_text(METRICS, ",".join(columns) + "\n")

    def append_metrics(self, row: Sequence[float]) -> None:
        """Add a row to metrics.csv; floats are written so that they read back as the same bits."""
        with (self.path / METRICS).open("a", encoding="utf-8", newline="") as file:
            file.write(",".join(map(_cell, row)) + "\n")

    def metrics_bytes(self) -> int:
        """The length of metrics.csv."""
        return (self.path / METRICS).stat().st_size

    def cut_metrics(self, length: int) -> None:
        """Take metrics.csv back to the length in bytes that it had at a checkpoint."""
        self.write(METRICS, self.read(METRICS)[:length])

    def write_checkpoint(self, step: int, groups: Mapping[str, Mapping[str, Array]], state: Mapping[str, Any]) -> None:
        """Keep groups of arrays and a JSON state as one file, which appears whole; older ones go once it stands."""
        arrays = {f"{group}:{name}": array for group, found in groups.items() for name, array in found.items()}
        arrays["state"] = np.frombuffer(json.dumps(state, allow_nan=False).encode(), np.uint8)
        (self.path / CHECKPOINTS).mkdir(exist_ok=True)
        older = self._checkpoints()
        name = f"{step:012}.safetensors"
        self.write_weights(f"{CHECKPOINTS}/{name}", arrays)
        for path in older:
            if path.name != name:
                path.unlink()

    def checkpoint(self) -> tuple[dict[str, dict[str, Array]], dict[str, Any]] | None:
        """The groups of arrays and the state of the last checkpoint; None where there is none.

        Raises RunError where it is damaged.
        """
        paths = self._checkpoints()
        if not paths:
            return None
        arrays = self.weights(f"{CHECKPOINTS}/{paths[-1].name}")
        groups: dict[str, dict[str, Array]] = {"weights": {}, "optimizer": {}, "rest": {}}
        try:
            state = json.loads(arrays.pop("state").tobytes())
            for key, array in arrays.items():
                group, _, name = key.partition(":")
                groups[group][name] = array
        except (KeyError, ValueError) as error:
            raise RunError(f"{paths[-1]}: this is not a checkpoint: {error}", "the file is damaged") from None
        return groups, state

    def remove_checkpoint(self) -> None:
        """Delete the checkpoints of a run that needs none any more."""
        for path in self._checkpoints():
            path.unlink()
        with suppress(FileNotFoundError):
            (self.path / CHECKPOINTS).rmdir()

    def _checkpoints(self) -> list[Path]:
        """The checkpoint files, oldest first."""
        return sorted((self.path / CHECKPOINTS).glob("[0-9]*.safetensors"))

    def write_manifest(self) -> None:
        """Record the SHA-256 of every file of a finished run."""
        hashes = {name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in self.files()}
        self.write_json(MANIFEST, {"schema_version": SCHEMA_VERSION, "sha256": hashes})

    # Reading

    def files(self) -> dict[str, int]:
        """The size in bytes of each file, sorted by name."""
        found = [path for path in self.path.rglob("*") if path.is_file() and not path.is_symlink()]
        return {path.relative_to(self.path).as_posix(): path.stat().st_size for path in sorted(found)}

    def read(self, name: str, limit: int = MAX_TEXT_BYTES) -> bytes:
        """The content of a file.

        Raises RunError where it is missing, larger than ``limit``, or no plain file: links and pipes are not followed.
        """
        path = self.path / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            raise RunError(
                f"{path}: there is no such file", "the run stopped before it was written, or it was deleted"
            ) from None
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror}") from None
        if not stat.S_ISREG(found.st_mode):
            raise RunError(f"{path}: this is not a plain file", "a run directory holds plain files only")
        if found.st_size > limit:
            raise RunError(f"{path}: {found.st_size:,} bytes are more than the {limit:,} that fit here")
        try:
            return path.read_bytes()
        except OSError as error:
            raise RunError(f"{path}: cannot be read: {error.strerror}") from None

    def read_text(self, name: str) -> str:
        """The content of a UTF-8 file."""
        try:
            return self.read(name).decode()
        except UnicodeDecodeError:
            raise RunError(f"{self.path / name}: this is not UTF-8 text", "the file is damaged") from None

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of a JSON file that holds an object."""
        try:
            content = json.loads(self.read_text(name))
        except (ValueError, RecursionError):
            raise RunError(f"{self.path / name}: this is not valid JSON", "the file is damaged") from None
        if not isinstance(content, dict):
            raise RunError(f"{self.path / name}: this is not a JSON object", "the file is damaged")
        return content

    def summary(self) -> dict[str, Any]:
        """run.json, with at least the keys that every run has from its start.

        Raises RunError where it is missing, damaged or of another version.
        """
        summary = self.read_json(SUMMARY)
        if summary.get("schema_version") != SCHEMA_VERSION:
            raise RunError(
                f"{self.path / SUMMARY}: schema_version is {summary.get('schema_version')!r}, not {SCHEMA_VERSION}"
            )
        wrong = _wrong(summary)
        if wrong:
            raise RunError(f"{self.path / SUMMARY}: {wrong} is missing or not what it should be", "the file is damaged")
        return summary

    def metrics(self) -> dict[str, list[float]]:
        """The columns of metrics.csv. A last line cut short, as a killed run may leave it, is left out."""
        text = self.read_text(METRICS)
        try:
            rows = list(csv.reader(io.StringIO(text)))
        except csv.Error as error:
            raise RunError(f"{self.path / METRICS}: this is no table: {error}", "the file is damaged") from None
        if not rows:
            raise RunError(f"{self.path / METRICS}: the file is empty", "the file is damaged")
        header, *lines = rows
        complete = text.endswith("\n")
        columns: dict[str, list[float]] = {name: [] for name in header}
        for number, line in enumerate(lines, 2):
            if number == len(rows) and not complete:
                break
            try:
                values = [float(cell) for cell in line]
            except ValueError:
                values = []
            if len(values) != len(header):
                raise RunError(
                    f"{self.path / METRICS}:{number}: the row does not fit the header", "the file is damaged"
                )
            for name, value in zip(header, values, strict=True):
                columns[name].append(value)
        return columns

    def weights(self, name: str = WEIGHTS) -> dict[str, Array]:
        """The arrays of a safetensors file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load(self.read(name, MAX_ARRAY_BYTES))
        except (SafetensorError, ValueError, KeyError) as error:
            raise RunError(
                f"{self.path / name}: this is not a safetensors file: {error}", "the file is damaged"
            ) from None

    def arrays(self, name: str = PREDICTIONS) -> dict[str, Array]:
        """The arrays of an .npz file; never pickle."""
        content = self.read(name, MAX_ARRAY_BYTES)
        try:
            with ZipFile(io.BytesIO(content)) as file:
                return {member.removesuffix(".npy"): read_npy(file.open(member)) for member in file.namelist()}
        except _DAMAGED as error:
            message = f"{self.path / name}: this is not a plain .npz file: {error or type(error).__name__}"
            raise RunError(message, "the file is damaged") from None


def create(runs: Path, model: str, dataset: str, name: str | None = None) -> RunDir:
    """Make a new run directory named after the local time, the model, the dataset and ``name``.

    One exclusive mkdir; ``-2``, ``-3``… follow where the name is taken. Raises RunError where that cannot be.
    """
    check_name(name)
    stem = "-".join([datetime.now().strftime("%Y%m%d-%H%M%S"), model, dataset, *([name] if name else [])])
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100_000):
            path = runs / (stem if number == 1 else f"{stem}-{number}")
            with suppress(FileExistsError):
                path.mkdir()
                return RunDir(path)
    except OSError as error:
        raise RunError(
            f"{runs}: no run directory can be made here: {error.strerror}", "choose another --runs-dir"
        ) from None
    raise RunError(f"{runs}: there are too many runs called {stem}", "give this one a --name")


def check_name(name: str | None) -> None:
    """Raise RunError unless ``name`` is fit to be part of a directory's name everywhere."""
    if name is not None and not _NAME.fullmatch(name):
        raise RunError(f"--name: given {name!r}", "use up to 100 letters, digits, dots, hyphens and underscores")


def all_runs(runs: Path) -> list[RunDir]:
    """The run directories under ``runs``, oldest first; a missing folder holds none."""
    if not runs.is_dir():
        return []
    with os.scandir(runs) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    return [RunDir(runs / name) for name in sorted(names, key=_natural) if (runs / name / SUMMARY).is_file()]


def find(runs: Path, wanted: str) -> RunDir:
    """The run that ``wanted`` means: a path, ``latest``, or a unique part of a name under ``runs``.

    Raises RunError where there is none or more than one.
    """
    with suppress(OSError):  # a name too long for the file system
        if (Path(wanted) / SUMMARY).is_file():
            return RunDir(Path(wanted))
    known = all_runs(runs)
    if not known:
        raise RunError(f"{wanted}: there are no runs in {runs}", "train one first: nnlab train configs/ann.yaml")
    if wanted == LATEST:
        return known[-1]
    exact = [run for run in known if run.name == wanted]
    matches = exact or [run for run in known if wanted and wanted in run.name]
    if not matches:
        shown = ", ".join(run.name for run in known[-5:])
        raise RunError(
            f"{wanted}: there is no such run in {runs}", f"give a path, {LATEST}, or a part of a name: {shown}"
        )
    if len(matches) > 1:
        shown = ", ".join(run.name for run in matches[:5])
        raise RunError(f"{wanted}: {len(matches)} runs in {runs} have this in their name", f"say more: {shown}")
    return matches[0]


def remove(run: RunDir) -> None:
    """Delete a run directory. Raises RunError for anything else, so that no other folder is ever deleted."""
    if run.path.is_symlink() or not (run.path / SUMMARY).is_file():
        raise RunError(f"{run.path}: this is not a run directory", "name a run that `nnlab runs` lists")
    try:
        shutil.rmtree(run.path)
    except OSError as error:
        raise RunError(f"{run.path}: cannot be deleted: {error.strerror}") from None


def _wrong(summary: Mapping[str, Any]) -> str | None:
    """The first dotted key of a run.json that is missing or of another type than it was written with."""
    for key, kind in _EVERY_RUN_HAS.items():
        if not isinstance(summary.get(key), kind):
            return key
    expected: list[tuple[str, Any, Any]] = [(key, summary.get(key), kind) for key, kind in _MAY_HAVE.items()]
    expected += [(f"dataset.{key}", summary["dataset"].get(key), kind) for key, kind in _OF_DATA.items()]
    expected += [(f"seconds.{key}", value, _NUMBER) for key, value in summary["seconds"].items()]
    for split, found in summary["metrics"].items():
        expected.append((f"metrics.{split}", found, dict))
        if isinstance(found, dict):
            expected += [(f"metrics.{split}.{key}", value, _NUMBER) for key, value in found.items()]
    return next((key for key, value, kind in expected if value is not None and not isinstance(value, kind)), None)


def _natural(name: str) -> tuple[Any, ...]:
    """Sorts run-2 before run-10, and run before run-2."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name))


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content


def _flush_folder(path: Path) -> None:
    """Make a rename last through a power cut; where folders cannot be opened (Windows) the system sees to it."""
    with suppress(PermissionError, IsADirectoryError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
