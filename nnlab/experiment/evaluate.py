"""Evaluate: a finished run's weights on a split of its data, class by class."""

from collections.abc import Mapping
from dataclasses import dataclass

from nnlab import metrics
from nnlab.dataset import Array, Progress, SplitName, quiet
from nnlab.errors import RunError
from nnlab.evaluate import evaluate as evaluate_model
from nnlab.experiment import pictures
from nnlab.experiment.given import Given
from nnlab.experiment.loading import load_same_dataset
from nnlab.experiment.reopen import reopen
from nnlab.metrics import ClassReport
from nnlab.rundir import RunDir
from nnlab.rundir.directory import MANIFEST


@dataclass(frozen=True)
class SplitReport:
    """What a run scores on a split."""

    run: RunDir
    split: SplitName
    metrics: dict[str, float]
    recorded: Mapping[str, float | None] | None
    """What run.json says of the same split."""
    baselines: dict[str, dict[str, float]]
    """What the baselines score there, as run.json says."""
    classes: list[ClassReport]
    """Empty for regression."""
    confusion: Array | None
    """(classes, classes) counts: rows true, columns predicted."""
    picture: str | None
    """The file in the run directory that shows the confusion matrix, or the fit."""
    warnings: list[str]


def evaluate(
    run: RunDir, split: SplitName | None = None, progress: Progress = quiet, data: Given | None = None
) -> SplitReport:
    """Load a run's weights, predict a split of its data again and measure the scores.

    Without ``split`` it is test, else val, else train, whichever the data has first. ``data`` is the run's data where
    it is now. Raises RunError where the run has no such split or no weights, and DataError where the data is not there,
    or no longer what the run was trained on.
    """
    opened = reopen(run)
    summary, model = opened.summary, opened.model
    dataset = load_same_dataset(run, opened.config, summary, progress, data)
    name = split or ("test" if dataset.test else "val" if dataset.val else "train")
    examples = dataset.split(name)
    if examples is None:
        there = [other for other in ("train", "val", "test") if dataset.split(other)]
        raise RunError(f"{run.path}: this run's data has no {name} split", f"it has: {', '.join(there)}")
    evaluation = evaluate_model(model, model.put(examples), examples, dataset.task)
    matrix = None
    classes: list[ClassReport] = []
    if dataset.classes:
        matrix = metrics.confusion(evaluation.scores, examples.targets, dataset.outputs)
        classes = metrics.per_class(matrix, dataset.classes)
    file, content = pictures.of_scores(run.name, dataset, name, evaluation.scores, examples)
    recorded = summary.metrics.get(name)
    warnings = list(opened.warnings)
    picture: str | None = file
    if not _in_manifest(run, file):  # a finished run's own files stay as they were
        try:
            with run.locked():
                run.write(file, content)
        except (OSError, RunError) as error:
            reason = error.message if isinstance(error, RunError) else error.strerror
            warnings.append(f"{run.path / file} cannot be written: {reason}")
            picture = None
    beside = {title: splits[name] for title, splits in (summary.baselines or {}).items() if name in splits}
    return SplitReport(run, name, evaluation.metrics, recorded, beside, classes, matrix, picture, warnings)


def _in_manifest(run: RunDir, file: str) -> bool:
    return MANIFEST in run.files() and file in run.manifest.read().sha256
