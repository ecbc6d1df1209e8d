"""One run's directory: its files, each written whole or not at all, and read again with care."""

import csv
import hashlib
import io
import json
import math
import os
import stat
import struct
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from nnlab.dataset import Array, read_npy
from nnlab.errors import RunError
from nnlab.rundir.summary import SCHEMA_VERSION, wrong

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


# What a checkpoint's state holds at least, beside ``best``.
_STATE = {
    "step": int,
    "evaluated": int,
    "metrics_bytes": int,
    "train_seconds": float,
    "eval_seconds": float,
    "seconds": float,
}


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
        self.write_text(name, json.dumps(finite(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n")

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
            kinds = {key: type(value) for key, value in state.items()}
            if kinds | _STATE != kinds or len(groups["rest"]["losses"]) != state["step"]:
                raise ValueError("its state is incomplete")
        except (KeyError, ValueError, AttributeError) as error:
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
        key = wrong(summary)
        if key:
            raise RunError(f"{self.path / SUMMARY}: {key} is missing or not what it should be", "the file is damaged")
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


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def finite(content: Any) -> Any:
    """The same plain data with null for numbers that are not finite: JSON has no word for them."""
    if isinstance(content, Mapping):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
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
