"""Charts to draw."""

from collections.abc import Mapping
from typing import Any

from nnlab.present.values import Chart, Series


def chart(
    curves: Mapping[str, tuple[Any, Any]], *, title: str = "loss", percent: bool = False, log: bool = False
) -> Chart:
    """Curves, steps and values by their names, on one pair of axes."""
    return Chart("loss", title, [Series(name, x, y) for name, (x, y) in curves.items()], percent, log)
