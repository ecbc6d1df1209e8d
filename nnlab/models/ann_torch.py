"""Network of any depth in PyTorch, with a choice of activation per layer."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from nnlab.backends import TORCH
from nnlab.dataset import Classification, Regression
from nnlab.model import Model, Setup
from nnlab.models._stack import Stack
from nnlab.plugin import ModelFile

if TYPE_CHECKING:
    from torch import nn

Activation = Literal["relu", "tanh", "sigmoid", "elu", "gelu", "leaky_relu", "selu", "silu", "softplus"]


class Params(Stack):
    """Keys of ann-torch."""

    activations: Activation | list[Activation] = "relu"
    """One name for all hidden layers, or a list with one for each."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Fraction of each hidden layer's outputs that a training step leaves out."""


def net(widths: list[tuple[int, int]], activations: list[str], dropout: float = 0.0) -> "nn.Sequential":
    """Linear layers of these (in, out) widths with an activation after all but the last."""
    from torch import nn

    functions = {
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "leaky_relu": nn.LeakyReLU,
        "selu": nn.SELU,
        "silu": nn.SiLU,
        "softplus": nn.Softplus,
    }
    layers: list[nn.Module] = []
    for width, name in zip(widths, [*activations, None], strict=True):
        layers.append(nn.Linear(*width))
        if name:
            layers.append(functions[name]())
            if dropout:
                layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def twin(params: Params) -> tuple[str, dict[str, Any]] | None:
    """The same network in NumPy: its model's name and keys."""
    from nnlab.models import mlp_np

    if params.dropout or not set(params.activation_names()) <= set(mlp_np.ACTIVATIONS):
        return None
    return "mlp-np", {"hidden": params.hidden, "activations": params.activations}


def build(params: Params, setup: Setup) -> Model:
    """The model for this data, with its initial weights."""
    from nnlab.backends.torch import TorchModel

    widths = params.widths(setup.features, setup.outputs)
    return TorchModel(lambda: net(widths, params.activation_names(), params.dropout), setup)


MODEL = ModelFile(Params, (Classification, Regression), TORCH, build, twin)
