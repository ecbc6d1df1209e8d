"""Floors: the time that a work's arithmetic alone takes, by the library that would do it."""

import timeit
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from benchmarks.data import Case
from benchmarks.timing import Work
from nnlab.backends.torch.products import Float32
from nnlab.dataset import Array

Call = Callable[[], object]


def products_of_steps(case: Case, threads: int, *, fastest: bool = True) -> Work:
    """Every matrix product of an epoch of training, and nothing else: forward, by the weights, by the inputs.

    By the BLAS that PyTorch calls or, with ``fastest``, each by that or oneDNN, whichever is sooner done here.
    """
    calls = _calls(case, len(case.batches[0]), threads, fastest, forward_only=False)

    def epoch() -> None:
        torch.set_num_threads(threads)
        for _ in case.batches:
            for call in calls:
                call()

    return epoch


def products_of_evaluation(case: Case, threads: int, *, fastest: bool = True) -> Work:
    """The forward products of all test examples, 1,000 at a time by BLAS, 5,000 for the faster of the two."""
    rows = 5000 if fastest else 1000
    calls = _calls(case, rows, threads, fastest, forward_only=True)

    def evaluation() -> None:
        torch.set_num_threads(threads)
        for _ in range(len(case.test) // rows):
            for call in calls:
                call()

    return evaluation


def _calls(case: Case, rows: int, threads: int, fastest: bool, *, forward_only: bool) -> list[Call]:
    """The products of each layer; the first layer has no gradient by its inputs."""
    found: list[Call] = []
    torch.set_num_threads(threads)
    for number, (fan_in, out) in enumerate(
        case.config.model.params.widths(case.dataset.features, case.dataset.outputs)
    ):
        x, w, d = torch.rand(rows, fan_in), torch.rand(out, fan_in), torch.rand(rows, out)
        pairs = [(x, w)] if forward_only else [(x, w), (d.t(), x.t()), *([(d, w.t())] if number else [])]
        found += [_sooner(a, b, fastest) for a, b in pairs]
    return found


def _sooner(a: torch.Tensor, b: torch.Tensor, fastest: bool) -> Call:
    """a b^T by the library that is sooner done."""
    out = torch.empty(len(a), len(b))
    by_blas: Call = partial(torch.mm, a, b.t(), out=out)
    onednn = Float32().onednn
    if not fastest or onednn is None:
        return by_blas
    by_onednn: Call = partial(onednn, a, b, None)
    return min((by_blas, by_onednn), key=_seconds)


def _seconds(call: Call) -> float:
    return min(timeit.repeat(call, number=20, repeat=5))


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
