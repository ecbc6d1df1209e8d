"""Data: what the benchmarks train on, the same arrays and batches for every contestant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from torch.utils.data import Sampler

from nnlab.config import Config
from nnlab.dataset import Array, Dataset, Split
from nnlab.experiment import resolve
from nnlab.experiment.loading import load_dataset
from nnlab.experiment.making import model_for
from nnlab.fit import batch_order
from nnlab.model import Model, Step

CONFIGS = Path(__file__).parent.parent / "configs"
Batches = Sequence[Array]


class Order(Sampler[int]):
    """The rows of given batches, one after the other, as a DataLoader takes them."""

    def __init__(self, batches: Batches) -> None:
        self.rows = np.concatenate(batches).tolist()

    def __iter__(self) -> Iterator[int]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Case:
    """A config with its data."""

    config: Config
    dataset: Dataset

    @property
    def lr(self) -> float:
        """The learning rate."""
        return float(self.config.train.lr or 0)

    @property
    def test(self) -> Split:
        """The test split."""
        assert self.dataset.test is not None  # noqa: S101 - every config here has one
        return self.dataset.test

    def model(self) -> Model:
        """A fresh model as ``nnlab train`` would build it."""
        return model_for(self.config, self.dataset)

    @cached_property
    def batches(self) -> Batches:
        """The batches of the first epoch."""
        size = self.config.train.batch_size
        return batch_order(len(self.dataset.train), None if size == "full" else int(size), self.config.seed, 0)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps on them."""
        return [Step(batch, number, self.lr) for number, batch in enumerate(self.batches)]

    @cached_property
    def in_order(self) -> tuple[Array, Array]:
        """Inputs and targets in the order of the batches, for contestants that cannot be given one."""
        rows = np.concatenate(self.batches)
        return self.dataset.train.inputs[rows], self.dataset.train.targets[rows]


def load(name: str, *overrides: str, device: str = "cpu") -> Case:
    """A config of the project with its data. Raises SystemExit where it cannot be had: a fallback would be no match."""
    config = resolve(CONFIGS / f"{name}.yaml", [f"device={device}", *overrides]).config
    loaded, dataset, warning = load_dataset(config)
    if warning:
        raise SystemExit(f"the benchmarks need the real data: {warning}")
    return Case(loaded, dataset)
