"""Datasets: one file each; here are the keys and the steps that they share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from nnlab import splits
from nnlab.config import Strict
from nnlab.dataset import Array, Classification, Dataset, Regression, Split, SplitName, Task, Transform
from nnlab.dataset.split import digest, digest_taken
from nnlab.dataset.transform import UNCHANGED, Scaling, spread
from nnlab.errors import DataError, did_you_mean
from nnlab.randomness import Purpose, generator
from nnlab.tables.cells import short

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
    """(m, …) numbers, or the (m, columns) float64 cells of a table; those of other examples may be among them."""
    targets: Array
    """(n,) int64 class numbers, or (n, outputs) values."""
    rows: Array | None = None
    """(n,) where the inputs of each example stand; None: all of them, in their order."""
    groups: Array | None = None
    """(n,) numbers of the groups that no split may part."""
    order: Array | None = None
    """(n,) what the examples are sorted by, where the last of them are held out."""

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def at(self) -> Array:
        """(n,) where the inputs of each example stand."""
        return np.arange(len(self)) if self.rows is None else self.rows

    def take(self, rows: Array) -> "Examples":
        """The examples at these row numbers, in this order."""
        at = rows if self.rows is None else self.rows[rows]
        groups, order = (None if of is None else of[rows] for of in (self.groups, self.order))
        return Examples(self.inputs, self.targets[rows], at, groups, order)

    def held_out(self, fraction: float, rng: np.random.Generator, key: str) -> tuple[Array, Array]:
        """Row numbers, ascending, of what stays and of what is held out: the last, whole groups, or each class alike.

        Raises DataError, naming the config's ``key``, where that cannot be.
        """
        if self.order is not None:
            return splits.last(self.order, fraction, key)
        if self.groups is not None:
            return splits.whole_groups(self.groups, self.targets, fraction, rng, key)
        return splits.held_out(self.targets, fraction, rng, key)

    def digest(self, names: Sequence[Sequence[str]] = ()) -> str:
        """SHA-256 over inputs, targets and these lists of names."""
        return digest_taken((self.inputs, self.rows), (self.targets, None), names=names)


Learn = Callable[[Examples], Transform]
"""What makes the transform of the examples to train on, which are all that it is shown."""


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
    return tuple(names[n] for n in numbers), [replace(k, targets=renumber[k.targets]) for k in kept]


def hold_out(pool: Examples, params: HoldOutKeys) -> tuple[Examples, Examples | None]:
    """The pool without its test split, and the test split; None for a ``test_fraction`` of 0.

    Raises DataError where one of them would be empty or a class would have nothing to train on.
    """
    if not params.test_fraction:
        return pool, None
    rng = generator(params.split_seed, Purpose.SPLIT, _TEST)
    rest, test = pool.held_out(params.test_fraction, rng, "test_fraction")
    return pool.take(rest), pool.take(test)


def parted(
    pools: Mapping[SplitName, Examples], params: HoldOutKeys
) -> tuple[Examples, Examples | None, Examples | None]:
    """The training, validation and test examples; a test split is held out where the data brings neither of the two.

    Raises DataError as ``hold_out`` does.
    """
    train, val, test = pools["train"], pools.get("val"), pools.get("test")
    if not val and not test:
        train, test = hold_out(train, params)
    return train, val, test


def build(
    name: str,
    params: TrainKeys | None,
    seed: int,
    train: Examples,
    test: Examples | None,
    *,
    val: Examples | None = None,
    classes: Sequence[str] = (),
    task: Task | None = None,
    transform: Transform | Learn = UNCHANGED,
    standardise: bool = False,
    standardise_target: bool = False,
    feature_names: Sequence[str] = (),
    target_names: Sequence[str] = (),
    sha256: str = "",
    your_files: bool = False,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Dataset:
    """The dataset: training examples limited and split, the transform learnt on what is left, every input transformed.

    ``task`` is what is learnt of it; None: one of the ``classes`` where there are any, else values.
    ``transform`` is what is done beside standardising inputs and target. ``val`` is a validation split that the data
    brings itself. ``sha256`` is given where the hash of these very examples is known already; of your files the names
    of classes and columns belong to it. Raises DataError for absent classes and splits that would be empty.
    """
    _check("train", train, classes)
    _check("val", val, classes)
    _check("test", test, classes)
    rows, val_rows = _train_and_val(params or TrainKeys(), seed, train, val is not None)
    whole, train = train, train if len(rows) == len(train) else train.take(rows)
    pools = {"train": train, "val": whole.take(val_rows) if len(val_rows) else val, "test": test}
    named = (classes, feature_names, target_names)
    examples = {split: pool.digest(named) for split, pool in pools.items() if pool}
    if your_files:
        everything = [examples["train"] if train is whole else whole.digest(named)]
        brought = [examples[split] for split, pool in (("val", val), ("test", test)) if pool]
        sha256 = digest(names=[[*everything, *brought]])
    elif not sha256:
        both = [each for pool in (whole, test) if pool for each in ((pool.inputs, pool.rows), (pool.targets, None))]
        sha256 = digest_taken(*both)
    made = transform if isinstance(transform, Transform) else transform(train)
    made = replace(made, whole=train.inputs.dtype.kind in "iub")
    if standardise:
        mean, std = made.standardising(train.inputs, train.at)
        made = replace(made, mean=mean, std=std)
    task = task or (Classification(tuple(classes)) if classes else Regression(train.targets.shape[1]))
    if standardise_target and task.scalable:
        made = replace(made, target=_scaling(train.targets))
    ready = {split: _ready(pool, made) for split, pool in pools.items() if pool}
    return Dataset(
        name=name,
        train=ready["train"],
        val=ready.get("val"),
        test=ready.get("test"),
        sha256=sha256,
        shape=train.inputs.shape[1:] if not made.columns else (len(made.feature_names),),
        task=task,
        feature_names=made.feature_names or tuple(feature_names),
        target_names=tuple(target_names),
        transform=made,
        examples=examples,
        notes=tuple(notes),
        warnings=tuple(warnings),
    )


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


def _check(split: SplitName, pool: Examples | None, classes: Sequence[str]) -> None:
    if pool is None:
        return
    if not len(pool) and split != "train":
        raise DataError(f"there is no example in the {split} split", "give it some, or none at all")
    if split != "train":
        return
    if not len(pool):
        raise DataError("there is no training example", "give the dataset some data")
    if pool.targets.ndim == 1 and len(classes) < 2:
        raise DataError(
            f"there is only one class, {listed(classes)}: nothing can be told apart", "give two classes or more"
        )
    if not classes:
        return
    absent = [c for c, n in zip(classes, np.bincount(pool.targets, minlength=len(classes)), strict=True) if not n]
    if absent:
        raise DataError(
            f"no training example is of class {listed(absent)}", "add some, or leave it out with dataset.classes"
        )


def _train_and_val(params: TrainKeys, seed: int, pool: Examples, brought: bool) -> tuple[Array, Array]:
    """Row numbers, ascending, of the training and validation splits; ``brought``: the data has one of its own."""
    rows = np.arange(len(pool))
    if params.limit is not None:
        # Not from the run's seed: runs that differ in it should see the same examples, as they do without a limit.
        rng = generator(getattr(params, "split_seed", 0), Purpose.SPLIT, _LIMIT)
        rows = splits.limited(pool.targets, params.limit, rng)
    if not params.val_fraction:
        return rows, rows[:0]
    if brought:
        raise DataError(
            f"dataset.val_fraction: given {params.val_fraction:g}, and the data brings a validation split of its own",
            "leave the key out",
        )
    rng = generator(seed, Purpose.SPLIT, _VAL)
    stay, out = pool.take(rows).held_out(params.val_fraction, rng, "val_fraction")
    return rows[stay], rows[out]


def _ready(pool: Examples, transform: Transform) -> Split:
    """The examples in the types that a Split holds."""
    targets = pool.targets
    if targets.ndim == 2:
        targets = targets.astype(np.float64 if transform.target else np.float32)
    return Split(transform.apply(pool.inputs, pool.rows), np.ascontiguousarray(targets))


def _scaling(targets: Array) -> Scaling:
    """That of the training targets, (n, outputs)."""
    mean, std = spread(lambda part: targets[part].astype(np.float64), *targets.shape)
    return Scaling(tuple(mean.tolist()), tuple(std.tolist()))
