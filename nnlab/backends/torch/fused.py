"""Fused: training steps of a plain stack of linear layers, its backward pass written out, on buffers used again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from nnlab.backends.torch.activations import ACTIVATIONS
from nnlab.backends.torch.losses import Both
from nnlab.backends.torch.optim import Update
from nnlab.backends.torch.products import Products

PREDICT_ROWS = 5000
"""So many examples fill the products; more only take memory."""


Take = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], None]
"""What to do about a layer's gradient: its number, the gradient d by its z, its input x, and a one for each row."""


@dataclass(frozen=True)
class Layer:
    """A linear layer and the activation after it, if any."""

    linear: nn.Linear
    activation: nn.Module | None = None

    def activate(self, z: torch.Tensor, a: torch.Tensor, scratch: torch.Tensor) -> None:
        """Fill ``a``, which is z's own memory where the gradient does not need z."""
        if self.activation is not None:
            ACTIVATIONS[type(self.activation)].forward(self.activation, z, a, scratch)

    def back(self, d: torch.Tensor, z: torch.Tensor, a: torch.Tensor) -> None:
        """Turn ``d`` from the gradient by a into the one by z."""
        if self.activation is not None:
            ACTIVATIONS[type(self.activation)].backward(self.activation, d, z, a)


def layers_of(net: nn.Module) -> list[Layer] | None:
    """The layers of a net that is nothing but linear layers with activations between them; None for any other.

    Autograd also takes a layer that stands in two places, weights that are not to be trained or are made of others,
    hooks, and slopes for which PyTorch cannot tell the gradient from the result.
    """
    weights = list(net.parameters())
    if not all(weight.requires_grad for weight in weights):
        return None
    layers: list[Layer] = []
    for part in net if type(net) is nn.Sequential else [net]:
        if _hooked(part) or min(getattr(part, "alpha", 1), getattr(part, "negative_slope", 1)) < 0:
            return None
        if type(part) is nn.Linear and part.bias is not None:
            layers.append(Layer(part))
        elif type(part) in ACTIVATIONS and layers and layers[-1].activation is None:
            layers[-1] = Layer(layers[-1].linear, part)
        else:
            return None
    whole = layers and layers[-1].activation is None and 2 * len(layers) == len(weights)
    return layers if whole else None


def _hooked(part: nn.Module) -> bool:
    return bool(part._forward_hooks or part._forward_pre_hooks or part._backward_hooks or part._backward_pre_hooks)


class Buffers:
    """What a step on ``rows`` examples writes to: z, a = f(z) and the gradient d by z of each layer, (rows, out)."""

    def __init__(self, layers: Sequence[Layer], rows: int) -> None:
        weight = layers[0].linear.weight
        self.z = [weight.new_empty(rows, layer.linear.out_features, requires_grad=False) for layer in layers]
        self.a = [torch.empty_like(z) if _needs_z(layer) else z for z, layer in zip(self.z, layers, strict=True)]
        self.d = [torch.empty_like(z) for z in self.z]
        self.ones, self.minus_ones = weight.new_ones(rows), weight.new_full((rows, 1), -1)


def _needs_z(layer: Layer) -> bool:
    return layer.activation is not None and ACTIVATIONS[type(layer.activation)].needs_z


class Fused:
    """The steps and predictions of a stack without autograd: the same numbers but for the last bits' rounding.

    Plain gradient descent goes straight into the weights; for other rules the gradients are laid where ``update``
    looks for them.
    """

    def __init__(
        self,
        layers: list[Layer],
        loss: Both,
        update: Update,
        products: Products,
        squares: torch.Tensor | None = None,
    ) -> None:
        """``squares``, (outputs,) float64, are the squared deviations of targets that are scaled."""
        self.layers, self.loss, self.update, self.products, self.squares = layers, loss, update, products, squares
        rule = update.optimizer
        self.plain = rule.name == "sgd" and not (rule.momentum or rule.weight_decay)
        self.weights = [layer.linear.weight.detach() for layer in layers]
        self.biases = [layer.linear.bias.detach() for layer in layers]
        self.buffers: dict[int, Buffers] = {}

    def step(self, inputs: torch.Tensor, targets: torch.Tensor, lr: float) -> torch.Tensor:
        """One update of the weights; the mean loss before it."""
        if self.plain:
            return self._both_ways(inputs, targets, partial(self._descend, lr))
        loss = self._both_ways(inputs, targets, self._keep)
        self.update.step(lr)
        return loss

    def plain_step(self, inputs: torch.Tensor, targets: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        """The same of plain gradient descent with ``lr`` as a scalar on the device, but for the last bits' rounding.

        A step that is recorded once and launched many times can take it from there; the products take only numbers, so
        that the gradient by the scores is multiplied by it, and thereby all others.
        """
        return self._both_ways(inputs, targets, partial(self._descend, 1.0), lr)

    def gradients(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The mean loss; its gradients are laid where ``update`` looks for them, and no weight changes."""
        return self._both_ways(inputs, targets, self._keep)

    def predict(self, inputs: torch.Tensor) -> torch.Tensor:
        """Scores (n, outputs)."""
        return torch.cat([self._scores(rows) for rows in torch.split(inputs, PREDICT_ROWS)])

    def _scores(self, x: torch.Tensor) -> torch.Tensor:
        for layer, weight, bias in zip(self.layers, self.weights, self.biases, strict=True):
            x = self.products.scores(x, weight, bias)
            layer.activate(x, x, torch.empty_like(x))
        return x

    def _both_ways(
        self, inputs: torch.Tensor, targets: torch.Tensor, take: Take, factor: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The mean loss; ``take`` has been given what each layer's gradient, times ``factor``, is made of."""
        rows = len(inputs)
        if rows not in self.buffers:
            self.buffers[rows] = Buffers(self.layers, rows)
        buffers = self.buffers[rows]
        self._forward(inputs, buffers)
        loss = self._loss(buffers.z[-1], targets, buffers)
        if factor is not None:
            buffers.d[-1].mul_(factor)
        self._backward(inputs, buffers, take)
        return loss

    def _forward(self, x: torch.Tensor, b: Buffers) -> None:
        for layer, weight, bias, z, a, d in zip(self.layers, self.weights, self.biases, b.z, b.a, b.d, strict=True):
            self.products.linear(x, weight, bias, z)
            layer.activate(z, a, d)  # d is free until the way back
            x = a

    def _loss(self, scores: torch.Tensor, targets: torch.Tensor, b: Buffers) -> torch.Tensor:
        """The mean loss; its gradient by the scores goes to the last of ``b.d``."""
        return self.loss(scores, targets, b.d[-1], b.minus_ones, self.squares)

    def _backward(self, inputs: torch.Tensor, b: Buffers, take: Take) -> None:
        for number in range(len(self.layers) - 1, 0, -1):
            # By the layer's input first: the update changes the weight.
            d, below = b.d[number], b.d[number - 1]
            self.products.below(d, self.weights[number], below)
            self.layers[number - 1].back(below, b.z[number - 1], b.a[number - 1])
            take(number, d, b.a[number - 1], b.ones)
        take(0, b.d[0], inputs, b.ones)

    # z = x W^T + b, so dW = d^T x and db = d^T 1.

    def _descend(self, lr: float, number: int, d: torch.Tensor, x: torch.Tensor, ones: torch.Tensor) -> None:
        self.products.descend(self.weights[number], d, x, lr)
        self.biases[number].addmv_(d.t(), ones, alpha=-lr)

    def _keep(self, number: int, d: torch.Tensor, x: torch.Tensor, ones: torch.Tensor) -> None:
        linear = self.layers[number].linear
        self.products.gradient(d, x, _grad(linear.weight))
        torch.mv(d.t(), ones, out=_grad(linear.bias))


def _grad(weight: torch.Tensor) -> torch.Tensor:
    """Where an update looks for the gradient by ``weight``."""
    if weight.grad is None:
        weight.grad = torch.empty_like(weight)
    return weight.grad
