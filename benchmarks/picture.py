"""Picture: the kept results as one PNG for the README."""

from pathlib import Path
from typing import Any

from benchmarks.growth import AXES, MODELS

PATH = Path(__file__).parent.parent / "docs" / "benchmark.png"
OURS, OTHERS, FLOOR = "#0072B2", "#B8B8B8", "#009E73"
LABELS = {
    "examples": "examples in the training split",
    "batch": "batch size",
    "width": "width of 3 hidden layers",
    "depth": "hidden layers of 150",
}


def draw(epoch: dict[str, Any], points: list[dict[str, Any]]) -> None:
    """An epoch of the main recipe beside every peer, and how time and memory grow."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(10, 9.2), dpi=130, layout="constrained")
    grid = figure.add_gridspec(3, 4, height_ratios=(1.5, 1, 1))
    machine = epoch["machine"]
    _bars(figure.add_subplot(grid[0, :]), epoch["rows"][0])
    for row, (key, label) in enumerate((("us_per_example", "µs an example"), ("peak_mib", "peak memory, MiB"))):
        first = None
        for column, axis in enumerate(AXES):
            axes = figure.add_subplot(grid[row + 1, column], sharey=first)
            first = first or axes
            for model, style in zip(MODELS, ("o-", "s--"), strict=True):
                chosen = [point for point in points if (point["model"], point["axis"]) == (model, axis)]
                axes.plot([p["value"] for p in chosen], [p[key] for p in chosen], style, label=model, markersize=4)
            axes.set_xscale("log")
            if key == "us_per_example":
                axes.set_yscale("log")
            else:
                axes.set_ylim(bottom=0)
            for side in (axes.xaxis, axes.yaxis):
                side.set_major_formatter("{x:,.6g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel(LABELS[axis], fontsize=8)
            axes.tick_params(labelsize=7, which="both")
            axes.grid(visible=True, color="#E3E3E3", linewidth=0.7)
            axes.set_ylabel(label if not column else "", fontsize=8)
            if not row and not column:
                axes.legend(fontsize=7, frameon=False)
    packages = machine["packages"]
    figure.suptitle(
        f"{machine['cpu']}, {machine['cores']} cores; torch {packages['torch']}, numpy {packages['numpy']}; "
        f"{machine['date']}",
        fontsize=8,
        color="#555555",
        y=-0.02,
    )
    figure.savefig(PATH, bbox_inches="tight", metadata={"Software": None})


def _bars(axes: Any, row: dict[str, Any]) -> None:
    """Seconds of each contestant, shortest on top."""
    found = sorted(row["seconds"].items(), key=lambda pair: -pair[1]["median"])
    names = [name for name, _ in found]
    medians = [seconds["median"] for _, seconds in found]
    ranges = [[s["median"] - s["low"] for _, s in found], [s["high"] - s["median"] for _, s in found]]
    colors = [OURS if name.startswith("nnlab") else FLOOR if name.startswith("floor") else OTHERS for name in names]
    axes.barh(names, medians, xerr=ranges, color=colors, error_kw={"elinewidth": 1, "ecolor": "#555555"})
    for place, (median, high) in enumerate(zip(medians, ranges[1], strict=True)):
        axes.text(median + high, place, f"  {median:.2f} s", va="center", fontsize=8)
    axes.set_title(f"{row['work']}: seconds, median and range", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlim(0, 1.1 * max(median + more for median, more in zip(medians, ranges[1], strict=True)))
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
