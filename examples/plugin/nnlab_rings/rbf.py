"""A layer of radial basis functions, and a linear layer on what they give, by hand in NumPy."""

import numpy as np

from nnlab.backends import NUMPY
from nnlab.backends.numpy import NumpyModel
from nnlab.config import Strict
from nnlab.dataset import Array, Classification, Regression
from nnlab.model import Model, Setup
from nnlab.models._loss import loss_and_grad
from nnlab.plugin import ModelFile
from nnlab.randomness import Purpose, fan_in_uniform, generator


class Params(Strict):
    """Keys of rbf-np."""

    centres: int = 32
    """How many functions there are."""
    spread: float = 1.0
    """Standard deviation of the initial centres; inputs are about as far from 0."""


class Net:
    """h = exp(-d² / features), with d the distance from each centre c; z = h W^T + b."""

    def __init__(self, centres: Array, weight: Array, bias: Array, loss: str) -> None:
        """``centres`` is (centres, features), ``weight`` (outputs, centres) and ``bias`` (outputs,)."""
        self.weights = {"centres": centres, "weight": weight, "bias": bias}
        self.loss = loss

    def _activations(self, inputs: Array) -> Array:
        """h (n, centres), in the dtype of the weights."""
        centres = self.weights["centres"]
        # d² = x·x - 2 x·c + c·c
        squares = (inputs**2).sum(axis=1)[:, None] - 2 * inputs @ centres.T + (centres**2).sum(axis=1)
        activations: Array = np.exp(-squares / inputs.shape[1])
        return activations

    def forward(self, inputs: Array) -> Array:
        scores: Array = self._activations(inputs) @ self.weights["weight"].T + self.weights["bias"]
        return scores

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        hidden = self._activations(inputs)
        scores = hidden @ self.weights["weight"].T + self.weights["bias"]
        loss, dz = loss_and_grad(self.loss, scores, targets)
        # z = h W^T + b, so dW = dz^T h, db = the sum of dz and dh = dz W; dh/dc = 2 h (x - c) / features
        inner = (dz @ self.weights["weight"]) * hidden * (2 / inputs.shape[1])
        centres = inner.T @ inputs - inner.sum(axis=0)[:, None] * self.weights["centres"]
        return loss, {"centres": centres, "weight": dz.T @ hidden, "bias": dz.sum(axis=0)}


def build(params: Params, setup: Setup) -> Model:
    """The model for this data, with its initial weights."""
    rng = generator(setup.seed, Purpose.WEIGHTS)
    centres = (params.spread * rng.standard_normal((params.centres, setup.features))).astype(np.float32)
    weight = fan_in_uniform(rng, (setup.scores, params.centres), params.centres)
    bias = fan_in_uniform(rng, (setup.scores,), params.centres)
    return NumpyModel(Net(centres, weight, bias, setup.task.loss), setup)


MODEL = ModelFile(Params, (Classification, Regression), NUMPY, build)
