"""Worlds: made-up pairs of models, of which it is known by how much the second is better.

Whatever a model scores on an example comes of one standard normal number, its trouble with that example: a part that
all models share, one of this model with this example, one of this seed, and a rest. So the truth does not depend on how
large the parts are, and is worked out by quadrature.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nnlab.dataset import Array

LATTICE = stats.norm.ppf((np.arange(2_000_000) + 0.5) / 2_000_000)
"""The normal distribution, point by point: means over it are means over all examples."""


@dataclass(frozen=True)
class Parts:
    """Of the variance of an example's trouble: what is shared, the model's with this example, the seed's; the rest."""

    name: str
    shared: float
    model: float = 0
    seed: float = 0

    def drawn(self, rng: np.random.Generator, m: int, k: int, n: int) -> tuple[Array, Array]:
        """(m, k, n) numbers of A, and of B."""
        rest = 1 - self.shared - self.model - self.seed
        shared = np.sqrt(self.shared) * rng.standard_normal((m, 1, n))
        one, other = (
            shared
            + np.sqrt(self.model) * rng.standard_normal((m, 1, n))
            + np.sqrt(self.seed) * rng.standard_normal((m, k, 1))
            + np.sqrt(rest) * rng.standard_normal((m, k, n))
            for _ in range(2)
        )
        return one, other


@dataclass(frozen=True)
class World:
    """Two models, and what each scores where it has so much trouble."""

    name: str
    metric: str
    a: Callable[[Array], Array]
    b: Callable[[Array], Array]
    heavy: bool = False
    """Whether each example has a scale of its own, the same for both models, as makes normal numbers Student's t with
    three degrees of freedom."""
    promised: bool = True
    """Whether the goals are for it too; else it shows where they end."""

    @property
    def truth(self) -> float:
        """B - A over all examples and seeds."""
        return float(np.mean(self.b(LATTICE) - self.a(LATTICE)))

    def drawn(self, parts: Parts, rng: np.random.Generator, m: int, k: int, n: int) -> tuple[Array, Array]:
        """(m, k, n) scores of A and of B: right (1) or wrong (0), or losses."""
        x, y = parts.drawn(rng, m, k, n)
        if self.heavy:
            scale = 1 / np.sqrt(rng.chisquare(3, (m, 1, n)) / 3)
            return self.a(x * scale), self.b(y * scale)
        return self.a(x), self.b(y)


def right(share: float) -> Callable[[Array], Array]:
    """Right on this share of the examples."""
    limit = stats.norm.ppf(share)
    return lambda trouble: (trouble < limit).astype(np.float64)


def worse(by: float) -> Callable[[Array], Array]:
    """A loss that is the trouble itself."""
    return lambda trouble: trouble + by


def lognormal(times: float, sigma: float = 1) -> Callable[[Array], Array]:
    """A loss that has a normal logarithm."""
    return lambda trouble: times * np.exp(sigma * trouble)


def squared(times: float) -> Callable[[Array], Array]:
    """The squared error of a regression."""
    return lambda trouble: times * trouble**2


def crossed(margin: float) -> Callable[[Array], Array]:
    """The cross-entropy of a classifier whose margins are normal about this one."""
    return lambda trouble: np.logaddexp(0, 3 * trouble - margin)


def level(mean: float) -> Callable[[Array], Array]:
    """A loss that hardly varies."""
    return lambda trouble: mean + 0.1 * trouble


ACCURACIES = [
    World("60 %, equal", "accuracy", right(0.6), right(0.6)),
    World("80 %, equal", "accuracy", right(0.8), right(0.8)),
    World("95 %, equal", "accuracy", right(0.95), right(0.95)),
    World("60 %, +5 points", "accuracy", right(0.6), right(0.65)),
    World("80 %, +5 points", "accuracy", right(0.8), right(0.85)),
    World("90 %, +5 points", "accuracy", right(0.9), right(0.95)),
    World("60 %, +20 points", "accuracy", right(0.6), right(0.8)),
]
LOSSES = [
    World("normal, equal", "loss", worse(0), worse(0)),
    World("Student t (3), equal", "loss", worse(0), worse(0), heavy=True),
    World("Student t (3), B lower", "loss", worse(0.5), worse(0), heavy=True),
    World("lognormal, equal", "loss", lognormal(1), lognormal(1)),
    World("lognormal, B a fifth lower", "loss", lognormal(1), lognormal(0.8)),
    World("squared errors, equal", "loss", squared(1), squared(1)),
    World("squared errors, B a fifth lower", "loss", squared(1), squared(0.8)),
    World("cross-entropy, equal", "loss", crossed(3), crossed(3)),
    World("cross-entropy, B lower", "loss", crossed(3), crossed(4)),
]
BEYOND = [
    World("lognormal, B half as high", "loss", lognormal(1), lognormal(0.5), promised=False),
    World("equal means, A hardly varies", "loss", level(np.exp(0.5)), lognormal(1), promised=False),
]
OF_ONE = [Parts("errors apart", 0), Parts("half shared", 0.5)]
OF_SEEDS = [
    Parts("chance alone", 0.5),
    Parts("models differ on examples", 0.4, model=0.3),
    Parts("seeds differ", 0.5, seed=0.02),
    Parts("both", 0.4, model=0.2, seed=0.05),
]
OVER_SEEDS = [*ACCURACIES[1:3], ACCURACIES[4], ACCURACIES[6], *LOSSES[:2], LOSSES[4], LOSSES[6], LOSSES[8]]
"""The worlds that are tried with several seeds too."""


def worlds(seeds: int) -> Iterator[tuple[World, Parts]]:
    """All that are tried with so many seeds."""
    for world in (*ACCURACIES, *LOSSES, *BEYOND) if seeds == 1 else OVER_SEEDS:
        for parts in OF_ONE if seeds == 1 else OF_SEEDS:
            yield world, parts
