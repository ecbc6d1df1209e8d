"""Convolutional network for pictures in PyTorch, after LeNet."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from nnlab.backends import TORCH
from nnlab.config import Strict
from nnlab.dataset import Classification
from nnlab.errors import ConfigError
from nnlab.model import Model, Setup
from nnlab.plugin import ModelFile

if TYPE_CHECKING:
    from torch import nn

Count = Annotated[int, Field(ge=1, le=4096)]


class Params(Strict):
    """Keys of cnn-torch."""

    channels: list[Count] = Field([16, 32], min_length=1, max_length=8)
    """Output channels of each convolution; each is followed by a ReLU and a max-pooling that halves the picture."""
    kernel: int = Field(5, ge=1, le=31)
    """Side of the convolutions' square kernels, an odd number; the picture's edges are padded to keep its size."""
    hidden: int = Field(128, ge=1, le=100_000)
    """Width of the fully connected layer before the output."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Fraction of that layer's outputs that a training step leaves out."""

    @field_validator("kernel")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("it should be odd, so that the padding is the same on both sides")
        return value


def net(picture: tuple[int, int, int], outputs: int, params: Params) -> "nn.Sequential":
    """Convolutions over (colours, height, width), then two linear layers. Takes flattened pictures (n, features)."""
    from torch import nn

    colours, height, width = picture
    layers: list[nn.Module] = [nn.Unflatten(1, picture)]
    for channels in params.channels:
        layers += [nn.Conv2d(colours, channels, params.kernel, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        colours, height, width = channels, height // 2, width // 2
    layers += [nn.Flatten(), nn.Linear(colours * height * width, params.hidden), nn.ReLU()]
    if params.dropout:
        layers.append(nn.Dropout(params.dropout))
    return nn.Sequential(*layers, nn.Linear(params.hidden, outputs))


def build(params: Params, setup: Setup) -> Model:
    """The model for these pictures, with its initial weights.

    Raises ConfigError where the inputs are no pictures, or too small to be halved that often.
    """
    if len(setup.shape) not in (2, 3):
        raise ConfigError(
            f"model.name: cnn-torch needs pictures, and an input here has shape {setup.shape}",
            "use ann-torch or mlp-np",
        )
    *colours, height, width = setup.shape
    picture = (colours[0] if colours else 1, height, width)
    if min(height, width) < 2 ** len(params.channels):
        raise ConfigError(
            f"model.channels: {len(params.channels)} poolings leave nothing of {height}x{width} pictures",
            "give fewer channels, or larger pictures",
        )
    from nnlab.backends.torch import TorchModel

    return TorchModel(lambda: net(picture, setup.outputs, params), setup)


MODEL = ModelFile(Params, (Classification,), TORCH, build)
