"""Curves: a run's loss and score against the step, drawn in the terminal and told in words."""

from typing import TYPE_CHECKING

from nnlab.cli import screen
from nnlab.metrics import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from nnlab.present.charts import Columns
    from nnlab.present.values import Chart

PLAIN_WIDTH = 80
"""Columns where the output goes to a file or another program."""


def width() -> int:
    """How wide a curve may be: as wide as the terminal, and always the same elsewhere."""
    out = screen.out()
    return out.width if out.is_terminal else PLAIN_WIDTH


def drawn(found: "Sequence[Chart]", wide: int, high: int | None = None) -> "RenderableType | None":
    """The charts in at most ``wide`` columns and ``high`` lines, as many as fit there; None where none does."""
    from nnlab.present import panel

    return panel.laid_out(found, wide, high, unicode=screen.can_write("⠒▄│┤└┬─·"))


def of_run(columns: "Columns", wide: int, high: int | None = None) -> "RenderableType | None":
    """The curves of a run, drawn."""
    from nnlab.present import charts

    return drawn(charts.of_run(columns), wide, high)


def row(columns: "Columns", number: int = -1) -> str:
    """An evaluation in words; the newest one, empty before there is any."""
    if not columns.get("step"):
        return ""
    return f"step {columns['step'][number]:,.0f}  {scores(columns, number)}"


def scores(columns: "Columns", number: int = -1) -> str:
    """The epoch, the losses and the scores of an evaluation; empty before there is any."""
    from nnlab.present.charts import watched

    hidden = {"step", "epoch", "seconds", f"{watched(columns)}_mse"}  # mse is the same as the loss
    values = {name: column[number] for name, column in columns.items() if column}
    epoch = [f"epoch {values['epoch']:.4g}"] if "epoch" in values else []
    parts = [f"{name.replace('_', ' ')} {shown(name, value)}" for name, value in values.items() if name not in hidden]
    return "  ".join([*epoch, *parts])
