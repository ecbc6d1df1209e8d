"""Configs: bad ones are refused at once with file and line and leave nothing behind, and no fuzzed one does worse."""

import itertools
import re
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from nnlab import experiment
from nnlab.errors import NnlabError
from nnlab.experiment.build import check
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
    run, run_failures, times = _run(bad if full else bad[:: len(bad) // 6][:6], folder, full)
    fuzzing = fuzzing or _start_fuzzing(folder, count, WORKERS)
    cases, fuzz_failures, fuzz_notes = _fuzzed(fuzzing, count)
    hand = sum(one.line is not None for one in bad)
    found = (
        f"{len(bad)} bad configs ({hand} by hand, {len(bad) - hand} shipped ones spoilt), {run} of them as whole "
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


def _run(bad: list[Bad], folder: Path, full: bool) -> tuple[int, list[str], list[str]]:
    """Each as a real ``nnlab train``, in turn with a bare start: what went wrong, and the times."""
    failures: list[str] = []
    first, bare, slow = [], [], 0
    for one in bad:
        if full or not bare:
            bare.append(_seconds(folder, "--version")[0])
        tries = []
        while not tries or (full and max(tries) > LIMIT and len(tries) < TRIES):
            seconds, code, said = _seconds(folder, "train", f"{one.name}.yaml", "--runs-dir", "runs")
            tries.append(seconds)
            if failure := _wrong(one, code, said):
                failures.append(failure)
        first.append(tries[0])
        if (folder / "runs").exists():
            failures.append(f"{one.name}: it left a folder of runs behind")
            (folder / "runs").rename(folder / f"runs-of-{one.name}")
        if full and statistics.median(tries) > LIMIT:
            slow += 1
            each = ", ".join(f"{seconds:.2f}" for seconds in tries)
            failures.append(f"{one.name}: over {LIMIT} s in the median of {len(tries)} tries: {each} s")
    over = sum(seconds > LIMIT for seconds in first)
    note = (
        f"refused by the whole command in {statistics.median(first):.2f} s (median; largest {max(first):.2f} s), of "
        f"which a bare start, `nnlab --version`, takes {statistics.median(bare):.2f} s (largest {max(bare):.2f} s)"
    )
    return len(bad), failures, [note, f"{over} took over {LIMIT} s at first, {slow} in the median of {TRIES} tries"]


def _seconds(folder: Path, *arguments: str) -> tuple[float, int, str]:
    """How long a command took, its exit code and what it said on stderr."""
    began = time.perf_counter()
    ended = nnlab(folder, *arguments)
    return time.perf_counter() - began, ended.returncode, ended.stderr


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
