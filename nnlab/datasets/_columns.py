"""Columns of a table: which are features, the cells they hold, and what is learnt of them for the transform."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nnlab.dataset import Array, Transform
from nnlab.dataset.transform import Column, mark
from nnlab.datasets import listed
from nnlab.datasets._table_keys import Params
from nnlab.errors import DataError, did_you_mean
from nnlab.tables import Table
from nnlab.tables.cells import number, short

SHOWN = 10
"""Lines that are named in a message."""
LEAST_ROWS = 10
"""Fewer numbers may rise by chance, or because somebody has sorted a few points."""


@dataclass(frozen=True)
class Cells:
    """The features of a table before anything is learnt of them."""

    columns: tuple[Column, ...]
    values: Array
    """(n, columns) float64: numbers, the marks of texts, NaN where a cell is missing."""
    texts: Mapping[str, Mapping[float, str]]
    """The texts of each column of categories by their marks."""

    def missing(self) -> Array:
        """(n,) bool: whether a cell of the row is missing."""
        found = np.zeros(len(self.values), np.bool_)
        for column in range(len(self.columns)):
            found |= np.isnan(self.values[:, column])
        return found

    def notes(self) -> Iterator[str]:
        """What becomes of text, which nobody has asked for by a key."""
        for name, texts in self.texts.items():
            yield f"{short(name)}: text, a feature for each: {listed(sorted(texts.values()))}"

    def learnt(self, rows: Array, params: Params) -> tuple[Column, ...]:
        """The columns with their categories and what a missing cell is taken for, from the rows to train on alone."""
        return tuple(self._learnt(n, column, rows, params) for n, column in enumerate(self.columns))

    def _learnt(self, n: int, column: Column, rows: Array, params: Params) -> Column:
        fills = params.missing not in ("refuse", "drop")
        if column.kind != "category" and not fills:
            return column
        cells = self.values[rows, n]
        missing = np.isnan(cells)
        there = cells[~missing]
        if column.kind == "category":
            texts = self.texts[column.name]
            often = Counter({texts[value]: int(count) for value, count in zip(*_counted(there), strict=True)})
            column = replace(column, categories=tuple(sorted(often, key=str)))
            fill: float | str | None = min(often, key=lambda text: (-often[text], text)) if often else None
        else:
            fill = _fill(there, "most_frequent" if column.kind == "boolean" else params.missing)
        if not fills:
            return column
        if fill is None:
            raise DataError(
                f"column {short(column.name)}: every cell of the training split is missing, so nothing can be learnt "
                f"to take for it",
                f"leave it out: dataset.exclude: [{column.name}]",
            )
        return replace(column, fill=fill, indicator=params.missing_indicator and bool(missing.any()))


def of(
    table: Table, names: Sequence[str], params: Params, known: Sequence[Column] | None = None
) -> tuple[Cells, list[str]]:
    """The cells of these columns, and what is to be warned of.

    ``known`` are the columns of another table, which these are too: what a column is, that table says.

    Raises DataError, naming cells, for texts that are too many or written for people, dates that the config says
    nothing of, and numbers that no float32 holds.
    """
    if known is None:
        kinds: dict[str, str] = {name: table.kind(name) for name in names}
        _refuse_no_dates(table, names, kinds, params)
        places = {name: place for place, name in enumerate(table.names)}
        columns = [column for name in names for column in _columns(table, name, places[name], kinds[name], params)]
    else:
        kinds, columns = {column.name: column.kind for column in known}, [_as_written(table, each) for each in known]
    if all(kind == "number" for kind in kinds.values()):
        values = table.matrix(names)
    else:
        values = np.empty((table.rows, len(columns)))
        place = 0
        for name in names:
            found = _cells(table, name, [column for column in columns if column.name == name])
            values[:, place : place + found.shape[1]] = found
            place += found.shape[1]
    texts = {
        name: {mark(str(text)): str(text) for text in table.counts(name)}
        for name in names
        if kinds[name] in ("text", "category")
    }
    _refuse_large(table, columns, values)
    return Cells(tuple(columns), values, texts), list(_doubts(columns, values))


def id_like(values: Array) -> bool:
    """Whether a column, (n,) numbers in the file's order, counts its rows: all different, rising whole numbers."""
    values = np.asarray(values, np.float64)
    if len(values) < LEAST_ROWS or not (np.diff(values[:LEAST_ROWS]) > 0).all():
        return False
    return bool((np.diff(values) > 0).all() and (values == np.floor(values)).all() and np.isfinite(values).all())


def refuse_missing(table: Table, cells: Cells) -> None:
    """Raises DataError, naming columns and lines, where a cell is missing."""
    found: dict[str, Array] = {}
    for n, column in enumerate(cells.columns):
        rows = np.flatnonzero(np.isnan(cells.values[:, n]))
        if len(rows):
            found.setdefault(column.name, rows)
    if not found:
        return
    name, rows = next(iter(found.items()))
    first, total = int(rows[0]), sum(map(len, found.values()))
    message = f"{table.where(first, name)}: {_said(table, first, name)}"
    if total > 1:
        lines = ", ".join(f"{table.line(int(row)):,}" for row in rows[:SHOWN])
        more = f" and {len(rows) - SHOWN:,} more" if len(rows) > SHOWN else ""
        others = f"; also {listed(list(found)[1:])}" if len(found) > 1 else ""
        message += f"; {total:,} cells are missing: {short(name)} in {table.unit} {lines}{more}{others}"
    raise DataError(
        message,
        "dataset.missing: drop leaves these rows out, mean, median or most_frequent fills the cells; "
        "dataset.exclude leaves columns out",
    )


def cells_of(table: Table, transform: Transform) -> tuple[Array, list[str]]:
    """The cells that a run's features are in another table, (n, columns) float64, and warnings of what was not seen.

    Columns are found by their names, in any order, where the table has names, and else by where they stood. Raises
    DataError for names that are missing or unknown, for missing cells that the run learnt nothing to take for, and as
    ``of`` does.
    """
    at = dict(places(table, transform))
    values = np.empty((table.rows, len(transform.columns)))
    warnings = []
    for n, column in enumerate(transform.columns):
        name = at[column.name]
        values[:, n] = _cells(table, name, [column])[:, 0]
        missing = np.isnan(values[:, n])
        if missing.any() and column.fill is None:
            row = int(np.argmax(missing))
            raise DataError(
                f"{table.where(row, name)}: {_said(table, row, name)}, and this run learnt nothing to take for it",
                "fill the cell, or train with dataset.missing: mean, median or most_frequent",
            )
        if column.kind == "category":
            known = {mark(text) for text in column.categories}
            unseen = sorted({str(text) for text in table.counts(name) if mark(str(text)) not in known})
            if unseen:
                warnings.append(
                    f"{short(column.name)}: {listed(unseen)}: not seen in training, so none of its categories"
                )
    _refuse_large(table, transform.columns, values)
    return values, warnings


def places(table: Table, transform: Transform) -> Iterator[tuple[str, str]]:
    """(the run's column, the table's column) for each column that holds features.

    Raises DataError where they cannot be told.
    """
    wanted = list(dict.fromkeys(column.name for column in transform.columns))
    if table.style.header and transform.header:
        missing = [name for name in wanted if name not in table.names]
        if missing:
            unknown = [name for name in table.names if name not in wanted]
            raise DataError(
                f"{str(table.path)!r} has no column {listed(missing)}; unknown: {listed(unknown) or 'none'}",
                f"{_near(missing, unknown)}name the columns as in training: {listed(wanted)}",
            )
        yield from ((name, name) for name in wanted)
        return
    stood = {column.name: column.place for column in transform.columns}
    if len(table.names) == len(wanted):  # the features alone, in the order in which they stood
        order = sorted(wanted, key=lambda name: stood[name])
        yield from zip(order, table.names, strict=True)
        return
    if len(table.names) != transform.width:
        raise DataError(
            f"{str(table.path)!r} has {len(table.names)} columns without names, where training had {transform.width}",
            f"give it those, or the {len(wanted)} features alone: {listed(wanted)}",
        )
    yield from ((name, table.names[stood[name]]) for name in wanted)


def _near(missing: Sequence[str], unknown: Sequence[str]) -> str:
    """The names that were probably meant, as the start of a hint: those that differ in case, else one that is near."""
    folded = {name.casefold(): name for name in unknown}
    pairs = [(folded[name.casefold()], name) for name in missing if name.casefold() in folded]
    if not pairs:
        return did_you_mean(missing[0], unknown)
    shown = ", ".join(f"{short(other)[1:-1]} for {short(name)[1:-1]}" for other, name in pairs[:5])
    return f"did you mean {shown}? "


def target_places(table: Table, transform: Transform, names: Sequence[str]) -> list[str]:
    """The columns of another table that hold the targets called ``names``; empty where they are not all there."""
    if table.style.header and transform.header:
        return list(names) if set(names) <= set(table.names) else []
    if len(table.names) != transform.width or not transform.target_places:
        return []
    return [table.names[place] for place in transform.target_places]


def _columns(table: Table, name: str, place: int, kind: str, params: Params) -> Iterator[Column]:
    """What a column becomes before anything is learnt."""
    match kind:
        case "number":
            yield Column(name, place=place)
        case "boolean":
            yield Column(name, "boolean", place=place)
        case "date":
            if not (parts := params.parts(name)):
                raise DataError(
                    f"{table.where(_first(table, name), name)}: {_said(table, _first(table, name), name)} is a date, "
                    f"not a number",
                    f"dataset.dates: [year, month, day] makes features of its parts; dataset.exclude: [{name}] "
                    f"leaves it out",
                )
            form = table.date_form(name) or ""
            yield from (Column(name, "date", part, place=place, form=form) for part in parts)
        case _:
            _refuse_text(table, name, params)
            yield Column(name, "category", place=place)


def _refuse_no_dates(table: Table, names: Sequence[str], kinds: Mapping[str, str], params: Params) -> None:
    """Raises DataError where the config speaks of dates in a column that is not there, or holds none."""
    for name in params.dates if isinstance(params.dates, dict) else ():
        if name not in table.names:
            raise DataError(
                f"dataset.dates: {str(table.path)!r} has no column {short(name)}",
                f"{did_you_mean(name, table.names)}columns: {listed(table.names)}",
            )
        if name in names and kinds[name] in ("number", "boolean") and not table.missing(name).all():
            raise DataError(
                f"dataset.dates: column {short(name)} holds {kinds[name]}s, not dates",
                "leave it out of dataset.dates, or write dates like 2024-01-31",
            )


def _as_written(table: Table, column: Column) -> Column:
    """A column of another table, where dates are written in this table's own form if that can be told."""
    form = table.date_form(column.name) if column.kind == "date" and not table.missing(column.name).all() else None
    return replace(column, form=form) if form else column


def _refuse_text(table: Table, name: str, params: Params) -> None:
    """Raises DataError for texts that are no categories."""
    if (found := table.people(name)) is not None:
        row, key = found
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} is no number", f"to read it as one: {key}"
        )
    if (other := table.mixed(name)) is not None:
        table.numbers(name)  # which says so of the first cell that is none, with what would help
        raise AssertionError(other)
    count, rest = len(table.counts(name)), f"dataset.exclude: [{name}] leaves it out"
    first = _first(table, name)
    for text in table.counts(name):
        if not str(text).isprintable():
            row = table.texts(name).tolist().index(text)
            raise DataError(
                f"{table.where(row, name)}: {short(text)} is no number, and holds control characters", "correct it"
            )
    dated = table.dated(name) if params.parts(name) or not table.text[name].declared else None
    if dated is not None:
        raise DataError(
            f"{table.where(dated, name)}: {short(table.cell(dated, name))} is a date, and not all of the column can be "
            f"read as dates of one form",
            f"write them all like 2024-01-31; {rest}",
        )
    if params.categories == "refuse":
        raise DataError(
            f"{table.where(first, name)}: {_said(table, first, name)} is no number",
            f"dataset.categories: one-hot makes a feature of each text; {rest}",
        )
    if count > params.max_categories:
        raise DataError(
            f"{table.where(first, name)}: {_said(table, first, name)} is text, and one of {count:,} different ones; "
            f"at most {params.max_categories} become features",
            f"dataset.max_categories: {count} takes them all; {rest}",
        )


def _first(table: Table, name: str) -> int:
    """The first row whose cell says something."""
    return int(np.argmin(table.missing(name)))


def _said(table: Table, row: int, name: str) -> str:
    """A cell as a message shows it."""
    cell = table.cell(row, name)
    if not cell:
        return "the cell is empty"
    return f"{short(cell)} says that it is missing" if table.missing(name)[row] else short(cell)


def _cells(table: Table, name: str, columns: Sequence[Column]) -> Array:
    """(n, columns) float64: what a column of the table holds for these columns of the transform."""
    first = columns[0]
    if first.kind == "category":
        marks = {text: mark(str(text)) for text in table.counts(name)}
        found = np.array([marks.get(text, np.nan) for text in table.texts(name)], np.float64)
        return found[:, None]
    if first.kind == "date":
        return table.dates(name, [column.part for column in columns], first.form or None)
    return (_truths(table, name) if first.kind == "boolean" else table.numbers(name))[:, None]


def _truths(table: Table, name: str) -> Array:
    """(n,) float64: 1 and 0 for true and false, also where they are written as numbers. Raises DataError for others."""
    if name in table.text:
        known = {"true": 1.0, "false": 0.0}
        cells = {text: known.get(str(text).lower(), number(str(text))) for text in table.counts(name)}
        values = np.array([cells.get(text, np.nan) for text in table.texts(name)], np.float64)
        missing = table.missing(name)
    else:
        values = table.numbers(name)
        missing = np.isnan(values)
    wrong = ~(missing | (values == 0) | (values == 1))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{table.where(row, name)}: {short(table.cell(row, name))} is neither true nor false",
            "true and false, or 1 and 0",
        )
    return values


def _refuse_large(table: Table, columns: Sequence[Column], values: Array) -> None:
    most = float(np.finfo(np.float32).max)
    for n, column in enumerate(columns):
        if column.kind == "category" or not table.rows:
            continue
        cells = values[:, n]
        if max(np.fmax.reduce(cells), -np.fmin.reduce(cells)) > most:
            row = int(np.argmax(np.abs(np.nan_to_num(cells)) > most))
            raise DataError(
                f"{table.where(row, column.name)}: {cells[row]:g} is no finite number of 32 bits",
                "correct the cell, or leave the line out",
            )


def _doubts(columns: Sequence[Column], values: Array) -> Iterator[str]:
    """A warning for each column that only numbers the rows."""
    for n, column in enumerate(columns):
        if column.kind == "number" and id_like(values[:, n]):
            yield (
                f"column {short(column.name)} is all different, rising whole numbers: an id that says nothing? "
                f"dataset.exclude: [{column.name}] leaves it out"
            )


def _counted(values: Array) -> tuple[list[float], list[int]]:
    found, counts = np.unique(values, return_counts=True)
    return found.tolist(), counts.tolist()


def _fill(there: Array, missing: str) -> float | None:
    """What a missing number is taken for; None where there is none to tell it from."""
    if not len(there):
        return None
    match missing:
        case "mean":
            return float(np.mean(there))
        case "median":
            return float(np.median(there))
    found, counts = np.unique(there, return_counts=True)
    return float(found[np.argmax(counts)])
