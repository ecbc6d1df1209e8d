"""Jobs: runs to be trained that belong together, as data, before any of them is begun."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nnlab.errors import ConfigError
from nnlab.experiment.events import Event
from nnlab.experiment.given import Given
from nnlab.experiment.resolving import resolve
from nnlab.experiment.train import train
from nnlab.rundir.folder import check_name, new_stamp
from nnlab.rundir.summary import Membership

MOST_SEEDS = 1000
_PART = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


@dataclass(frozen=True)
class Job:
    """One run to be trained: plain data, which another process can be given as JSON."""

    config: str
    """The path of a config file."""
    overrides: tuple[str, ...]
    runs: str
    """The folder that the run is made in."""
    name: str
    stamp: str
    """The time that the run is named after, which all of a group share."""
    group: Membership
    """What its run.json says of the group, and how this run differs from the rest of it."""

    @property
    def title(self) -> str:
        """What tells it from the others: "seed 3"."""
        return ", ".join(f"{key} {value}" for key, value in self.group.varied.items())

    def train(self, data: Given | None = None, *, keep_data: bool = False) -> Iterator[Event]:
        """Train it, here; see ``nnlab.experiment.train``."""
        resolved, runs = resolve(Path(self.config), list(self.overrides)), Path(self.runs)
        return train(resolved, runs, self.name, stamp=self.stamp, group=self.group, data=data, keep_data=keep_data)


@dataclass(frozen=True)
class Jobs:
    """Runs to be trained that belong together."""

    each: tuple[Job, ...]
    at_once: int | None = None
    """How many are trained at once; None: as many as cores and memory have room for."""


def jobs_of_seeds(
    config: Path,
    overrides: Sequence[str],
    seeds: str,
    runs: Path,
    name: str | None = None,
    at_once: int | None = None,
) -> Jobs:
    """A job for each of ``seeds``, "0-4" or "0,3,7". Raises ConfigError and RunError for what cannot be asked for."""
    wanted = read_seeds(seeds)
    if any(override.partition("=")[0].strip() == "seed" for override in overrides):
        raise ConfigError("`seeds` and seed= are two answers to one question", "leave one of them out")
    if at_once is not None and at_once < 1:
        raise ConfigError(f"`jobs`: given {at_once}", "at least one process is needed")
    check_name(name)
    group, stamp = secrets.token_hex(8), new_stamp()
    return Jobs(
        tuple(
            Job(
                config=str(config),
                overrides=(*overrides, f"seed={seed}"),
                runs=str(runs),
                name=f"{name}-seed{seed}" if name else f"seed{seed}",
                stamp=stamp,
                group=Membership(group, {"seed": seed}),
            )
            for seed in wanted
        ),
        at_once,
    )


def read_seeds(text: str) -> list[int]:
    """The seeds that "0-4" or "0,3,7" means, in this order. Raises ConfigError for anything else."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ConfigError(f"`seeds`: given {text!r}", "give a range such as 0-4, or a list such as 0,3,7")
        if last - first >= MOST_SEEDS or len(found) + last - first >= MOST_SEEDS:
            raise ConfigError(f"`seeds`: {text} are more than {MOST_SEEDS:,} seeds", "give fewer")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise ConfigError(f"`seeds`: {text} has a seed twice", "each seed is one run")
    return found
