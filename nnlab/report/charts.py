"""Charts: the frame that the page's script draws a group's curves into, with the values as a table beside it."""

from collections.abc import Sequence

from nnlab.comparison import Group
from nnlab.present.html import Html, element, join
from nnlab.report import tables
from nnlab.report.curves import Chart, Curve, charts_of, spans_decades
from nnlab.report.looks import swatch


def charts(group: Group, curves: Sequence[Curve], number: int) -> Html:
    """Controls, a legend to switch curves on and off, and a chart for each score and loss."""
    if not curves:
        return element("p", "None of these runs has been evaluated yet, so there is no curve.", class_="note")
    legend = [_switch(curve) for curve in curves]
    bands = any("loss_sd" in curve.columns for curve in curves)
    said = "Lines of several seeds (n) are means; the band is one standard deviation to either side." if bands else ""
    hint = "Drag across a chart to zoom in, or tab to one and use the arrow keys, + and −, and 0 for the whole."
    drawn = [
        _controls(number, log=spans_decades(curves)),
        element("ul", *legend, class_="legend", aria_label="Curves shown"),
        element("div", *(_chart(chart) for chart in charts_of(group, curves)), class_="charts"),
        element("p", f"{said} {hint}".strip(), class_="quiet"),
        element("p", class_="visually-hidden", role="status", data_announce=True),
    ]
    table = element("details", element("summary", "The values as a table"), tables.values(group, curves))
    unscripted = element("noscript", element("p", "The curves are drawn by a script, which is switched off here."))
    return join([unscripted, element("div", *drawn, class_="curves scripted"), table])


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


def _switch(curve: Curve) -> Html:
    box = element("input", type="checkbox", checked=True, data_look=curve.look)
    return element("li", element("label", box, swatch(curve.look), element("span", curve.label), class_="choice"))


def _chart(chart: Chart) -> Html:
    note = element("span", f" {chart.note}", class_="quiet") if chart.note else ""
    return element(
        "figure",
        element("figcaption", element("strong", chart.title), note),
        element("div", class_="plot", tabindex=0, role="group", aria_roledescription="chart", aria_label=chart.title),
        element("p", class_="readout", aria_hidden="true"),
        class_="chart",
        data_column=chart.column,
    )
