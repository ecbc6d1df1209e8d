"""Events: what a training tells its caller, beside the loop's own standings."""

from dataclasses import dataclass

from nnlab.dataset import SplitName
from nnlab.dataset.task import every_curve, metric_of
from nnlab.metrics import shown
from nnlab.rundir import RunDir, Summary
from nnlab.standing import Standing


@dataclass(frozen=True)
class Notice:
    """Something the user should know."""

    text: str


@dataclass(frozen=True)
class Working:
    """What is being done, where that takes a while before training begins."""

    text: str


@dataclass(frozen=True)
class Started:
    """The run directory stands and training begins."""

    run: RunDir
    step: int
    """Steps done already; 0 unless the run is resumed."""
    steps: int
    parameters: int
    device: str
    threads: int
    watched: SplitName


@dataclass(frozen=True)
class Finishing:
    """All steps are done; what is left are scores, pictures and hashes, between which the caller may stop."""


@dataclass(frozen=True)
class Finished:
    """The run is complete."""

    run: RunDir
    summary: Summary


@dataclass(frozen=True)
class Ended:
    """The process of a job has ended, or ends now."""

    code: int
    """Its exit code."""
    error: str = ""
    """What it said of itself, where that is not 0: lines for people."""
    run: RunDir | None = None
    """None where it did not come to one."""


Event = Notice | Working | Started | Standing | Finishing | Finished | Ended


def in_words(watched: SplitName, at: Standing) -> str:
    """The scores of an evaluation for people: ``loss 0.08  test accuracy 97.9 %``."""
    parts = [f"loss {shown('loss', at.train_loss)}"]
    for name, value in (at.metrics or {}).items():
        if metric_of(name) in every_curve():
            parts.append(f"{watched} {name} {shown(name, value)}")
    return "  ".join(parts)
