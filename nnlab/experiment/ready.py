"""Ready: a config with all that its training needs, checked."""

from dataclasses import dataclass

from nnlab.config import Config, Resolved
from nnlab.dataset import Dataset, Progress, quiet
from nnlab.errors import NnlabError
from nnlab.experiment.given import Given
from nnlab.experiment.loading import load_dataset
from nnlab.experiment.making import model_for
from nnlab.experiment.plan import complete
from nnlab.experiment.resolving import check, check_task
from nnlab.fit import Plan
from nnlab.model import Model


@dataclass(frozen=True)
class Ready:
    """All that a training needs, checked."""

    config: Config
    dataset: Dataset
    model: Model
    plan: Plan
    warning: str | None
    """Where the fallback's data was taken."""


def checked(
    config: Config, progress: Progress = quiet, data: Given | None = None
) -> tuple[Config, Dataset, str | None]:
    """What ``load_dataset`` gives, for a config whose model can learn it. Raises ConfigError or DeviceError."""
    check(config)
    found = load_dataset(config, progress, data)
    check_task(found[0], type(found[1].task))
    return found


def prepare(resolved: Resolved, progress: Progress = quiet, data: Given | None = None) -> Ready:
    """Load the data and build the model; ``data`` takes the place of the file that the config names.

    Raises NnlabErrors for what the user can put right, each with its place.
    """
    warning = None
    try:
        config, dataset, warning = checked(resolved.config, progress, data)
        model = model_for(config, dataset)
        config, plan = complete(config, model, len(dataset.train))
        return Ready(config, dataset, model, plan, warning)
    except NnlabError as error:
        if warning:
            error.add_note(warning)
        raise resolved.located(error) from None
