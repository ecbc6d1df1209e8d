"""Products: the matrix products of a linear layer z = x W^T + b, in float32 or rounded to bfloat16."""

from collections.abc import Callable
from typing import Any

import torch

ONEDNN_WORK = 5_000_000
"""Multiply-adds from which oneDNN is sooner done than the BLAS."""
Product = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]
"""From x, W and b to x W^T + b; b may be None."""


class Float32:
    """Products in full float32: large ones by oneDNN where it is, others by the BLAS that PyTorch calls.

    ``x`` is (rows, in), ``weight`` (out, in) and ``d`` (rows, out), the gradient by z.
    """

    def __init__(self) -> None:
        self.onednn = _onednn_product()
        """oneDNN's product; None where it is not there."""

    def linear(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, z: torch.Tensor) -> None:
        """z = x W^T + b."""
        if product := self._for_large(x, weight):
            z.copy_(product(x, weight, bias))
        else:
            torch.addmm(bias, x, weight.t(), out=z)

    def scores(self, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """The same as a new tensor, for many rows at once."""
        product = self._for_large(x, weight)
        return product(x, weight, bias) if product else torch.addmm(bias, x, weight.t())

    def below(self, d: torch.Tensor, weight: torch.Tensor, dx: torch.Tensor) -> None:
        """The gradient by x: d W."""
        if product := self._for_large(d, weight):
            dx.copy_(product(d, weight.t(), None))
        else:
            torch.mm(d, weight, out=dx)

    def gradient(self, d: torch.Tensor, x: torch.Tensor, dw: torch.Tensor) -> None:
        """The gradient by W: d^T x."""
        if product := self._for_large(d, dw):
            dw.copy_(product(d.t(), x.t(), None))
        else:
            torch.mm(d.t(), x, out=dw)

    def descend(self, weight: torch.Tensor, d: torch.Tensor, x: torch.Tensor, lr: float) -> None:
        """W -= lr d^T x."""
        if product := self._for_large(d, weight):
            weight.add_(product(d.t(), x.t(), None), alpha=-lr)
        else:
            weight.addmm_(d.t(), x, alpha=-lr)

    def _for_large(self, examples: torch.Tensor, weight: torch.Tensor) -> Product | None:
        large = len(examples) * weight.numel() >= ONEDNN_WORK
        return self.onednn if large and not weight.is_cuda else None


class Bfloat16:
    """Products of factors rounded to bfloat16, summed in float32 and rounded again; all else stays float32."""

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


Products = Float32 | Bfloat16


def _onednn_product() -> Product | None:
    """oneDNN's x W^T + b in float32, or None where it is not there.

    On some processors it takes half the time of the BLAS. PyTorch's compiler uses it, but it has no public name, so it
    is tried before it is relied on.
    """
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    x, weight, bias = torch.arange(6.0).view(2, 3), torch.arange(12.0).view(4, 3), torch.arange(4.0)
    try:
        operator: Any = torch.ops.mkldnn._linear_pointwise.default
        found = operator(x, weight, bias, "none", [], ""), operator(x.t(), x.t(), None, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return None
    if not (torch.equal(found[0], torch.addmm(bias, x, weight.t())) and torch.equal(found[1], x.t() @ x)):
        return None
    return lambda x, weight, bias: operator(x, weight, bias, "none", [], "")
