"""Starts: many processes make run directories in the same seconds, and each gets one of its own."""

import json
import sys
import time
from collections import Counter
from pathlib import Path

from nnlab import rundir
from nnlab.errors import RunError
from tests.reliability.finding import Finding
from tests.reliability.processes import answer, begin_together, ended, start_nnlab, start_worker, wait_for_the_others

STAMP = len("20261123-120435")
DIGITS = "model: {name: mlp-np}\ndataset: {name: digits}\ntrain: {epochs: 1}\n"
CARS = "model: {name: mlp-np, hidden: []}\ndataset: {name: car-prices}\n"  # loads no scikit-learn
CARS += "train: {steps: 1000, batch_size: full, lr: 0.02}\n"  # till better than the mean; else a warning comes


def measure(full: bool, folder: Path) -> Finding:
    """Directories made by processes that all begin at once, then whole trainings that do."""
    processes, starts, trainings = (16, 1000, 16) if full else (4, 100, 2)
    made, made_failures, notes = _make(folder, processes, starts)
    trained, train_failures = _train(folder, trainings, DIGITS if full else CARS)
    found = (
        f"{processes} processes made {len(made):,} directories in {starts:,} starts, {len(set(made)):,} of them "
        f"distinct; {trained} of {trainings} trainings started at once finished in a run of their own"
    )
    goal = "same-second starts by 16 processes: 1,000 starts, 1,000 directories"
    return Finding(goal, found, made_failures + train_failures, notes)


def _make(folder: Path, processes: int, starts: int) -> tuple[list[str], list[str], list[str]]:
    """The paths that all processes were given, what went wrong, and how crowded it was."""
    shares = [starts // processes + (number < starts % processes) for number in range(processes)]
    workers = [start_worker("starts", folder, share) for share in shares]
    begin_together(folder, workers)
    began = time.perf_counter()
    answers = [answer(worker, 300) for worker in workers]
    seconds = time.perf_counter() - began
    failures = [error for _, error in answers if error]
    made = [path for paths, _ in answers for path in paths or ()]
    there = {path.name for path in (folder / "runs").iterdir()}
    failures += [f"{path} was given to {count} starts" for path, count in Counter(made).items() if count > 1]
    failures += [f"{path} is not there" for path in sorted(set(made) - there)]
    failures += [f"{path} belongs to no start" for path in sorted(there - set(made))]
    if len(set(made)) != starts:
        failures.append(f"{starts} starts gave {len(set(made))} directories")
    crowds = Counter(path[:STAMP] for path in made)
    notes = [f"{starts:,} starts within {seconds:.1f} s; as many as {max(crowds.values(), default=0)} in one second"]
    return made, failures, notes


def _train(folder: Path, count: int, config: str) -> tuple[int, list[str]]:
    """How many of so many real trainings, started at once, finished in a run of their own; and what went wrong."""
    (folder / "c.yaml").write_text(config)
    started = [start_nnlab(folder, "train", "-q", "c.yaml", "--runs-dir", "trained") for _ in range(count)]
    failures, paths = [], []
    for process in started:
        code, output, errors = ended(process, 300)
        path = folder / output.strip()
        try:
            status = rundir.RunDir(path).summary().status
        except RunError as error:
            status = str(error)
        if code or errors or status != "finished":
            failures.append(f"nnlab train ended with {code}, {status}: {errors.strip()[-300:]}")
        else:
            paths.append(path.name)
    if len(set(paths)) != len(paths) or len(rundir.all_runs(folder / "trained")) != count:
        failures.append(f"{count} trainings left {len(rundir.all_runs(folder / 'trained'))} runs")
    return len(set(paths)), failures


def _work(starts: int) -> list[str]:
    """Make directories as soon as everybody is ready; returns their names."""
    wait_for_the_others()
    return [rundir.create(Path("runs"), "mlp-np", "digits").path.name for _ in range(starts)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_work(int(sys.argv[1]))))
