"""Discovery: a model or dataset is a file in its folder, found by listing and imported only when named."""

from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from nnlab.errors import ConfigError, did_you_mean
from nnlab.plugin import DatasetFile, ModelFile

Kind = Literal["models", "datasets"]


def names(kind: Kind) -> list[str]:
    """The names that a config may use, sorted: file names with hyphens for underscores."""
    folder = Path(__file__).parent / kind
    return sorted(f.stem.replace("_", "-") for f in folder.glob("[!_]*.py"))


def model(name: str) -> ModelFile:
    """What the file of a listed model declares. Raises ConfigError for any other name."""
    found = file("models", name)
    assert isinstance(found, ModelFile)  # noqa: S101 - ``file`` has seen to it
    return found


def dataset(name: str) -> DatasetFile:
    """What the file of a listed dataset declares. Raises ConfigError for any other name."""
    found = file("datasets", name)
    assert isinstance(found, DatasetFile)  # noqa: S101 - ``file`` has seen to it
    return found


@cache
def file(kind: Kind, name: str) -> ModelFile | DatasetFile:
    """What the file behind a listed name declares.

    Raises ConfigError for any other name, so that no config can import code of its own choosing.
    """
    if name not in names(kind):
        hint = f"{did_you_mean(name, names(kind))}{kind}: {', '.join(names(kind))}"
        raise ConfigError(f"there is no {kind[:-1]} called {name!r}", hint)
    module = import_module(f"nnlab.{kind}.{name.replace('-', '_')}")
    declared: ModelFile | DatasetFile = module.MODEL if kind == "models" else module.DATASET
    return replace(declared, about=declared.about or str(module.__doc__).partition("\n")[0])
