"""First layer: what a run's looks like, and how it, the confusion and the updates changed over the epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlab.comparison import Row
from nnlab.dataset import Array
from nnlab.dataset.dataset import is_picture
from nnlab.dataset.natural import natural
from nnlab.errors import RunError
from nnlab.experiment.frames import first_of
from nnlab.report import images
from nnlab.report.heat import confusion_levels, weight_levels
from nnlab.report.numbers import rounded, shown_step
from nnlab.rundir.directory import WEIGHTS
from nnlab.rundir.frames import Frame

MOST_NUMBERS = 20_000_000
"""Of a net whose last weights are looked at."""
MOST_FEATURES = 16
"""Of a first layer that is shown as a table of numbers."""
MOST_WIDE = 400
"""Features of a sheet, a pixel each."""
MOST_CLASSES = 30
"""Of a confusion matrix that is shown whole."""
MOST_WEIGHTS = 12
"""Whose updates are drawn."""
UNITS = (25, 16, 9, 4)
"""Of the first layer, the fewer the more frames there are to find room for."""
ENOUGH_FRAMES = 8


@dataclass(frozen=True)
class Learning:
    """A run's frames, as far as there is room for them."""

    frames: list[Frame]
    kind: str
    """How the first layer is shown: picture, table or sheet (a row for each unit)."""
    scale: float
    """The largest weight of any frame: the darkest colour."""
    units: int
    """How many of them are shown."""
    pictures: list[str] = field(default_factory=list)
    """A data URI for each frame, for a picture or a sheet."""
    remark: str = ""

    @property
    def last(self) -> Frame:
        """The end of the training."""
        return self.frames[-1]

    @property
    def stepped(self) -> list[Frame]:
        """The frames that a step has just led to."""
        return [frame for frame in self.frames if frame.ratios]

    @property
    def names(self) -> list[str]:
        """The weights whose updates are drawn, layer by layer."""
        return sorted(self.stepped[-1].ratios, key=_layered)[:MOST_WEIGHTS] if self.stepped else []

    def measured(self, number: int) -> Frame | None:
        """The latest frame until then that has a confusion matrix fit to be shown."""
        found = [frame for frame in self.frames[: number + 1] if frame.confusion is not None]
        small = found and found[-1].confusion is not None and len(found[-1].confusion) <= MOST_CLASSES
        return found[-1] if small else None


def learning_of(row: Row, room: int, confusion: Array | None) -> Learning | None:
    """What the run has learnt, in pictures of at most ``room`` bytes; None where its files do not tell.

    ``confusion`` is that at its end, on the split that was watched. Raises RunError where the files are damaged.
    """
    frames, end = row.run.frames(), _at_the_end(row, confusion)
    remark = "" if frames else "This run kept no frames while it trained, so only its last weights are shown."
    if end and (not frames or end.step > frames[-1].step):
        frames.append(end)
    if not frames:
        return None
    _check(frames)
    weights = [_as_inputs(frame.weight, row) for frame in frames]
    kind = _kind(weights[-1].shape)
    scale = max((float(np.max(np.abs(weight[np.isfinite(weight)]), initial=0.0)) for weight in weights), default=0.0)
    if kind == "table":
        return Learning(frames, kind, scale, len(weights[-1]), remark=remark)
    for units in UNITS:
        last = images.of_weights(_looked_at(weights[-1], kind, units), scale)
        fitting = room // max(1, len(last))
        if fitting >= min(len(frames), ENOUGH_FRAMES):
            break
    kept = _spread(len(frames), max(1, fitting))
    pictures = [images.of_weights(_looked_at(weights[number], kind, units), scale) for number in kept]
    shown = min(units, len(weights[-1]))
    return Learning([frames[number] for number in kept], kind, scale, shown, pictures, remark)


def as_data(learning: Learning) -> dict[str, Any]:
    """The frames as plain data for the page's script; the last one's picture is in the page already."""
    frames = [_frame_as_data(learning, number) for number in range(len(learning.frames))]
    stepped = learning.stepped
    values = [rounded([frame.ratios.get(name, math.nan) for frame in stepped], 3) for name in learning.names]
    ratios = {"names": learning.names, "step": [frame.step for frame in stepped], "values": values}
    return {"frames": frames, "ratios": ratios}


def _frame_as_data(learning: Learning, number: int) -> dict[str, Any]:
    frame = learning.frames[number]
    data: dict[str, Any] = {"title": shown_step(frame.step, frame.epoch), "step": frame.step}
    if learning.kind == "table":
        data["weights"] = _cells(shown_weights(frame.weight), weight_levels(table_of(frame.weight), learning.scale))
    elif number < len(learning.frames) - 1:
        data["picture"] = learning.pictures[number]
    measured = learning.measured(number)
    if measured is not None and measured.confusion is not None:
        texts = [[f"{count:,}" for count in row] for row in measured.confusion]
        data["confusion"] = _cells(texts, confusion_levels(measured.confusion))
        data["measured"] = shown_measured(measured)
    return data


def shown_measured(frame: Frame) -> str:
    """``epoch 3, step 1,800: 97.25 % right``."""
    matrix = frame.confusion if frame.confusion is not None else np.zeros((1, 1))
    right = float(np.trace(matrix) / max(1, matrix.sum()))
    return f"{shown_step(frame.step, frame.epoch)}: {100 * right:.2f} % right"


def table_of(weight: Array) -> Array:
    """A first layer as (units, features)."""
    return weight.reshape(len(weight), -1)


def shown_weights(weight: Array) -> list[list[str]]:
    """A first layer as texts, a row for each unit."""
    return [[f"{value:.3g}" for value in row] for row in table_of(weight).astype(np.float64)]


def _cells(texts: Sequence[Sequence[str]], levels: Array) -> list[list[Any]]:
    """Texts and levels, row by row."""
    return [[text, level] for row in zip(texts, levels.tolist(), strict=True) for text, level in zip(*row, strict=True)]


def _layered(name: str) -> list[tuple[int, int, str]]:
    """Sorts 2.bias before 10.weight, and in a layer the weight first."""
    return natural(name.replace("weight", " weight"))


def _at_the_end(row: Row, confusion: Array | None) -> Frame | None:
    """The last weights as a frame; None for a run without any, or with very many."""
    if WEIGHTS not in row.run.files() or row.run.weights.count() > MOST_NUMBERS:
        return None
    weights = row.run.weights.read()
    found = first_of({name: weights[name] for name in sorted(weights, key=_layered)})  # a file has them in any order
    step, epoch = row.summary.steps or 0, row.summary.epochs or 0.0
    return None if found is None else Frame(step, float(epoch), found.weight, {}, confusion)


def _check(frames: Sequence[Frame]) -> None:
    """Raise RunError for frames that cannot be of one training."""
    if len({frame.weight.shape for frame in frames}) > 1 or not frames[-1].weight.size:
        raise RunError("the frames of this run do not belong together", "the files are damaged")
    sizes = {len(frame.confusion) for frame in frames if frame.confusion is not None}
    if len(sizes) > 1 or 0 in sizes or any((f.confusion < 0).any() for f in frames if f.confusion is not None):
        raise RunError("the confusion matrices of this run do not belong together", "the files are damaged")


def _as_inputs(weight: Array, row: Row) -> Array:
    """The weights of each unit in the shape of the inputs they look at, where that is known."""
    shape = tuple(row.summary.dataset.shape or ())
    flat = weight.ndim == 2
    if flat and is_picture(shape) and math.prod(shape) == weight.shape[1]:
        weight = weight.reshape(len(weight), *shape)
    if weight.ndim == 4 and weight.shape[1] not in (1, 3):
        weight = weight.reshape(len(weight) * weight.shape[1], 1, *weight.shape[2:])  # a picture for each channel
    return weight[:, 0] if weight.ndim == 4 and weight.shape[1] == 1 else weight


def _kind(shape: tuple[int, ...]) -> str:
    if len(shape) == 4 or (len(shape) == 3 and min(shape[1:]) > 1):
        return "picture"
    return "table" if math.prod(shape[1:]) <= MOST_FEATURES else "sheet"


def _looked_at(weight: Array, kind: str, units: int) -> Array:
    """(n, …, h, w): the first units, or all of them as one picture of a row each."""
    return images.shrunk(weight[:units]) if kind == "picture" else table_of(weight)[None, :units, :MOST_WIDE]


def _spread(count: int, most: int) -> list[int]:
    """At most that many of ``count`` numbers, the first and the last among them where there are two."""
    if most == 1:
        return [count - 1]
    return sorted({int(number) for number in np.linspace(0, count - 1, min(count, most)).round()})
