"""Parquet files: columns whose types the file declares, read by polars one at a time."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.errors import DataError
from nnlab.tables.cells import refuse_names, short, stripped
from nnlab.tables.columns import Kind, Table, Text, text_of
from nnlab.tables.keys import Keys, Style


def find_style(path: Path, keys: Keys) -> Style:
    """The columns of a file. Raises DataError where it is damaged, or a name is empty, unprintable or there twice."""
    import polars as pl

    names = [stripped(name) for name in _asked(path, lambda: pl.read_parquet_schema(path))]
    refuse_names(names, repr(str(path)))
    return Style(tuple(names), keys.words)


def read(
    path: Path, style: Style, wanted: Sequence[str], text: Collection[str], must_fit: Callable[[int], None]
) -> Table:
    """The table of these columns."""
    lazy, rows, columns = _opened(path, style, wanted)
    if not rows:
        raise DataError(f"{str(path)!r} has columns and no data", "one row an example")
    must_fit(8 * rows * len(wanted))

    def column(name: str) -> Any:
        return _asked(path, lambda: lazy.select(columns[name][0]).collect()).to_series()

    table = _table(path, style, wanted, text, columns, column, range(1, rows + 1))
    table.again = lambda name: _text(column(name), "number")
    return table


def stream(
    path: Path, style: Style, wanted: Sequence[str], text: Collection[str], rows_at_once: int
) -> Iterator[Table]:
    """The tables of at most so many rows."""
    import polars as pl

    lazy, rows, columns = _opened(path, style, wanted)
    for start in range(0, rows, rows_at_once):
        some = lazy.slice(start, rows_at_once).select([pl.col(columns[name][0]).alias(name) for name in wanted])
        frame = _asked(path, some.collect)
        lines = range(start + 1, start + 1 + frame.height)
        yield _table(path, style, wanted, text, columns, frame.get_column, lines)


def _opened(path: Path, style: Style, wanted: Sequence[str]) -> tuple[Any, int, dict[str, tuple[str, Kind]]]:
    """A file's lazy frame, how many rows it has, and of each wanted column the name there and what it holds."""
    import polars as pl

    lazy = pl.scan_parquet(path)
    schema = _asked(path, lazy.collect_schema)
    written = dict(zip(style.names, schema.names(), strict=True))
    columns = {name: (written[name], _kind(path, name, schema[written[name]])) for name in wanted}
    return lazy, int(_asked(path, lambda: lazy.select(pl.len()).collect()).item()), columns


def _table(
    path: Path,
    style: Style,
    wanted: Sequence[str],
    text: Collection[str],
    columns: Mapping[str, tuple[str, Kind]],
    column: Callable[[str], Any],
    rows: range,
) -> Table:
    """The table of some rows, whose columns come one at a time."""
    numbered = [name for name in wanted if columns[name][1] == "number" and name not in text]
    values = np.empty((len(rows), len(numbered)))
    for i, name in enumerate(numbered):
        values[:, i] = _numbers(column(name))
    texts = {name: _text(column(name), columns[name][1]) for name in wanted if name not in numbered}
    return Table(path, style, len(rows), numbered, values, texts, rows, unit="row")


def _kind(path: Path, name: str, dtype: Any) -> Kind:
    import polars as pl

    if dtype.is_numeric() or dtype == pl.Null:
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Date or dtype == pl.Datetime:
        return "date"
    if dtype == pl.String or dtype == pl.Categorical or dtype == pl.Enum:
        return "text"
    raise DataError(
        f"{str(path)!r}: column {short(name)} holds {str(dtype)[:60]}, which is no number, text or date",
        "leave it out with dataset.features or dataset.exclude",
    )


def _numbers(column: Any) -> Any:
    import polars as pl

    return column.cast(pl.Float64).to_numpy()


def _text(column: Any, kind: Kind) -> Text:
    """A column as text, as a CSV file would have it."""
    import polars as pl

    if kind == "date":
        zone = "" if column.dtype == pl.Date or column.dtype.time_zone is None else "%:z"
        column = column.dt.strftime("%Y-%m-%d" if column.dtype == pl.Date else f"%Y-%m-%dT%H:%M:%S%.6f{zone}")
    return text_of(map(_cell, column.to_list()), kind)


def _cell(value: object) -> str:
    if value is None or value != value:  # not a number
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return stripped(str(value))


def _asked(path: Path, ask: Callable[[], Any]) -> Any:
    """What polars answers. Raises DataError where it cannot read the file."""
    import polars as pl

    try:
        return ask()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{str(path)!r} cannot be read as parquet: {reason}", "write it again") from error
