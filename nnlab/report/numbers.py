"""Numbers: as they are shown, and as short as they can be sent without a change to be seen."""

import math
from collections.abc import Iterable

MOST = 1e100
"""Beyond it a run has diverged, and an axis that long says nothing."""


def rounded(values: Iterable[float], digits: int = 5) -> list[float | None]:
    """To that many significant digits; None for what cannot be drawn."""
    return [_rounded(float(value), digits) for value in values]


def _rounded(value: float, digits: int) -> float | None:
    if not math.isfinite(value) or abs(value) > MOST:
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def shown_step(step: float, epoch: float) -> str:
    """``epoch 3, step 1,800``."""
    return f"epoch {epoch:,.4g}, step {step:,.0f}"


def seconds(number: float | None) -> str:
    """``1.2 s``, ``3 min 05 s``."""
    if number is None:
        return "–"
    if number < 100:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    return f"{minutes} min {rest:02} s"


def count(value: object) -> str:
    """``164,560``."""
    return f"{value:,.10g}" if isinstance(value, int | float) else "–"
