"""Model: makes a Model of a plain torch.nn.Module, on the CPU or a CUDA device."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from nnlab.backends.torch.device import find_device, memory_errors
from nnlab.backends.torch.draft import check_net, rows_at_once
from nnlab.backends.torch.fused import Fused, layers_of
from nnlab.backends.torch.graph import Graph
from nnlab.backends.torch.losses import LOSSES, in_own_units
from nnlab.backends.torch.optim import Update
from nnlab.backends.torch.products import Bfloat16, Float32
from nnlab.backends.updates import check_state
from nnlab.dataset import Array, Split
from nnlab.errors import RunError
from nnlab.model import Setup, Step, check_weights
from nnlab.randomness import Purpose, fan_in_uniform, generator


@dataclass(frozen=True)
class Tensors:
    """A split on the device: inputs (n, features) float32 and targets (n,) int64 or (n, outputs) float32."""

    inputs: torch.Tensor
    targets: torch.Tensor
    graphs: dict[int, Graph] = field(default_factory=dict)
    """Recorded steps on this split by the size of their batch. They read it, and go when it goes."""

    def rows(self, batches: Sequence[Array]) -> Iterator[torch.Tensor | None]:
        """Each batch's row numbers on the device; None for all rows in their order, where nothing is to gather."""
        place = self.inputs.device
        if len(batches[0]) == len(self.inputs):
            last, rows = None, None
            for batch in batches:
                if batch is not last:  # a full batch is the same vector each time
                    everything = np.array_equal(batch, np.arange(len(self.inputs)))
                    last, rows = batch, None if everything else torch.from_numpy(batch).to(place)
                yield rows
        elif place.type == "cpu":
            yield from map(torch.from_numpy, batches)
        else:  # one transfer for all: the device waits for each
            together = torch.from_numpy(np.concatenate(batches)).to(place)
            yield from torch.split(together, [len(batch) for batch in batches])


class TorchModel:
    """A Model around a net that maps (n, features) to (n, outputs)."""

    def __init__(self, make_net: Callable[[], nn.Module], setup: Setup) -> None:
        """Build the net, give it initial weights derived from the seed and move it to its device.

        Raises DeviceError where the config's device is not there, and ConfigError where the net would not fit into the
        free memory.
        """
        place = find_device(setup.device)
        check_net(make_net, setup, place)
        self.device = str(place)
        self.threads = 1
        with memory_errors():
            # Channels last: convolutions take two thirds of the time, and nothing else notices.
            self.net = _initialised(make_net, setup.seed).to(place)
            self.net.to(memory_format=torch.channels_last)
        self._seed = setup.seed
        self._bf16 = setup.precision == "bf16"
        loss = LOSSES[setup.task.loss]
        self._loss = loss.value
        self.target = setup.target
        self._squares = None if setup.target is None else torch.from_numpy(setup.target.squares).to(place)
        """Of the deviations of scaled targets, (outputs,) float64: in the targets' own units a loss is so much more."""
        self._update = Update(setup.optimizer, dict(self.net.named_parameters()))
        self._steps = 0  # done so far
        self._random = any(isinstance(part, nn.modules.dropout._DropoutNd) for part in self.net.modules())
        self._gathered: dict[int, Tensors] = {}
        self._predict_rows = rows_at_once(self.net, place)
        self.fused: Fused | None = None
        """The faster way through the net where there is one; without it, autograd."""
        if loss.both and (layers := layers_of(self.net)):
            products = Bfloat16() if self._bf16 else Float32()
            self.fused = Fused(layers, loss.both, self._update, products, self._squares)

    def put(self, split: Split) -> Tensors:
        with memory_errors():
            scaled = self.target is not None and split.targets.ndim == 2
            known = self.target.shrunk(split.targets) if scaled and self.target else split.targets
            inputs, targets = (torch.from_numpy(array).to(self.device) for array in (split.inputs, known))
            return Tensors(inputs, targets)

    def train(self, data: Tensors, steps: Sequence[Step]) -> Array:
        """Raises TrainingError where the device runs out of memory."""
        torch.set_num_threads(self.threads)
        losses = torch.empty(len(steps), dtype=torch.float64, device=self.device)
        self.net.train()
        take = self._fused_step if self.fused else self._step
        with memory_errors(), self._own_randomness(), torch.no_grad() if self.fused else nullcontext():
            placed = data.rows([step.rows for step in steps])
            for loss, rows, step in zip(losses.unbind(), placed, steps, strict=True):
                loss.copy_(take(data, rows, step))
                self._steps = step.number + 1
            return losses.cpu().numpy()

    def _step(self, data: Tensors, rows: torch.Tensor | None, step: Step) -> torch.Tensor:
        """One update of the weights; the loss before it, still on the device."""
        loss = self._differentiate(self._gather(data, rows), step.number)
        self._update.step(step.lr)
        return loss

    def _differentiate(self, batch: Tensors, number: int) -> torch.Tensor:
        """The loss of a batch in the step of that number, its gradients laid where the update looks for them."""
        if self._random:
            torch.manual_seed(int(generator(self._seed, Purpose.DROPOUT, number).integers(2**63)))
        self.net.zero_grad()
        with self._rounded():
            scores = self.net(batch.inputs)
            loss = self._loss(scores, batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach() if self._squares is None else in_own_units(scores - batch.targets, self._squares)

    def gradients(self, data: Tensors, step: Step) -> tuple[float, dict[str, Array]]:
        """Raises TrainingError where the device runs out of memory."""
        torch.set_num_threads(self.threads)
        self.net.train()
        counted = [buffer.clone() for buffer in self.net.buffers()]  # such as a batch norm's running means
        with memory_errors(), self._own_randomness(), torch.no_grad() if self.fused else nullcontext():
            batch = self._gather(data, next(data.rows([step.rows])))
            fused = self.fused
            loss = fused.gradients(batch.inputs, batch.targets) if fused else self._differentiate(batch, step.number)
            named = self.net.named_parameters()
            grads = {name: _array(weight.grad) for name, weight in named if weight.grad is not None}
        for buffer, before in zip(self.net.buffers(), counted, strict=True):
            buffer.copy_(before)
        self.net.zero_grad()
        return float(loss), grads

    def _fused_step(self, data: Tensors, rows: torch.Tensor | None, step: Step) -> torch.Tensor:
        """The same without autograd; plain gradient descent on a CUDA device in one launch."""
        fused = self.fused
        assert fused is not None  # noqa: S101 - this is called where there is one

        if rows is None or not fused.plain or not rows.is_cuda:
            batch = self._gather(data, rows)
            return fused.step(batch.inputs, batch.targets, step.lr)

        def recorded(rows: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
            batch = self._gather(data, rows)
            return fused.plain_step(batch.inputs, batch.targets, lr)

        if len(rows) not in data.graphs:
            data.graphs[len(rows)] = Graph(recorded, rows, [*fused.weights, *fused.biases])
        return data.graphs[len(rows)](rows, step.lr)

    def _gather(self, data: Tensors, rows: torch.Tensor | None) -> Tensors:
        """The examples of a batch, in buffers that the next batch of this size takes over."""
        if rows is None:
            return data
        if len(rows) not in self._gathered:
            inputs, targets = (part.new_empty(len(rows), *part.shape[1:]) for part in (data.inputs, data.targets))
            self._gathered[len(rows)] = Tensors(inputs, targets)
        batch = self._gathered[len(rows)]
        torch.index_select(data.inputs, 0, rows, out=batch.inputs)
        torch.index_select(data.targets, 0, rows, out=batch.targets)
        return batch

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Leave PyTorch's global generators as they were."""
        if not self._random:
            yield
            return
        devices = [self.device] if self.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=devices):
            yield

    def _rounded(self) -> torch.autocast:
        """Products with factors rounded to bfloat16, where the config says so."""
        return torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self._bf16)

    def predict(self, data: Tensors) -> Array:
        torch.set_num_threads(self.threads)
        self.net.eval()
        with torch.no_grad(), memory_errors():
            scores = _array(self.fused.predict(data.inputs) if self.fused else self._predicted(data.inputs))
        return scores if self.target is None else self.target.restored(scores)

    def _predicted(self, inputs: torch.Tensor) -> torch.Tensor:
        """Scores (n, outputs) by the net itself."""
        with self._rounded():
            return torch.cat([self.net(rows).float() for rows in torch.split(inputs, self._predict_rows)])

    def weights(self) -> dict[str, Array]:
        return {name: _array(tensor) for name, tensor in self.net.state_dict().items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        check_weights(weights, self.weights())
        self.net.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in weights.items()})

    def optimizer_state(self) -> dict[str, Array]:
        return {"step": np.array(self._steps, np.int64)} | {key: _array(t) for key, t in self._update.state.items()}

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """Raises RunError where the state belongs to another net."""
        if "step" not in state:
            raise RunError("optimizer state: 'step' is missing", "the checkpoint is damaged")
        check_state(state, self.weights())
        self._steps = int(state["step"])
        self._update.load({key: torch.from_numpy(np.array(array)) for key, array in state.items() if key != "step"})


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


def _array(tensor: torch.Tensor) -> Array:
    return tensor.detach().to("cpu", copy=True).numpy()
