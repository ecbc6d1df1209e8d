"""Curves: the losses and scores of entries over their training; of several seeds the mean and a band of one sd."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nnlab.comparison.entries import Entry
from nnlab.comparison.groups import Comparison, Group
from nnlab.comparison.rows import Row
from nnlab.dataset import Array, Task
from nnlab.errors import RunError
from nnlab.present import lines


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
    found = [(watched, curve) for entry in group.entries for watched, curve in _curves(entry, group.data.task)]
    if not found:
        return None
    split = " / ".join(sorted({watched for watched, _ in found}))
    score = group.data.task.curve
    return lines.overlay(
        [curve for _, curve in found],
        title=group.data.title,
        loss_label=f"{split} loss",
        score_label=f"{split} {score.title}",
        percent=score.percent,
    )


def _curves(entry: Entry, task: Task) -> Iterator[tuple[str, lines.Curve]]:
    """The split that was watched, and the curve; nothing for an entry without one."""
    found = columns_of(entry, task)
    if found is None:
        return
    split, columns = found
    score = task.curve.name
    label = entry.name if len(entry.rows) == 1 else f"{entry.name} (n={len(entry.rows)})"
    loss, scores = columns[f"{split}_loss"], columns[f"{split}_{score}"]
    yield (
        split,
        lines.Curve(
            label,
            columns["step"].mean(axis=0),
            columns["seconds"].mean(axis=0),
            loss.mean(axis=0),
            scores.mean(axis=0),
            loss_sd=_sd(loss),
            score_sd=_sd(scores),
        ),
    )


def columns_of(entry: Entry, task: Task) -> tuple[str, dict[str, Array]] | None:
    """The split that was watched, and the columns of metrics.csv, each (runs, points); None without any curve."""
    found = [(split, columns) for row in entry.rows for split, columns in _watched(row, task.curve.name)]
    if not found or len({split for split, _ in found}) > 1:
        return None
    columns = {name: _together([run[name] for _, run in found]) for name in found[0][1]}
    return found[0][0], columns


def _watched(row: Row, score: str) -> Iterator[tuple[str, dict[str, Array]]]:
    """The split that a run's curves are of, and their columns; nothing for a run without any."""
    try:
        columns = {name: np.array(values) for name, values in row.run.metrics.read().items()}
    except RunError:
        return  # a run that failed before its first evaluation has no curve
    split = next((split for split in ("val", "test", "train") if f"{split}_{score}" in columns), None)
    wanted = ("step", "seconds", "train_loss", f"{split}_loss", f"{split}_{score}")
    if split is not None and set(wanted) <= set(columns) and len(columns["step"]):
        yield split, {name: columns[name] for name in wanted}


def _together(arrays: list[Array]) -> Array:
    """(runs, points): as many points as the shortest has; runs of one config are evaluated at the same steps."""
    shortest = min(map(len, arrays))
    return np.stack([array[:shortest] for array in arrays])


def _sd(values: Array) -> Array | None:
    """The standard deviation at each point; None for a single run."""
    return values.std(axis=0, ddof=1) if len(values) > 1 else None
