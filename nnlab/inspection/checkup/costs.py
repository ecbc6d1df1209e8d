"""What a training will cost: its time, from a few steps of it, and its memory, from its parts."""

import time
from collections.abc import Callable
from itertools import islice

from nnlab import memory
from nnlab.dataset import Dataset
from nnlab.evaluate import evaluate
from nnlab.experiment.ready import Ready
from nnlab.experiment.train import process_bytes
from nnlab.finding import Finding
from nnlab.fit import Plan, each_step
from nnlab.model import Model

ROUNDS = 5
SECONDS = 0.1
"""About how long the steps of a round take."""
PATIENCE = 1.0
"""Seconds after which no more rounds are begun."""
MOST_STEPS = 1000
LONG = 10.0
"""Seconds from which it is worth to evaluate less often."""


def time_needed(dataset: Dataset, model: Model, plan: Plan) -> Finding:
    """How long the plan takes here, from the fastest to the slowest of a few rounds; this trains the model."""
    data, rows = model.put(dataset.train), len(dataset.train)
    split = dataset.split(dataset.watched) or dataset.train
    place = data if split is dataset.train else model.put(split)

    def steps(count: int, rounds: int) -> list[float]:
        taken = list(islice(each_step(rows, plan), count))
        return [spent / count for spent in _timed(lambda: model.train(data, taken), rounds)]

    step = steps(1, 1)
    count = min(int(SECONDS / max(*step, 1e-6)), MOST_STEPS)
    step = steps(count, ROUNDS) if count > 1 else step
    look = _timed(lambda: evaluate(model, place, split, dataset.task), ROUNDS)
    looks = -(-plan.steps // plan.eval_every)
    # In the end every split is evaluated.
    in_all = looks + sum(len(part) for part in (dataset.train, dataset.val, dataset.test) if part) / len(split)
    low, high = (plan.steps * pick(step) + in_all * pick(look) for pick in (min, max))
    found = (
        f"{_range(low, high)}: {plan.steps:,} steps of {words(min(step))} and {looks:,} evaluations of "
        f"{words(min(look))}, without loading, baselines and pictures"
    )
    values = {"low": low, "high": high, "steps": plan.steps, "step": min(step)}
    values |= {"evaluations": looks, "evaluation": min(look)}
    if looks * min(look) > plan.steps * min(step) and low > LONG:
        cure = f"most of it is evaluations: train.eval_every={10 * plan.eval_every} makes them fewer"
        return Finding("time", "warning", found, cure, values)
    return Finding("time", "ok", found, values=values)


def _timed(work: Callable[[], object], rounds: int) -> list[float]:
    """The seconds of each of a few calls.

    The first one, in which libraries set themselves up, counts only where it was so long that there is no other.
    """
    began = time.perf_counter()
    first = _seconds(work)
    found: list[float] = []
    while len(found) < rounds and time.perf_counter() - began < PATIENCE:
        found.append(_seconds(work))
    return found or [first]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _range(low: float, high: float) -> str:
    return words(low) if words(low) == words(high) else f"{words(low)} to {words(high)}"


def words(seconds: float) -> str:
    """A time to two digits, in the unit that suits it: no estimate is worth more."""
    for unit, size, least in (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 1.0), ("ms", 1e-3, 1e-3)):
        if seconds >= least:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds * 1e6:.2g}'):g} µs"


def size(of: int) -> str:
    """Bytes as people read them, to two digits."""
    return f"{float(f'{of / 2**20:.2g}'):g} MiB" if of < 2**30 else memory.gib(of)


def memory_needed(ready: Ready, free: int) -> Finding:
    """What a process of its own takes at its peak, against the ``free`` bytes that there were before the data came."""
    needed = process_bytes(ready)
    place = "" if ready.model.device == "cpu" else "; the GPU's own is not estimated"
    values = {"bytes": needed, "free": free}
    if free >= memory.UNLIMITED:  # a system that does not say
        return Finding("memory", "ok", f"up to {size(needed)}{place}", values=values)
    found = f"up to {size(needed)} of the {size(free)} that are free{place}"
    if needed > free:
        cure = "close other programs, or take less data (dataset.limit), smaller batches or narrower layers"
        return Finding("memory", "warning", found, cure, values)
    return Finding("memory", "ok", found, values=values)
