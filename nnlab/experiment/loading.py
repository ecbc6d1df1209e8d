"""Loading: the data of a config, or of its fallback, and whether it is what a run was trained on."""

import re
from dataclasses import replace

from nnlab import discover
from nnlab.config import Config
from nnlab.config.resolve import resolve_named
from nnlab.dataset import Dataset, Progress, quiet
from nnlab.errors import (
    DataChangedError,
    DataError,
    DataUnavailableError,
)
from nnlab.experiment import given, pictures
from nnlab.experiment.given import Given
from nnlab.rundir import RunDir, Summary


def load_dataset(
    config: Config, progress: Progress = quiet, data: Given | None = None
) -> tuple[Config, Dataset, str | None]:
    """The config's data, or its fallback's; the config as it then is, and a warning where the fallback was taken.

    ``data`` takes the place of both. Raises DataError where there is neither.
    """
    if data is not None:
        config = replace(config, dataset=given.placed(config.dataset, data), fallback=None)
    try:
        return config, given.load(config.dataset, config.seed, progress, data), None
    except DataUnavailableError as error:
        if config.fallback is None:
            raise
        warning = f"{error.message}\nusing the fallback instead: {config.fallback.name}"
        changed = replace(config, dataset=config.fallback, fallback=None)
        try:
            return changed, given.load(changed.dataset, config.seed, progress), warning
        except DataError as second:
            second.message = re.sub(r"^dataset\.", "dataset.fallback.", second.message)
            raise


def load_same_dataset(
    run: RunDir, config: Config, summary: Summary, progress: Progress = quiet, data: Given | None = None
) -> Dataset:
    """The data a run was trained on; ``summary`` is its run.json, and ``data`` the same data where it is now.

    Raises DataError where it is not there, and DataChangedError where it is other data.
    """
    if data is None:
        given.refuse_gone(run.path, config.dataset, summary.path_given)
    _, dataset, _ = load_dataset(config, progress, data)  # a run's config has no fallback: it names what was taken
    check_same(run, dataset, summary)
    return dataset


def check_same(run: RunDir, dataset: Dataset, summary: Summary) -> None:
    """Raise DataChangedError where this is not the data that a run was trained on."""
    if dataset.sha256 != summary.dataset.sha256:
        raise DataChangedError(
            f"{run.path}: the data of {dataset.name} is not what this run was trained on (its SHA-256 differs)",
            "bring the old data back, or train again",
        )


def sample_sheet(name: str, keys: list[str], progress: Progress = quiet) -> bytes:
    """A PNG of some of a dataset's training examples; ``keys`` are its own as ``key=value``."""
    named = resolve_named("datasets", name, keys, discover.registry())
    return pictures.of_data(given.load(named, 0, progress))[1]
