"""Twins: runs with the same losses to the bit, which says that they are not two trainings but one."""

from collections.abc import Iterator, Sequence

from nnlab.comparison.rows import Row
from nnlab.errors import RunError
from nnlab.rundir.directory import LOSSES

SHOWN = 5
"""Sets of twins that are named, and names of each."""


def twins(rows: Sequence[Row]) -> list[str]:
    """A sentence for each set of runs whose manifests have one hash of the loss of every step; those without are not
    looked at."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if (losses := _losses(row)) is not None:
            found.setdefault(losses, []).append(row)
    return list(_sentences([together for together in found.values() if len(together) > 1]))


def _losses(row: Row) -> str | None:
    try:
        return row.run.manifest.read().sha256.get(LOSSES)
    except RunError:
        return None


def _sentences(sets: Sequence[Sequence[Row]]) -> Iterator[str]:
    for rows in sets[:SHOWN]:
        names = sorted(row.name for row in rows)[:SHOWN] + [f"{len(rows) - SHOWN} more"] * (len(rows) > SHOWN)
        why = "a copy, or the same config trained twice"
        if len({row.summary.seed for row in rows}) > 1:
            why += ", or a model that no seed changes"
        yield f"{', '.join(names[:-1])} and {names[-1]} have the same losses to the bit: {why}"
    if len(sets) > SHOWN:
        yield f"{len(sets) - SHOWN} more sets of runs have the same losses to the bit"
