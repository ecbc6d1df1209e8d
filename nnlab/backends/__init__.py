"""Backends: what turns a net, the plain maths, into a Model that trains, predicts and saves."""

import sys
from typing import Any, TypeVar

from nnlab.budget import MIB
from nnlab.config.frame import DEVICES
from nnlab.dataset import Task
from nnlab.errors import ConfigError
from nnlab.model import Model, Net
from nnlab.plugin import Backend

M = TypeVar("M")


def _of(model: Model, wanted: type[M]) -> M:
    """The model. Raises ConfigError where its file declares a backend that it is not built by."""
    if isinstance(model, wanted):
        return model
    raise ConfigError(f"model.name: its file builds no {wanted.__name__}, and declares its backend", "build it as one")


def _numpy(model: Model, task: Task) -> Net:
    from nnlab.backends.numpy import NumpyModel, in_float64

    return in_float64(_of(model, NumpyModel).net)


def _fused(model: Model, task: Task) -> Net | None:
    from nnlab.backends.torch import ExactNet, TorchModel

    made = _of(model, TorchModel)
    return ExactNet(made.net, task, fused=True) if made.fused else None


def _autograd(model: Model, task: Task) -> Net:
    from nnlab.backends.torch import ExactNet, TorchModel

    return ExactNet(_of(model, TorchModel).net, task)


def _torch_process() -> int:
    """That of a PyTorch which is built for CUDA, on the CPU too, is far larger: its libraries are."""
    torch: Any = sys.modules.get("torch")  # whoever has built the model has it
    return (770 if torch is None or torch.version.cuda else 360) * MIB


# The processes are a little more than the largest resident set of small trainings on Linux, from the interpreter to
# the pictures at the end.
NUMPY = Backend("NumPy", lambda: 130 * MIB, at_once=1000, by_hand=_numpy)
TORCH = Backend(
    "PyTorch",
    _torch_process,
    DEVICES,
    ("float32", "bf16"),
    at_once=5000,
    by_hand=_fused,
    autograd=_autograd,
)
SKLEARN = Backend("scikit-learn", lambda: 210 * MIB, steppable=False)
