"""nnlab trains, evaluates and compares small neural networks, in plain NumPy and in PyTorch, from one YAML file."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnlab.api import compare, open_run, train

__version__ = "0.1.0"
__all__ = ["compare", "open_run", "train"]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    """Load the notebook's verbs when they are first used, so that `import nnlab` costs nothing."""
    if name in __all__:
        return getattr(import_module("nnlab.api"), name)
    raise AttributeError(f"module 'nnlab' has no attribute {name!r}")
