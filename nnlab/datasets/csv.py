"""Your own table: a CSV or Parquet file with one example a line."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nnlab.dataset import Array, Card, Dataset, Progress, Transform, quiet
from nnlab.dataset.transform import Column
from nnlab.datasets import Examples, _columns, _files, _parsed, _targets, build, choose, hold_out, listed
from nnlab.datasets._labels import Targets
from nnlab.datasets._table_keys import Params, Roles, roles_of
from nnlab.errors import DataError
from nnlab.plugin import DatasetFile
from nnlab.tables import Table, reading, sniff, source
from nnlab.tables.cells import short

HEAD = 200
"""Rows of a large table that tell whether anybody will need the text of its targets."""
SPLITS = {"train": "train", "training": "train", "test": "test"} | dict.fromkeys(("val", "valid", "validation"), "val")


def load(params: Params, seed: int, progress: Progress = quiet) -> Dataset:
    """Inputs (n, features), standardised unless that is off.

    Raises DataError, naming file, line and column, for cells that are missing or no numbers, and for tables, columns,
    classes and splits that won't do.
    """
    test = None if params.test_path is None else read(params, params.test_path)
    return load_table(read(params, params.path), params, seed, test)


def read(params: Params, path: str) -> Table:
    """The table in a file, with the columns that the config names. Raises DataError as ``load`` does."""
    found = _files.existing(path, source.SUFFIXES)
    style = sniff.find_style(found, params.keys(), named=params.named())
    roles = roles_of(params, style.names, found)
    text = roles.text
    if params.task != "classification" and found.stat().st_size > _parsed.LARGE:
        head = next(reading.stream(found, style, roles.targets, roles.targets, HEAD), None)
        text = [name for name in text if head is None or name not in _targets.values_alone(head)]
    return _parsed.read(found, style, roles.names, text)


def read_whole(params: Params, path: str) -> Table:
    """The table in a file, with all its columns, to be looked at. Raises DataError as ``load`` does."""
    found = _files.existing(path, source.SUFFIXES)
    style = sniff.find_style(found, params.keys(), named=params.named())
    return reading.read(found, style, None, style.names, lambda needed: _files.must_fit(found, needed))


def load_table(table: Table, params: Params, seed: int, test: Table | None = None) -> Dataset:
    """The dataset of a table that is read already, and of another that is its test split. Raises as ``load`` does."""
    roles = roles_of(params, table.names, table.path)
    task: _targets.TaskKey | None = None if params.task == "auto" else params.task
    pool, targets, cells, warnings = _pool(table, params, roles, task)
    names, classes, others = roles.targets, targets.classes, list[Examples]()
    if test is not None:
        theirs, more = _test_pool(test, table, params, roles, targets, cells)
        others, warnings = [theirs], warnings + more
    if classes:
        classes, chosen = choose(params.classes, classes, pool, *others)
        pool, others = chosen[0], chosen[1:]
    elif params.classes:
        raise DataError(f"dataset.classes: {listed(names)} holds values, not classes", "task: classification")
    train, val, held = _split(table, roles, params, pool, others)
    places = tuple(table.names.index(name) for name in names)
    facts = Transform(header=table.style.header, width=len(table.names), target_places=places)

    def learn(examples: Examples) -> Transform:
        return replace(facts, columns=cells.learnt(examples.at, params))

    dataset = build(
        "csv",
        params,
        seed,
        train,
        held,
        val=val,
        classes=classes,
        transform=learn,
        standardise=params.standardise,
        standardise_target=params.standardise_target,
        feature_names=[column.name for column in cells.columns],
        target_names=names,
        your_files=True,
        notes=(*table.style.notes, *targets.notes, *cells.notes()),
        warnings=(*targets.warnings, *warnings),
    )
    return dataset if params.shape is None else _shaped(dataset, params.shape)


def _pool(
    table: Table, params: Params, roles: Roles, task: _targets.TaskKey | None, known: Sequence[Column] | None = None
) -> tuple[Examples, Targets, _columns.Cells, list[str]]:
    """All examples of a table, with what their targets and cells are; ``known`` are the columns where that is known."""
    drop = params.missing == "drop"
    cells, warnings = _columns.of(table, roles.features, params, known)
    kept = _targets.there(table, roles.targets, params.classes, ~cells.missing() if drop else None)
    targets = _targets.read(table, roles.targets, task, params.classes, kept)
    if drop:
        if left := int(table.rows - kept.sum()):
            warnings.append(f"{left:,} of {table.rows:,} rows are left out, because a cell is missing")
        if left == table.rows:
            raise DataError(
                f"{str(table.path)!r}: a cell is missing in every row", "dataset.missing: median fills them"
            )
    elif params.missing == "refuse":
        _columns.refuse_missing(table, cells)
    pool = Examples(
        cells.values,
        targets.arrays[0],
        groups=None if roles.group is None else _numbered(table, roles.group),
        order=None if roles.order is None else _sorted_by(table, roles.order),
    )
    return pool if kept.all() else pool.take(np.flatnonzero(kept)), targets, cells, warnings


def _test_pool(
    test: Table, table: Table, params: Params, roles: Roles, targets: Targets, cells: _columns.Cells
) -> tuple[Examples, list[str]]:
    """The examples of ``test_path``, their classes numbered as those of the table are."""
    if set(test.names) != set(table.names):
        apart = sorted(set(test.names) ^ set(table.names))
        raise DataError(
            f"dataset.test_path: {str(test.path)!r} has other columns than {str(table.path)!r}: {listed(apart)}",
            "give both the same columns",
        )
    task: _targets.TaskKey = "classification" if targets.classes else "regression"
    roles = replace(roles, split=None, group=None, order=None)
    pool, theirs, found, warnings = _pool(test, params, roles, task, cells.columns)
    for name, texts in found.texts.items():
        if unseen := sorted(set(texts.values()) - set(cells.texts[name].values())):
            warnings.append(f"column {short(name)}: {listed(unseen)}: in dataset.test_path alone, so no category")
    if unknown := [label for label in theirs.classes if label not in targets.classes]:
        raise DataError(
            f"dataset.test_path: class {listed(unknown)} is no class of the training table",
            f"classes: {listed(targets.classes)}",
        )
    renumber = np.array([targets.classes.index(label) for label in theirs.classes], np.int64)
    if targets.classes:
        pool = replace(pool, targets=renumber[pool.targets])
    return pool, warnings


def _split(
    table: Table, roles: Roles, params: Params, pool: Examples, others: Sequence[Examples]
) -> tuple[Examples, Examples | None, Examples | None]:
    """The training, validation and test examples; of those to train on more may be split off later."""
    if others:
        return pool, None, others[0]
    if roles.split is not None:
        return _as_said(table, roles.split, pool)
    train, held = hold_out(pool, params)
    return train, None, held


def _as_said(table: Table, name: str, pool: Examples) -> tuple[Examples, Examples | None, Examples | None]:
    """The training, validation and test examples, by what a column says of each row."""
    said = np.array([SPLITS.get(str(text).lower(), "") for text in table.texts(name)])
    if (said == "").any():
        row = int(np.argmax(said == ""))
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} names no split", "train, val or test in each row"
        )
    said = said if pool.rows is None else said[pool.rows]
    parts = [pool.take(np.flatnonzero(said == split)) for split in ("train", "val", "test")]
    if not len(parts[0]):
        raise DataError(f"dataset.split_by: no row of column {short(name)} says train", "say so where it belongs")
    return parts[0], parts[1] if len(parts[1]) else None, parts[2] if len(parts[2]) else None


def _numbered(table: Table, name: str) -> Array:
    """(n,) int64: equal texts have equal numbers. Raises DataError for a row that says nothing."""
    _refuse_unsaid(table, name)
    _, numbers = np.unique(table.texts(name).astype(str), return_inverse=True)
    return numbers.astype(np.int64)


def _sorted_by(table: Table, name: str) -> Array:
    """(n,) float64 that rises with time. Raises DataError where the column is neither numbers nor dates."""
    _refuse_unsaid(table, name)
    if table.kind(name) == "text" and (row := table.dated(name)) is not None:
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} is a date, and not all of the column can be "
            f"read as dates of one form",
            "write them all like 2024-01-31",
        )
    found = table.dates(name, ["timestamp"])[:, 0] if table.kind(name) == "date" else table.numbers(name)
    if len(found) and found.min() == found.max():
        raise DataError(
            f"dataset.order: every row has the same {short(name)}, {short(table.cell(0, name))}, so none is the last",
            "give a column that tells them apart",
        )
    return found


def _refuse_unsaid(table: Table, name: str) -> None:
    """Raises DataError where a row does not say to which part it belongs."""
    if table.missing(name).any():
        row = int(np.argmax(table.missing(name)))
        raise DataError(f"{table.where(row, name)}: nothing says where this row belongs", "fill it, or leave it out")


def _shaped(dataset: Dataset, shape: Sequence[int]) -> Dataset:
    """The dataset with each line as a picture."""
    if any(side < 1 for side in shape) or int(np.prod(shape)) != dataset.features:
        raise DataError(
            f"dataset.shape: {list(shape)} are {int(np.prod(shape)):,} pixels, and a line has {dataset.features:,} "
            f"features",
            "give height and width, or channels, height and width; exclude columns that are no pixels",
        )
    return replace(dataset, shape=tuple(shape))


DATASET = DatasetFile(Params, Card("your files"), load, read_table=read, load_table=load_table, table_keys=Params.keys)
