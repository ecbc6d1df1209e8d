"""Logistic regression by scikit-learn's own solver: the baseline to hold the others against."""

from pydantic import Field

from nnlab.backends import SKLEARN
from nnlab.config import Strict
from nnlab.dataset import Classification
from nnlab.model import Model, Setup
from nnlab.plugin import ModelFile


class Params(Strict):
    """Keys of logreg-sklearn."""

    max_iter: int = Field(150, ge=1, le=1_000_000)
    """Iterations of the solver (lbfgs) at most."""
    C: float = Field(1.0, gt=0, le=1e9)
    """Inverse strength of the L2 penalty."""
    random_state: int = Field(42, ge=0, lt=2**32)
    """Passed on to scikit-learn; lbfgs itself draws no random numbers."""


def build(params: Params, setup: Setup) -> Model:
    """The estimator, untrained."""
    from sklearn.linear_model import LogisticRegression

    from nnlab.backends.sklearn import SklearnModel

    return SklearnModel(LogisticRegression(**params.model_dump()), setup)


MODEL = ModelFile(Params, (Classification,), SKLEARN, build)
