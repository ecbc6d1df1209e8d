"""Linear regression in PyTorch."""

from typing import TYPE_CHECKING, Any

from nnlab.backends import TORCH
from nnlab.config import Strict
from nnlab.dataset import Regression
from nnlab.model import Model, Setup
from nnlab.plugin import ModelFile

if TYPE_CHECKING:
    from torch import nn


def net(features: int, outputs: int) -> "nn.Module":
    """One linear layer; mean squared error makes it a linear regression."""
    from torch import nn

    return nn.Linear(features, outputs)


def twin(params: Strict) -> tuple[str, dict[str, Any]]:
    """The same network in NumPy: its model's name and keys."""
    return "mlp-np", {"hidden": []}


def build(params: Strict, setup: Setup) -> Model:
    """The model for this data, with its initial weights."""
    from nnlab.backends.torch import TorchModel

    return TorchModel(lambda: net(setup.features, setup.outputs), setup)


MODEL = ModelFile(Strict, (Regression,), TORCH, build, twin)
