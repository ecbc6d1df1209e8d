"""Curves: a run's loss and score against the step, drawn in the terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nnlab.cli import screen
from nnlab.dataset.task import LOSS, every_curve
from nnlab.metrics import shown

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from nnlab.comparison import Entry

Columns = Mapping[str, Sequence[float]]
"""Those of metrics.csv."""
PLAIN_WIDTH = 80
"""Columns where the output goes to a file or another program."""
HEIGHT = 12
SIDE_BY_SIDE = 100
"""Columns from which on two panels stand beside each other."""
GAP = 2


class Panel(NamedTuple):
    """What is drawn on one pair of axes."""

    title: str
    curves: Mapping[str, tuple[Any, Any]]
    percent: bool = False
    log: bool = False


def width() -> int:
    """How wide a curve may be: as wide as the terminal, and always the same elsewhere."""
    out = screen.out()
    return out.width if out.is_terminal else PLAIN_WIDTH


def watched(columns: Columns) -> str:
    """The split that the evaluations in ``columns`` are of."""
    return next((split for split in ("val", "test") if f"{split}_loss" in columns), "train")


def panels(columns: Columns) -> list[Panel]:
    """The loss, and the score where there is one; none before the first evaluation."""
    steps, split = columns.get("step"), watched(columns)
    if not steps:
        return []
    losses = {name: (steps, columns[f"{name}_loss"]) for name in ("train", split) if f"{name}_loss" in columns}
    found = [Panel("loss", losses, log=True)] if losses else []
    score = next((metric for metric in every_curve() if f"{split}_{metric.name}" in columns), None)
    if score:
        found.append(Panel(score.name, {split: (steps, columns[f"{split}_{score.name}"])}, percent=score.percent))
    return found


def bands(entry: "Entry") -> list[Panel]:
    """The same of several seeds: the mean, and what lies one standard deviation above and below."""
    from nnlab.comparison import columns_of

    measured = columns_of(entry, entry.data.task)
    if measured is None:
        return []
    split, columns = measured
    steps, found = columns["step"].mean(axis=0), []
    for metric in (LOSS, entry.data.task.curve):
        if (values := columns.get(f"{split}_{metric.name}")) is not None:
            mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
            lines = {"mean": mean, "+ sd": mean + sd, "- sd": mean - sd}
            title = f"{split} {metric.name}, {len(values)} seeds"
            found.append(Panel(title, {key: (steps, line) for key, line in lines.items()}, percent=metric.percent))
    return found


def drawn(found: Sequence[Panel], wide: int, high: int | None = None) -> "RenderableType | None":
    """The panels in at most ``wide`` columns and ``high`` lines, as many as fit there; None where none does."""
    from rich.console import Group
    from rich.table import Table

    from nnlab.present.terminal import MIN_HEIGHT, MIN_WIDTH

    beside = len(found) > 1 and wide >= SIDE_BY_SIDE
    rows = 1 if beside else len(found)
    if high is not None:
        rows = min(rows, high // MIN_HEIGHT)
    if not rows or wide < MIN_WIDTH:
        return None
    each = HEIGHT if high is None else min(high // rows, 2 * HEIGHT)
    if not beside:
        return Group(*(_text(panel, wide, each) for panel in found[:rows]))
    grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    grid.add_row(*(_text(panel, (wide - GAP) // 2, each) for panel in found))
    return grid


def _text(panel: Panel, wide: int, high: int) -> "Text":
    """A panel without the spaces at the ends of its lines."""
    from rich.text import Text

    from nnlab.present import terminal

    drawing = terminal.panel(
        panel.curves,
        title=panel.title,
        width=wide,
        height=high,
        percent=panel.percent,
        log=panel.log,
        unicode=screen.can_write("⠒▄│┤└┬─·"),
    )
    lines = Text.from_ansi(drawing).split("\n")
    for line in lines:
        line.rstrip()
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "crop"
    return text


def row(columns: Columns, number: int = -1) -> str:
    """An evaluation in words; the newest one, empty before there is any."""
    if not columns.get("step"):
        return ""
    return f"step {columns['step'][number]:,.0f}  {scores(columns, number)}"


def scores(columns: Columns, number: int = -1) -> str:
    """The epoch, the losses and the scores of an evaluation; empty before there is any."""
    hidden = {"step", "epoch", "seconds", f"{watched(columns)}_mse"}  # mse is the same as the loss
    values = {name: column[number] for name, column in columns.items() if column}
    epoch = [f"epoch {values['epoch']:.4g}"] if "epoch" in values else []
    parts = [f"{name.replace('_', ' ')} {shown(name, value)}" for name, value in values.items() if name not in hidden]
    return "  ".join([*epoch, *parts])
