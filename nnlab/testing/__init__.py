"""Testing: what every model and dataset must keep to, to be called in the tests of your own."""

from nnlab.testing.dataset_checks import check_dataset
from nnlab.testing.model_checks import check_model

__all__ = ["check_dataset", "check_model"]
