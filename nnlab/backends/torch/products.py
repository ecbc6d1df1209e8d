"""Products: the matrix products of a linear layer z = x W^T + b, in float32 or with factors rounded to bfloat16."""

from collections.abc import Callable
from typing import Any, Protocol

import torch

ONEDNN_WORK = 20_000_000
"""Multiply-adds from which oneDNN is sooner done than the BLAS, where it is at all."""


class Products(Protocol):
    """Everything is float32 outside: ``x`` (rows, in), ``weight`` (out, in), ``d`` (rows, out), the gradient by z."""

    def linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, z: torch.Tensor) -> None:
        """z = x W^T + b."""
        ...

    def scores(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """The same as a new tensor, for many rows at once."""
        ...

    def below(self, d: torch.Tensor, weight: torch.Tensor, dx: torch.Tensor) -> None:
        """The gradient by x: d W."""
        ...

    def gradient(self, d: torch.Tensor, x: torch.Tensor, dw: torch.Tensor) -> None:
        """The gradient by W: d^T x."""
        ...

    def descend(self, weight: torch.Tensor, d: torch.Tensor, x: torch.Tensor, lr: float) -> None:
        """W -= lr d^T x."""
        ...


class Float32:
    """Products in full float32."""

    def __init__(self) -> None:
        self._onednn = _onednn_linear()

    def linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, z: torch.Tensor) -> None:
        torch.addmm(bias, x, weight.t(), out=z)

    def scores(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        if self._onednn and not x.is_cuda and len(x) * weight.numel() >= ONEDNN_WORK:
            return self._onednn(x, weight, bias)
        return torch.addmm(bias, x, weight.t())

    def below(self, d: torch.Tensor, weight: torch.Tensor, dx: torch.Tensor) -> None:
        torch.mm(d, weight, out=dx)

    def gradient(self, d: torch.Tensor, x: torch.Tensor, dw: torch.Tensor) -> None:
        torch.mm(d.t(), x, out=dw)

    def descend(self, weight: torch.Tensor, d: torch.Tensor, x: torch.Tensor, lr: float) -> None:
        weight.addmm_(d.t(), x, alpha=-lr)


class Bfloat16:
    """Products of factors rounded to bfloat16; weights, sums over examples and activations stay float32."""

    def linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, z: torch.Tensor) -> None:
        torch.add(torch.mm(x.bfloat16(), weight.bfloat16().t()), bias, out=z)

    def scores(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return torch.mm(x.bfloat16(), weight.bfloat16().t()) + bias

    def below(self, d: torch.Tensor, weight: torch.Tensor, dx: torch.Tensor) -> None:
        dx.copy_(torch.mm(d.bfloat16(), weight.bfloat16()))

    def gradient(self, d: torch.Tensor, x: torch.Tensor, dw: torch.Tensor) -> None:
        dw.copy_(torch.mm(d.bfloat16().t(), x.bfloat16()))

    def descend(self, weight: torch.Tensor, d: torch.Tensor, x: torch.Tensor, lr: float) -> None:
        weight.add_(torch.mm(d.bfloat16().t(), x.bfloat16()), alpha=-lr)


def _onednn_linear() -> Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] | None:
    """oneDNN's x W^T + b in float32, or None where it is not there.

    For large products it is up to twice as fast as the BLAS that PyTorch otherwise calls. PyTorch's compiler uses it,
    but it has no public name, so it is tried once before it is relied on.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    try:
        operator: Any = torch.ops.mkldnn._linear_pointwise.default
        found = operator(torch.ones(2, 3), torch.ones(4, 3), torch.ones(4), "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return None
    if not torch.equal(found, torch.full((2, 4), 4.0)):
        return None
    return lambda x, weight, bias: operator(x, weight, bias, "none", [], "")
