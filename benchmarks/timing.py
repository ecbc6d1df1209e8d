"""Timing: works timed in turn, round after round, so that what disturbs one disturbs the others alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Work = Callable[[], Any]
REST = 0.1
"""Seconds between works: a library's threads go on spinning for a while, in the way of the next one's."""


@dataclass(frozen=True)
class Timing:
    """Seconds that a work took: the median of the rounds and their range."""

    median: float
    low: float
    high: float
    rounds: int

    def times(self, factor: float) -> "Timing":
        """That many times as long."""
        return Timing(self.median * factor, self.low * factor, self.high * factor, self.rounds)

    def __add__(self, other: "Timing") -> "Timing":
        low, high = self.low + other.low, self.high + other.high
        return Timing(self.median + other.median, low, high, min(self.rounds, other.rounds))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def timing(seconds: list[float]) -> Timing:
    """What measured seconds come to."""
    return Timing(statistics.median(seconds), min(seconds), max(seconds), len(seconds))


def alternate(works: Mapping[str, Work], rounds: int, warm_up: bool = True) -> dict[str, Timing]:
    """Time each work once a round, in turn; a round before them all is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(-1 if warm_up else 0, rounds):
        for name, work in works.items():
            time.sleep(REST)
            began = time.perf_counter()
            work()
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    return {name: timing(found) for name, found in seconds.items()}


def each(work: Work, count: int) -> Work:
    """A work done ``count`` times over, for those too short to be timed alone."""

    def repeated() -> None:
        for _ in range(count):
            work()

    return repeated
