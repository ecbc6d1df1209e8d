"""Given: data that is handed over beside a config, in place of the file that the config names."""

import io
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import discover
from nnlab.config import Config, Named
from nnlab.dataset import Array, Dataset, Progress
from nnlab.errors import ConfigError, DataError
from nnlab.rundir.directory import KEPT_ARRAYS, KEPT_TABLE
from nnlab.tables.dataframe import DataFrame

Given = Path | DataFrame | Mapping[str, Array]
"""Where the file or folder is now; a data frame; or arrays by the names that they would have in a .npz file."""
NOWHERE = ""
"""The path of data that is only in memory."""


def load(named: Named, seed: int, progress: Progress, given: Given | None = None) -> Dataset:
    """The dataset, from the data given or else from where its own keys say.

    Raises what the dataset's file raises, in words that name ``--data`` where that was given.
    """
    file = discover.dataset(named.name)
    if given is None and named.get("path") == NOWHERE:
        hint = "name its file, or hand the data over: nnlab.train(config, data=...)"
        raise DataError("dataset.path: this is data that was only in memory", hint)
    if isinstance(given, DataFrame) and file.load_table and file.table_keys:
        beside = named.get("test_path")
        test = file.read_table(named.params, beside) if beside and file.read_table else None
        return file.load_table(given.table(file.table_keys(named.params)), named.params, seed, test)
    if isinstance(given, Mapping) and file.load_arrays:
        return file.load_arrays(given, named.params, seed)
    try:
        return file.load(named.params, seed, progress)
    except DataError as error:
        if given is not None:
            error.message = error.message.replace("dataset.path: ", "`data`: ", 1)
        raise


def placed(named: Named, given: Given) -> Named:
    """The dataset with its path where the data given is. Raises ConfigError where it takes no such data."""
    if not named.has("path"):
        raise ConfigError(f"`data`: {named.name} is not read from data of yours", "leave it out")
    if isinstance(given, Path):
        return _moved(named, given.resolve())
    file = discover.dataset(named.name)
    verb, what = (file.load_table, "a data frame") if isinstance(given, DataFrame) else (file.load_arrays, "arrays")
    if verb is None:
        raise ConfigError(f"data: {named.name} is not made of {what}", "give the path of its files")
    return at(named, NOWHERE)


def at(named: Named, path: str, **keys: Any) -> Named:
    """The dataset with its path there, and other keys."""
    return replace(named, params=named.params.model_copy(update={"path": path, **keys}))


def _moved(named: Named, path: Path) -> Named:
    """The dataset with its path there; what was beside its file has moved along."""
    before, beside = named.get("path"), named.get("test_path")
    if not (before and beside):
        return at(named, str(path))
    way = os.path.relpath(beside, Path(before).parent)
    return at(named, str(path), test_path=str((path.parent / way).resolve()))


def kept(named: Named, given: Given) -> tuple[Named, tuple[str, bytes] | None]:
    """The dataset as it is read from a copy in its run, and the copy's name and content; None of what is a file."""
    if isinstance(given, Path):
        return named, None
    if isinstance(given, DataFrame):
        return at(named, KEPT_TABLE, header=True), (KEPT_TABLE, given.csv(named.params.keys()))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **given)
    return at(named, KEPT_ARRAYS), (KEPT_ARRAYS, buffer.getvalue())


def portable(config: Config, run: Path) -> Config:
    """The config with a path that does not change when the run is moved, where the run holds the data itself."""
    path = config.dataset.get("path")
    if path and Path(path).is_absolute() and Path(path).is_relative_to(run.resolve()):
        return replace(config, dataset=at(config.dataset, Path(path).relative_to(run.resolve()).as_posix()))
    return config


def refuse_gone(run: Path, named: Named, given: str | None) -> None:
    """Raise DataError where what a run was trained on is not where it was; ``given`` is how its path was written."""
    if not named.has("path"):
        return
    path: str | None = named.get("path")
    if path == NOWHERE:
        # In the message, not its hint: verify shows that alone.
        raise DataError(f"{run}: this run was trained on data that was given in a notebook: give it with `data` FILE")
    if path is not None and not os.path.lexists(path):
        written = f", given as {given!r}" if given and given != path else ""
        raise DataError(f"{run}: its data is not at {path!r}{written} any more: `data` PATH says where it is now")
