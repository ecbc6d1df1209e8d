"""Simulation: verdicts on made-up models, by the functions that judge real runs, counted."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nnlab.comparison.differences import least, over_examples, over_seeds
from nnlab.comparison.interval import ALPHA, Estimate
from nnlab.comparison.several import holm
from tests.statistics.worlds import ACCURACIES, LOSSES, OF_ONE, OF_SEEDS, Parts, World, worlds

EXAMPLES = (2, 5, 10, 30, 60, 200)
SEEDS = (1, 2, 3, 5)
EQUAL = 1e-4
"""A difference that is but a quadrature's error."""
AT_ONCE = 500
"""Pairs that are drawn at once."""


@dataclass(frozen=True)
class Cell:
    """What came of one world at one size."""

    world: str
    metric: str
    parts: str
    examples: int
    seeds: int
    equal: bool
    promised: bool
    pairs: int
    """How many were judged."""
    covered: float
    """In how many of a hundred the interval held the truth."""
    better: float
    """In how many of a hundred one was called better."""
    wrong: float
    """In how many of a hundred the worse one was called better, or either where they are equal."""

    @property
    def judged(self) -> bool:
        """Whether anything may be called better at this size."""
        return self.examples >= least(self.metric)


def decided(metric: str, a: np.ndarray, b: np.ndarray) -> Estimate:
    """What decides about (m, k, n) scores, as ``significance.contrasts`` has it first."""
    if a.shape[1] > 1:
        return over_seeds(metric, a, b, paired=True)[0]
    return over_examples(metric, a, b)[0]


def simulate(world: World, parts: Parts, n: int, k: int, pairs: int) -> Cell:
    """Judge so many pairs of k runs each on n examples; the same numbers each time."""
    rng = np.random.default_rng(zlib.crc32(f"{world.name}|{parts.name}|{n}|{k}".encode()))
    truth = world.truth
    equal = abs(truth) < EQUAL
    covered, better, wrong = 0, 0, 0
    for start in range(0, pairs, AT_ONCE):
        a, b = world.drawn(parts, rng, min(AT_ONCE, pairs - start), k, n)
        found = decided(world.metric, a, b)
        called = found.clear & (n >= least(world.metric))
        covered += int(((found.low <= truth) & (truth <= found.high)).sum())
        better += int(called.sum())
        wrong += int((called & (equal | (np.sign(found.difference) != np.sign(truth)))).sum())
    shares = (100 * count / pairs for count in (covered, better, wrong))
    return Cell(world.name, world.metric, parts.name, n, k, equal, world.promised, pairs, *shares)


def cells(pairs: int, few: int) -> Iterator[Cell]:
    """Every world at every size: ``pairs`` of them, and only a ``few`` where nothing may be called better anyway."""
    for k in SEEDS:
        for world, parts in worlds(k):
            for n in EXAMPLES:
                yield simulate(world, parts, n, k, pairs if n >= least(world.metric) else few)


def quick(pairs: int) -> Iterator[Cell]:
    """A few of them, for the test suite."""
    for world in (ACCURACIES[0], ACCURACIES[4], LOSSES[0], LOSSES[1], LOSSES[8]):
        for n in (5, 10, 30):
            yield simulate(world, OF_ONE[0], n, 1, pairs)
            yield simulate(world, OF_SEEDS[3], n, 3, pairs)


@dataclass(frozen=True)
class Several:
    """How often anything was called better among several that are equally good."""

    world: str
    examples: int
    entries: int
    rounds: int
    better: float
    """In how many of a hundred rounds."""


def several(entries: int, rounds: int, sizes: Sequence[int] = EXAMPLES) -> Iterator[Several]:
    """All pairs of so many equal models, by Holm."""
    for world in (ACCURACIES[1], LOSSES[7]):
        for n in sizes:
            if n < least(world.metric):
                continue
            rng = np.random.default_rng([entries, n])
            shared, *own = (np.sqrt(0.5) * rng.standard_normal((rounds, 1, n)) for _ in range(entries + 1))
            models = [world.a(shared + each) for each in own]
            found = [decided(world.metric, a, b) for a, b in combinations(models, 2)]
            corrected = np.array([holm([float(each.p[row]) for each in found]) for row in range(rounds)]).T
            called = np.any([(p < ALPHA) & each.clear for p, each in zip(corrected, found, strict=True)], axis=0)
            yield Several(world.name, n, entries, rounds, 100 * float(called.mean()))
