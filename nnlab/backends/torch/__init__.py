"""The PyTorch backend: a Model around a torch.nn.Module."""

from nnlab.backends.torch.device import find_device
from nnlab.backends.torch.model import Tensors, TorchModel

__all__ = ["Tensors", "TorchModel", "find_device"]
