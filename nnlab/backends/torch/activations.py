"""Activations: each function and its gradient, written into buffers that are there already."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

aten = torch.ops.aten
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""https://arxiv.org/abs/1706.02515"""


@dataclass(frozen=True)
class Activation:
    """a = f(z) with its gradient. The modules hold the numbers that some of them need, such as a slope."""

    forward: Callable[[Any, torch.Tensor, torch.Tensor, torch.Tensor], Any]
    """``forward(module, z, a, scratch)`` fills ``a``, which may lie where z does; ``scratch`` is room of that shape."""
    backward: Callable[[Any, torch.Tensor, torch.Tensor, torch.Tensor], Any]
    """``backward(module, d, z, a)`` turns ``d`` from the gradient by a into the gradient by z."""
    needs_z: bool = False
    """Whether the gradient is written in z; if not, a may overwrite it."""


def _tanh(z: torch.Tensor, a: torch.Tensor) -> None:
    """tanh(z) = 2 sigmoid(2z) - 1: on the CPU, PyTorch's sigmoid takes an eighth of its tanh's time.

    Like exp(z) - 1 below, it is off by up to 1e-7 however small z is: nothing beside an output's own rounding.
    """
    if z.is_cuda:
        torch.tanh(z, out=a)
    else:
        torch.mul(z, 2, out=a).sigmoid_().mul_(2).sub_(1)


def _elu(z: torch.Tensor, a: torch.Tensor, scratch: torch.Tensor, alpha: float, scale: float = 1.0) -> None:
    """scale (max(z, 0) + alpha (exp(min(z, 0)) - 1)): on the CPU, PyTorch's own takes ten times as long, for expm1."""
    if z.is_cuda:
        aten.elu.out(z, alpha, scale, 1, out=a)
        return
    torch.clamp_max(z, 0, out=scratch).exp_().sub_(1)
    torch.clamp_min(z, 0, out=a).add_(scratch, alpha=alpha)
    if scale != 1:
        a.mul_(scale)


# Gradients are PyTorch's own kernels, in terms of a wherever they can be.
ACTIVATIONS: dict[type[nn.Module], Activation] = {
    nn.ReLU: Activation(
        lambda f, z, a, s: torch.clamp_min(z, 0, out=a),
        lambda f, d, z, a: aten.threshold_backward.grad_input(d, a, 0, grad_input=d),
    ),
    nn.Tanh: Activation(
        lambda f, z, a, s: _tanh(z, a),
        lambda f, d, z, a: aten.tanh_backward.grad_input(d, a, grad_input=d),
    ),
    nn.Sigmoid: Activation(
        lambda f, z, a, s: torch.sigmoid(z, out=a),
        lambda f, d, z, a: aten.sigmoid_backward.grad_input(d, a, grad_input=d),
    ),
    nn.ELU: Activation(
        lambda f, z, a, s: _elu(z, a, s, f.alpha),
        lambda f, d, z, a: aten.elu_backward.grad_input(d, f.alpha, 1, 1, True, a, grad_input=d),
    ),
    nn.SELU: Activation(
        lambda f, z, a, s: _elu(z, a, s, SELU_ALPHA, SELU_SCALE),
        lambda f, d, z, a: aten.elu_backward.grad_input(d, SELU_ALPHA, SELU_SCALE, 1, True, a, grad_input=d),
    ),
    nn.LeakyReLU: Activation(
        lambda f, z, a, s: aten.leaky_relu.out(z, f.negative_slope, out=a),
        lambda f, d, z, a: aten.leaky_relu_backward.grad_input(d, a, f.negative_slope, True, grad_input=d),
    ),
    nn.GELU: Activation(
        lambda f, z, a, s: aten.gelu.out(z, approximate=f.approximate, out=a),
        lambda f, d, z, a: aten.gelu_backward.grad_input(d, z, approximate=f.approximate, grad_input=d),
        needs_z=True,
    ),
    nn.SiLU: Activation(
        lambda f, z, a, s: aten.silu.out(z, out=a),
        lambda f, d, z, a: aten.silu_backward.grad_input(d, z, grad_input=d),
        needs_z=True,
    ),
    nn.Softplus: Activation(
        lambda f, z, a, s: aten.softplus.out(z, f.beta, f.threshold, out=a),
        lambda f, d, z, a: aten.softplus_backward.grad_input(d, z, f.beta, f.threshold, grad_input=d),
        needs_z=True,
    ),
}
