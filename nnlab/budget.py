"""Budget: what a model, its training and its data take of the memory, and a refusal of what would take too much."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nnlab import memory
from nnlab.dataset import Array, Dataset
from nnlab.errors import RunError
from nnlab.model import Setup

MIB = 2**20
NUMBER = 4
"""Bytes of a float32."""
STEP = 3
"""What a training step holds of each of a layer's outputs: itself, its gradient and what comes between them."""
ACTIVE = 4
"""The same of a layer and the activation after it, where they are told as one."""
HELD = 3
"""What predicting holds of the largest layer's outputs, where the others are gone: itself, its inputs, room to work."""
SCORE = 8
"""What an evaluation holds of each score: itself, and the float64 numbers that its loss is worked out in."""
WRITING = 2
"""How often a file of weights is in memory until it is written: put together, and as bytes."""
PICTURES = 100
"""Examples that a net with convolutions predicts at once, at most: so many pictures' layers fit a core's cache, and
1,000 take twice as long on the CPU."""
VECTORS = 30
"""As long as the parameters, in float64: what scipy's lbfgs works with, 25 of them, and what goes in and out."""
EXACT = 12 * 8
"""Bytes of a weight while gradients are checked in float64: two nets, their gradients and what is made of them."""
LOSS = 3 * 8
"""Bytes of a step's loss: as it is kept, and twice more while it is written."""
LISTED_LOSS = 32
"""The same as one of Python's own numbers, which the steps since the last evaluation have."""
EVALUATION = 400
"""Bytes of a row of metrics.csv: its text, its numbers and the curves through them."""
FITTING = 100 * MIB
"""What scikit-learn's import leaves behind, where the baseline beside a run's scores is not worked out yet."""
STARTED = 60 * MIB
"""Before a backend is imported, when the data is loaded."""
DECODED = 1.6
"""How often pictures are in memory while they are loaded: as bytes, split, and as float32."""
READ = 3.5
"""How often other data is: as the file's bytes, decoded, split, and as float32."""
READ_ROW = 800
"""Bytes of a line of a table beside its features: its target as text and as a number, and where it stands."""
DRAWN = 7
"""How large a table's training inputs become while they are drawn, in float64, as a multiple of themselves."""
NARROWER = "choose narrower or fewer layers, or smaller inputs"


class Size(NamedTuple):
    """How many numbers a net holds."""

    parameters: int
    step: int
    """Of each example of a training step."""
    predicting: int
    """Of all examples that are predicted at once."""


def told(setup: Setup, widths: Sequence[tuple[int, int]], at_once: int) -> Size:
    """That of linear layers of these (in, out) widths, all of whose outputs are kept."""
    outputs = sum(out for _, out in widths)
    parameters = sum((fan_in + 1) * out for fan_in, out in widths)
    return Size(parameters, setup.features + STEP * outputs, min(at_once, setup.predicted) * outputs)


def drafted(setup: Setup, parameters: int, outputs: Sequence[int], at_once: int) -> Size:
    """That of layers which give so many numbers each for one example, and let go of them while they predict."""
    predicting = HELD * min(at_once, setup.predicted) * max(outputs, default=0)
    return Size(parameters, setup.features + STEP * sum(outputs), predicting)


def made(setup: Setup, weights: Mapping[str, Array], at_once: int, *, gathered: bool) -> Size:
    """That of a model which is there; ``gathered`` where the inputs of a step are copied together."""
    outputs = sum(given(weights, setup.features))
    at_once = PICTURES if any(weight.ndim > 2 for weight in weights.values()) else at_once
    step = 2 * setup.features * gathered + ACTIVE * outputs
    return Size(sum(weight.size for weight in weights.values()), step, min(at_once, setup.predicted) * outputs)


def given(weights: Mapping[str, Array], features: int) -> list[int]:
    """How many numbers each layer gives for one example, told from the shapes of its weights.

    Those are (out, in, …): a convolution where there are more than two. Between convolutions pictures are taken to
    shrink evenly, to what the first linear layer after them takes.
    """
    shapes = [weight.shape for weight in weights.values() if weight.ndim > 1]
    convolutions = [shape for shape in shapes if len(shape) > 2]
    found = [shape[0] for shape in shapes if len(shape) == 2]
    if not convolutions:
        return found
    side = features / convolutions[0][1]
    after = next((shape[1] / convolutions[-1][0] for shape in shapes if len(shape) == 2), side)
    shrunk = min(1.0, (after / side) ** (1 / len(convolutions)))
    return [math.ceil(side * shrunk**number * shape[0]) for number, shape in enumerate(convolutions)] + found


def check(setup: Setup, size: Size) -> None:
    """Raise ConfigError, with the figures, where a model of this size would not fit into the free memory.

    Raises RunError where it has more parameters than the weights that it is to load.
    """
    key, parameters = setup.blamed, f"{memory.shown(size.parameters)} parameters"
    if setup.held is not None and size.parameters > setup.held:
        raise RunError(
            f"{key}: {parameters}, and the weights are {setup.held:,} numbers",
            "the run's config and weights do not belong together",
        )
    needed = numbers(setup, size)
    fitting = (memory.room() // NUMBER - needed) // size.step + setup.rows
    hint = "use a larger machine; if run.json was edited, undo that"
    if setup.rows:
        parameters += f" trained with {setup.optimizer.name} on batches of {memory.shown(setup.rows)}"
        key, hint = (key, NARROWER) if fitting < 1 else ("train.batch_size", f"batches of up to {fitting:,} fit")
    memory.check(NUMBER * needed, f"{key}: {parameters}", hint)


def check_solver(setup: Setup) -> None:
    """Raise ConfigError where a solver that takes all examples at once would not fit into the free memory."""
    parameters = (setup.features + 1) * setup.scores
    what = f"model.name: {memory.shown(parameters)} parameters fitted to {memory.shown(setup.rows)} examples"
    needed = solver_bytes(setup.features, setup.scores, setup.rows)
    memory.check(needed, what, "choose a model that trains on batches, or smaller inputs")


def check_exact(parameters: int, what: str) -> None:
    """Raise ConfigError where so many weights cannot be in memory in float64 as often as a gradient check has them."""
    memory.check(EXACT * parameters, f"model.name: the weights of {what} in float64", "check a narrower model")


def check_records(steps: int, every: int, key: str) -> None:
    """Raise ConfigError where the losses of so many steps, evaluated ``every`` so many, would not fit."""
    needed = LOSS * steps + LISTED_LOSS * every
    memory.check(needed, f"{key}: the losses of {steps:,} steps", "train fewer steps, or evaluate more often")


def numbers(setup: Setup, size: Size) -> int:
    """How many numbers a model has in memory at its peak, and what it is given and gives."""
    scores = SCORE * setup.predicted * setup.outputs
    return copies(setup) * size.parameters + setup.rows * size.step + size.predicting + scores


def copies(setup: Setup) -> int:
    """How often a model's parameters are in memory at once, at most.

    While a training writes a checkpoint that is: weights, gradients, optimizer state and the best weights so far;
    weights and state as they are handed over; and all but the gradients while the file is put together. To predict, it
    is what was read, as bytes and as arrays, what was expected, and the weights.
    """
    if not setup.rows:
        return 5
    rule = setup.optimizer
    state = 2 if rule.name != "sgd" else int(rule.momentum > 0)
    return (3 + state) + (1 + state) + WRITING * (2 + state)


def solver_bytes(features: int, scores: int, rows: int, inputs: int = 1) -> int:
    """What a solver works in, with so many copies of the inputs and the scores of all rows."""
    return 8 * VECTORS * (features + 1) * scores + NUMBER * rows * (inputs * features + 6 * scores)


def checkpoint_bytes(weights: Mapping[str, Array], steps: int) -> int:
    """More than a checkpoint can have: weights, best weights, what the optimizer remembers, losses."""
    return MIB + 6 * sum(weight.nbytes for weight in weights.values()) + 8 * steps


def process_bytes(
    base: int, dataset: Dataset, setup: Setup, size: Size, steps: int, every: int, fitting: int | None
) -> int:
    """The resident memory that a training in a process of its own takes at its peak, all in all.

    Rather too much than too little, by up to a half. ``base`` is what the process has before its data and its model;
    ``fitting`` what a baseline's solver brings that is still to be worked out, None for none. What lies on a CUDA
    device is counted as if it were on the CPU.
    """
    splits = [split for name in ("train", "val", "test") if (split := dataset.split(name))]
    rows, data = sum(map(len, splits)), sum(split.inputs.nbytes + split.targets.nbytes for split in splits)
    loading = DECODED * data if dataset.transform.scale != 1 else READ * data + READ_ROW * rows
    records = LOSS * steps + LISTED_LOSS * every + EVALUATION * math.ceil(steps / every)
    drawing = DRAWN * dataset.train.inputs.nbytes if len(dataset.shape) == 1 else 0  # of pictures it needs but a few
    busy = max(NUMBER * numbers(setup, size) + records, drawing)
    if fitting is not None:
        busy = max(busy, NUMBER * len(dataset.train) * (dataset.features + 6 * dataset.outputs)) + fitting
    return int(max(STARTED + loading, base + data + busy))
