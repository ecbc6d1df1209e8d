"""Curves: the losses and scores of a group's entries over their training, read and drawn."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from nnlab.comparison.entries import Entry
from nnlab.comparison.groups import Comparison, Group
from nnlab.errors import RunError
from nnlab.present import charts, lines
from nnlab.present.values import Chart


def pictures(comparison: Comparison, path: Path) -> Iterator[tuple[Path, bytes]]:
    """(file, PNG) of all curves: one picture for each group, the first at ``path``, the next at ``path``-2, …

    Raises RunError where there is nothing to draw.
    """
    drawn = [picture for picture in map(overlay, comparison.groups) if picture is not None]
    if not drawn:
        raise RunError("none of these runs has a curve to draw", "name one that was evaluated at least once")
    for number, picture in enumerate(drawn, 1):
        yield (path if number == 1 else path.with_stem(f"{path.stem}-{number}")), picture


def overlay(group: Group) -> bytes | None:
    """Loss and score of a group's entries against step and seconds; None where none has a curve yet."""
    names = [f"{entry.name} (n={n})" if (n := len(entry.rows)) > 1 else entry.name for entry in group.entries]
    drawn = charts_of(group, names)[:2]
    return lines.overlay(drawn, title=group.data.title) if drawn else None


def charts_of(group: Group, names: Sequence[str]) -> list[Chart]:
    """Loss, score and loss in training of the group's entries, which go by these names; none without any curve."""
    entries = enumerate(zip(names, group.entries, strict=True))
    return charts.of_entries(
        {place: (name, list(_columns_of(entry))) for place, (name, entry) in entries}, group.data.task.curve
    )


def charts_of_seeds(entry: Entry) -> list[Chart]:
    """Loss and score of an entry of several runs."""
    return charts.of_seeds(list(_columns_of(entry)), entry.data.task.curve)


def _columns_of(entry: Entry) -> Iterator[charts.Columns]:
    """metrics.csv of each run that was evaluated; one that failed before its first evaluation has no curve."""
    for row in entry.rows:
        try:
            yield row.run.metrics.read()
        except RunError:
            continue
