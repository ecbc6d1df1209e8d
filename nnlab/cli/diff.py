"""The diff command: two runs side by side on one screen."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab.cli import complete, options, screen
from nnlab.dataset.task import metric_of
from nnlab.metrics import shown
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.comparison.diff import Diff, Score

WIDTH = 60
"""Characters of a value: the start of a hash or of a long list tells enough."""
HASH = 12
MOST_KEYS = 50
"""Of a section; no run has as many, but a damaged one may."""
ARROWS = {True: "↑ better", False: "↓ worse", None: "= same"}


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=options.WHICH_RUN, autocompletion=complete.runs)],
    b: Annotated[str, typer.Argument(metavar="B", help=options.WHICH_RUN, autocompletion=complete.runs)],
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    json: options.Json = False,
) -> None:
    """Show in what two runs differ, what each scores, and whether that may be compared."""
    from nnlab import comparison, rundir
    from nnlab.comparison.diff import diff_as_json

    found = comparison.diff(rundir.find(runs_dir, a), rundir.find(runs_dir, b))
    if json:
        screen.print_json(diff_as_json(found))
    else:
        _print(found)


def _print(found: "Diff") -> None:
    rows = [["run", found.a.name, found.b.name], ["status", found.a.status, found.b.status]]
    rows += [
        [key, _short(key, a), _short(key, b)]
        for changes in found.sections.values()
        for key, (a, b) in islice(changes.items(), MOST_KEYS)
    ]
    screen.show(Listing(["", "A", "B"], rows, left=(0, 1, 2)))
    for name, changes in found.sections.items():
        if not changes:
            screen.line(f"{name}: {f'not known: {found.unknown[name]}' if name in found.unknown else 'the same'}")
    screen.line("")
    comparable = found.incomparable is None
    scores = [_score(score, comparable) for score in found.scores]
    scores.append(["time", *(screen.duration(row.seconds) for row in (found.a, found.b)), "", ""])
    screen.show(Listing(["score", "A", "B", "B - A", "B is"], scores, left=(0, 4)))
    screen.line(found.sentence)


def _short(key: str, value: str | None) -> str:
    if value is None:
        return "-"
    most = HASH if key.endswith(("sha256", "commit")) else WIDTH
    return value if len(value) <= most else f"{value[:most]}…"


def _score(score: "Score", comparable: bool) -> list[str]:
    """A row of the table; what may not be compared is neither subtracted nor judged."""
    cells = [f"{score.split} {score.metric}", shown(score.metric, score.a), shown(score.metric, score.b)]
    if not comparable or score.difference is None:
        return [*cells, "-", "-"]
    points = f"{100 * score.difference:+.2f} points"
    return [*cells, points if metric_of(score.metric).percent else f"{score.difference:+.4g}", ARROWS[score.better]]
