"""Size: what a model would take of the memory, told from its layers before any of them is made."""

from collections.abc import Sequence

from nnlab import memory
from nnlab.errors import RunError
from nnlab.model import Setup

NUMBER = 4
"""Bytes of a float32."""
STEP = 3
"""What a training step holds of each of a layer's outputs: itself, its gradient and what comes between them."""
SCORE = 8
"""What an evaluation holds of each score: itself, and the float64 numbers that its loss is worked out in."""
WRITING = 2
"""How often a file of weights is in memory until it is written: put together, and as bytes."""
NARROWER = "choose narrower or fewer layers, or smaller inputs"


def check_size(setup: Setup, parameters: int, outputs: Sequence[int], predicting: int, key: str) -> None:
    """Raise ConfigError, with the figures, where a model would not fit into the free memory.

    Raises RunError where it has more parameters than the weights that it is to load. ``outputs`` are the numbers that
    each of its layers gives for one example, ``predicting`` those that it holds while it predicts as many examples as
    it does at once, and ``key`` is the dotted key to blame for its layers.
    """
    if setup.held is not None and parameters > setup.held:
        raise RunError(
            f"{key}: {memory.shown(parameters)} parameters, and the weights are {setup.held:,} numbers",
            "the run's config and weights do not belong together",
        )
    row = setup.features + STEP * sum(outputs)
    fixed = copies(setup) * parameters + predicting + SCORE * setup.predicted * setup.outputs
    fitting = (memory.room() // NUMBER - fixed) // row
    what, hint = f"{memory.shown(parameters)} parameters", "use a larger machine; if run.json was edited, undo that"
    if setup.rows:
        what += f" trained with {setup.optimizer.name} on batches of {memory.shown(setup.rows)}"
        key, hint = (key, NARROWER) if fitting < 1 else ("train.batch_size", f"batches of up to {fitting:,} fit")
    memory.check(NUMBER * (fixed + setup.rows * row), f"{key}: {what}", hint)


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
