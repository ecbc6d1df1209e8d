"""Targets of a table: classes or values, told from what stands in the cells, and said."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

import numpy as np

from nnlab.dataset import Array
from nnlab.datasets import listed
from nnlab.datasets._labels import MOST_CLASSES, Targets, order
from nnlab.errors import DataError
from nnlab.tables import Table
from nnlab.tables.cells import people_number, plain_whole, short

TaskKey = Literal["classification", "regression"]
_PADDED = re.compile(r"[-+]?0[0-9]+")


def values_alone(head: Table) -> list[str]:
    """The columns of the first rows of a table that can only be values, so that nobody needs their text."""
    return [
        name
        for name in head.names
        if name in head.text
        and head.kind(name) == "number"
        and len(head.counts(name)) > MOST_CLASSES
        and not any(_PADDED.fullmatch(cell) for cell in head.counts(name))
    ]


def there(table: Table, names: Sequence[str], wanted: Sequence[int | str] | None, rows: Array | None) -> Array:
    """(n,) bool: which of the ``rows``, (n,) bool, have a target; None: all rows, and each must have one.

    ``wanted`` are the classes that the config lists, which may be words that otherwise mean a missing cell. Raises
    DataError for a missing target.
    """
    words = [] if len(names) > 1 else [str(label) for label in wanted or () if str(label) in table.style.missing_words]
    found = np.ones(table.rows, np.bool_) if rows is None else rows.copy()
    for name in names:
        missing = table.missing(name)
        if missing.any() and words:
            missing &= ~np.isin(table.texts(name), words)
        if missing.any() and rows is None:
            raise _missing(table, name, np.flatnonzero(missing))
        found &= ~missing
    return found


def read(
    table: Table, names: Sequence[str], task: TaskKey | None, wanted: Sequence[int | str] | None, rows: Array
) -> Targets:
    """The targets in these columns, those of the ``rows`` that ``there`` found; ``task`` is None if cells are to tell.

    ``wanted`` are the classes that the config lists. Raises DataError, naming the cell, for what is neither classes nor
    values.
    """
    if len(names) > 1 and task == "classification":
        raise DataError(
            f"dataset.target: {len(names)} columns, where a classification has one", "dataset.task: regression"
        )
    if len(names) > 1 or task == "regression":
        return _values(table, names, rows)
    (name,) = names
    labels = [str(label) for label in wanted or ()]
    _refuse_written_for_people(table, name, labels)
    as_text = any(label in table.style.missing_words for label in labels)
    return _one(table, name, task, rows, as_text=as_text)


def number(table: Table, name: str, classes: Sequence[str]) -> Array | None:
    """The targets of a table that is only to be scored: class numbers or values; None where some are not known."""
    if not classes:
        try:
            values = table.numbers(name)
        except DataError:
            return None
        return None if np.isnan(values).any() else values[:, None]
    numbered = {label: n for n, label in enumerate(classes)}
    wholes = table.wholes(name) if all(plain_whole(label) is not None for label in classes) else None
    texts = [str(whole) for whole in wholes] if wholes else table.texts(name).tolist()
    found = [numbered.get(text) for text in texts]
    return None if None in found else np.array(found, np.int64)


def _missing(table: Table, name: str, rows: Array) -> DataError:
    """What to say of targets that are missing in these rows."""
    said = sorted({str(text) for text in table.texts(name)[rows[:1000]]})
    shown = ", ".join("nothing" if not text else short(text) for text in said[:5])
    lines = ", ".join(f"{table.line(int(row)):,}" for row in rows[:10])
    more = f" and {len(rows) - 10:,} more" if len(rows) > 10 else ""
    listing = f", or make it a class by listing it in dataset.classes: {short(said[-1])}" if said[-1] else ""
    return DataError(
        f"{str(table.path)!r}, column {short(name)}: {len(rows):,} of {table.rows:,} targets are missing ({shown}), "
        f"in {table.unit} {lines}{more}",
        f"correct them, or leave those lines out with dataset.missing: drop{listing}",
    )


def _values(table: Table, names: Sequence[str], there: Array, notes: tuple[str, ...] = ()) -> Targets:
    values = np.stack([table.numbers(name) for name in names], axis=1)
    wrong = there[:, None] & ~(np.abs(values) <= float(np.finfo(np.float32).max))
    if wrong.any():
        row, column = divmod(int(np.argmax(wrong)), len(names))
        raise DataError(
            f"{table.where(row, names[column])}: {values[row, column]:g} is no finite number of 32 bits", "correct it"
        )
    return Targets((), (values,), notes)


def _one(table: Table, name: str, task: TaskKey | None, there: Array, *, as_text: bool) -> Targets:
    """The targets of one column that may be classes, and are where it is to be read as text."""
    if table.kind(name) == "number" and not as_text:
        if task is None and name not in table.text:  # as ``values_alone`` let it be read
            distinct = np.unique(table.numbers(name)[there])
            if len(distinct) > MOST_CLASSES:
                whole = bool((distinct == np.floor(distinct)).all())
                notes = (_taken_for_values(name, len(distinct)),) if whole else ()
                return _values(table, [name], there, notes)
        wholes = table.distinct_wholes(name)
        if wholes is not None and task is None and any(people_number(cell) for cell in table.counts(name)):
            said = f"{short(name)}: numbers written with separators are taken for values; dataset.task: classification"
            return _values(table, [name], there, (f"{said} makes each a class",))
        if wholes is not None:
            return _wholes(table, name, task, *wholes, there)
        if not any(_PADDED.fullmatch(cell) for cell in table.counts(name)):
            if task == "classification":
                at = next(n for n, cell in enumerate(table.texts(name)) if there[n] and plain_whole(cell) is None)
                raise DataError(
                    f"{table.where(at, name)}: {short(table.cell(at, name))} is no whole number",
                    "dataset.task: regression",
                )
            return _values(table, [name], there)
    row = table.mixed(name)
    if row is not None and task is None and not as_text:
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} is no number, and others are",
            "correct it, or take all as classes with dataset.task: classification",
        )
    return _texts(table, name, there)


def _refuse_written_for_people(table: Table, name: str, labels: Sequence[str]) -> None:
    found = table.people(name)
    if found is None:
        return
    row, key = found
    cell = table.cell(row, name)
    if cell in labels:
        return
    raise DataError(
        f"{table.where(row, name)}: {short(cell)} looks like a number written for people, and is no class",
        f"to read it as a number: {key}; as a class it must be listed in dataset.classes",
    )


def _wholes(
    table: Table, name: str, task: TaskKey | None, cells: list[int | None], codes: Array, there: Array
) -> Targets:
    """Whole numbers: classes where they are few. ``cells`` are the different ones, ``codes`` which each row has."""
    used = np.bincount(codes[there], minlength=len(cells)) > 0
    distinct = sorted({whole for whole, known in zip(cells, used, strict=True) if known and whole is not None})
    if task is None and len(distinct) > MOST_CLASSES:
        return _values(table, [name], there, (_taken_for_values(name, len(distinct)),))
    numbered = {whole: n for n, whole in enumerate(distinct)}
    values = np.array([0 if whole is None else numbered.get(whole, 0) for whole in cells], np.int64)[codes]
    said = f"{short(name)}: {len(distinct)} different whole numbers are taken for classes; dataset.task: regression"
    notes = (f"{said} takes them for values",) if task is None else ()
    return Targets(tuple(map(str, distinct)), (values,), notes)


def _taken_for_values(name: str, count: int) -> str:
    said = f"{short(name)}: {count:,} different whole numbers are taken for values; dataset.task: classification"
    return f"{said} makes each a class"


def _texts(table: Table, name: str, there: Array) -> Targets:
    """Classes by the text in their cells."""
    texts = table.texts(name)
    for row, cell in enumerate(texts):
        if there[row] and not cell.isprintable():
            raise DataError(f"{table.where(row, name)}: {short(cell)} holds control characters", "correct it")
    names = sorted({cell for cell, known in zip(texts, there, strict=True) if known}, key=order)
    numbered = {label: n for n, label in enumerate(names)}
    values = np.array([numbered.get(cell, 0) for cell in texts], np.int64)
    notes = (f"{short(name)}: {len(names)} classes: {listed(names)}",)
    return Targets(tuple(names), (values,), notes, tuple(_alike(name, names)))


def _alike(column: str, names: Sequence[str]) -> list[str]:
    """A warning where names of classes differ in nothing that people see at once."""
    found: dict[str, list[str]] = {}
    for label in names:
        folded = " ".join(unicodedata.normalize("NFKC", label).casefold().split())
        found.setdefault(folded, []).append(label)
    groups = [" and ".join(short(label) for label in labels) for labels in found.values() if len(labels) > 1]
    if not groups:
        return []
    shown = "; ".join(groups[:5])
    return [f"{short(column)}: classes that differ only in case or blanks: {shown}; are they one?"]
