"""Network of any depth by hand in NumPy, with a choice of activation per layer."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from nnlab.backends import NUMPY
from nnlab.backends.numpy import NumpyModel
from nnlab.dataset import Array, Classification, Regression
from nnlab.model import Model, Setup
from nnlab.models._loss import loss_and_grad, sigmoid
from nnlab.models._stack import Stack
from nnlab.plugin import ModelFile
from nnlab.randomness import Purpose, fan_in_uniform, generator

Activation = Literal["relu", "tanh", "sigmoid", "elu"]


class Params(Stack):
    """Keys of mlp-np."""

    activations: Activation | list[Activation] = "relu"
    """One name for all hidden layers, or a list with one for each."""


def elu(z: Array) -> Array:
    """z where it is positive, else exp(z) - 1; https://arxiv.org/abs/1511.07289 with alpha = 1."""
    a: Array = np.expm1(np.minimum(z, 0))
    a += np.maximum(z, 0)
    return a


# Each activation a = f(z) with f'(z) written in terms of a, so that z need not be kept.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "elu": (elu, lambda a: np.minimum(a, 0) + 1),
}


class Network:
    """a_0 = x; z_i = a_(i-1) W_i^T + b_i; a_i = f_i(z_i); the last z is the scores."""

    def __init__(self, layers: list[tuple[Array, Array]], activations: list[str], loss: str) -> None:
        """``layers`` holds a weight (out, in) and a bias (out,) each; all but the last have an activation."""
        self.loss = loss
        self.activations = activations
        # Names as in torch.nn.Sequential, where each activation takes a place of its own between the linear layers.
        self.weights = {
            f"{2 * number}.{kind}": array
            for number, layer in enumerate(layers)
            for kind, array in zip(("weight", "bias"), layer, strict=True)
        }

    def _linear(self, number: int, inputs: Array) -> Array:
        z: Array = inputs @ self.weights[f"{2 * number}.weight"].T
        z += self.weights[f"{2 * number}.bias"]
        return z

    def _forward(self, inputs: Array) -> list[Array]:
        """The input, the output of each hidden layer, and the scores."""
        outputs = [inputs]
        for number, name in enumerate(self.activations):
            activate, _ = ACTIVATIONS[name]
            outputs.append(activate(self._linear(number, outputs[-1])))
        outputs.append(self._linear(len(self.activations), outputs[-1]))
        return outputs

    def forward(self, inputs: Array) -> Array:
        return self._forward(inputs)[-1]

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        *outputs, scores = self._forward(inputs)
        loss, dz = loss_and_grad(self.loss, scores, targets)
        grads: dict[str, Array] = {}
        for number in range(len(outputs) - 1, -1, -1):
            # z = a W^T + b: dW = dz^T a, db = the sum of dz over the batch, da = dz W
            grads[f"{2 * number}.weight"] = dz.T @ outputs[number]
            grads[f"{2 * number}.bias"] = dz.sum(axis=0)
            if number:  # nobody needs the gradient by the inputs
                _, derivative = ACTIVATIONS[self.activations[number - 1]]
                dz = dz @ self.weights[f"{2 * number}.weight"]
                dz *= derivative(outputs[number])
        return loss, grads


def layers(params: Params, setup: Setup) -> list[tuple[int, int]]:
    """(in, out) of each linear layer."""
    return params.widths(setup.features, setup.scores)


def twin(params: Params) -> tuple[str, dict[str, Any]]:
    """The same network in PyTorch: its model's name and keys."""
    return "ann-torch", params.model_dump()


def build(params: Params, setup: Setup) -> Model:
    """The model for this data, with PyTorch's default initial weights, so that ann-torch starts equal."""
    rng = generator(setup.seed, Purpose.WEIGHTS)
    made = [
        (fan_in_uniform(rng, (out, fan_in), fan_in), fan_in_uniform(rng, (out,), fan_in))
        for fan_in, out in layers(params, setup)
    ]
    return NumpyModel(Network(made, params.activation_names(), setup.task.loss), setup)


MODEL = ModelFile(Params, (Classification, Regression), NUMPY, build, twin, layers)
