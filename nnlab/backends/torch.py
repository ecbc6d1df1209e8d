"""The PyTorch backend: makes a Model of a plain torch.nn.Module, on the CPU or a CUDA device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from nnlab.dataset import Array, Split
from nnlab.errors import DeviceError, RunError, TrainingError
from nnlab.model import Optimizer, Setup, check_weights
from nnlab.randomness import Purpose, fan_in_uniform, generator

PREDICT_ROWS = 1000


@dataclass(frozen=True)
class Tensors:
    """A split on the device: inputs (n, features) float32 and targets (n,) int64 or (n, outputs) float32."""

    inputs: torch.Tensor
    targets: torch.Tensor


class TorchModel:
    """A Model around a net that maps (n, features) to (n, outputs)."""

    def __init__(self, make_net: Callable[[], nn.Module], setup: Setup) -> None:
        """Build the net, give it initial weights derived from the seed and move it to its device.

        Raises DeviceError where the config's device is not there.
        """
        place = find_device(setup.device)
        self.device = str(place)
        self.threads = 1
        with _memory_errors():
            self.net = _initialised(make_net, setup.seed).to(place)
        self._seed = setup.seed
        self._loss = F.cross_entropy if setup.task == "classification" else F.mse_loss
        self._optimizer = _optimizer(self.net, setup.optimizer)
        self._steps = 0
        self._random = any(isinstance(part, nn.modules.dropout._DropoutNd) for part in self.net.modules())

    def put(self, split: Split) -> Tensors:
        with _memory_errors():
            return Tensors(*(torch.from_numpy(array).to(self.device) for array in (split.inputs, split.targets)))

    def train(self, data: Tensors, batches: Sequence[Array]) -> Array:
        """Raises TrainingError where the device runs out of memory."""
        torch.set_num_threads(self.threads)
        losses = torch.empty(len(batches), dtype=torch.float64, device=self.device)
        self.net.train()
        with _memory_errors(), self._own_randomness():
            for number, batch in enumerate(batches):
                rows = torch.from_numpy(batch).to(self.device)
                losses[number] = self._step(data.inputs[rows], data.targets[rows])
            return losses.cpu().numpy()

    def _step(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """One update of the weights; the loss before it, still on the device."""
        if self._random:
            torch.manual_seed(int(generator(self._seed, Purpose.DROPOUT, self._steps).integers(2**63)))
        self._steps += 1
        self._optimizer.zero_grad()
        loss = self._loss(self.net(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return loss.detach()

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Leave PyTorch's global generators as they were."""
        if not self._random:
            yield
            return
        devices = [self.device] if self.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=devices):
            yield

    def predict(self, data: Tensors) -> Array:
        torch.set_num_threads(self.threads)
        self.net.eval()
        with torch.inference_mode(), _memory_errors():
            parts = [self.net(rows) for rows in torch.split(data.inputs, PREDICT_ROWS)]
            scores: Array = torch.cat(parts).cpu().numpy()
        return scores

    def weights(self) -> dict[str, Array]:
        return {name: _array(tensor) for name, tensor in self.net.state_dict().items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        check_weights(weights, self.weights())
        self.net.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})

    def optimizer_state(self) -> dict[str, Array]:
        state = {"step": np.array(self._steps, np.int64)}
        for name, weight in self.net.named_parameters():
            for key, value in self._optimizer.state.get(weight, {}).items():
                if value is not None:
                    state[f"{name}.{key}"] = _array(value)
        return state

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Raises RunError where the state belongs to another net."""
        weights = dict(self.net.named_parameters())
        if "step" not in state:
            raise RunError("optimizer state: 'step' is missing", "the checkpoint is damaged")
        self._steps = int(state["step"])
        self._optimizer.state.clear()
        for key, array in state.items():
            name, _, what = key.rpartition(".")
            if key == "step":
                continue
            if name not in weights or array.shape not in ((), tuple(weights[name].shape)):
                raise RunError(f"optimizer state: {key!r} does not fit the model", "it belongs to another config")
            value = torch.from_numpy(np.array(array))
            self._optimizer.state[weights[name]][what] = value if array.ndim == 0 else value.to(self.device)


def find_device(wanted: str) -> torch.device:
    """The device that a config's ``device`` means here: auto is the first CUDA device, else the CPU.

    Raises DeviceError where it is not there, and says what is.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "cpu" or (wanted == "auto" and not count):
        return torch.device("cpu")
    if not count:
        built = "" if torch.version.cuda else f" and this PyTorch ({torch.__version__}) is built without CUDA"
        raise DeviceError(f"device: given {wanted!r}, but no CUDA device is found{built}", "use device: cpu or auto")
    number = int(wanted.partition(":")[2] or 0)
    if number >= count:
        raise DeviceError(
            f"device: given {wanted!r}, but there are {count} CUDA devices", f"use cuda:0 to cuda:{count - 1}"
        )
    _make_deterministic()
    return torch.device("cuda", number)


def _make_deterministic() -> None:
    """The same seed gives the same bits on one GPU, in full float32."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def _initialised(make_net: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The net with PyTorch's default initial weights, drawn by NumPy so that every backend can start equal.

    Linear and convolution layers take them in the order of the net's modules; other layers draw their own from a
    generator of PyTorch's that is seeded for this purpose only.
    """
    rng = generator(seed, Purpose.WEIGHTS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(seed, Purpose.WEIGHTS, 1).integers(2**63)))
        net = make_net()
    with torch.no_grad():
        for part in net.modules():
            if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
                fan_in = int(np.prod(part.weight.shape[1:]))
                for weight in (part.weight, part.bias):
                    if weight is not None:
                        weight.copy_(torch.from_numpy(fan_in_uniform(rng, tuple(weight.shape), fan_in)))
    return net


def _optimizer(net: nn.Module, o: Optimizer) -> torch.optim.Optimizer:
    weights = net.parameters()
    if o.name == "sgd":
        return torch.optim.SGD(weights, lr=o.lr, momentum=o.momentum, nesterov=o.nesterov, weight_decay=o.weight_decay)
    rule = torch.optim.Adam if o.name == "adam" else torch.optim.AdamW
    return rule(weights, lr=o.lr, betas=o.betas, eps=o.eps, weight_decay=o.weight_decay)


def _array(value: Any) -> Array:
    if not isinstance(value, torch.Tensor):
        return np.array(value)
    return value.detach().to("cpu", copy=True).numpy()


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn PyTorch's out-of-memory errors, which differ between the devices, into one of ours."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error):
            raise TrainingError("out of memory", "try a smaller train.batch_size or a narrower model") from error
        raise
