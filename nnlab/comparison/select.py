"""Select: the runs that a name on the command line means: one run, or all seeds of one config."""

from pathlib import Path

from nnlab.comparison.entries import alike
from nnlab.comparison.groups import read_rows
from nnlab.rundir import RunDir
from nnlab.rundir.folder import ambiguous, matching


def select(runs: Path, wanted: str) -> list[RunDir]:
    """The run that ``wanted`` means, or the runs, where all that have it in their name differ only in their seed.

    Raises RunError where there is none, or where it may mean runs of several configs.
    """
    matches = matching(runs, wanted)
    if len(matches) > 1:
        rows, _ = read_rows(matches)
        if len(rows) < len(matches) or not alike(rows):
            raise ambiguous(runs, wanted, matches)
    return matches
