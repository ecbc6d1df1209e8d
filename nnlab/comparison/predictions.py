"""Predictions: what a run said of each example of its test split, as read back from its directory."""

from nnlab.comparison.rows import Row
from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir.directory import HEADERS, PREDICTIONS

NUMBER = 8
"""Bytes of a score or a target at most."""
MAX_BYTES = 2**29
"""Of one run's predictions: several are held at once, and run.json, which says how many there are, may be forged."""


def read_predictions(row: Row) -> tuple[Array, Array]:
    """The scores (n, outputs) of a test split, logits or values, and the truth: (n,) class numbers or (n, outputs).

    Raises RunError where the run has no predictions, or they do not fit its task.
    """
    if PREDICTIONS not in row.run.files():
        hint = "nnlab resume finishes a run" if row.status != "finished" else "its data has no test split"
        raise RunError(f"{row.path}: there are no predictions of a test split to compare", hint)
    data = row.summary.dataset
    expected = NUMBER * (data.test or 0) * (1 + (data.outputs or 1))
    arrays = row.run.predictions.read(min(HEADERS + expected, MAX_BYTES))
    scores, targets = arrays.get("scores"), arrays.get("targets")
    damaged = RunError(f"{row.path / PREDICTIONS}: scores and targets do not belong together", "the file is damaged")
    if scores is None or targets is None or scores.ndim != 2 or scores.dtype.kind != "f" or not len(scores):
        raise damaged
    if not row.task.fits(scores, targets):
        raise damaged
    return scores, targets
