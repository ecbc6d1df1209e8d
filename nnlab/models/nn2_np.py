"""Two-layer network by hand in NumPy: tanh units, then a sigmoid (two classes) or softmax output."""

from typing import Any

import numpy as np
from pydantic import Field

from nnlab.backends import NUMPY
from nnlab.backends.numpy import NumpyModel
from nnlab.config import Strict
from nnlab.dataset import Array, Classification
from nnlab.model import Model, Setup
from nnlab.models._loss import loss_and_grad
from nnlab.models._product import product
from nnlab.plugin import ModelFile
from nnlab.randomness import Purpose, generator


class Params(Strict):
    """Keys of nn2-np."""

    hidden: int = Field(3, ge=1, le=100_000)
    """Number of tanh units."""
    init_scale: float = Field(0.1, ge=0, le=100)
    """Standard deviation of the normal initial weights; biases start at 0."""


class TwoLayers:
    """z = tanh(x W1^T + b1) W2^T + b2."""

    def __init__(self, w1: Array, b1: Array, w2: Array, b2: Array) -> None:
        """``w1`` is (hidden, features), ``b1`` (hidden,), ``w2`` (outputs, hidden), ``b2`` (outputs,)."""
        self.weights = {"0.weight": w1, "0.bias": b1, "2.weight": w2, "2.bias": b2}

    def forward(self, inputs: Array) -> Array:
        return self._output(self._hidden(inputs))

    def _hidden(self, inputs: Array) -> Array:
        z = product(inputs, self.weights["0.weight"].T)
        z += self.weights["0.bias"]
        hidden: Array = np.tanh(z, out=z)
        return hidden

    def _output(self, hidden: Array) -> Array:
        scores: Array = hidden @ self.weights["2.weight"].T + self.weights["2.bias"]
        return scores

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        hidden = self._hidden(inputs)
        loss, dz2 = loss_and_grad("cross-entropy", self._output(hidden), targets)
        # z2 = h W2^T + b2, and h = tanh(z1), whose derivative is 1 - h^2
        dz1 = (dz2 @ self.weights["2.weight"]) * (1 - hidden * hidden)
        return loss, {
            "0.weight": product(dz1.T, inputs),
            "0.bias": dz1.sum(axis=0),
            "2.weight": dz2.T @ hidden,
            "2.bias": dz2.sum(axis=0),
        }


def layers(params: Params, setup: Setup) -> list[tuple[int, int]]:
    """(in, out) of each linear layer."""
    return [(setup.features, params.hidden), (params.hidden, setup.scores)]


def twin(params: Params) -> tuple[str, dict[str, Any]]:
    """The same network in PyTorch: its model's name and keys."""
    return "ann-torch", {"hidden": [params.hidden], "activations": "tanh"}


def build(params: Params, setup: Setup) -> Model:
    """The model for this data, with its initial weights."""
    rng = generator(setup.seed, Purpose.WEIGHTS)
    w1 = (rng.standard_normal((params.hidden, setup.features)) * params.init_scale).astype(np.float32)
    w2 = (rng.standard_normal((setup.scores, params.hidden)) * params.init_scale).astype(np.float32)
    b1, b2 = np.zeros(params.hidden, np.float32), np.zeros(setup.scores, np.float32)
    return NumpyModel(TwoLayers(w1, b1, w2, b2), setup)


MODEL = ModelFile(Params, (Classification,), NUMPY, build, twin, layers)
