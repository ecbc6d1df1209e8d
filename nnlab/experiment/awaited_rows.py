"""Awaited rows: metrics.csv while a run trains, where rows that a resume cut off must come again as they were."""

from collections.abc import Callable

from nnlab.dataset import Dataset
from nnlab.errors import CheckError, RunError
from nnlab.rundir import RunDir, evaluations
from nnlab.rundir.directory import METRICS
from nnlab.rundir.sealed import sha256
from nnlab.standing import Standing

MAX_DIGITS = 15


class Rows:
    """The rows of one run, one for each evaluation."""

    def __init__(self, run: RunDir, dataset: Dataset) -> None:
        self.run = run
        split = dataset.watched
        # Of the train split train_loss is there already.
        self.metrics = [metric.name for metric in dataset.task.metrics if (split, metric.name) != ("train", "loss")]
        self.columns = ["step", "epoch", "train_loss", *(f"{split}_{name}" for name in self.metrics), "seconds"]
        self.strict = True
        """Whether a row that comes otherwise is an error, rather than noted in ``differing``."""
        self.differing: list[int] = []
        """The first step whose row came otherwise: what comes after it has nothing to be held against."""
        self.awaited: dict[int, bytes] = {}
        """The rows that were cut off, by step."""
        self._kept, self._cut = b"", b""

    def restore(self, after: int, length: int, digest: str | None, evaluates: Callable[[int], bool]) -> None:
        """Take up what a stopped run has written: ``length`` bytes of it are kept, the rest is to come again.

        ``after`` is the step it goes on from, and ``evaluates`` says after which steps a row will come. Raises RunError
        where the SHA-256 of what is kept is not ``digest``.
        """
        content = self.run.metrics.bytes()
        self._kept, self._cut = content[:length], content[length:]
        if digest is not None and sha256(self._kept) != digest:
            raise RunError(
                f"{self.run.path / METRICS}: its first {length:,} bytes are not those of the checkpoint",
                "the file was changed or damaged; bring the old one back, or train its config.yaml again",
            )
        earlier = self.run.cut.read() if self.run.cut.there() else b""
        for line in (earlier + self._cut).splitlines(keepends=True):
            cell = line.partition(b",")[0]
            whole = line.endswith(b"\n") and cell.isdigit() and len(cell) <= MAX_DIGITS
            if whole and int(cell) > after and evaluates(int(cell)):
                self.awaited[int(cell)] = line

    def begin(self) -> None:
        """Write the file as it is where training starts, and keep what is cut off beside it. Raises OSError."""
        if self.awaited:
            self.run.cut.write(b"".join(self.awaited.values()))
        else:
            self.run.cut.delete()
        self.run.write(METRICS, self._kept or (",".join(self.columns) + "\n").encode())

    def write(self, at: Standing) -> Standing:
        """Add the row of an evaluation. Raises OSError.

        Raises CheckError where a row was cut off there that said something else, seconds aside, and that has not been
        allowed; the file is then as it was before the resume.
        """
        if at.metrics is None or at.train_loss is None:
            return at
        step, values = at.step, [at.metrics[name] for name in self.metrics]
        row = [step, at.epoch, at.train_loss, *values, round(at.seconds.working, 4)]
        line = evaluations.line(row)
        before = self.awaited.pop(step, line)
        if before.rpartition(b",")[0] != line.rpartition(b",")[0]:
            if self.strict:
                self.run.write(METRICS, self._kept + self._cut)
                raise CheckError(
                    f"{self.run.path / METRICS}: the row of step {step} came out otherwise than before the stop",
                    "its checkpoint stands; `allow_inexact` goes on all the same, and run.json will say so",
                )
            self.differing.append(step)
            self.awaited.clear()
        self.run.append_metrics(row)
        if before is not line and not self.awaited:
            self.run.cut.delete()
        return at
