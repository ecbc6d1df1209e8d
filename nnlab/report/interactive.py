"""Interactive: the charts that the page's script draws of a group: frames, data, and the values as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlab.comparison import Entry, Group
from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.metrics import shown
from nnlab.present.html import Html, as_table, element, join
from nnlab.present.marks import envelope, finite, spans_decades
from nnlab.present.values import Chart, Listing, Series
from nnlab.report.labels import swatch
from nnlab.report.numbers import rounded

MOST_POINTS = 300
"""Of one curve, where there are few of them."""
ALL_POINTS = 3000
"""Of the curves of one chart."""


def _drawn_of(charts: Sequence[Chart]) -> list[Chart]:
    """Those to draw, the score first; the watched split's loss is left out where that is the training split."""
    loss, score, train = charts
    return [score, train] if loss.title == "train loss" else [score, loss, train]


def _titled(chart: Chart) -> str:
    """Its title with a capital first letter, the others as they are."""
    return chart.title[:1].upper() + chart.title[1:]


def as_data(group: Group, charts: Sequence[Chart]) -> dict[str, Any]:
    """The curves as plain data for the page's script."""
    entries = list(zip(*(chart.series for chart in charts), strict=True))
    most = max(40, min(MOST_POINTS, ALL_POINTS // max(1, len(entries))))
    return {
        "charts": [
            {"column": chart.column, "title": _titled(chart), "unit": "percent" if chart.percent else "number"}
            for chart in (_drawn_of(charts) if charts else [])
        ],
        "entries": [
            {
                "name": series[0].name,
                "look": series[0].place,
                "columns": _columns(charts, series, most),
                "every": _every_step(group.entries[series[0].place], series[0], most),
            }
            for series in entries
        ],
    }


def _columns(charts: Sequence[Chart], series: Sequence[Series], most: int) -> dict[str, list[float | None]]:
    """The curves of one entry by the name of their column, with their deviations and what they are drawn against."""
    columns = {"step": series[0].x, "seconds": series[0].seconds}
    for chart, each in zip(charts, series, strict=True):
        columns |= {chart.column: each.y, f"{chart.column}_sd": each.sd}
    found = {name: values for name, values in columns.items() if values is not None}
    return {name: rounded(_thinned(values, most), 9 if name == "step" else 5) for name, values in found.items()}


def _thinned(values: Array, most: int) -> Array:
    """Evenly chosen points, the first and the last among them."""
    return values[np.linspace(0, len(values) - 1, min(len(values), most)).round().astype(np.int64)]


def _every_step(entry: Entry, series: Series, most: int) -> dict[str, list[float | None]] | None:
    """The loss of every step of a single run, thinned so that no spike is lost; None where there is none."""
    if len(entry.rows) > 1 or series.seconds is None:
        return None
    try:
        losses = entry.rows[0].run.losses.read()
    except RunError:
        return None  # a run that has not finished has no such file yet
    if losses.ndim != 1 or losses.dtype.kind != "f" or not len(losses):
        return None
    steps, kept = envelope(np.arange(1, len(losses) + 1), np.nan_to_num(losses, nan=np.inf), most // 2)
    seconds = np.interp(steps, [0, *series.x], [0, *series.seconds])
    return {"step": rounded(steps, 9), "seconds": rounded(seconds), "loss": rounded(kept, 4)}


def frames(group: Group, found: Sequence[Chart], number: int) -> Html:
    """Controls, a legend to switch curves on and off, and a chart for each score and loss."""
    if not found:
        return element("p", "None of these runs has been evaluated yet, so there is no curve.", class_="note")
    bands = any(series.sd is not None for series in found[0].series)
    said = "Lines of several seeds (n) are means; the band is one standard deviation to either side." if bands else ""
    hint = "Drag across a chart to zoom in, or tab to one and use the arrow keys, + and −, and 0 for the whole."
    drawn = [
        _controls(number, log=spans_decades(finite(each.x, each.y)[1] for each in found[0].series)),
        element("ul", *map(_switch, found[0].series), class_="legend", aria_label="Curves shown"),
        element("div", *(_chart(chart, group) for chart in _drawn_of(found)), class_="charts"),
        element("p", f"{said} {hint}".strip(), class_="quiet"),
        element("p", class_="visually-hidden", role="status", data_announce=True),
    ]
    table = element("details", element("summary", "The values as a table"), _values(_drawn_of(found)))
    unscripted = element("noscript", element("p", "The curves are drawn by a script, which is switched off here."))
    return join([unscripted, element("div", *drawn, class_="curves scripted"), table])


def _values(found: Sequence[Chart]) -> Html:
    """Where the curves end: what the charts say, as a table."""
    rows = [
        [
            every[0].name,
            f"{every[0].x[-1]:,.0f}",
            *(_last(chart, each) for chart, each in zip(found, every, strict=True)),
        ]
        for every in zip(*(chart.series for chart in found), strict=True)
    ]
    return as_table(Listing(["run", "steps", *map(_titled, found)], rows, "The last value of each curve."), "numbers")


def _last(chart: Chart, series: Series) -> str:
    return shown("accuracy" if chart.percent else "loss", float(series.y[-1]))


def _controls(number: int, *, log: bool) -> Html:
    axis = element(
        "fieldset",
        element("legend", "Against"),
        _choice("radio", "step", name=f"axis-{number}", value="step", checked=True),
        _choice("radio", "seconds", name=f"axis-{number}", value="seconds"),
    )
    log_axis = _choice("checkbox", "log axis for losses", data_log=True, checked=log)
    buttons = [
        element("button", "Zoom in", type="button", data_zoom="in"),
        element("button", "Zoom out", type="button", data_zoom="out"),
        element("button", "Whole", type="button", data_zoom="whole", aria_label="Show the whole curves"),
    ]
    return element("div", axis, log_axis, element("span", *buttons, class_="buttons"), class_="controls")


def _choice(type_: str, text: str, **attributes: str | bool) -> Html:
    return element("label", element("input", type=type_, **attributes), element("span", text), class_="choice")


def _switch(series: Series) -> Html:
    box = element("input", type="checkbox", checked=True, data_look=series.place)
    return element("li", element("label", box, swatch(series.place), element("span", series.name), class_="choice"))


def _chart(chart: Chart, group: Group) -> Html:
    unit = group.data.task.unit or group.data.task.loss
    note = {"loss": unit, "train": f"{unit}; faint: each step"}.get(chart.column)
    title = _titled(chart)
    return element(
        "figure",
        element("figcaption", element("strong", title), element("span", f" {note}", class_="quiet") if note else ""),
        element("div", class_="plot", tabindex=0, role="group", aria_roledescription="chart", aria_label=title),
        element("p", class_="readout", aria_hidden="true"),
        class_="chart",
        data_column=chart.column,
    )
