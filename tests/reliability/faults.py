"""Faults: each call by which a training changes its run directory is made to kill it, or to fail, once each."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from nnlab import experiment, rundir
from nnlab.errors import NnlabError
from nnlab.experiment import pictures
from nnlab.finding import ENDS
from nnlab.rundir import RunDir
from tests.reliability.children import DISK_FULL, IO_ERROR, KILL, NO_HANDLES, Children, Outcome, few_pictures
from tests.reliability.finding import Finding
from tests.reliability.twins import differing, outcome

GOAL = (
    "storage faults: every write, flush and rename of a training run × {kill, disk full, I/O error, no file handles}: "
    "0 committed rows or checkpoints lost, 0 unreadable runs"
)
FAULTS = (KILL, DISK_FULL, IO_ERROR, NO_HANDLES)
EPOCHS = 8
CONFIG = """\
model: {name: mlp-np, hidden: [8]}
dataset: {name: digits, val_fraction: 0.2, limit: 300}
train: {steps: 33, batch_size: 50, eval_every: 5, checkpoint_every: 10, optimizer: adam, lr: 0.01}
"""


def measure(full: bool, folder: Path) -> Finding:
    """Each call of a training, of a resume and of an extension; in a quick round every 67th."""
    config = folder / "c.yaml"
    config.write_text(CONFIG)
    with Children(folder / "children") as children, mock.patch.object(pictures, "of_training", few_pictures):
        trial = Trial(children, config, folder)
        for start in (trial.fresh, trial.resumed, trial.extended):
            calls = trial.calls(start)
            for at in range(1, calls + 1, 1 if full else 67):
                for fault in FAULTS if full else (FAULTS[at % len(FAULTS)],):
                    trial.run(start, fault, at)
    done = ", ".join(f"{count} × {kind}" for kind, count in sorted(trial.done.items()))
    found = (
        f"{sum(trial.done.values()):,} faults ({done}), then resumed: {trial.rows:,} committed rows and "
        f"{trial.checkpoints:,} checkpoints held, {len(trial.failures)} cases against it"
    )
    return Finding(GOAL, found, trial.failures)


class Trial:
    """One training with one fault after another."""

    def __init__(self, children: Children, config: Path, folder: Path) -> None:
        self.children, self.config, self.runs = children, config, folder / "runs"
        self.failures: list[str] = []
        self.done: Counter[str] = Counter()
        self.rows = self.checkpoints = 0
        first = children.run("train", config, "--runs-dir", folder / "straight", "-q")
        assert first.code == 0, first.stderr
        self.straight = outcome(rundir.all_runs(folder / "straight")[0])
        self.stopped = folder / "stopped"
        """A run killed between its second checkpoint and its end, to be resumed with a fault."""
        killed = children.run("train", config, "--runs-dir", self.stopped, fault=KILL, at=first.calls * 2 // 3)
        assert ["checkpoint", 20] in killed.committed
        self.short = folder / "short"
        """A finished run that is to be made as long."""
        done = children.run("train", config, "train.epochs=5", "--runs-dir", self.short, "-q")
        assert done.code == 0, done.stderr
        long = folder / "long"
        done = children.run("train", config, f"train.epochs={EPOCHS}", "--runs-dir", long, "-q")
        assert done.code == 0, done.stderr
        self.long = outcome(rundir.all_runs(long)[0])

    def fresh(self) -> list[Any]:
        """The command that trains into an empty folder."""
        shutil.rmtree(self.runs, ignore_errors=True)
        return ["train", self.config, "--runs-dir", self.runs, "-q"]

    def resumed(self) -> list[Any]:
        """The command that goes on with the stopped run."""
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.copytree(self.stopped, self.runs)
        return ["resume", "latest", "--runs-dir", self.runs, "-q"]

    def extended(self) -> list[Any]:
        """The command that makes the finished run longer."""
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.copytree(self.short, self.runs)
        return ["resume", "latest", "--epochs", EPOCHS, "--runs-dir", self.runs, "-q"]

    def calls(self, start: Any) -> int:
        """How many storage calls there are to fail."""
        whole = self.children.run(*start())
        assert whole.code == 0, whole.stderr
        return whole.calls

    def run(self, start: Any, fault: str, at: int) -> None:
        """Let one call fail, look at what is left, resume, and look at the end."""
        done = self.children.run(*start(), fault=fault, at=at)
        self.done[fault] += 1
        case = f"{start.__name__}, {fault} at call {at}"
        try:
            self.failures += [f"{case}: {text}" for text in [*self._ended(done, fault), *self._left(start, done)]]
        except NnlabError as error:
            self.failures.append(f"{case}: {error.message}")

    def _ended(self, done: Outcome, fault: str) -> list[str]:
        """A fault that the program sees ends in a message of a few lines and a fitting exit code."""
        if fault == KILL:
            return [] if done.code == -9 else [f"ended with {done.code}"]
        wrong = ["a traceback"] if "Traceback" in done.stderr else []
        if done.code not in (0, 1, 2) or (done.code and not done.stderr.startswith("error: ")):
            wrong.append(f"exit code {done.code}: {done.stderr[:200]}")
        return wrong + (["more than a few lines"] if done.stderr.count("\n") > 5 else [])

    def _left(self, start: Any, done: Outcome) -> list[str]:
        """What was told to stand is there, all can be read, and a resume ends as if nothing had been."""
        folders = [path for path in self.runs.iterdir() if path.is_dir()] if self.runs.exists() else []
        runs = rundir.all_runs(self.runs)
        if not runs:  # stopped before it was a run: a kill may leave an empty start, an error nothing
            return [f"left {folders}"] if folders and done.code >= 0 else []
        (run,) = runs
        wrong = self._committed(run, done) if start == self.fresh else []
        found = [check for check in experiment.verify(run) if check.outcome == "wrong"]
        wrong += [f"verify: {check.subject}: {check.detail}" for check in found]
        straight, more = (self.long, ["--epochs", EPOCHS]) if start == self.extended else (self.straight, [])
        if run.summary().status != "finished" or run.summary().steps != straight["steps"]:
            resumed = self.children.run("resume", "latest", *more, "--runs-dir", self.runs, "-q")
            if resumed.code:
                return [*wrong, f"resume: {resumed.stderr[:300]}"]
        wrong += [f"{name} is another in the end" for name in differing(run, straight)]
        checks = list(experiment.verify(run))
        return wrong + [f"verify: {check.subject}: {check.detail}" for check in checks if ENDS[check.outcome]]

    def _committed(self, run: RunDir, done: Outcome) -> list[str]:
        """Rows and checkpoints that the training was told stand, and that are not there."""
        rows = {step for kind, step in done.committed if kind == "row"}
        checkpoints = [step for kind, step in done.committed if kind == "checkpoint"]
        there, state = set(run.metrics.read()["step"]), run.checkpoint_state()
        run.checkpoint()
        self.rows += len(rows)
        self.checkpoints += len(checkpoints)
        wrong = [f"rows {sorted(rows - there)} are gone"] if rows - there else []
        if checkpoints and (state is None or state.standing.step < checkpoints[-1]):
            wrong.append(f"the checkpoint of step {checkpoints[-1]} is gone")
        return wrong
