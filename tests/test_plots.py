"""Pictures: real PNGs of a sensible size, the same bytes each time, whatever the numbers and names are."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nnlab.present import examples, lines, results
from nnlab.present.drawing import new_axes, new_figure, style
from nnlab.present.examples import _sheet
from nnlab.present.fitting import short, width_of
from nnlab.present.lines import _draw, _split_looks, _step_axis, spread
from nnlab.present.marks import envelope, looks, spans_decades
from nnlab.present.values import Chart, Series
from tests.chart_fixtures import chart

NAN = float("nan")
HOSTILE = [
    "$\\frac{1$",
    "$x_1^2$ costs $5",
    "_starts_with_underscore",
    "<b>&amp;</b>",
    "a\x00b\nc\td\x1b[31m\x7f",
    "\ud800 lone surrogate",
    "手语数字 الأرقام 🤟",
    "",
    "   \\",
    "%s {} {0}",
    "W" * 5000,
    "20261123-101503-ann-torch-mnist-with-a-name-that-goes-on-for-over-sixty-characters",
]

STEPS = np.arange(1, 8)
VALUES = np.array([2.3, 1.2, 0.6, 0.3, 0.1, 0.07, 0.05])
CURVES = {"train (mean since last point)": (STEPS, VALUES), "test": (STEPS, VALUES + 0.01)}
RNG = np.random.default_rng(0)


def loss(steps: Any, losses: Any, curves: Mapping[str, tuple[Any, Any]], **more: Any) -> bytes:
    return lines.drawn(chart(curves, log=True), every=(steps, losses), **more)


def accuracy(values: Any, **more: Any) -> bytes:
    return lines.drawn(chart({"test": (STEPS, values)}, title="accuracy", percent=True), **more)


def beside(names: Iterable[str], points: int = 5, score: str = "score", percent: bool = False) -> list[Chart]:
    """Loss and score of some runs."""
    steps = np.arange(1, points + 1) * 100
    losses = [Series(name, steps, np.exp(-steps / 300), steps * 0.01) for name in names]
    scores = [Series(each.name, steps, 1 - 0.5 / steps, each.seconds) for each in losses]
    return [Chart("loss", "loss", losses, log=True), Chart("score", score, scores if score else [], percent)]


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    with Image.open(BytesIO(png)) as picture:
        picture.load()
        assert not {"Software", "Creation Time"} & set(picture.info)
        return picture.size


def ink(png: bytes) -> float:
    """The share of the picture that is not white."""
    with Image.open(BytesIO(png)) as picture:
        return float(np.mean(np.asarray(picture.convert("L")) < 250))


def long_loss() -> bytes:
    steps = np.arange(1, 60_001)
    losses = 2.3 * np.exp(-steps / 9000) + 0.05
    some = steps[49::50]
    curves = {"train": (some, losses[some - 1]), "test": (some, losses[some - 1] + 0.02)}
    return loss(steps, losses * RNG.uniform(0.5, 2, 60_000), curves, title="long", steps_per_epoch=600)


def sheet(classes: int, each: int, shape: tuple[int, ...] = (8, 8)) -> bytes:
    labels = np.repeat(np.arange(classes), each)
    pictures = RNG.random((len(labels), int(np.prod(shape))))
    return examples.samples(pictures, labels, shape, title="sheet", names=[f"class {i}" for i in range(classes)])


def matrix(classes: int) -> bytes:
    counts = RNG.integers(0, 9, (classes, classes)) + 900 * np.eye(classes, dtype=int)
    return results.confusion(counts, [f"class {i}" for i in range(classes)], title="confusion")


def points(count: int, features: int = 3, classes: int = 0) -> bytes:
    targets = RNG.integers(0, classes, count) if classes else RNG.random((count, 1))
    names = [f"class {i}" for i in range(classes)]
    return examples.scatter(RNG.random((count, features)), targets, title="data", classes=names)


def fitted(count: int) -> bytes:
    x = np.linspace(3, 9, count)
    return results.fit(x[:, None], 9 - x / 2, x, 9 - x / 2, title="fit", x_label="price", y_label="cars sold")


PICTURES: dict[str, Callable[[], bytes]] = {
    "loss": lambda: loss(STEPS, VALUES, CURVES, title="short"),
    "loss long": long_loss,
    "loss one step": lambda: loss(STEPS[:1], VALUES[:1], {"test": (STEPS[:1], VALUES[:1])}, title="one"),
    "loss none": lambda: loss(STEPS[:0], VALUES[:0], {"test": (STEPS[:0], VALUES[:0])}, title="none"),
    "loss no curves": lambda: loss(STEPS, VALUES, {}, title="only steps", steps_per_epoch=3),
    "accuracy": lambda: accuracy(1 - VALUES / 3, title="accuracy", steps_per_epoch=2),
    "accuracy all right": lambda: accuracy(np.ones(7), title="100 %"),
    "accuracy all wrong": lambda: accuracy(np.zeros(7), title="0 %"),
    "metric": lambda: lines.drawn(chart(CURVES, log=True), title="mse", label="mean squared error"),
    "metric r2": lambda: lines.drawn(chart({"test": (STEPS, 1 - VALUES)}), title="r2", label="R²"),
    "metric many": lambda: lines.drawn(
        chart({str(i): (STEPS, VALUES + i) for i in range(40)}), title="many", label="loss"
    ),
    "samples 10": lambda: sheet(10, 5),
    "samples 2": lambda: sheet(2, 8),
    "samples 1": lambda: sheet(1, 1),
    "samples 26": lambda: sheet(26, 2),
    "samples 300": lambda: sheet(300, 1),
    "samples none": lambda: sheet(0, 0),
    "samples colour": lambda: sheet(7, 3, (3, 6, 9)),
    "samples large": lambda: sheet(2, 1, (3, 700, 500)),
    "confusion 1": lambda: matrix(1),
    "confusion 2": lambda: matrix(2),
    "confusion 10": lambda: matrix(10),
    "confusion 26": lambda: matrix(26),
    "confusion 120": lambda: matrix(120),
    "scatter": lambda: points(7, 1),
    "scatter none": lambda: points(0),
    "scatter large": lambda: points(50_000),
    "scatter classes": lambda: points(150, 4, 3),
    "scatter one feature": lambda: points(20, 1, 2),
    "scatter 26 classes": lambda: points(3000, 4, 26),
    "fit": lambda: fitted(7),
    "fit large": lambda: fitted(20_000),
    "fit one": lambda: fitted(1),
    "predicted": lambda: results.predicted_against_true(VALUES, VALUES + 0.1, title="predicted", label="price"),
    "predicted none": lambda: results.predicted_against_true(VALUES[:0], VALUES[:0], title="none", label="price"),
    "overlay 1": lambda: lines.overlay(beside(["one"], 1, "test accuracy", percent=True), title="one run"),
    "overlay 3": lambda: lines.overlay(beside("abc", score="R²"), title="three"),
    "overlay 30": lambda: lines.overlay(beside([f"run {i}" for i in range(30)], 900), title="thirty"),
    "overlay no score": lambda: lines.overlay(beside("ab", score=""), title="loss alone"),
    "overlay none": lambda: lines.overlay(beside([]), title="none"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_png_of_readable_size(name: str) -> None:
    png = PICTURES[name]()
    width, height = size(png)
    assert 750 <= width <= 1800
    assert 150 <= height <= 2000
    assert ink(png) > 0.003
    assert len(png) < 1_000_000


@pytest.mark.parametrize("name", ["loss", "accuracy", "confusion 2", "fit", "overlay 1"])
def test_the_same_input_gives_the_same_bytes(name: str) -> None:
    RNG.bit_generator.state = np.random.PCG64(1).state
    first = PICTURES[name]()
    RNG.bit_generator.state = np.random.PCG64(1).state
    assert PICTURES[name]() == first


def test_the_users_matplotlib_settings_are_neither_used_nor_changed() -> None:
    import matplotlib

    plain = PICTURES["fit"]()
    with matplotlib.rc_context({"font.size": 31, "savefig.transparent": True, "axes.facecolor": "red"}):
        before = dict(matplotlib.rcParams)
        assert PICTURES["fit"]() == plain
        assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported_and_matplotlib_only_to_draw() -> None:
    code = (
        "import sys; from nnlab.present import lines, values; assert 'matplotlib' not in sys.modules\n"
        "import numpy as np; one = values.Series('test', np.arange(3), np.ones(3))\n"
        "lines.drawn(values.Chart('loss', 'loss', [one]), title='t')\n"
        "assert 'matplotlib.figure' in sys.modules; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("name", "other"), list(zip(HOSTILE[::2], HOSTILE[1::2], strict=True)))
def test_names_are_data(name: str, other: str) -> None:
    drawn = [
        loss(STEPS, VALUES, {name: (STEPS, VALUES), other: (STEPS, VALUES)}, title=other, label=name),
        lines.overlay(beside([name, other], score=other), title=name),
        examples.samples(np.eye(4), np.array([0, 0, 1, 1]), (2, 2), title=name, names=[name, other]),
        results.confusion(np.eye(2, dtype=int), [name, other], title=name),
        results.fit(STEPS, VALUES, STEPS, VALUES, title=name, x_label=name, y_label=other),
        examples.scatter(np.eye(3), np.array([0, 1, 0]), title=name, feature_names=[name] * 3, classes=[name, other]),
    ]
    assert all(size(png)[0] <= 1800 for png in drawn)


def test_a_dollar_sign_is_drawn_as_one() -> None:
    formula, plain = ([{name: (STEPS, VALUES)}] for name in ("$x$", "x"))
    assert lines.drawn(chart(*formula), title="t", label="l") != lines.drawn(chart(*plain), title="t", label="l")
    with style():
        text = new_figure("$x$", 8, 5)._suptitle
        assert text.get_text() == "$x$"
        assert not text.get_parse_math()


@pytest.mark.parametrize("bad", [NAN, -float("inf"), 1e300])
def test_what_is_not_finite_is_left_out(bad: float) -> None:
    values = VALUES.copy()
    values[3] = bad
    without = np.delete(STEPS, 3), np.delete(VALUES, 3)
    assert lines.drawn(chart({"test": (STEPS, values)}), title="t", label="l") == lines.drawn(
        chart({"test": without}), title="t", label="l"
    )
    every = np.full(7, bad)
    for png in (
        loss(STEPS, values, {"test": (STEPS, values), "train": (STEPS, every)}, title="t"),
        loss(STEPS, every, {"test": (STEPS, every)}, title="t", steps_per_epoch=2),
        lines.drawn(chart({"test": (STEPS, every)}, percent=True), title="t"),
        lines.overlay([chart({"a": (STEPS, values)}), chart({"a": (STEPS, every)}, percent=True)], title="t"),
        lines.overlay([Chart("loss", "loss", [Series("a", STEPS, every, every, every)])] * 2, title="t"),
        results.fit(STEPS, values, STEPS, every, title="t", x_label="x", y_label="y"),
        results.predicted_against_true(every, values, title="t", label="y"),
        examples.scatter(values[:, None], VALUES, title="t"),
        examples.scatter(np.stack([values, VALUES], 1), np.arange(7) % 2, title="t", classes=["a", "b"]),
        examples.samples(values[None, :4], np.array([0]), (2, 2), title="t", names=["a"]),
    ):
        size(png)


@pytest.mark.parametrize(
    "values", [[1e-90, 1e90], [1e-300, 1.0], [5e-324, 1.0], [0.0, 1e99], [-1e99, 1e99], [1.0, 1.0]]
)
def test_any_range_of_values_has_an_axis(values: list[float]) -> None:
    steps, y = np.array([1, 2]), np.array(values)
    size(loss(steps, y, {"test": (steps, y)}, title="t"))


def test_log_axis_only_where_it_shows_more() -> None:
    assert spans_decades([np.array([2.3, 0.05])])
    assert not spans_decades([np.array([2.3, 0.5])])
    assert not spans_decades([np.array([2.3, 0.0])])
    assert not spans_decades([np.array([2.3, -0.01])])
    assert not spans_decades([])


def test_envelope_keeps_the_extremes_of_every_stretch() -> None:
    x = np.arange(60_000)
    y = np.random.default_rng(1).normal(size=60_000)
    y[31_415], y[27_182] = 99, -99
    kept, values = envelope(x, y, 500)
    assert len(kept) <= 2 * 500 + 2
    assert np.all(np.diff(kept) > 0)
    assert np.array_equal(values, y[kept])
    assert {0, 27_182, 31_415, 59_999} <= set(kept.tolist())
    for a in range(0, 60_000, 120):
        inside = values[(kept >= a) & (kept < a + 120)]
        assert inside.min() == y[a : a + 120].min()
        assert inside.max() == y[a : a + 120].max()


@pytest.mark.parametrize("count", [0, 1, 2, 10, 1000])
def test_envelope_leaves_short_curves_alone(count: int) -> None:
    x = np.arange(count)
    kept, _ = envelope(x, x, 500)
    assert np.array_equal(kept, x)


def test_labels_at_the_ends_are_moved_apart_and_keep_their_order() -> None:
    for places in ([0.5, 0.5, 0.5], [1.0, 0.99, 0.98], [0.0, 0.01, 0.9], [0.3], [], [5.0, -5.0]):
        moved = spread(places, 0.05)
        assert [sorted(moved).index(m) for m in moved] == list(np.argsort(np.argsort(places, kind="stable")))
        assert all(b - a > 0.049 for a, b in pairwise(sorted(moved)))
        assert all(-1e-9 <= m <= 1 + 1e-9 for m in moved)
    assert spread([0.2, 0.8], 0.05) == [0.2, 0.8]


def test_the_value_at_the_end_stands_at_the_height_of_its_curve() -> None:
    with style():
        figure, axes = new_axes("t")
        _draw(figure, axes, chart({"test": (STEPS, VALUES)}, percent=True), log=False, before={})
        [text] = axes.texts
        assert text.get_text() == "5.00 %"
        figure.draw_without_rendering()
        end = axes.transData.transform((7, 5))[1]
        assert text.get_transform().transform(text.get_position())[1] == pytest.approx(end, abs=1)


def test_a_split_looks_the_same_in_every_picture() -> None:
    both = _split_looks(["train, mean since the last point", "test"])
    assert _split_looks(["train (mean)", "test"]) == both
    assert _split_looks(["test"]) == [both[1]]
    assert _split_looks(["val"])[0] not in both
    assert len(set(_split_looks(["test a", "test b"]))) == 2


@pytest.mark.parametrize("count", [1, 2, 10, 11, 40])
def test_looks_differ_by_color_and_neighbours_by_line_too(count: int) -> None:
    found = looks(count)
    assert len({look.color for look in found}) == count
    assert all(a.line != b.line and a.marker != b.marker for a, b in pairwise(found))


def test_choose_samples_takes_the_first_of_each_class() -> None:
    targets = np.array([2, 0, 0, 1, 2, 0, 2])
    assert examples.choose_samples(targets, 4, 2).tolist() == [1, 2, 3, 0, 4]
    assert examples.choose_samples(targets[:0], 3, 2).tolist() == []
    assert examples.choose_samples(targets, 3, 1).dtype.kind == "i"


@pytest.mark.parametrize(
    ("classes", "each", "shown", "named"),
    [(2, 30, 20, "row"), (10, 5, 50, "column"), (26, 5, 52, "picture"), (90, 1, 60, "picture"), (1, 1, 1, "picture")],
)
def test_a_sheet_has_room_for_every_class(classes: int, each: int, shown: int, named: str) -> None:
    numbers = np.repeat(np.arange(classes), each).tolist()
    cells, name = _sheet(numbers)
    assert name == named
    assert len(cells) == len(set(cells.values())) == shown
    assert len({numbers[i] for i in cells}) == min(classes, 60)
    assert max(column for _, column in cells.values()) < 10


def test_long_names_lose_their_middle_and_fit() -> None:
    with style():
        for name in HOSTILE:
            text = short(name, 9, 2.0)
            assert width_of(text, 9) <= 2.0
            assert text.isprintable()
        assert short("short", 9, 2.0) == "short"
        first, last = short("first" + "-" * 200 + "last", 9, 2.0).split("…")
        assert first.startswith("first")
        assert last.endswith("last")


@pytest.mark.parametrize("count", [1, 3, 10, 15])
def test_no_text_of_a_comparison_overlaps_or_leaves_the_picture(count: int) -> None:
    with style():
        figure, axes = new_axes("t" * 300)
        curves = {f"{HOSTILE[-1]}-{i}": (STEPS, VALUES + i / 100) for i in range(count)}
        _draw(figure, axes, chart(curves), log=True, before={})
        _step_axis(axes, 2)
        figure.draw_without_rendering()
        [legend] = figure.legends
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.get_xticklabels() if low <= tick.get_position()[0] <= high]
        texts = [*legend.get_texts(), *axes.texts, *ticks, axes.xaxis.label, figure._suptitle]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
        assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
        assert len(legend.get_texts()) == min(count, 13)
        assert (legend.get_texts()[-1].get_text() == "+3 more") == (count == 15)
        assert legend.get_window_extent().y1 <= axes.xaxis.label.get_window_extent().y0
