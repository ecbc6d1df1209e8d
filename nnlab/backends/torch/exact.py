"""Exact: a PyTorch net in float64 on the CPU with a NumPy net's verbs, to check gradients by and to be checked."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from nnlab.backends.torch.fused import Fused, Layer, layers_of
from nnlab.backends.torch.losses import LOSSES, Both
from nnlab.backends.torch.optim import Update
from nnlab.backends.torch.products import Float32
from nnlab.dataset import Array, Task
from nnlab.model import Optimizer

SEED = 0
"""Of what the net draws at random, such as dropout: the same for every call."""


@dataclass(frozen=True)
class Passage:
    """What goes through a linear layer and its activation, forward and back; float64, (rows, in) or (rows, out)."""

    weight: str
    bias: str
    """Their names among the net's weights."""
    activation: str
    """Its class's name in lower case; empty for the last layer, which has none."""
    x: Array
    z: Array
    a: Array
    dz: Array
    """The gradient by z."""
    da: Array
    """The gradient by a."""


class ExactNet:
    """A copy of a net, of whose weights ``weights`` are views: what is written there holds for the next call."""

    def __init__(self, net: nn.Module, task: Task, *, fused: bool = False) -> None:
        """Gradients come from autograd, or from the fused backward pass; see ``layers_of`` for which nets have one."""
        torch.set_num_threads(1)  # a few examples are not worth waking another one for
        self.net = copy.deepcopy(net).to("cpu", torch.float64).train()
        loss = LOSSES[task.loss]
        self._loss = loss.value
        self._named = {name: weight for name, weight in self.net.named_parameters() if weight.requires_grad}
        self.weights: dict[str, Array] = {name: weight.detach().numpy() for name, weight in self._named.items()}
        self.layers = layers_of(self.net)
        self._fused = self._fuse(self.layers, loss.both) if fused and self.layers and loss.both else None

    def _fuse(self, layers: list[Layer], loss: Both) -> Fused:
        products = Float32()
        products.onednn = None  # it knows no float64; the other products take every dtype
        return Fused(layers, loss, Update(Optimizer(), self._named), products)

    def forward(self, inputs: Array) -> Array:
        """Scores (n, outputs)."""
        with torch.no_grad():
            scores: Array = self._scores(torch.from_numpy(inputs)).numpy()
        return scores

    def loss(self, inputs: Array, targets: Array) -> float:
        """The mean loss alone, in a third of the time."""
        if self._fused:
            return self.loss_and_grads(inputs, targets)[0]
        with torch.no_grad():
            return float(self._loss(self._scores(torch.from_numpy(inputs)), torch.from_numpy(targets)))

    def loss_and_grads(self, inputs: Array, targets: Array) -> tuple[float, dict[str, Array]]:
        """The mean loss of a batch and its gradient by each of the weights."""
        x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
        self.net.zero_grad()
        if self._fused:
            with torch.no_grad():
                loss = self._fused.gradients(x, y)
        else:
            loss = self._loss(self._scores(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
        grads = {name: torch.zeros_like(w) if w.grad is None else w.grad for name, w in self._named.items()}
        return float(loss.detach()), {name: grad.numpy().copy() for name, grad in grads.items()}

    def _scores(self, x: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            scores: torch.Tensor = self.net(x)
        return scores

    def passages(self, inputs: Array, targets: Array) -> list[Passage]:
        """Layer by layer from the input on, for a plain stack of linear layers; empty for any other net."""
        names = {id(weight): name for name, weight in self._named.items()}
        kept, x = [], torch.from_numpy(inputs)
        for layer in self.layers or []:
            z = layer.linear(x)
            a = layer.activation(z) if layer.activation else z
            for tensor in (z, a):
                tensor.retain_grad()
            kept.append((layer, x, z, a))
            x = a
        if kept:
            self._loss(x, torch.from_numpy(targets)).backward()  # type: ignore[no-untyped-call]
        return [
            Passage(
                names[id(layer.linear.weight)],
                names[id(layer.linear.bias)],
                type(layer.activation).__name__.lower() if layer.activation else "",
                *(tensor.detach().numpy() for tensor in (x, z, a, z.grad, a.grad)),
            )
            for layer, x, z, a in kept
        ]
