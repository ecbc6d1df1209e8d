"""Discovery: a model or dataset is a file in its folder, found by listing and imported only when named."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

from nnlab.errors import ConfigError, did_you_mean

Kind = Literal["models", "datasets"]


def names(kind: Kind) -> list[str]:
    """The names that a config may use, sorted: file names with hyphens for underscores."""
    folder = Path(__file__).parent / kind
    return sorted(f.stem.replace("_", "-") for f in folder.glob("[!_]*.py"))


def module(kind: Kind, name: str) -> ModuleType:
    """The module behind a listed name.

    Raises ConfigError for any other name, so that no config can import code of its own choosing.
    """
    if name not in names(kind):
        hint = f"{did_you_mean(name, names(kind))}{kind}: {', '.join(names(kind))}"
        raise ConfigError(f"there is no {kind[:-1]} called {name!r}", hint)
    return import_module(f"nnlab.{kind}.{name.replace('-', '_')}")
