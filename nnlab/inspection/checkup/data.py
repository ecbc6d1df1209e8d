"""What can be wrong with data: features that say nothing, count the rows or are not scaled, classes that are rare."""

from collections.abc import Iterator, Sequence

import numpy as np

from nnlab.config import Named, yaml
from nnlab.dataset import Array, Dataset
from nnlab.datasets._columns import id_like
from nnlab.finding import Finding
from nnlab.inspection.checkup.repeats import of_repeats
from nnlab.inspection.checkup.sample import share, spread_out

SAMPLE = 10_000
"""Rows from which mean and deviation are measured: in float64 all of MNIST would be 376 MB."""
SCALED = 10.0
"""Inputs and targets train well while their mean and deviation stay within this."""
SPREAD = 100.0
"""How many times wider one column of a table may be spread than another."""
TELLING = 0.1
"""What numbers must be known to, to be told from whole ones."""
RARE = 10
"""A class is rare where the largest has this many times its examples."""
LISTED = 10


def of_data(dataset: Dataset, named: Named) -> Iterator[Finding]:
    """Every finding about the data; ``named`` is the dataset's section of the config."""
    inputs = dataset.train.inputs
    same = inputs.min(axis=0) == inputs.max(axis=0)
    yield _constant(dataset, named, np.flatnonzero(same))
    if len(counting := _counting(dataset)):
        yield _ids(dataset, counting)
    yield _scale(dataset, named, ~same)
    yield _balance(dataset) if dataset.classes else _targets(dataset.train.targets)
    yield from of_repeats(dataset)


def _constant(dataset: Dataset, named: Named, constant: Array) -> Finding:
    """Features with one value in all training examples: usual at the edge of pictures, a mistake in a table."""
    subject, values = "constant features", {"constant": len(constant), "features": dataset.features}
    if not len(constant):
        return Finding(subject, "ok", "none", values=values)
    found = f"{share(len(constant), dataset.features)} have one value in all training examples"
    if len(constant) == dataset.features:
        return Finding(subject, "warning", f"{found}: there is nothing to learn from", "check the data", values)
    if len(dataset.shape) > 1:
        return Finding(subject, "ok", f"{found}, as pictures often have at their edges", values=values)
    cure = "choose the others with dataset.features" if named.has("features") else "leave them out"
    return Finding(subject, "warning", f"{found}: {_named(dataset, constant)}", cure, values)


def _counting(dataset: Dataset) -> Array:
    """The numbers of a table's columns that count its rows; the training split keeps the order of the file."""
    if len(dataset.shape) > 1:
        return np.empty(0, np.int64)
    inputs = dataset.train.inputs
    rising = np.flatnonzero((inputs[1:] > inputs[:-1]).all(axis=0))
    return np.array([column for column in rising if id_like(_in_units_of_the_file(dataset, int(column)))], np.int64)


def _in_units_of_the_file(dataset: Dataset, column: int) -> Array:
    """A column's numbers before they were scaled, (n,) float64, whole ones whole again.

    Standardised ones are rounded to float32: what is nearer to a whole number than that can tell is taken for it.
    """
    values = dataset.train.inputs[:, column].astype(np.float64)
    made = dataset.transform
    mean, std = (made.mean[column], made.std[column]) if made.mean else (0.0, 1.0)
    values = (values * std + mean) * made.scale
    whole = np.round(values)
    rounding = np.finfo(np.float32).eps * max(float(np.abs(values - mean).max()), 1e-3)
    return whole if rounding < TELLING and (np.abs(values - whole) <= rounding).all() else values


def _ids(dataset: Dataset, counting: Array) -> Finding:
    """Columns that tell one row from another and say nothing of its target."""
    names = [_name(dataset, column) for column in counting]
    several = len(names) > 1
    found = f"column{'s' * several} {_first([repr(name) for name in names[:5]], len(names))} "
    found += f"{'are' if several else 'is'} all different, rising whole numbers"
    cure = f"exclude {'them' if several else 'it'} with dataset.exclude: {yaml.dump_line(names)}"
    return Finding("columns that count the rows", "warning", found, cure, {"columns": names})


def _scale(dataset: Dataset, named: Named, varying: Array) -> Finding:
    """Whether a learning rate that suits one feature suits them all."""
    subject = "scale of features"
    rows = spread_out(dataset.train.inputs, SAMPLE)
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    values = {
        "lowest": float(dataset.train.inputs.min()),
        "highest": float(dataset.train.inputs.max()),
        "largest_mean": float(np.abs(mean).max()),
        "largest_deviation": float(deviation.max()),
    }
    cure = "divide them, so that most lie in [-1, 1]"
    if named.has("standardise"):
        cure = "dataset.standardise=true"
    large = np.flatnonzero((np.abs(mean) > SCALED) | (deviation > SCALED))
    if len(large):
        found = f"{share(len(large), dataset.features)} have a mean or deviation outside [-{SCALED:g}, {SCALED:g}]"
        return Finding(subject, "warning", f"{found}: {_named(dataset, large)}", cure, values)
    spread = deviation[varying & (deviation > 0)]
    table = len(dataset.shape) == 1  # the pixels of a picture share a unit, however rarely one of them lights up
    if table and len(spread) and spread.max() > SPREAD * spread.min():
        found = f"deviations from {spread.min():.2g} to {spread.max():.2g}: the small ones will hardly count"
        return Finding(subject, "warning", found, cure, values)
    return Finding(subject, "ok", f"from {values['lowest']:.3g} to {values['highest']:.3g}", values=values)


def _named(dataset: Dataset, columns: Array) -> str:
    """The first few features by name, or by number where they have none."""
    return _first([str(_name(dataset, n)) for n in columns[:5]], len(columns))


def _name(dataset: Dataset, column: int) -> str | int:
    """A feature's name, or its number where it has none."""
    return dataset.feature_names[column] if dataset.feature_names else int(column)


def _first(names: Sequence[str], count: int) -> str:
    """The names, and how many more there are."""
    return ", ".join(names) + (f" and {count - len(names):,} more" if count > len(names) else "")


def _balance(dataset: Dataset) -> Finding:
    """How many examples each class has, and whether it can be scored at all."""
    subject, classes = "class balance", dataset.classes
    counts = {
        name: np.bincount(split.targets, minlength=len(classes))
        for name in ("train", "val", "test")
        if (split := dataset.split(name))
    }
    train = counts["train"]
    values = {name: dict(zip(classes, found.tolist(), strict=True)) for name, found in counts.items()}
    smallest, largest = int(train.argmin()), int(train.argmax())
    part = 100 * train[largest] / train.sum()
    found = f"{_counts(classes, train)}; always guessing {classes[largest]} would be right {part:.1f} % of the time"
    for name, there in counts.items():
        if len(absent := np.flatnonzero(there == 0)):
            missing = _first([classes[n] for n in absent[:5]], len(absent))
            cure = f"give {name} examples of every class, or leave those out with dataset.classes"
            return Finding(subject, "warning", f"{found}; {name} has no example of {missing}", cure, values)
    if train[largest] >= RARE * train[smallest]:
        cure = f"an accuracy says little of {classes[smallest]}: look at each class, and get more examples of it"
        return Finding(subject, "warning", found, cure, values)
    return Finding(subject, "ok", found, values=values)


def _counts(classes: tuple[str, ...], counts: Array) -> str:
    if len(classes) <= LISTED:
        return ", ".join(f"{name}: {count:,}" for name, count in zip(classes, counts.tolist(), strict=True))
    low, high = int(counts.argmin()), int(counts.argmax())
    return f"{len(classes)} classes, from {counts[low]:,} ({classes[low]}) to {counts[high]:,} ({classes[high]})"


def _targets(targets: Array) -> Finding:
    """The values that a regression is to predict."""
    subject = "targets"
    mean, deviation = targets.mean(axis=0, dtype=np.float64), targets.std(axis=0, dtype=np.float64)
    values = {"mean": mean.tolist(), "deviation": deviation.tolist()}
    several = f", the widest of {len(mean)}" if len(mean) > 1 else ""
    widest = int(deviation.argmax())
    found = f"mean {mean[widest]:.4g}, deviation {deviation[widest]:.4g}{several}"
    if (targets.min(axis=0) == targets.max(axis=0)).any():
        return Finding(subject, "warning", f"{found}: one value for all", "there is nothing to learn", values)
    if max(np.abs(mean).max(), deviation.max()) > SCALED:
        cure = f"divide them in the file: outside [-{SCALED:g}, {SCALED:g}] learning rates must be very small"
        return Finding(subject, "warning", found, cure, values)
    return Finding(subject, "ok", found, values=values)
