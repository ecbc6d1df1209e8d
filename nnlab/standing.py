"""Standing: where a training stands, which is all that its loop, a checkpoint and run.json have to say of it."""

from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_COUNT = 2**53


def _possible(count: int) -> bool:
    return 0 <= count <= MAX_COUNT


Count = Annotated[int, _possible]


@dataclass(frozen=True)
class Best:
    """Where a val split was best."""

    step: Count
    epoch: float
    metric: str
    value: float


class Seconds(NamedTuple):
    """Time spent on a run so far."""

    train: float = 0.0
    """In the model's ``train``."""
    eval: float = 0.0
    """In evaluations."""
    total: float = 0.0
    """In all, with what was neither, as whoever keeps the run knows it."""

    @property
    def working(self) -> float:
        """In training and evaluating."""
        return self.train + self.eval


@dataclass(frozen=True)
class Standing:
    """What a training has come to after a step."""

    step: int = 0
    """Steps done so far."""
    epoch: float = 0.0
    since: int = 0
    """The step of the last evaluation: the next mean loss is that of the steps since."""
    losses: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """(step,) float64: the loss of each step before its update."""
    best: Best | None = None
    """Where the val split was best so far."""
    seconds: Seconds = field(default_factory=Seconds)
    ended: str = ""
    """Why it ended here, before all steps of its plan; empty where it did not."""
    train_loss: float | None = None
    """At an evaluation: the mean loss of the steps since the one before."""
    metrics: dict[str, float] | None = None
    """At an evaluation: the metrics of the watched split."""
    scores: NDArray[Any] | None = None
    """And the scores (n, outputs) that they come of."""
