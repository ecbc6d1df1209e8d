"""Estimate: how much memory a training will take at its peak, told from its parts before it starts."""

import math
from collections.abc import Mapping

from nnlab import discover
from nnlab.backends import SKLEARN
from nnlab.backends.size import NUMBER, SCORE, copies
from nnlab.config import Config
from nnlab.dataset import Array, Dataset
from nnlab.experiment.baselines import pending
from nnlab.experiment.build import batch_rows, optimizer
from nnlab.experiment.plan import LISTED_LOSS, LOSS, plan_for
from nnlab.fit import Plan
from nnlab.model import Model, Setup

MIB = 2**20
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
LAYER = 4
"""What a training step holds of each number that a layer gives: itself, its activation and both gradients."""
PREDICTED_PICTURES = 100
"""Examples that are predicted at once, at most, by a net with convolutions."""
EVALUATION = 400
"""Bytes of a row of metrics.csv: its text, its numbers and the curves through them."""


def process_bytes(config: Config, dataset: Dataset, model: Model) -> int:
    """The resident memory in bytes that training this config in a process of its own takes at its peak, all in all.

    Rather too much than too little, by up to a half. ``model`` is one built for the config and the dataset; what lies
    on a CUDA device is counted as if it were on the CPU. Raises ConfigError as ``plan_for`` does.
    """
    backend = discover.model(config.model.name).backend
    splits = [split for name in ("train", "val", "test") if (split := dataset.split(name))]
    rows, data = sum(map(len, splits)), sum(split.inputs.nbytes + split.targets.nbytes for split in splits)
    loading = DECODED * data if dataset.transform.scale != 1 else READ * data + READ_ROW * rows
    busy = max(_learning(config, dataset, model), _drawing(dataset))
    if pending(config, dataset):
        fitting = NUMBER * len(dataset.train) * (dataset.features + 6 * dataset.outputs)
        busy = max(busy, fitting) + (0 if backend is SKLEARN else FITTING)
    return int(max(STARTED + loading, backend.process() + data + busy))


def _drawing(dataset: Dataset) -> int:
    """What the picture of the data takes; those of pictures only need a few."""
    return DRAWN * dataset.train.inputs.nbytes if len(dataset.shape) == 1 else 0


def _learning(config: Config, dataset: Dataset, model: Model) -> int:
    """What the model takes beside the data: weights, optimizer, buffers, scores and what is recorded."""
    train = len(dataset.train)
    largest = max(len(split) for split in (dataset.train, dataset.val, dataset.test) if split)
    batch, plan = batch_rows(config, train), plan_for(config, train)
    backend = discover.model(config.model.name).backend
    setup = Setup(dataset.shape, dataset.outputs, dataset.task, optimizer(config.train), rows=batch)
    weights = model.weights()
    parameters = sum(weight.size for weight in weights.values())
    gathered = 0 if batch == train and backend.steppable else 2 * batch * setup.features
    outputs = sum(given(weights, setup.features))
    convolutions = any(weight.ndim > 2 for weight in weights.values())
    at_once = PREDICTED_PICTURES if convolutions else (backend.at_once or largest)
    numbers = copies(setup) * parameters + gathered + (LAYER * batch + min(at_once, largest)) * outputs
    return NUMBER * (numbers + SCORE * largest * dataset.outputs) + _recorded(plan)


def _recorded(plan: Plan) -> int:
    return LOSS * plan.steps + LISTED_LOSS * plan.eval_every + EVALUATION * math.ceil(plan.steps / plan.eval_every)


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
