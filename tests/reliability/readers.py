"""Readers: commands and loops read a folder of runs while others train into it, and never see half of anything."""

import csv
import itertools
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnlab import comparison, experiment, rundir
from nnlab.errors import NnlabError
from nnlab.experiment import pictures
from nnlab.rundir.directory import METRICS
from tests.reliability.finding import Finding
from tests.reliability.processes import answer, begin_together, nnlab, start_worker, wait_for_the_others

RUNS = "runs"
DONE = "done"
PAUSE = 0.02
"""Seconds a loop rests after each reading, so that the commands get on as well."""
Rows = list[tuple[float, ...]]
COMMANDS: list[tuple[str, ...]] = [
    ("compare", "--json"),
    ("compare", "--plot", "curves-{}.png"),
    ("runs", "--json"),
    ("compare", "--html", "page-{}.html"),
    ("show", "latest", "--json"),
    ("compare",),
    ("show", "latest"),
    ("runs",),
]
CARS, DIGITS = "name: car-prices", "name: digits, val_fraction: 0.1"
CONFIG = """\
model: {{name: mlp-np, hidden: [{hidden}]}}
dataset: {{{dataset}}}
train: {{steps: {steps}, eval_every: 1, checkpoint_every: 20, lr: 0.02}}
seed: {seed}
threads: 1
"""


def measure(full: bool, folder: Path) -> Finding:
    """Trainings into one folder while commands and loops read it, for a minute; then every row read is compared."""
    trainings, commands, loops, seconds = (4, 4, 4, 60) if full else (1, 1, 1, 2)
    trainers = [start_worker("readers", folder, "train", number, seconds, full) for number in range(trainings)]
    readers = [start_worker("readers", folder, "command", number) for number in range(commands)]
    readers += [start_worker("readers", folder, "loop", number) for number in range(loops)]
    begin_together(folder, trainers + readers)
    trained = [answer(trainer, seconds + 120) for trainer in trainers]
    (folder / DONE).touch()
    read = [answer(reader, 300) for reader in readers]
    failures = [error for _, error in trained + read if error]
    failures += [failure for found, _ in read if found for failure in found["failures"]]

    def total(key: str, found: list[tuple[Any, str]]) -> int:
        return sum(one[key] for one, _ in found if one)

    compares, rows, runs = total("compares", read), total("rows", read), total("runs", trained)
    if not compares or not rows:
        failures.append(f"{compares} comparisons and {rows} rows are too few to show anything")
    text = (
        f"{commands} processes of commands and {loops} loops read beside {trainings} trainings for {seconds} s: "
        f"{compares:,} comparisons, {len(failures):,} failures"
    )
    counts = f"{runs:,} runs trained, {total('commands', read):,} commands run, {rows:,} rows of metrics.csv read"
    goal = "readers under load: 8 compare loops against 4 trainings for 60 s: 0 errors, 0 torn rows"
    return Finding(goal, text, failures, [counts, f"{total('running', read):,} times a run was read while it trained"])


def wait_for_a_run() -> None:
    """Until the first run is there; before that there is nothing to read."""
    wait_for_the_others()
    while not rundir.all_runs(Path(RUNS)) and not Path(DONE).exists():
        time.sleep(0.001)


def train(number: int, seconds: float, mixed: bool) -> dict[str, int]:
    """Train one short run after another, a row of metrics.csv for each step."""
    wait_for_the_others()
    pictures.of_training = lambda *arguments: iter(())  # they take most of a short run, and nobody reads them here
    rng, began, runs = random.Random(number), time.perf_counter(), 0
    config = Path(f"{number}.yaml")
    while time.perf_counter() - began < seconds:
        dataset = DIGITS if mixed and runs % 2 else CARS
        hidden, seed, steps = rng.randint(1, 16), rng.randrange(1000), rng.randint(50, 2000)
        config.write_text(CONFIG.format(dataset=dataset, hidden=hidden, seed=seed, steps=steps))
        for _ in experiment.train(experiment.resolve(config), Path(RUNS)):
            pass
        runs += 1
    return {"runs": runs}


def command(number: int) -> dict[str, Any]:
    """Run one command after another until all is trained; each must end well and say nothing of damage."""
    wait_for_a_run()
    failures: list[str] = []
    compares = 0
    for count, words in enumerate(itertools.cycle(COMMANDS[number:] + COMMANDS[:number]), 1):
        arguments = [word.format(number) for word in words]
        ended = nnlab(Path.cwd(), *arguments)
        compares += "compare" in words
        said = [line for line in ended.stderr.splitlines() if not line.startswith(("curves: ", "page: "))]
        if ended.returncode or said:
            failures.append(f"nnlab {' '.join(arguments)} ended with {ended.returncode}: {said[-3:]}")
        elif "--json" in words and not json.loads(ended.stdout):
            failures.append(f"nnlab {' '.join(arguments)} printed nothing of the runs")
        if Path(DONE).exists():
            return {"failures": failures, "commands": count, "compares": compares, "rows": 0, "running": 0}
    raise AssertionError("a cycle has no end")


class Loop:
    """Reads all runs over and over, and remembers the rows of each to hold the next reading against."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.seen: dict[str, Rows] = {}
        self.finished: set[str] = set()
        self.counts = {"commands": 0, "compares": 0, "rows": 0, "running": 0}

    def once(self) -> None:
        """All runs: their summaries, their rows, and how they compare."""
        runs = rundir.all_runs(Path(RUNS))
        for run in [run for run in runs if run.name not in self.finished]:
            self._try(run.name, lambda run=run: self._read(run))
        self._try("compare", lambda: self._compare(runs))

    def _try(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (NnlabError, AssertionError, OSError, ValueError, KeyError, TypeError) as error:
            self.failures.append(f"{name}: {type(error).__name__}: {error}")

    def _read(self, run: rundir.RunDir) -> None:
        assert run.files(), "no files"
        before = run.summary().to_json()
        columns = run.metrics.read()
        rows = list(zip(*columns.values(), strict=True))
        steps = columns["step"]
        assert all(one < next_ for one, next_ in itertools.pairwise(steps)), f"steps do not rise: {steps[-5:]}"
        known = self.seen.get(run.name, [])
        assert rows[: len(known)] == known, "rows that were read before have changed"
        if before["status"] == "finished":
            assert steps[-1] == before["steps"], f"finished at step {before['steps']}, last row {steps[-1]}"
            assert run.weights.read(), "a finished run without weights"
            self.finished.add(run.name)
        else:
            assert before["status"] == "running", f"status is {before['status']}"
            self.counts["running"] += 1
        self.seen[run.name] = rows
        self.counts["rows"] += len(rows)

    def _compare(self, runs: list[rundir.RunDir]) -> None:
        found = comparison.compare(runs)
        assert not found.warnings, f"warnings: {found.warnings[:3]}"
        names = sorted(row.name for group in found.groups for row in group.rows)
        assert names == sorted(run.name for run in runs), "not every run was compared"
        self.counts["compares"] += 1

    def against_the_end(self) -> None:
        """Every row ever read is a row of the final file: each reading began with the rows of the one before."""
        for name, rows in self.seen.items():
            with (Path(RUNS) / name / METRICS).open(newline="") as file:
                final = [tuple(map(float, cells)) for cells in itertools.islice(csv.reader(file), 1, None)]
            if final[: len(rows)] != rows:
                self.failures.append(f"{name}: rows that were read are not those of the finished run")


def loop() -> dict[str, Any]:
    """Read all runs until all is trained."""
    wait_for_a_run()
    reading = Loop()
    while not Path(DONE).exists():
        reading.once()
        time.sleep(PAUSE)
    reading.once()
    reading.against_the_end()
    return {"failures": reading.failures, **reading.counts}


def work(what: str, number: str, *more: str) -> dict[str, Any]:
    """What one worker does."""
    if what == "train":
        return train(int(number), float(more[0]), more[1] == "True")
    return command(int(number)) if what == "command" else loop()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(*sys.argv[1:])))
