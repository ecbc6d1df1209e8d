"""Configs: bad ones are refused at once with file and line and leave nothing behind, and no fuzzed one does worse."""

import itertools
import os
import re
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from nnlab import experiment
from nnlab.errors import NnlabError
from nnlab.experiment.resolving import check
from tests.reliability.bad_configs import Bad, by_hand, spoilt
from tests.reliability.finding import Finding
from tests.reliability.odd_configs import KINDS
from tests.reliability.processes import answer, nnlab, start_worker

SEED = 20261123
ALL = 250
LIMIT = 0.5
"""Seconds that a refusal may take, process and all."""
TRIES = 3
WORKERS = 2
MIB = 2**20


def measure(full: bool, folder: Path) -> Finding:
    """Bad configs as real processes, or some of them and more in this one; then fuzzed ones in workers."""
    count = 100_000 if full else 1_500
    fuzzing = [] if full else _start_fuzzing(folder, count, 1)  # beside the commands, whose times then mean little
    bad = _chosen(folder, ALL if full else 100)
    failures = [failure for one in bad if (failure := _in_process(one, folder))]
    run = bad if full else bad[:: len(bad) // 6][:6]
    run_failures, times = _run(run, folder, full)
    fuzzing = fuzzing or _start_fuzzing(folder, count, WORKERS)
    cases, fuzz_failures, fuzz_notes = _fuzzed(fuzzing, count)
    hand = sum(one.line is not None for one in bad)
    found = (
        f"{len(bad)} bad configs ({hand} by hand, {len(bad) - hand} shipped ones spoilt), {len(run)} of them as whole "
        f"commands: {len(failures) + len(run_failures)} failures; {cases:,} fuzzed: {len(fuzz_failures)} failures"
    )
    goal = (
        "250 hand-made and mutated bad configs: exit 2 with file:line, no run directory, under 0.5 s each; "
        "100,000 fuzzed: no other exception, bounded time and memory"
    )
    return Finding(goal, found, failures + run_failures + fuzz_failures, times + fuzz_notes)


def _chosen(folder: Path, count: int) -> list[Bad]:
    """As many bad configs, evenly of those by hand, and spoilt ones that this process finds to be bad."""
    hand = list(by_hand())
    hand = hand if len(hand) <= count else hand[:: len(hand) // count + 1]
    really = (one for one in spoilt(SEED) if _refusal(one, folder) is not None)
    return hand + list(itertools.islice(really, count - len(hand)))


def _refusal(bad: Bad, folder: Path) -> NnlabError | None:
    """What the config is refused with before its data is looked at; None for one that is accepted."""
    path = folder / f"{bad.name}.yaml"
    path.write_bytes(bad.text)
    try:
        resolved = experiment.resolve(path)
    except NnlabError as error:
        return error
    try:
        check(resolved.config)
    except NnlabError as error:
        return resolved.located(error)
    return None


def _in_process(bad: Bad, folder: Path) -> str:
    """What is wrong with how it is refused in this process; empty where nothing is."""
    error = _refusal(bad, folder)
    if error is None:
        return f"{bad.name}: it is accepted"
    return _wrong(bad, error.exit_code, str(error))


def _wrong(bad: Bad, code: int, said: str) -> str:
    line = r"\d+" if bad.line is None else str(bad.line)
    if code != 2 or "Traceback" in said or not re.search(rf"{re.escape(bad.name)}\.yaml:{line}:\d+: ", said):
        return f"{bad.name}: exit {code}, line {line}: {said[-400:]!r}"
    return ""


class _Commands:
    """Bad configs as real ``nnlab train`` commands: what went wrong, and how long each took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failures: list[str] = []
        self.walls: dict[str, list[float]] = {}
        self.processor: list[float] = []
        self.bare: list[float] = []

    def run(self, bad: Bad) -> None:
        """Run one: it must be refused, and leave no folder of runs."""
        seconds, processor, code, said = self._timed("train", f"{bad.name}.yaml", "--runs-dir", "runs")
        self.walls.setdefault(bad.name, []).append(seconds)
        self.processor.append(processor)
        if failure := _wrong(bad, code, said):
            self.failures.append(failure)
        if (self.folder / "runs").exists():
            self.failures.append(f"{bad.name}: it left a folder of runs behind")
            (self.folder / "runs").rename(self.folder / f"runs-of-{bad.name}")

    def start(self) -> None:
        """Run a command that does nothing."""
        self.bare.append(self._timed("--version")[0])

    def _timed(self, *arguments: str) -> tuple[float, float, int, str]:
        """Wall and processor seconds of a command, its exit code and what it said on stderr."""
        began, before = time.perf_counter(), os.times()
        ended = nnlab(self.folder, *arguments)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - began, used, ended.returncode, ended.stderr

    def slow(self) -> list[str]:
        """Those that took too long, in the median of their tries."""
        return [name for name, walls in self.walls.items() if statistics.median(walls) > LIMIT]

    def notes(self) -> list[str]:
        """The times in words."""
        first = [walls[0] for walls in self.walls.values()]
        over = sum(seconds > LIMIT for seconds in first)
        return [
            f"refused by the whole command in {statistics.median(first):.2f} s (median; largest {max(first):.2f} s; "
            f"processor time {statistics.median(self.processor):.2f} s), of which a bare start, `nnlab --version`, "
            f"takes {statistics.median(self.bare):.2f} s (largest {max(self.bare):.2f} s)",
            f"{over} took over {LIMIT} s at first, {len(self.slow())} in the median of {TRIES} tries",
        ]


def _run(bad: list[Bad], folder: Path, full: bool) -> tuple[list[str], list[str]]:
    """Each as a command, in turn with a bare start, and slow ones again once all have had their turn.

    What went wrong, and the times. A quick round runs beside other tests, and does not judge by time.
    """
    commands = _Commands(folder)
    for number in range(TRIES if full else 1):
        for one in bad:
            if not number or max(commands.walls[one.name]) > LIMIT:
                commands.start()
                commands.run(one)
    late = [
        f"{name}: {', '.join(f'{wall:.2f}' for wall in commands.walls[name])} s" for name in commands.slow() if full
    ]
    return commands.failures + late, commands.notes()


def _start_fuzzing(folder: Path, count: int, workers: int) -> list[subprocess.Popen[str]]:
    """Workers that share so many fuzzed configs."""
    started = []
    for number in range(workers):
        place = folder / f"fuzz-{number}"
        place.mkdir()
        started.append(start_worker("fuzzed", place, number, count, workers))
    return started


def _fuzzed(workers: list[subprocess.Popen[str]], count: int) -> tuple[int, list[str], list[str]]:
    """How many were tried, what went wrong, and what came of each kind."""
    answers = [answer(worker, 3000) for worker in workers]
    failures = [error for _, error in answers if error]
    found: list[dict[str, Any]] = [one for one, _ in answers if one]
    failures += [failure for one in found for failure in one["failures"]]
    kinds = {kind: [sum(one["kinds"][kind][at] for one in found) for at in (0, 1)] for kind in KINDS}
    cases = sum(tried for tried, _ in kinds.values())
    if cases != count:
        failures.append(f"{cases} of {count} fuzzed configs were tried")
    listed = ", ".join(f"{kind} {tried:,} ({accepted:,} accepted)" for kind, (tried, accepted) in kinds.items())
    slowest, grown = (max((one[key] for one in found), default=0) for key in ("slowest", "grown"))
    return cases, failures, [f"fuzzed: {listed}", f"slowest {slowest:.2f} s; memory grew by {grown / MIB:.0f} MiB"]
