"""Kills: trainings of every steppable model are killed at random moments, resumed, killed again, and end the same."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from nnlab import rundir
from nnlab.rundir import RunDir, sealed
from nnlab.rundir.checkpoint import FOLDER as CHECKPOINTS
from nnlab.rundir.checkpoint import STATE
from tests.reliability.children import KILL, Children
from tests.reliability.finding import Finding
from tests.reliability.twins import STEPPABLE, config, differing, outcome

GOAL = (
    "1,000 SIGKILLs over all steppable models, then resumed: all bitwise equal at the end; "
    "negative controls (one field of the checkpoint dropped) all caught"
)
KILLS = 1000
MOST = 6
"""Kills of one run, on average half as many, before it is let go to its end."""


def measure(full: bool, folder: Path) -> Finding:
    """Kills until there are enough of them, model by model; a quick round kills a NumPy model a few times."""
    rng, failures, count = random.Random(0), [], Counter[str]()
    models = STEPPABLE if full else ["nn2-np"]
    with Children(folder / "children", *(["nnlab.backends.torch"] if full else [])) as children:
        for number in range(10_000):
            if count["kills"] >= (KILLS if full else 4):
                break
            case = Case(children, folder / str(number), models[number % len(models)], number // len(models))
            failures += case.kill_and_resume(rng, count)
            shutil.rmtree(case.folder)
        dropped = list(_dropped(children, folder / "dropped", models))
    failures += [
        f"{name} was dropped from the checkpoint, and nothing was said" for name, caught in dropped if not caught
    ]
    found = (
        f"{count['kills']:,} kills of {count['runs']:,} runs of {len(models)} models "
        f"({count['before']:,} before run.json was there, {count['checkpoint']:,} with a checkpoint to go on from, "
        f"{count['rows']:,} with rows cut off that had to come again), {len(failures)} ends not bitwise equal; "
        f"{len(dropped)} fields dropped, {sum(caught for _, caught in dropped)} caught"
    )
    return Finding(GOAL, found, failures)


class Case:
    """One model trained in one way: once straight through, and once killed again and again."""

    def __init__(self, children: Children, folder: Path, model: str, number: int) -> None:
        folder.mkdir()
        self.children, self.folder, self.runs = children, folder, folder / "runs"
        self.name = f"{model}-{number}"
        self.config = config(folder, model, number, steps=(60, 400)[model.endswith("-np")])
        straight = children.run("train", self.config, "--runs-dir", folder / "straight", "-q")
        assert straight.code == 0, straight.stderr
        self.seconds = straight.seconds
        self.straight = outcome(rundir.all_runs(folder / "straight")[0])

    def kill_and_resume(self, rng: random.Random, count: Counter[str]) -> list[str]:
        """What is wrong in the end; kills and what they left are counted."""
        count["runs"] += 1
        for _ in range(rng.randint(1, MOST)):
            if self._finished():  # and killed after that
                break
            ended = self.children.run(*self._command(), kill_after=rng.uniform(0, 1.1) * self.seconds)
            if ended.code >= 0:
                if ended.code:
                    return [f"{self.name}: {ended.stderr[:300]}"]
                break
            count["kills"] += 1
            self._look(count)
        if not self._finished():
            ended = self.children.run(*self._command())
            if ended.code:
                return [f"{self.name}: {ended.stderr[:300]}"]
        (run,) = rundir.all_runs(self.runs)
        return [f"{self.name}: {part} is not the same" for part in differing(run, self.straight)]

    def stopped(self) -> RunDir:
        """The run, killed on its way with a checkpoint."""
        calls = self.children.run(*self._command()).calls
        shutil.rmtree(self.runs)
        killed = self.children.run(*self._command(), fault=KILL, at=calls // 2)
        assert killed.code == -9, killed.stderr
        self.runs.rename(self.folder / "kept")
        return rundir.all_runs(self.folder / "kept")[0]

    def refused(self, stored: dict[str, Any], arrays: dict[str, Any] | None = None) -> bool:
        """Whether a resume notices that the stopped run's checkpoint is this one, sealed as if it were right."""
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.copytree(self.folder / "kept", self.runs)
        folder = rundir.all_runs(self.runs)[0].path
        if arrays is not None:
            file = folder / CHECKPOINTS / stored["file"]
            save_file(arrays, file)
            stored = {**stored, "sha256": sealed.sha256(file.read_bytes())}
        (folder / STATE).write_bytes(sealed.seal(stored))
        return self.children.run(*self._command()).code in (2, 3)

    def _command(self) -> list[Any]:
        """Resume where there is a run, else start."""
        command = ["resume", "latest"] if rundir.all_runs(self.runs) else ["train", self.config]
        return [*command, "--runs-dir", self.runs, "-q"]

    def _finished(self) -> bool:
        return any(run.summary().status == "finished" for run in rundir.all_runs(self.runs))

    def _look(self, count: Counter[str]) -> None:
        """Count what kind of remains a kill has left."""
        for run in rundir.all_runs(self.runs):
            state = run.checkpoint_state()
            count["checkpoint"] += state is not None
            count["rows"] += state is not None and len(run.metrics.bytes()) > state.metrics_bytes
            return
        count["before"] += 1


def _dropped(children: Children, folder: Path, models: list[str]) -> Iterator[tuple[str, bool]]:
    """Each field of a checkpoint left out in turn, with new hashes and seals, and whether that was noticed."""
    folder.mkdir()
    for model in models:
        case = Case(children, folder / model, model, number=1)
        kept = case.stopped()
        stored = sealed.unseal((kept.path / STATE).read_bytes())
        arrays = load_file(kept.path / CHECKPOINTS / stored["file"])
        for key in stored["state"]:
            inner = {other: value for other, value in stored["state"].items() if other != key}
            yield f"{model}: state.{key}", case.refused({**stored, "state": inner})
        for key in stored:
            yield f"{model}: {key}", case.refused({other: value for other, value in stored.items() if other != key})
        for key in arrays:
            yield f"{model}: {key}", case.refused(stored, {k: array for k, array in arrays.items() if k != key})
        assert not case.refused(stored), "the untouched checkpoint should be taken"
