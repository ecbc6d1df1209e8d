"""The scikit-learn backend: makes a Model of a linear classifier that is fitted in one call."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from nnlab.dataset import Array, Split
from nnlab.dataset.task import cross_entropy
from nnlab.errors import TrainingError
from nnlab.model import Setup, Step, check_weights


class SklearnModel:
    """A Model around an estimator with ``coef_`` and ``intercept_``. Before it is fitted its weights are 0."""

    device = "cpu"

    def __init__(self, estimator: Any, setup: Setup) -> None:
        self.estimator, self.task = estimator, setup.task
        self.threads = 1
        self._weights = {
            "weight": np.zeros((setup.scores, setup.features), np.float32),
            "bias": np.zeros(setup.scores, np.float32),
        }
        self._pools = ThreadpoolController()

    def put(self, split: Split) -> Split:
        """The same arrays: scikit-learn takes them as they are."""
        return split

    def train(self, data: Split, steps: Sequence[Step]) -> Array:
        """Fit to all rows of the one step; the loss is that of the fitted model, without the penalty.

        Raises TrainingError where scikit-learn cannot fit.
        """
        for step in steps:
            with self._pools.limit(limits=self.threads), warnings.catch_warnings():
                # Stopping at max_iter is what the config asked for.
                warnings.filterwarnings("ignore", "lbfgs failed to converge")
                try:
                    self.estimator.fit(data.inputs[step.rows], data.targets[step.rows])
                except ValueError as error:
                    raise TrainingError(f"scikit-learn could not fit: {error}") from error
            self._weights = {
                "weight": self.estimator.coef_.astype(np.float32),
                "bias": self.estimator.intercept_.astype(np.float32),
            }
        loss = cross_entropy(self.predict(data), data.targets)
        return np.full(len(steps), loss)

    def predict(self, data: Split) -> Array:
        with self._pools.limit(limits=self.threads):
            scores: Array = data.inputs @ self._weights["weight"].T + self._weights["bias"]
        return self.task.complete(scores)

    def weights(self) -> dict[str, Array]:
        return {name: weight.copy() for name, weight in self._weights.items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        check_weights(weights, self._weights)
        self._weights = {name: np.array(weight) for name, weight in weights.items()}

    def optimizer_state(self) -> dict[str, Array]:
        """Empty: one call does it all."""
        return {}

    def load_optimizer_state(self, state: Mapping[str, Array]) -> None:
        """There is none to take over."""
