"""Logistic regression by hand in NumPy."""

from typing import Any, Literal

import numpy as np

from nnlab.backends import NUMPY
from nnlab.backends.numpy import NumpyModel
from nnlab.config import Strict
from nnlab.dataset import Array, Classification
from nnlab.model import Model, Setup
from nnlab.models._loss import loss_and_grad
from nnlab.models._product import product
from nnlab.plugin import ModelFile
from nnlab.randomness import Purpose, fan_in_uniform, generator


class Params(Strict):
    """Keys of logreg-np."""

    init: Literal["auto", "torch"] | float = "auto"
    """Initial weights: a number for all of them (biases 0), or ``torch`` for PyTorch's default, which logreg-torch
    starts from too. auto is 0.01 for two classes, as in the study note, and torch for more."""


class LogisticRegression:
    """z = x W^T + b. Two classes need one z, whose sigmoid is the probability of class 1; more take a softmax."""

    def __init__(self, weight: Array, bias: Array) -> None:
        """``weight`` is (outputs, features) and ``bias`` (outputs,)."""
        self.weights = {"weight": weight, "bias": bias}

    def forward(self, inputs: Array) -> Array:
        scores = product(inputs, self.weights["weight"].T)
        scores += self.weights["bias"]
        return scores

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        loss, dz = loss_and_grad("cross-entropy", self.forward(inputs), targets)
        # z = x W^T + b, so dW = dz^T x and db = the sum of dz over the batch
        return loss, {"weight": product(dz.T, inputs), "bias": dz.sum(axis=0)}


def layers(params: Params, setup: Setup) -> list[tuple[int, int]]:
    """(in, out) of the linear layer."""
    return [(setup.features, setup.scores)]


def twin(params: Params) -> tuple[str, dict[str, Any]]:
    """The same network in PyTorch: its model's name and keys."""
    return "logreg-torch", {}


def build(params: Params, setup: Setup) -> Model:
    """The model for this data, with its initial weights."""
    init = params.init
    if init == "auto":
        init = 0.01 if setup.scores == 1 else "torch"
    if init == "torch":
        rng = generator(setup.seed, Purpose.WEIGHTS)
        weight = fan_in_uniform(rng, (setup.scores, setup.features), setup.features)
        bias = fan_in_uniform(rng, (setup.scores,), setup.features)
    else:
        weight = np.full((setup.scores, setup.features), init, np.float32)
        bias = np.zeros(setup.scores, np.float32)
    return NumpyModel(LogisticRegression(weight, bias), setup)


MODEL = ModelFile(Params, (Classification,), NUMPY, build, twin, layers)
