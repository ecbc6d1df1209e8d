"""Scatter: predicted against true values and their residuals, as SVG drawings that need no script."""

import math

import numpy as np

from nnlab.dataset import Array
from nnlab.present.html import Html, element

MOST_DOTS = 400
WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 40
TICKS = 5


def predicted_against_true(true: Array, predicted: Array, name: str) -> Html:
    """Predicted over true values; on the line they are equal."""
    x, y = _flat(true, predicted)
    low, high = _limits(np.concatenate([x, y]))
    line = ((low, low), (high, high))
    return _drawing(x, y, (low, high), (low, high), line, f"true {name}", f"predicted {name}")


def residuals(true: Array, predicted: Array, name: str) -> Html:
    """Predicted minus true over the predicted values; on the line nothing is wrong."""
    true, predicted = _flat(true, predicted)
    difference = predicted - true
    x_limits, y_limits = _limits(predicted), _limits(np.concatenate([difference, -difference]))
    line = ((x_limits[0], 0.0), (x_limits[1], 0.0))
    return _drawing(predicted, difference, x_limits, y_limits, line, f"predicted {name}", "predicted − true")


def _flat(true: Array, predicted: Array) -> tuple[Array, Array]:
    """True and predicted values, evenly chosen where there are many."""
    true, predicted = (array.astype(np.float64).reshape(-1) for array in (true, predicted))
    drawn = np.isfinite(true) & np.isfinite(predicted) & (np.abs(predicted) < 1e100)
    true, predicted = true[drawn], predicted[drawn]
    rows = np.linspace(0, len(true) - 1, min(len(true), MOST_DOTS)).astype(np.int64)
    return true[rows], predicted[rows]


def _limits(values: Array) -> tuple[float, float]:
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.04 * (high - low) or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _drawing(
    x: Array,
    y: Array,
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
    line: tuple[tuple[float, float], tuple[float, float]],
    x_label: str,
    y_label: str,
) -> Html:
    def across(value: float) -> float:
        return round(LEFT + (value - x_limits[0]) / (x_limits[1] - x_limits[0]) * (WIDTH - LEFT - RIGHT), 1)

    def down(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - y_limits[0]) / (y_limits[1] - y_limits[0]) * (HEIGHT - TOP - BOTTOM), 1)

    parts = []
    for tick in _ticks(*x_limits):
        place = across(tick)
        parts.append(element("line", class_="grid", x1=place, x2=place, y1=TOP, y2=HEIGHT - BOTTOM))
        parts.append(element("text", f"{tick:,g}", x=place, y=HEIGHT - BOTTOM + 16, text_anchor="middle"))
    for tick in _ticks(*y_limits):
        place = down(tick)
        parts.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place))
        parts.append(element("text", f"{tick:,g}", x=LEFT - 6, y=place + 4, text_anchor="end"))
    (x1, y1), (x2, y2) = line
    parts.append(element("line", class_="exact", x1=across(x1), y1=down(y1), x2=across(x2), y2=down(y2)))
    parts += [element("circle", cx=across(a), cy=down(b), r=3) for a, b in zip(x, y, strict=True)]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(element("text", x_label[:50], x=(LEFT + WIDTH) / 2, y=HEIGHT - 6, text_anchor="middle"))
    turned = f"rotate(-90 12 {middle:g})"
    parts.append(element("text", y_label[:40], x=12, y=middle, text_anchor="middle", transform=turned))
    label = f"{y_label} over {x_label}, {len(x):,} examples; the dashed line is where they are exact"
    svg = element("svg", *parts, class_="scatter", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", aria_label=label)
    return element("figure", svg, element("figcaption", f"{y_label} over {x_label}; dashed: exact"))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within the limits."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step)
    return [float(f"{number * step:.10g}") for number in range(first, math.floor(high / step) + 1)]
