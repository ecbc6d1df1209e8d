"""Datasets: one file each; here are the keys and the steps that they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from nnlab import splits
from nnlab.config.strict import Strict
from nnlab.dataset import Array, Dataset, Split, digest
from nnlab.errors import DataError, did_you_mean
from nnlab.randomness import Purpose, generator

_VAL, _TEST, _LIMIT = range(3)
"""Streams of their own for what is drawn of the rows; ``Purpose.SPLIT`` has no epochs to tell them apart."""


class TrainKeys(Strict):
    """What every dataset with enough examples can do to its training split."""

    val_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Share of the training examples that become the validation split, drawn from the run's seed, each class alike."""
    limit: int | None = Field(default=None, ge=1)
    """At most this many training examples, each class in its share; the test split stays whole."""


class ClassKeys(Strict):
    """A choice of classes."""

    classes: list[int | str] | None = Field(default=None, min_length=2)
    """The labels to keep, numbered from 0 in this order; default: all."""


class HoldOutKeys(Strict):
    """A test split, for data that comes without one. It does not depend on the run's seed: scores stay comparable."""

    test_fraction: float = Field(default=0.2, ge=0, lt=1)
    """Share of the examples that become the test split."""
    split_seed: int = Field(default=42, ge=0, lt=2**32)
    """What the test split is drawn from."""


@dataclass(frozen=True)
class Examples:
    """Examples as decoded: inputs in their own shape and in the smallest type that holds them."""

    inputs: Array
    """(n, …) uint8 or float32."""
    targets: Array
    """(n,) int64 class numbers, or (n, outputs) float32."""

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, rows: Array) -> "Examples":
        """The examples at these row numbers, in this order."""
        return Examples(self.inputs[rows], self.targets[rows])


def choose(
    wanted: Sequence[int | str] | None, names: Sequence[str], *pools: Examples
) -> tuple[tuple[str, ...], list[Examples]]:
    """The names and examples of the ``wanted`` classes, numbered in the order given; all of them for None.

    Raises DataError for a label that is no class, or is given twice.
    """
    if wanted is None:
        return tuple(names), list(pools)
    numbers = [_number(label, names) for label in wanted]
    if len(set(numbers)) < len(numbers):
        raise DataError(f"dataset.classes: {list(wanted)!r} holds a class twice", "name each class once")
    renumber = np.full(len(names), -1)
    renumber[numbers] = range(len(numbers))
    kept = [pool.take(np.flatnonzero(renumber[pool.targets] >= 0)) for pool in pools]
    return tuple(names[n] for n in numbers), [Examples(k.inputs, renumber[k.targets]) for k in kept]


def hold_out(pool: Examples, params: HoldOutKeys) -> tuple[Examples, Examples | None]:
    """The pool without its test split, and the test split; None for a ``test_fraction`` of 0.

    Raises DataError where one of them would be empty or a class would have nothing to train on.
    """
    if not params.test_fraction:
        return pool, None
    rng = generator(params.split_seed, Purpose.SPLIT, _TEST)
    rest, test = splits.held_out(pool.targets, params.test_fraction, rng, "test_fraction")
    return pool.take(rest), pool.take(test)


def build(
    name: str,
    params: TrainKeys | None,
    seed: int,
    train: Examples,
    test: Examples | None,
    *,
    classes: Sequence[str] = (),
    scale: float = 1,
    standardise: bool = False,
    sha256: str = "",
    feature_names: Sequence[str] = (),
    target_name: str = "",
) -> Dataset:
    """The dataset, its training examples limited and split, and every input a row of float32 divided by ``scale``.

    ``sha256`` is given where the hash of these very examples is known already. Raises DataError for classes that are
    absent and for splits that would be empty.
    """
    _check(train, test, classes)
    sha256 = sha256 or digest(*(a for pool in (train, test) if pool for a in (pool.inputs, pool.targets)))
    rows, val_rows = _train_and_val(params or TrainKeys(), seed, train.targets)
    train_split = _flat(train, rows, scale)
    mean, std = _spread(train_split.inputs) if standardise else ((), ())

    def ready(split: Split) -> Split:
        return Split(standardised(split.inputs, mean, std), split.targets) if standardise else split

    return Dataset(
        name=name,
        train=ready(train_split),
        val=ready(_flat(train, val_rows, scale)) if len(val_rows) else None,
        test=ready(_flat(test, np.arange(len(test)), scale)) if test else None,
        sha256=sha256,
        shape=train.inputs.shape[1:],
        classes=tuple(classes),
        feature_names=tuple(feature_names),
        target_name=target_name,
        scale=scale,
        mean=mean,
        std=std,
    )


def standardised(inputs: Array, mean: Sequence[float], std: Sequence[float]) -> Array:
    """(n, features) float32 ``inputs`` less ``mean``, divided by ``std``, as a Dataset that gives both was made."""
    # In float64: taking a large mean off in float32 would leave nothing but rounding.
    return np.ascontiguousarray((inputs.astype(np.float64) - np.array(mean)) / np.array(std), dtype=np.float32)


def divided(inputs: Array, scale: float) -> Array:
    """Inputs of any shape (n, …) as (n, features) float32 in C order, divided by ``scale``."""
    rows = inputs.reshape(len(inputs), -1)
    # Into float32 straight away: MNIST in float64 would be 430 MB for nothing.
    return np.divide(rows, np.float32(scale), out=np.empty(rows.shape, np.float32), dtype=np.float32)


def short(value: object) -> str:
    """A value out of a file as it can be shown: on one line, without control characters and not too long."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"


def listed(names: Iterable[object]) -> str:
    """The first twenty of some names, for a hint."""
    names = list(names)
    return ", ".join(short(str(n))[1:-1] for n in names[:20]) + (
        f" and {len(names) - 20} more" if len(names) > 20 else ""
    )


def _number(label: int | str, names: Sequence[str]) -> int:
    """The number of the class that has this label. Where classes have names, a whole number means their number."""
    if str(label) in names:
        return list(names).index(str(label))
    if isinstance(label, int) and not any(n.lstrip("-").isdecimal() for n in names) and 0 <= label < len(names):
        return label
    raise DataError(
        f"dataset.classes: there is no class {short(label)}",
        f"{did_you_mean(str(label), names)}classes: {listed(names)}",
    )


def _check(train: Examples, test: Examples | None, classes: Sequence[str]) -> None:
    if not len(train):
        raise DataError("there is no training example", "give the dataset some data")
    if test is not None and not len(test):
        raise DataError("there is no example in the test split", "give it some, or none at all")
    if train.targets.ndim == 1 and len(classes) < 2:
        raise DataError(
            f"there is only one class, {listed(classes)}: nothing can be told apart", "give two classes or more"
        )
    if not classes:
        return
    absent = [c for c, n in zip(classes, np.bincount(train.targets, minlength=len(classes)), strict=True) if not n]
    if absent:
        raise DataError(
            f"no training example is of class {listed(absent)}", "add some, or leave it out with dataset.classes"
        )


def _train_and_val(params: TrainKeys, seed: int, targets: Array) -> tuple[Array, Array]:
    """Row numbers, ascending, of the training and validation splits."""
    rows = np.arange(len(targets))
    if params.limit is not None:
        # Not from the run's seed: runs that differ in it should see the same examples, as they do without a limit.
        rows = splits.limited(targets, params.limit, generator(getattr(params, "split_seed", 0), Purpose.SPLIT, _LIMIT))
    if not params.val_fraction:
        return rows, rows[:0]
    stay, out = splits.held_out(
        targets[rows], params.val_fraction, generator(seed, Purpose.SPLIT, _VAL), "val_fraction"
    )
    return rows[stay], rows[out]


def _flat(pool: Examples, rows: Array, scale: float) -> Split:
    """The examples at these ascending rows, flattened, in the types that a Split holds."""
    part = pool if len(rows) == len(pool) else pool.take(rows)
    return Split(divided(part.inputs, scale), np.ascontiguousarray(part.targets))


def _spread(inputs: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each column."""
    mean, std = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
    # By its range: rounding leaves a constant column a tiny deviation, which would blow the rounding up to ones.
    std[inputs.min(axis=0) == inputs.max(axis=0)] = 1
    return tuple(mean.tolist()), tuple(std.tolist())
