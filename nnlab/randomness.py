"""Randomness: every random number is derived from the seed, what it is for and the epoch; there is no global state."""

from enum import IntEnum

import numpy as np

from nnlab.dataset import Array


class Purpose(IntEnum):
    """What random numbers are for. Each purpose has a stream of its own, so using one never shifts another."""

    SPLIT = 1
    ORDER = 2
    WEIGHTS = 3
    DROPOUT = 4
    CHECK = 5


def generator(seed: int, purpose: Purpose, epoch: int = 0) -> np.random.Generator:
    """The generator for this seed, purpose and epoch: the same arguments always give the same numbers."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, purpose, epoch])))


def fan_in_uniform(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> Array:
    """PyTorch's default for the weights and biases of linear and convolution layers: U(-b, b), b = 1 / sqrt(fan_in).

    That is what ``kaiming_uniform_(a=sqrt(5))`` comes to; see ``torch.nn.Linear.reset_parameters``. Returns float32.
    """
    bound = 1 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape).astype(np.float32)
