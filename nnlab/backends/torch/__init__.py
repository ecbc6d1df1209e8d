"""The PyTorch backend: a Model around a torch.nn.Module."""

from nnlab.backends.torch.device import find_device
from nnlab.backends.torch.exact import ExactNet, Passage
from nnlab.backends.torch.torch_model import Tensors, TorchModel

__all__ = ["ExactNet", "Passage", "Tensors", "TorchModel", "find_device"]
