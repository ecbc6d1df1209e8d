"""Draft: a net with shapes and no numbers, which tells what the net itself would take before that is made."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nnlab import budget
from nnlab.backends.torch import fused
from nnlab.errors import ConfigError
from nnlab.model import Setup

PREDICT_ROWS = 1000


def rows_at_once(net: nn.Module, place: torch.device) -> int:
    """How many examples are predicted together where autograd's way is taken."""
    pictures = any(isinstance(part, nn.modules.conv._ConvNd) for part in net.modules())
    return budget.PICTURES if pictures and place.type == "cpu" else PREDICT_ROWS


def check_net(make_net: Callable[[], nn.Module], setup: Setup, place: torch.device) -> None:
    """Raise ConfigError, with the figures, where the net would not fit into the free memory.

    What is on a CUDA device is not judged: one that runs out of memory says so itself, and nothing else suffers.
    """
    net = _drafted(make_net, setup.blamed)
    if net is None:
        return
    parameters = sum(weight.numel() for weight in net.state_dict().values())

    def check(outputs: list[int], rows: int) -> None:
        budget.check(setup, budget.drafted(setup, parameters, outputs, rows))

    check([], 0)  # first the weights alone: what they refuse needs no more of an answer
    if place.type == "cuda":
        return
    if layers := fused.layers_of(net):
        check([layer.linear.out_features for layer in layers], fused.PREDICT_ROWS)
        return
    try:
        check(_outputs_guessed(net, setup.features), rows_at_once(net, place))
    except ConfigError:
        check(_outputs(net, setup.features), rows_at_once(net, place))


def _drafted(make_net: Callable[[], nn.Module], key: str) -> nn.Module | None:
    """The net on the device that keeps no numbers; None for one that cannot be made there, or was made before."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"), _Undrawn():
            net = make_net()
    except Exception as error:
        if "overflow" in str(error).lower():
            raise ConfigError(f"{key}: a layer has more weights than can be counted", budget.NARROWER) from error
        return None  # a mistake of the net's own comes again when it is made for real
    return net if all(weight.is_meta for weight in net.parameters()) else None


class _Undrawn(TorchFunctionMode):
    """Leaves out what only fills in numbers: PyTorch would import its compiler to do it to none, for 1.5 s."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, name = kwargs or {}, getattr(function, "__name__", "")
        if name.endswith("_") and not name.endswith("__"):  # tensor.normal_(), torch.nn.init.normal_(tensor)
            return args[0] if args else kwargs["tensor"]
        return (torch.empty if function is torch.randn else function)(*args, **kwargs)


def _outputs_guessed(net: nn.Module, features: int) -> list[int]:
    """How many numbers each layer and its activation give for one example, rather too many than too few.

    As if each layer came after the one that gives the most so far, and no convolution or pooling made pictures smaller.
    """
    found, largest = [], features
    for part in net.modules():
        if isinstance(part, nn.Linear):
            given, taken = part.out_features, part.in_features
        elif isinstance(part, nn.modules.conv._ConvNd):
            given, taken = part.out_channels, part.in_channels
        else:
            continue
        found += 2 * [-(-largest // max(taken, 1)) * given]
        largest = max(largest, found[-1])
    return found


def _outputs(net: nn.Module, features: int) -> list[int]:
    """How many numbers each layer gives for one example, as far as shapes can be followed through the net.

    PyTorch imports its compiler for this, so it is asked only about nets that may well be too large.
    """
    found: list[int] = []
    for part in net.modules():
        if not list(part.children()):
            part.register_forward_hook(lambda part, given, out: found.append(getattr(out, "numel", int)()))
    with torch.no_grad(), suppress(Exception):  # a net may do what only real numbers can; what came before it counts
        net.eval()(torch.empty(1, features, device="meta"))
    return found
