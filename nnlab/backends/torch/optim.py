"""Optim: torch.optim's rules on named weights, through its functional forms.

Its classes import PyTorch's compiler when the first one is made: 900 modules, a second and 150 MB for nothing here.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

from nnlab.errors import RunError
from nnlab.model import Optimizer


class Update:
    """Changes weights in place, given their gradients in ``grad`` and the step's learning rate."""

    def __init__(self, optimizer: Optimizer, weights: Mapping[str, torch.nn.Parameter]) -> None:
        self.optimizer, self.weights = optimizer, dict(weights)
        self.state: dict[str, torch.Tensor] = {}
        """What it remembers from step to step, by ``<weight>.<torch's name>``."""

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """One update of all weights in one call."""
        # Like torch.optim, leave alone what has no gradient: frozen weights, and layers that the net did not use.
        names = [name for name, weight in self.weights.items() if weight.grad is not None]
        weights = [self.weights[name] for name in names]
        grads = [weight.grad for weight in weights]
        rules = {"sgd": self._sgd, "adam": self._adam, "adamw": self._adam}
        rules[self.optimizer.name](names, weights, grads, lr)

    def _sgd(self, names: list[str], weights: list[Any], grads: list[Any], lr: float) -> None:
        o = self.optimizer
        buffers: list[Any] = [None] * len(names)
        if o.momentum:  # from zero the first step takes the gradient itself, as torch.optim has it
            keys = [f"{name}.momentum_buffer" for name in names]
            zipped = zip(keys, weights, strict=True)
            buffers = [self.state.setdefault(key, torch.zeros_like(weight)) for key, weight in zipped]
        numbers: dict[str, Any] = {"lr": lr, "momentum": o.momentum, "nesterov": o.nesterov}
        sgd(weights, grads, buffers, weight_decay=o.weight_decay, dampening=0, maximize=False, fused=True, **numbers)

    def _adam(self, names: list[str], weights: list[Any], grads: list[Any], lr: float) -> None:
        o = self.optimizer
        for name, weight in zip(names, weights, strict=True):
            if f"{name}.step" not in self.state:
                self.state[f"{name}.step"] = torch.zeros((), device=weight.device)
                self.state |= {f"{name}.{key}": torch.zeros_like(weight) for key in ("exp_avg", "exp_avg_sq")}
        means, squares, steps = (
            [self.state[f"{name}.{key}"] for name in names] for key in ("exp_avg", "exp_avg_sq", "step")
        )
        rule = adam if o.name == "adam" else adamw
        numbers: dict[str, Any] = {"lr": lr, "beta1": o.betas[0], "beta2": o.betas[1], "eps": o.eps}
        numbers |= {"weight_decay": o.weight_decay, "amsgrad": False, "maximize": False}
        rule(weights, grads, means, squares, [], steps, fused=True, **numbers)

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over what was remembered. Raises RunError where it belongs to other weights."""
        for key, value in state.items():
            weight = self.weights.get(key.rpartition(".")[0])
            if weight is None or value.shape not in ((), weight.shape):
                raise RunError(f"optimizer state: {key!r} does not fit the model", "it belongs to another config")
        self.state = {}
        for key, value in state.items():
            weight = self.weights[key.rpartition(".")[0]]
            room = torch.empty_like(weight.detach()) if value.ndim else value.new_empty((), device=weight.device)
            self.state[key] = room.copy_(value)  # in the weight's memory layout, which one call for all relies on
