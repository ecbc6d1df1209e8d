"""Seeds: trains one config with several seeds, each an ordinary run in a process of its own, as many at once as fit."""

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from nnlab import memory, metrics
from nnlab.dataset import Progress, quiet
from nnlab.environment import cores
from nnlab.errors import ConfigError
from nnlab.experiment.baselines import announced, baselines
from nnlab.experiment.build import resolve
from nnlab.experiment.estimate import process_bytes
from nnlab.experiment.events import Notice, Working
from nnlab.experiment.train import Ready, prepare, said_of
from nnlab.rundir import RunDir, check_name, new_stamp

MOST_SEEDS = 1000
PATIENCE = 0.2
"""Seconds between looks at whether the caller wants to stop."""
_PART = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


@dataclass(frozen=True)
class Begun:
    """The training of a seed has begun."""

    seed: int
    run: RunDir
    steps: int


@dataclass(frozen=True)
class Going:
    """How far the training of a seed is."""

    seed: int
    step: int
    text: str
    """Its last scores, in words."""


@dataclass(frozen=True)
class Ended:
    """The training of a seed has ended."""

    seed: int
    run: RunDir | None
    code: int
    """The exit code of its process."""
    error: str
    """What it said of itself, where that is not 0."""


@dataclass(frozen=True)
class Planned:
    """Everything has been checked: so many seeds, so many of them at once."""

    seeds: tuple[int, ...]
    at_once: int


@dataclass(frozen=True)
class Idle:
    """Nothing has happened for a moment."""


SeedEvent = Notice | Working | Planned | Begun | Going | Ended | Idle


def read_seeds(text: str) -> list[int]:
    """The seeds that "0-4" or "0,3,7" means, in this order. Raises ConfigError for anything else."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ConfigError(f"--seeds: given {text!r}", "give a range such as 0-4, or a list such as 0,3,7")
        if last - first >= MOST_SEEDS or len(found) + last - first >= MOST_SEEDS:
            raise ConfigError(f"--seeds: {text} are more than {MOST_SEEDS:,} seeds", "give fewer")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise ConfigError(f"--seeds: {text} has a seed twice", "each seed is one run")
    return found


def train_seeds(
    config: Path,
    overrides: Sequence[str],
    seeds: Sequence[int],
    runs: Path,
    name: str | None = None,
    jobs: int | None = None,
    progress: Progress = quiet,
) -> Iterator[SeedEvent]:
    """Train ``config`` once with each seed into runs under ``runs`` that share the time in their names.

    The first seed is checked, data and model and all, before any process starts; each of these is an ordinary ``nnlab
    train``. ``jobs`` is how many run at once; by default as many as cores and memory have room for. Closing the
    generator stops what is running, so that it can be resumed. Raises what ``train`` does before anything begins; what
    goes wrong with a seed later is in its Ended.
    """
    if any(override.partition("=")[0].strip() == "seed" for override in overrides):
        raise ConfigError("--seeds and seed= are two answers to one question", "leave one of them out")
    if jobs is not None and jobs < 1:
        raise ConfigError(f"--jobs: given {jobs}", "at least one process is needed")
    check_name(name)
    resolved = resolve(config, [*overrides, f"seed={seeds[0]}"])
    yield from map(Notice, resolved.warnings)
    ready = prepare(resolved, progress)
    if ready.warning:
        yield Notice(ready.warning)
    yield from said_of(ready.dataset)
    yield from announced(ready.config, ready.dataset)
    baselines(ready.config, ready.dataset)  # into the cache, where every seed finds it
    at_once = min(jobs or _fitting(ready), len(seeds))
    del ready
    yield Planned(tuple(seeds), at_once)
    stamp = new_stamp()
    crew = _Crew()
    try:
        waiting = list(seeds)
        while waiting or crew.members:
            while waiting and len(crew.members) < at_once:
                seed = waiting.pop(0)
                suffix = f"{name}-seed{seed}" if name else f"seed{seed}"
                keys = [*overrides, f"seed={seed}"]
                crew.start(seed, [str(config), *keys, "--runs-dir", str(runs), "--name", suffix, "--stamp", stamp])
            yield from crew.listen()
    finally:
        crew.stop()


def _fitting(ready: Ready) -> int:
    """How many such trainings the cores and the free memory have room for; one where a CUDA device does the work."""
    if ready.config.device != "cpu":
        return 1
    by_memory = memory.room() // process_bytes(ready.config, ready.dataset, ready.model)
    return max(1, min(cores() // int(ready.config.threads), by_memory))


@dataclass
class _Member:
    """One process and what it has said."""

    process: subprocess.Popen[str]
    run: RunDir | None = None
    said: list[str] = field(default_factory=list)


class _Crew:
    """The processes that are training, and what they tell, a line of JSON for each event."""

    def __init__(self) -> None:
        self.members: dict[int, _Member] = {}
        self._lines: queue.Queue[tuple[int, str | None]] = queue.Queue()

    def start(self, seed: int, arguments: list[str]) -> None:
        """Start a process of its own session: Ctrl-C on the terminal reaches only us, and we hand it on."""
        package = str(Path(__file__).parents[2])
        there = os.environ.get("PYTHONPATH")
        process = subprocess.Popen(  # noqa: S603 (our own command, with what our user has given us)
            [sys.executable, "-P", "-m", "nnlab", "train", *arguments, "--events"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([package, *([there] if there else [])])},
            start_new_session=True,
        )
        member = _Member(process)
        self.members[seed] = member
        assert process.stdout is not None  # noqa: S101 - it was asked for
        assert process.stderr is not None  # noqa: S101
        complaints = threading.Thread(target=_keep, args=(process.stderr, member.said), daemon=True)
        complaints.start()
        threading.Thread(target=self._read, args=(seed, process.stdout, complaints), daemon=True).start()

    def _read(self, seed: int, lines: IO[str], complaints: threading.Thread) -> None:
        with lines:
            for line in lines:
                self._lines.put((seed, line))
        complaints.join()
        self._lines.put((seed, None))

    def listen(self) -> Iterator[SeedEvent]:
        """What comes next, or Idle where nothing comes for a moment."""
        try:
            seed, line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            yield Idle()
            return
        member = self.members[seed]
        if line is None:
            code = member.process.wait()
            del self.members[seed]
            if member.run and not code:
                said = member.run.summary()
                if worse := metrics.shortfall(said.task, said.metrics, said.baselines):
                    yield Notice(f"the run of seed {seed} is {worse}")
            yield Ended(seed, member.run, code, "".join(member.said))
            return
        found = _event(line)
        if found is None:  # a library had something to say
            member.said.append(line)
        elif found["event"] == "started":
            member.run = RunDir(Path(found["path"]))
            yield Begun(seed, member.run, found["steps"])
        elif found["event"] == "record":
            yield Going(seed, found["step"], found["text"])

    def stop(self) -> None:
        """Ask those that are still at work to stop where they can be resumed, and wait until they have."""
        for member in self.members.values():
            with suppress(OSError):
                member.process.terminate()
        for member in self.members.values():
            member.process.wait()


def _event(line: str) -> dict[str, Any] | None:
    """What a line says; None where it is no event."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _keep(lines: IO[str], said: list[str]) -> None:
    with lines:
        said.extend(lines)
