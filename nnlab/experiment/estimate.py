"""Estimate: what a training will take of the memory, the whole process."""

from nnlab.config import Config
from nnlab.dataset import Dataset
from nnlab.model import Model


def process_bytes(config: Config, dataset: Dataset, model: Model) -> int:
    """Bytes."""
    data = sum(split.inputs.nbytes for split in (dataset.train, dataset.val, dataset.test) if split)
    return (900 if config.model.name.endswith("-torch") else 300) * 2**20 + 2 * data
