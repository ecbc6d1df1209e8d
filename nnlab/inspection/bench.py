"""Bench: how many examples a second a config trains on each backend, device and number of threads here."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from nnlab import discover
from nnlab.config import Config, Named, Resolved
from nnlab.dataset import Dataset, Progress, quiet
from nnlab.environment import cores
from nnlab.errors import ConfigError, DeviceError, NnlabError
from nnlab.experiment.making import MAX_THREADS, batch_rows, model_for
from nnlab.experiment.ready import checked
from nnlab.fit import batch_order
from nnlab.model import Model, Step

BATCHES = (16, 64, 256, 1024, 4096)
ROUNDS = 3
SECONDS = 0.05
"""About how long one contestant is timed in one round."""
REST = 0.05
"""Seconds between turns: a library's threads go on spinning for a while, in the way of the next one's."""
CLEAR = 1.05
"""A difference that is more than noise."""


@dataclass(frozen=True)
class Contestant:
    """A way to train the config here."""

    model: str
    device: str
    threads: int

    @property
    def backend(self) -> str:
        """What computes."""
        return discover.model(self.model).backend.name

    @property
    def place(self) -> str:
        """CPU or GPU."""
        return "the CPU" if self.device == "cpu" else "the GPU"

    @property
    def cores(self) -> str:
        """How many threads, in words."""
        return f"{self.threads} thread{'s' * (self.threads > 1)}"

    def __str__(self) -> str:
        return f"{self.model} on {self.device}" + (f", {self.cores}" if self.device == "cpu" else "")


@dataclass(frozen=True)
class Speed:
    """Examples a second: the median of the rounds and their range."""

    contestant: Contestant
    batch: int
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Benchmark:
    """What was measured, and what follows from it."""

    model: str
    dataset: str
    batch: int
    """The config's own."""
    rows: int
    """Of the training split."""
    auto: Contestant
    """What ``nnlab train`` would take."""
    speeds: tuple[Speed, ...]
    advice: tuple[str, ...]
    warnings: tuple[str, ...]


def bench(resolved: Resolved, progress: Progress = quiet) -> Benchmark:
    """Time training steps of a config and of its twin in the other backend, at its batch size and at others.

    Every contestant takes its turn in every round. Nothing is written. Raises ConfigError for a model that has no
    steps, and what ``train`` raises for a config or its data.
    """
    try:
        config, dataset, warning = checked(resolved.config, progress)
        if not discover.model(config.model.name).backend.steppable:
            raise ConfigError(f"model.name: {config.model.name} has no training steps to time", "bench another model")
        own = model_for(config, dataset)
    except NnlabError as error:
        raise resolved.located(error) from None
    rows = len(dataset.train)
    batch = batch_rows(config, rows)
    entries = [(who, model, model.put(dataset.train)) for who, model in _contestants(config, dataset, own)]
    batches = sorted({batch, *(size for size in BATCHES if size <= rows)})
    speeds = tuple(speed for size in batches for speed in _race(entries, rows, size, config.train.lr or 0.0))
    auto = Contestant(config.model.name, own.device, own.threads)
    advice = tuple(_advice(speeds, auto, batch))
    warnings = (*resolved.warnings, *([warning] if warning else []))
    return Benchmark(config.model.name, dataset.name, batch, rows, auto, speeds, advice, warnings)


def _contestants(config: Config, dataset: Dataset, own: Model) -> list[tuple[Contestant, Model]]:
    """The config's model and its twin, on every device they can use here, with one thread, many, and as ``own`` has."""
    many = min(cores(), MAX_THREADS)
    found = []
    for named in (config.model, twin(config.model, dataset)):
        if named is None:
            continue
        same = replace(config, model=named, precision=config.precision if named is config.model else "float32")
        for device in discover.model(named.name).backend.devices:
            for threads in sorted({1, many, own.threads}) if device == "cpu" else [own.threads]:
                try:
                    model = model_for(replace(same, device=device, threads=threads), dataset)
                except DeviceError:
                    continue  # this device is not here
                found.append((Contestant(named.name, model.device, threads), model))
    return found


def twin(model: Named, dataset: Dataset) -> Named | None:
    """The same network in the other backend; None where it has none that can learn this data."""
    make = discover.model(model.name).twin
    made = make(model.params) if make else None
    if made is None:
        return None
    name, keys = made
    file = discover.model(name)
    return Named(name, file.params(**keys)) if isinstance(dataset.task, file.tasks) else None


def _race(entries: list[tuple[Contestant, Model, Any]], rows: int, batch: int, lr: float) -> list[Speed]:
    """All contestants, each with its model and the data as that put it, at one batch size, in turn."""
    batches = batch_order(rows, None if batch == rows else batch, 0, 0)
    order = [Step(one, number, lr) for number, one in enumerate(batches) if len(one) == batch]
    steps = [_steps(model, data, order) for _, model, data in entries]
    speeds: list[list[float]] = [[] for _ in entries]
    for _ in range(ROUNDS):
        for number, (_, model, data) in enumerate(entries):
            time.sleep(REST)
            model.train(data, steps[number][:1])
            began = time.perf_counter()
            model.train(data, steps[number])
            speeds[number].append(batch * len(steps[number]) / (time.perf_counter() - began))
    return [
        Speed(contestant, batch, statistics.median(found), min(found), max(found))
        for (contestant, *_), found in zip(entries, speeds, strict=True)
    ]


def _steps(model: Model, data: Any, order: Sequence[Step]) -> list[Step]:
    """As many steps as fit the time of a turn; finding out warms the model up."""
    model.train(data, order[:1])
    began = time.perf_counter()
    model.train(data, order[:1])
    count = max(1, int(SECONDS / max(time.perf_counter() - began, 1e-6)))
    return [order[number % len(order)] for number in range(min(count, 10_000))]


def _advice(speeds: Sequence[Speed], auto: Contestant, batch: int) -> list[str]:
    """What to choose, in sentences."""
    here = [speed for speed in speeds if speed.batch == batch]
    best = max(here, key=lambda speed: speed.median)
    taken = next((speed for speed in here if speed.contestant == auto), None)
    lines = [f"at this config's batch of {batch:,}, {best.contestant} is the fastest"]
    if taken is not None and taken is not best:
        share = best.median / taken.median
        more = f"{share:.1f} times as fast as" if share >= CLEAR else "by no more than noise over"
        lines[0] += f", {more} {taken.contestant}, which nnlab train takes"
    on_cpu = [speed for speed in speeds if speed.contestant.device == "cpu"]
    lines += _crossing(speeds, lambda contestant: contestant.backend)
    lines += _crossing(speeds, lambda contestant: contestant.place)
    lines += _crossing(on_cpu, lambda contestant: contestant.cores)
    return lines


def _crossing(speeds: Sequence[Speed], kind_of: Callable[[Contestant], str]) -> list[str]:
    """Up to which batch one kind of contestant is the faster, the best of each kind against the other."""
    batches = sorted({speed.batch for speed in speeds})
    kinds = list(dict.fromkeys(kind_of(speed.contestant) for speed in speeds))
    if len(kinds) != 2:
        return []
    best = {
        (kind, batch): max(s.median for s in speeds if s.batch == batch and kind_of(s.contestant) == kind)
        for kind in kinds
        for batch in batches
    }
    ratios = {batch: best[kinds[0], batch] / best[kinds[1], batch] for batch in batches}
    wins = {batch: ratio > 1 for batch, ratio in ratios.items() if not 1 / CLEAR < ratio < CLEAR}
    if not wins:
        return [f"{kinds[0]}: as fast as {kinds[1]}, give or take the noise"]
    small, large = (kinds if wins[min(wins)] else kinds[::-1]), (kinds if wins[max(wins)] else kinds[::-1])
    changes = [batch for before, batch in pairwise(sorted(wins)) if wins[before] != wins[batch]]
    if not changes:
        return [f"{small[0]}: faster than {small[1]}, or as fast, at every batch tried"]
    if len(changes) == 1:
        return [f"{small[0]}: faster than {small[1]} below batch {changes[0]:,}; {large[0]} from there on"]
    return [f"{kinds[0]} and {kinds[1]}: now one is faster, now the other"]
