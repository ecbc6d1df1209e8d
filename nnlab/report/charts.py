"""Charts: the frame that the page's script draws a group's curves into, with the values as a table beside it."""

from collections.abc import Sequence

from nnlab.comparison import Group
from nnlab.metrics import shown
from nnlab.present.html import Html, element, join
from nnlab.present.marks import finite, spans_decades
from nnlab.present.values import Chart, Series
from nnlab.report.boxes import facts
from nnlab.report.curves import drawn_of, titled
from nnlab.report.looks import swatch


def charts(group: Group, found: Sequence[Chart], number: int) -> Html:
    """Controls, a legend to switch curves on and off, and a chart for each score and loss."""
    if not found:
        return element("p", "None of these runs has been evaluated yet, so there is no curve.", class_="note")
    bands = any(series.sd is not None for series in found[0].series)
    said = "Lines of several seeds (n) are means; the band is one standard deviation to either side." if bands else ""
    hint = "Drag across a chart to zoom in, or tab to one and use the arrow keys, + and −, and 0 for the whole."
    drawn = [
        _controls(number, log=spans_decades(finite(each.x, each.y)[1] for each in found[0].series)),
        element("ul", *map(_switch, found[0].series), class_="legend", aria_label="Curves shown"),
        element("div", *(_chart(chart, group) for chart in drawn_of(found)), class_="charts"),
        element("p", f"{said} {hint}".strip(), class_="quiet"),
        element("p", class_="visually-hidden", role="status", data_announce=True),
    ]
    table = element("details", element("summary", "The values as a table"), _values(drawn_of(found)))
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
    return facts(["run", "steps", *map(titled, found)], rows, "The last value of each curve.", "numbers")


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
    unit = "nats" if group.data.task == "classification" else "mean squared error"
    note = {"loss": unit, "train": f"{unit}; faint: each step"}.get(chart.column)
    title = titled(chart)
    return element(
        "figure",
        element("figcaption", element("strong", title), element("span", f" {note}", class_="quiet") if note else ""),
        element("div", class_="plot", tabindex=0, role="group", aria_roledescription="chart", aria_label=title),
        element("p", class_="readout", aria_hidden="true"),
        class_="chart",
        data_column=chart.column,
    )
