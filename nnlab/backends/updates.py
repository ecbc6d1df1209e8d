"""Update rules: sgd, adam and adamw in NumPy, step for step those of torch.optim."""

from collections.abc import Mapping

import numpy as np

from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.model import Optimizer


class UpdateRule:
    """Changes weights in place, given their gradients and the step's learning rate.

    Gradient descent with momentum, Nesterov's or the plain one, and Adam, both with an L2 penalty; or AdamW with
    decoupled weight decay: https://docs.pytorch.org/docs/stable/optim.html
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.state: dict[str, Array] = {}
        """What it remembers from step to step, by ``<weight>.<torch's name>``."""
        self.scratch: dict[tuple[int, ...], Array] = {}

    def step(self, weights: Mapping[str, Array], grads: Mapping[str, Array], lr: float) -> None:
        """One update of all weights."""
        rules = {"sgd": self._sgd, "adam": self._adam, "adamw": self._adam}
        rules[self.optimizer.name](weights, grads, lr)

    def _sgd(self, weights: Mapping[str, Array], grads: Mapping[str, Array], lr: float) -> None:
        o = self.optimizer
        for name, weight in weights.items():
            grad = grads[name]
            if o.weight_decay:
                grad = grad + o.weight_decay * weight
            if o.momentum:
                grad = self._with_momentum(name, grad)
            weight -= np.multiply(grad, lr, out=self._scratch(weight))

    def _scratch(self, weight: Array) -> Array:
        """Room for one array of this shape, whose content nobody needs from step to step."""
        if weight.shape not in self.scratch:
            self.scratch[weight.shape] = np.empty_like(weight)
        return self.scratch[weight.shape]

    def _with_momentum(self, name: str, grad: Array) -> Array:
        key = f"{name}.momentum_buffer"
        if key not in self.state:  # PyTorch's first step takes the gradient itself
            self.state[key] = grad.copy()
        else:
            buffer = self.state[key]
            buffer *= self.optimizer.momentum
            buffer += grad
        buffer = self.state[key]
        return grad + self.optimizer.momentum * buffer if self.optimizer.nesterov else buffer

    def _adam(self, weights: Mapping[str, Array], grads: Mapping[str, Array], lr: float) -> None:
        o = self.optimizer
        beta1, beta2 = o.betas
        steps = self.state.setdefault("step", np.zeros((), np.float32))
        steps += 1
        # In Python floats, as PyTorch does it; float32 would lose digits of 1 - beta2 ** step.
        correction1 = 1 - beta1 ** float(steps)
        correction2 = 1 - beta2 ** float(steps)
        for name, weight in weights.items():
            grad = grads[name]
            if o.name == "adamw":
                weight *= 1 - lr * o.weight_decay
            elif o.weight_decay:
                grad = grad + o.weight_decay * weight
            if f"{name}.exp_avg" not in self.state:
                self.state |= {f"{name}.exp_avg": np.zeros_like(weight), f"{name}.exp_avg_sq": np.zeros_like(weight)}
            mean, square = self.state[f"{name}.exp_avg"], self.state[f"{name}.exp_avg_sq"]
            mean += (1 - beta1) * (grad - mean)
            square *= beta2
            square += (1 - beta2) * grad * grad
            denominator = np.sqrt(square) / correction2**0.5 + o.eps
            weight -= (lr / correction1) * mean / denominator


def check_state(state: Mapping[str, Array], weights: Mapping[str, Array]) -> None:
    """Raise RunError unless every remembered array belongs to a weight and fits it, and none of Adam's is missing."""
    if "step" not in state and any(key.endswith(".exp_avg") for key in state):
        raise RunError("optimizer state: 'step' is missing", "the checkpoint is damaged")
    for key, array in state.items():
        owner, _, kind = key.rpartition(".")
        if kind == "step":
            fits = not array.shape and 0 <= float(array) <= 2**53
            fits = fits and (owner in weights and array.dtype == np.float32 if owner else True)
        else:
            fits = owner in weights and (array.shape, array.dtype) == (weights[owner].shape, weights[owner].dtype)
            other = {"exp_avg": "exp_avg_sq", "exp_avg_sq": "exp_avg"}.get(kind, kind)
            fits = fits and f"{owner}.{other}" in state
        if not fits:
            raise RunError(
                f"optimizer state: {key!r} does not fit the model", "the checkpoint belongs to another config"
            )
