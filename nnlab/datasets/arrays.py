"""Your own NumPy arrays: a .npz file, or a folder of .npy files."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nnlab.dataset import Array, Card, Dataset, Progress, Transform, quiet
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _arrays,
    _files,
    build,
    choose,
    hold_out,
    listed,
)
from nnlab.errors import DataError, did_you_mean

CARD = Card("your files")
TRAIN_NAMES = (("x_train", "y_train"), ("X_train", "y_train"), ("X", "y"), ("x", "y"))
TEST_NAMES = (("x_test", "y_test"), ("X_test", "y_test"))


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and where the arrays are. The test keys are not used where there are test arrays.

    Inputs are (n, ...): pictures (n, h, w) or (n, channels, h, w) keep their shape for models that need it. Inputs of
    type uint8 are divided by 255.
    """

    path: str
    """A .npz file, or a folder of .npy files."""
    x: str | None = None
    """The array of inputs in the .npz file, or its file in the folder; default: x_train, X_train, X or x."""
    y: str | None = None
    """The array of targets; default: y_train or y."""
    x_test: str | None = None
    """The array of test inputs; default: x_test or X_test where there is one, else examples are held out."""
    y_test: str | None = None
    """The array of test targets; default: y_test."""
    task: _arrays.TaskKey = "auto"
    """auto: targets of a whole-number type are class numbers, and those of a floating-point type values."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, features) as they are, or in [0, 1] where they were uint8.

    Raises DataError, naming file and array, for what is missing, does not fit together or is not finite.
    """
    return load_arrays(_found(params), params, seed)


def load_arrays(found: Mapping[str, Array], params: Params, seed: int) -> Dataset:
    """The dataset of arrays in memory, by the names that a .npz file would have for them. Raises as ``load`` does."""
    train, test = _pair(params, found, _train_names(params, found)), None
    if names := _test_names(params, found):
        test = _pair(params, found, names)
        _same_kind(train, test, names)
    train, test, classes = _classes(params, train, test)
    if test is None:
        train, test = hold_out(train, params)
    scale = 255 if train.inputs.dtype == np.uint8 else 1
    return build(
        "arrays", params, seed, train, test, classes=classes, transform=Transform(scale=scale), your_files=True
    )


def _found(params: Params) -> dict[str, Array]:
    """The arrays that are asked for by name, or that have one of the usual names."""
    given = [n for n in (params.x, params.y, params.x_test, params.y_test) if n]
    wanted = sorted({*given, *(name for pair in TRAIN_NAMES + TEST_NAMES for name in pair)})
    path = Path(params.path)
    if path.is_dir():
        there = sorted(p.stem for p in path.glob("*.npy"))
        files = {n: path / (n if n.endswith(".npy") else f"{n}.npy") for n in wanted}
        found = {n: _arrays.read_file(f) for n, f in files.items() if n in given or n in there}
    else:
        there = _arrays.names_in(_files.existing(path, (".npz",)))
        found = _arrays.read_archive(path, wanted)
    for name in given:
        if name not in found:
            raise DataError(
                f"{params.path!r} holds no array {name!r}", did_you_mean(name, there) + f"it holds: {listed(there)}"
            )
    return found


def _train_names(params: Params, found: Mapping[str, Array]) -> tuple[str, str]:
    for x, y in TRAIN_NAMES:
        names = (params.x or x, params.y or y)
        if names[0] in found and names[1] in found:
            return names
    raise DataError(
        f"{params.path!r} has no pair of arrays with a usual name; it holds: {listed(found) or 'none of them'}",
        f"name them with dataset.x and dataset.y, or call them {' or '.join('/'.join(p) for p in TRAIN_NAMES)}",
    )


def _test_names(params: Params, found: Mapping[str, Array]) -> tuple[str, str] | None:
    for x, y in TEST_NAMES:
        names = (params.x_test or x, params.y_test or y)
        if names[0] in found and names[1] in found:
            return names
    if params.x_test or params.y_test or any(n in found for pair in TEST_NAMES for n in pair):
        raise DataError(f"{params.path!r} has test inputs or test targets, but not both", "give both, or neither")
    return None


def _pair(params: Params, found: Mapping[str, Array], names: tuple[str, str]) -> Examples:
    x, y = (f"{n} of {params.path!r}" for n in names)
    inputs = _arrays.inputs(found[names[0]], x)
    return Examples(inputs, _arrays.targets(found[names[1]], y, params.task, len(inputs)))


def _same_kind(train: Examples, test: Examples, names: tuple[str, str]) -> None:
    """Raises DataError where the test arrays are not like those to train on."""
    pairs = ((train.inputs, test.inputs), (train.targets, test.targets))
    for name, (ours, theirs) in zip(names, pairs, strict=True):
        kinds = [f"{a.dtype} of {a.shape[1:]} each" for a in (ours, theirs)]
        if kinds[0] != kinds[1]:
            raise DataError(f"{name} holds {kinds[1]}, where training has {kinds[0]}", "make both in the same way")


def _classes(
    params: Params, train: Examples, test: Examples | None
) -> tuple[Examples, Examples | None, tuple[str, ...]]:
    """The chosen classes, numbered from 0; every example as it is in a regression."""
    if train.targets.ndim == 2:
        if params.classes:
            raise DataError("dataset.classes: the targets are values, there are no classes", "set dataset.task")
        return train, test, ()
    labels = np.unique(train.targets)
    pools = [train] if test is None else [train, test]
    for pool in pools:
        if len(unknown := np.setdiff1d(pool.targets, labels)):
            raise DataError(
                f"the test targets hold class {unknown[0]}, which no training target is", f"classes: {listed(labels)}"
            )
    numbered = [Examples(p.inputs, np.searchsorted(labels, p.targets).astype(np.int64)) for p in pools]
    names, chosen = choose(params.classes, [str(n) for n in labels], *numbered)
    return chosen[0], chosen[1] if test is not None else None, names
