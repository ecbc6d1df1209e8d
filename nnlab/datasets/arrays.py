"""Your own NumPy arrays: a .npz file, or a folder of .npy files."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from pydantic import Field

from nnlab.dataset import Array, Card, Dataset, Progress, SplitName, Transform, quiet
from nnlab.dataset.transform import Layout
from nnlab.datasets import (
    ClassKeys,
    Examples,
    HoldOutKeys,
    TrainKeys,
    _array_targets,
    _arrays,
    build,
    choose,
    listed,
    parted,
)
from nnlab.errors import DataError, did_you_mean
from nnlab.plugin import DatasetFile
from nnlab.tables.cells import short

INPUTS = ("x", "images", "data", "features", "inputs")
TARGETS = ("y", "labels", "targets", "label", "target")
WORDS: Mapping[SplitName, tuple[str, ...]] = {
    "train": ("train",),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test",),
}
MOST = 10.0
"""Inputs train well while their mean and deviation stay within this."""
SAMPLE = 1000
"""Rows from which mean and deviation are measured."""
Names = tuple[str, str]


class Params(ClassKeys, HoldOutKeys, TrainKeys):
    """The shared keys, and where the arrays are. The test keys are used where there are no val or test arrays.

    Inputs are (n, ...): pictures (n, h, w), (n, channels, h, w) or (n, h, w, channels) keep their shape for models that
    need it, with the channels first.
    """

    path: str
    """A .npz file, or a folder of .npy files."""
    x: str | None = None
    """The array of inputs in the .npz file, or its file in the folder; default: x_train, X or alike."""
    y: str | None = None
    """The array of targets; default: the one that goes with it, such as y_train, train_labels or y."""
    x_val: str | None = None
    """The array of validation inputs; default: x_val, X_valid, val_images or alike, where there is one."""
    y_val: str | None = None
    """The array of validation targets; default: the one that goes with it."""
    x_test: str | None = None
    """The array of test inputs; default: x_test, test_images or alike, where there is one."""
    y_test: str | None = None
    """The array of test targets; default: the one that goes with it."""
    task: _array_targets.TaskKey = "auto"
    """auto: text, whole-number types, one-hot rows and at most 20 different whole numbers are classes, else values."""
    layout: _arrays.LayoutKey = "auto"
    """Where the channels of pictures stand: channels-first (n, c, h, w), or channels-last (n, h, w, c).

    auto: at the end that has 1, 3 or 4, else at the shorter one.
    """
    scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """What every input is divided by; default: 255 for the type uint8, unless it only holds 0 and 1, else 1."""
    standardise: bool = False
    """Whether each feature is shifted and scaled to mean 0 and deviation 1, as measured on the training split."""
    standardise_target: bool = True
    """Whether a model learns values shifted and scaled so; scores, losses and predictions are in their own units."""


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, features) as they are, scaled or standardised; classes in the natural order of their labels.

    Raises DataError, naming file and array, for what is missing, does not fit together or is not finite.
    """
    path = Path(params.path)
    there = _arrays.names_in(path)
    names = dict.fromkeys(name for pair in _chosen(params, there).values() for name in pair)
    return _dataset(_arrays.read(path, names), there, params, seed)


def load_arrays(found: Mapping[str, Array], params: Params, seed: int) -> Dataset:
    """The dataset of arrays in memory, by the names that a .npz file would have for them. Raises as ``load`` does."""
    names = dict.fromkeys(name for pair in _chosen(params, list(found)).values() for name in pair)
    return _dataset({name: found[name] for name in names}, list(found), params, seed)


def _dataset(found: Mapping[str, Array], there: Sequence[str], params: Params, seed: int) -> Dataset:
    """The dataset of the arrays in use; ``there`` is what all of them are called."""
    chosen = _chosen(params, there)
    inputs, layout = _inputs(params, chosen, found)
    targets = _array_targets.read(
        [(_where(y, params), found[y]) for _, y in chosen.values()],
        [len(inputs[split]) for split in chosen],
        params.task,
        params.classes,
    )
    pools = [Examples(x, y) for x, y in zip(inputs.values(), targets.arrays, strict=True)]
    names = targets.classes
    if names:
        names, pools = choose(params.classes, names, *pools)
    elif params.classes:
        raise DataError("dataset.classes: the targets are values, there are no classes", "set dataset.task")
    train, val, test = parted(dict(zip(chosen, pools, strict=True)), params)
    scale = _scale(params, inputs["train"])
    notes = [*targets.notes, *_said_of_layout(params, found[chosen["train"][0]], layout), *_said_of_splits(chosen)]
    if unused := [name for name in there if name not in found]:
        notes.append(f"not used of what {_source(params)} holds: {listed(unused)}")
    return build(
        "arrays",
        params,
        seed,
        train,
        test,
        val=val,
        classes=names,
        transform=Transform(scale=scale, layout=layout),
        standardise=params.standardise,
        standardise_target=params.standardise_target,
        your_files=True,
        notes=notes,
        warnings=[*targets.warnings, *_doubts(params, inputs["train"], scale)],
    )


def _chosen(params: Params, there: Sequence[str]) -> dict[SplitName, Names]:
    """The names of inputs and targets of each split that there is, those to train on first."""
    given = {
        "train": (params.x, params.y),
        "val": (params.x_val, params.y_val),
        "test": (params.x_test, params.y_test),
    }
    asked = {split: tuple(name and name.removesuffix(".npy") for name in names) for split, names in given.items()}
    for name in (name for names in asked.values() for name in names):
        if name and name not in there:
            raise DataError(
                f"{_source(params)} holds no array {short(name)}",
                did_you_mean(name, there) + f"it holds: {listed(there)}",
            )
    folded: dict[str, str] = {}
    for name in sorted(there):
        folded.setdefault(_fold(name), name)
    chosen: dict[SplitName, Names] = {}
    for split in WORDS:
        x, y = asked[split]
        usual = list(_usual(split))
        pairs = [(x or folded.get(a), y or folded.get(b)) for a, b in usual]
        if pair := next(((a, b) for a, b in pairs if a and b), None):
            chosen[split] = pair
        elif split == "train":
            raise DataError(
                f"{_source(params)} has no pair of arrays with a usual name; "
                f"it holds: {listed(there) or 'none at all'}",
                "name them with dataset.x and dataset.y, or call them x_train/y_train or X/y",
            )
        elif x or y or any(name in folded for pair in usual for name in pair):
            raise DataError(
                f"{_source(params)} has {split} inputs or {split} targets, but not both",
                f"give both, or neither; dataset.x_{split} and dataset.y_{split} name them",
            )
    return chosen


def _fold(name: str) -> str:
    """A name without what people write differently: X_train, x-train and xtrain are one."""
    return re.sub(r"[\W_]", "", name).lower()


def _usual(split: SplitName) -> Iterator[Names]:
    """What inputs and targets of a split are usually called, folded, the likeliest first."""
    pairs = list(product(INPUTS, TARGETS))
    for word in WORDS[split]:
        yield from ((x + word, y + word) for x, y in pairs)
        yield from ((word + x, word + y) for x, y in pairs)
    if split == "train":
        yield from pairs


def _inputs(
    params: Params, chosen: Mapping[SplitName, Names], found: Mapping[str, Array]
) -> tuple[dict[SplitName, Array], Layout | None]:
    """The inputs of each split, and how their pictures lay. Raises DataError where those of two splits differ."""
    inputs: dict[SplitName, Array] = {}
    layouts = []
    for split, (name, _) in chosen.items():
        inputs[split], layout = _arrays.inputs(found[name], _where(name, params), params.layout)
        layouts.append(layout)
        ours, theirs = inputs["train"], inputs[split]
        if ours.shape[1:] != theirs.shape[1:] or (ours.dtype == np.uint8) != (theirs.dtype == np.uint8):
            kinds = [f"{a.dtype} of {a.shape[1:]} each" for a in (ours, theirs)]
            raise DataError(f"{name} holds {kinds[1]}, where training has {kinds[0]}", "make both in the same way")
    return inputs, layouts[0]


def _where(name: str, params: Params) -> str:
    return f"{name} of {_source(params)}"


def _source(params: Params) -> str:
    """What the arrays are of: they may be in memory alone."""
    return repr(params.path) if params.path else "the data given"


def _scale(params: Params, inputs: Array) -> float:
    if params.scale:
        return params.scale
    return 255 if inputs.dtype == np.uint8 and inputs.max() > 1 else 1


def _said_of_layout(params: Params, raw: Array, layout: Layout | None) -> Iterator[str]:
    """How pictures with channels were read, where the config does not say it."""
    if layout is None or params.layout != "auto":
        return
    channels, *sides = raw.shape[1:] if layout == "channels first" else (raw.shape[3], *raw.shape[1:3])
    height, width = sides
    yield (
        f"inputs {raw.shape} are taken for pictures of {width}x{height} with {channels} channel{'s' * (channels > 1)}, "
        f"{layout}; dataset.layout says it otherwise"
    )


def _said_of_splits(splits: Collection[SplitName]) -> Iterator[str]:
    if "val" in splits and "test" not in splits:
        yield "the data has a validation split of its own and no test split: none is held out"


def _doubts(params: Params, inputs: Array, scale: float) -> Iterator[str]:
    """A warning where inputs are not on a scale that a net learns from."""
    if params.standardise:
        return
    rows = inputs[:: len(inputs) // SAMPLE + 1].reshape(-1, inputs[0].size).astype(np.float64)
    low, high = float(inputs.min()), float(inputs.max())
    if params.scale is None and inputs.dtype == np.uint8:
        if 1 < high <= 64:
            yield f"inputs go from {low:g} to {high:g} and are divided by 255; dataset.scale={high:g} divides by that"
        return
    mean, deviation = np.abs(rows.mean(axis=0)).max() / scale, rows.std(axis=0).max() / scale
    if max(mean, deviation) <= MOST:
        return
    if params.scale is None and low >= 0 and (top := _top(inputs, rows)):
        said = f"inputs are whole numbers from {low:g} to {high:g} and not scaled"
        yield f"{said}; dataset.scale={top} divides them, dataset.standardise=true scales each by itself"
        return
    yield (
        f"inputs from {low / scale:.6g} to {high / scale:.6g} are not scaled: nets learn little from such; "
        "dataset.standardise=true"
    )


def _top(inputs: Array, rows: Array) -> int | None:
    """The largest number of the type that pictures are of, where inputs may be such; None for others."""
    if (rows != np.round(rows)).any():
        return None
    high = float(inputs.max())
    return next((top for top in ((255, 65535) if inputs.ndim > 2 else (255,)) if top / 2 < high <= top), None)


DATASET = DatasetFile(Params, Card("your files"), load, load_arrays=load_arrays)
