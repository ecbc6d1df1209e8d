"""Floors: the time that a work's arithmetic alone takes, by the library that would do it."""

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from benchmarks.data import Case
from benchmarks.timing import Work
from nnlab.dataset import Array


def products_of_steps(case: Case, threads: int) -> Work:
    """Every matrix product of an epoch of training, and nothing else: forward, by the weights, by the inputs."""
    calls = [call for pair in _layers(case, len(case.batches[0])) for call in pair]

    def epoch() -> None:
        torch.set_num_threads(threads)
        for _ in case.batches:
            for a, b, out in calls:
                torch.mm(a, b, out=out)

    return epoch


def products_of_evaluation(case: Case, threads: int, rows: int = 1000) -> Work:
    """The forward products of all test examples, ``rows`` at a time."""
    calls = [pair[0] for pair in _layers(case, rows)]
    test = case.dataset.test
    assert test is not None  # noqa: S101

    def evaluation() -> None:
        torch.set_num_threads(threads)
        for _ in range(len(test) // rows):
            for a, b, out in calls:
                torch.mm(a, b, out=out)

    return evaluation


def _layers(case: Case, rows: int) -> list[list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]]:
    """For each layer the factors and results of its products; the first layer has no gradient by its inputs."""
    found = []
    for number, (fan_in, out) in enumerate(
        case.config.model.params.widths(case.dataset.features, case.dataset.outputs)
    ):
        x, w, d = torch.rand(rows, fan_in), torch.rand(out, fan_in), torch.rand(rows, out)
        calls = [(x, w.t(), torch.empty(rows, out)), (d.t(), x, torch.empty(out, fan_in))]
        found.append(calls + ([(d, w, torch.empty(rows, fan_in))] if number else []))
    return found


def two_passes(inputs: Array, steps: int, threads: int) -> Work:
    """Read all inputs twice a step, as a matrix-vector product each way: the least that full-batch descent can do."""
    w, d = np.ones(inputs.shape[1], np.float32), np.ones(len(inputs), np.float32)
    z, g = np.empty(len(inputs), np.float32), np.empty(inputs.shape[1], np.float32)

    pools = ThreadpoolController()

    def passes() -> None:
        with pools.limit(limits=threads):
            for _ in range(steps):
                np.dot(inputs, w, out=z)
                np.dot(d, inputs, out=g)

    return passes
