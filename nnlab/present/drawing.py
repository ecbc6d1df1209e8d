"""Page: what all pictures look like: size, colours, fonts, title, legend, and the PNG in the end."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from nnlab.present.fitting import short, width_of

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches and dots an inch: 1600 pixels wide, so that 9 point text is still 12 pixels high at half that width.
WIDTH, HEIGHT, DPI = 8.0, 5.0, 200
TITLE, TEXT = 12.0, 9.0
MOST_NAMES = 12

FAINT, QUIET, GRID = "#A6A6A6", "#555555", "#E3E3E3"

# The font that comes with matplotlib has no Chinese, Japanese or Korean: these are asked next, where installed.
WIDE_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "SimHei")


@contextmanager
def style() -> Iterator[None]:
    """matplotlib's defaults with our look on top, whatever the user's own settings; they are back afterwards."""
    import matplotlib
    from matplotlib import font_manager

    installed = set(font_manager.fontManager.get_font_names())
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A class name may be in a script that no installed font has: a box in its place is no reason to stop.
        warnings.filterwarnings("ignore", message=".*[Gg]lyph")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "font.sans-serif": ["DejaVu Sans", *(font for font in WIDE_FONTS if font in installed)],
                "font.size": TEXT,
                # Names come from files: a dollar sign in one is a dollar sign, not the start of a formula.
                "text.parse_math": False,
                "axes.edgecolor": "#999999",
                "axes.labelcolor": QUIET,
                "axes.axisbelow": True,
                "axes.grid": True,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "axes.xmargin": 0.015,
                "grid.color": GRID,
                "grid.linewidth": 0.7,
                "legend.frameon": False,
                "legend.fontsize": TEXT,
                "lines.linewidth": 1.5,
                "xtick.color": "#999999",
                "ytick.color": "#999999",
                "xtick.labelcolor": QUIET,
                "ytick.labelcolor": QUIET,
                "figure.constrained_layout.h_pad": 0.08,
                "figure.constrained_layout.w_pad": 0.1,
            }
        )
        yield


def new_figure(title: str, width: float, height: float, *, by_hand: bool = False) -> "Figure":
    """A figure of so many inches with its title; matplotlib lays out the rest, unless that is done ``by_hand``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout=None if by_hand else "constrained")
    text = short(title, TITLE, width - 0.24, bold=True)
    y = 1 - 0.12 / height if by_hand else None
    figure.suptitle(text, x=0.12 / width, y=y, ha="left", fontsize=TITLE, fontweight="bold")
    return figure


def new_page(title: str, width: float, height: float) -> "tuple[Figure, Axes]":
    """A figure laid out by hand: its axes measure inches from the top left corner."""
    figure = new_figure(title, width, height, by_hand=True)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def new_axes(title: str) -> "tuple[Figure, Axes]":
    """A figure of the usual size and the one pair of axes in it."""
    figure = new_figure(title, WIDTH, HEIGHT)
    return figure, figure.add_subplot()


def label_axes(axes: "Axes", x: str, y: str) -> None:
    """Name what is along each axis of a figure of the usual size."""
    axes.set_xlabel(short(x, TEXT, WIDTH - 1.5))
    axes.set_ylabel(short(y, TEXT, HEIGHT - 1.5))


def add_legend(figure: "Figure", handles: "Sequence[Artist]", names: Sequence[str]) -> None:
    """A legend under the axes, in space of its own; past a dozen names it says how many more there are."""
    from matplotlib.lines import Line2D

    if not handles:
        return
    shown, keys = list(names[:MOST_NAMES]), list(handles[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        shown, keys = [*shown, f"+{len(names) - MOST_NAMES} more"], [*keys, Line2D([], [], linestyle="none")]
    room, key = figure.get_figwidth() - 0.3, 0.6
    texts = [short(name, TEXT, room / min(2, len(shown)) - key) for name in shown]
    columns = max(1, min(len(texts), int(room / (max(width_of(text, TEXT) for text in texts) + key))))
    rows = math.ceil(len(texts) / columns)
    figure.set_figheight(figure.get_figheight() + 0.19 * (rows - 1))
    legend = figure.legend(
        keys, [" "] * len(keys), loc="outside lower left", ncols=columns, handlelength=2.6, columnspacing=1.2
    )
    # Set afterwards: matplotlib leaves names that start with an underscore out of a legend.
    for entry, text in zip(legend.get_texts(), texts, strict=True):
        entry.set_text(text)


def png(figure: "Figure") -> bytes:
    """The picture's bytes: without matplotlib's version in them, so that they depend on the picture alone."""
    for axes in figure.axes:
        if axes.axison and not np.isfinite(axes.dataLim.get_points()).all():
            axes.text(0.5, 0.5, "nothing to draw", transform=axes.transAxes, ha="center", color=QUIET)
            axes.tick_params(length=0, labelbottom=False, labelleft=False)
            axes.grid(visible=False)
    file = BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
