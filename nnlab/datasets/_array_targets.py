"""Targets of arrays: whether they are classes or values, and the numbers that a net learns either by."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from nnlab.dataset import Array
from nnlab.datasets import _arrays, _labels, listed
from nnlab.datasets._labels import MOST_CLASSES, Targets
from nnlab.errors import DataError
from nnlab.tables.cells import short

TaskKey = Literal["auto", "classification", "regression"]
Kind = Literal["labels", "one-hot", "whole", "values"]
Given = tuple[str, Array]
"""The targets of a split: what they are called in messages, and as they came."""
LEAST_EXAMPLES = 2
"""Classes have so many examples on average, at least."""
FEW_EXAMPLES = 10
"""More classes than that with fewer examples each than this are probably values."""


def read(
    given: Sequence[Given], inputs: Sequence[int], task: TaskKey, wanted: Sequence[int | str] | None = None
) -> Targets:
    """The targets of the splits, those to train on first; ``wanted`` are the classes that the config names.

    ``inputs`` is how many each split has.

    Text, whole-number types and one-hot rows are classes; whole numbers of a floating-point type are so up to
    ``MOST_CLASSES``, with ``LEAST_EXAMPLES`` each on average; all else is values. ``task`` and ``wanted`` say it
    otherwise. Raises DataError for another number of targets than of inputs, for what is neither, and for splits that
    differ.
    """
    splits = [_flat(where, array, rows) for (where, array), rows in zip(given, inputs, strict=True)]
    if task == "regression":
        return _values(splits)
    kinds = [_kind(split) for split in splits]
    asked = task == "classification" or (wanted is not None and "values" not in kinds)
    if asked or _are_classes(splits, kinds):
        return _classes(splits, kinds, task, wanted)
    found = _values(splits)
    if kinds[0] != "whole":
        return found
    said = f"targets are {len(np.unique(splits[0][1]))} different whole numbers"
    return Targets((), found.arrays, (f"{said}: taken for values; dataset.task=classification takes them for classes",))


def _flat(where: str, array: Array, rows: int) -> Given:
    """(n,) where every target is one number or text, else without sides of length 1."""
    count = len(array) if array.ndim else 0
    if count != rows:
        raise DataError(f"{where} holds {count} targets for {rows} inputs", "give one target an input, in their order")
    if not array.size:
        raise DataError(f"{where} has the shape {array.shape}, which holds nothing", "give one target an input")
    sides = [side for side in array.shape[1:] if side > 1]
    return where, array.reshape(count, *sides)


def _kind(split: Given) -> Kind:
    where, array = split
    if array.ndim == 1 and array.dtype.kind in "USiub":
        return "labels"
    if array.dtype.kind not in "fiub":
        raise DataError(
            f"{where} holds {array.dtype}, where numbers or text belong", "y.astype(str), or y.astype(float)"
        )
    numbers = _arrays.numbers(array, where)
    if numbers.ndim == 1:
        return "whole" if (numbers == np.round(numbers)).all() else "values"
    if numbers.ndim == 2 and ((numbers == 0) | (numbers == 1)).all() and (numbers.sum(axis=1) == 1).all():
        return "one-hot"
    if array.dtype.kind != "f":
        raise DataError(
            f"{where} has the shape {array.shape}, where one class number an example belongs",
            "several classes an example are not read; dataset.task: regression takes the numbers for values",
        )
    return "values"


def _are_classes(splits: Sequence[Given], kinds: Sequence[Kind]) -> bool:
    if "values" not in kinds:
        distinct = len(np.unique(splits[0][1])) if set(kinds) == {"whole"} else 0
        return distinct <= min(MOST_CLASSES, len(splits[0][1]) // LEAST_EXAMPLES)
    if "labels" in kinds:
        (values, array), (labels, _) = (splits[kinds.index(kind)] for kind in ("values", "labels"))
        raise DataError(
            f"{values} holds {array.dtype} values, where {labels} holds classes",
            "make both in the same way",
        )
    return False


def _values(splits: Sequence[Given]) -> Targets:
    for where, array in splits:
        if array.dtype.kind in "US":
            raise DataError(f"{where} holds text, where values belong", "dataset.task: classification")
    arrays = [_arrays.numbers(array, where).reshape(len(array), -1) for where, array in splits]
    widths = [array.shape[1] for array in arrays]
    for (where, _), width in zip(splits, widths, strict=True):
        if width != widths[0]:
            raise DataError(
                f"{where} holds {_labels.counted(width, 'value')} a row, where training has {widths[0]}",
                "make both in the same way",
            )
    return Targets((), tuple(arrays))


def _classes(
    splits: Sequence[Given], kinds: Sequence[Kind], task: TaskKey, wanted: Sequence[int | str] | None
) -> Targets:
    found = [_texts(split, kind) for split, kind in zip(splits, kinds, strict=True)]
    for split, (texts, numbers) in zip(splits, found, strict=True):
        _refuse_doubtful(split, texts, numbers, task, wanted)
    names = sorted(set(found[0][0]), key=_labels.order)
    _refuse_values(names, splits[0], task, wanted)
    otherwise = "; dataset.task: regression takes them for values" if _may_be_values(splits[0], task) else ""
    place = {name: n for n, name in enumerate(names)}
    arrays = []
    for (where, _), (texts, numbers) in zip(splits, found, strict=True):
        if unknown := sorted(set(texts) - set(names), key=_labels.order):
            raise DataError(
                f"{where}: the targets hold class {short(unknown[0])[1:-1]}, which no training target is",
                f"classes: {listed(names)}{otherwise}",
            )
        arrays.append(np.array([place[text] for text in texts], np.int64)[numbers])
    return Targets(
        tuple(names),
        tuple(arrays),
        _said(names, kinds[0], task),
        (*_labels.doubts(names), *_too_many(names, splits[0], task)),
    )


def _texts(split: Given, kind: Kind) -> tuple[list[str], Array]:
    """Every different label as text, and (n,) which of them each example has."""
    where, array = split
    if kind == "values":
        if array.ndim > 1:
            raise DataError(
                f"{where} has the shape {array.shape}, where one class number an example belongs",
                "give one label a row, or one-hot rows",
            )
        _arrays.refuse(array != np.round(array), array, where, "is no whole number, so it can be no class")
    if kind == "one-hot":
        array = array.argmax(axis=1)
    labels, numbers = np.unique(array, return_inverse=True)
    if array.dtype.kind == "f":
        return [str(int(label)) for label in labels], numbers.reshape(-1)
    if array.dtype.kind != "S":
        return [_labels.tidy(str(label)) for label in labels], numbers.reshape(-1)
    try:
        return [_labels.tidy(label.decode()) for label in labels.tolist()], numbers.reshape(-1)
    except UnicodeDecodeError as error:
        raise DataError(f"{where} holds bytes that are no UTF-8 text: {error.reason}", "y.astype(str)") from error


def _refuse_doubtful(
    split: Given, texts: Sequence[str], numbers: Array, task: TaskKey, wanted: Sequence[int | str] | None
) -> None:
    """Raises DataError for text that says nothing, cannot be shown, or is a number as people write it."""
    named, (name, array) = {str(label) for label in wanted or ()}, split
    if array.dtype.kind not in "US":
        return
    for n, text in enumerate(texts):
        where = np.flatnonzero(numbers == n)
        place = f"{name}[{where[0]}]: {short(text)}"
        if not text.isprintable():
            raise DataError(f"{place} holds control characters", "correct it")
        if _labels.is_missing(text) and text not in named:
            raise DataError(
                f"{place} says that there is no label, as {_labels.counted(len(where), 'target')} here",
                "take these rows out, or name every class, this one too, with dataset.classes",
            )
        if task == "auto" and text not in named and _labels.is_written_number(text):
            raise DataError(
                f"{place} is a number as text",
                "y.astype(float) makes values of them; dataset.task: classification takes each text for a class",
            )


def _said(names: Sequence[str], kind: Kind, task: TaskKey) -> tuple[str, ...]:
    """What was decided and could have been decided otherwise."""
    if task != "auto" or kind not in ("whole", "one-hot"):
        return ()
    found = f"one-hot rows of {len(names)}" if kind == "one-hot" else f"whole numbers {listed(names)}"
    return (f"targets are {found}: taken for classes; dataset.task=regression takes them for values",)


def _may_be_values(train: Given, task: TaskKey) -> bool:
    """Whether targets were only taken for classes, being numbers."""
    return task == "auto" and train[1].ndim == 1 and train[1].dtype.kind in "iuf"


def _refuse_values(names: Sequence[str], train: Given, task: TaskKey, wanted: Sequence[int | str] | None) -> None:
    """Raises DataError for whole numbers of which hardly two are alike: prices and the like, that were no floats."""
    may_be = wanted is None and _may_be_values(train, task)
    if may_be and len(names) > max(MOST_CLASSES, len(train[1]) // LEAST_EXAMPLES):
        raise DataError(
            f"{train[0]} holds {len(names)} different whole numbers in {len(train[1])} examples: too many for classes",
            "dataset.task: regression takes them for values",
        )


def _too_many(names: Sequence[str], train: Given, task: TaskKey) -> tuple[str, ...]:
    if not _may_be_values(train, task) or len(names) <= MOST_CLASSES or len(train[1]) >= FEW_EXAMPLES * len(names):
        return ()
    return (
        f"targets are {len(names)} different whole numbers in {len(train[1])} examples, taken for classes; "
        "dataset.task=regression takes them for values",
    )
