"""Discovery: models and datasets by their names, from this package, from installed ones and from a folder.

There is one registry in a process, which ``use`` replaces: whoever starts the program says which folders count, by
``--plugins`` or ``NNLAB_PLUGINS``, and no config, no run and no working directory can.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nnlab.discover import sources
from nnlab.discover.registry import Registry
from nnlab.discover.sources import Kind
from nnlab.errors import ConfigError, Interrupted, NnlabError, trouble

if TYPE_CHECKING:
    from nnlab.plugin import DatasetFile, ModelFile

__all__ = [
    "blamed",
    "dataset",
    "file",
    "model",
    "names",
    "registry",
    "use",
]

VARIABLE = "NNLAB_PLUGINS"
_registry: Registry | None = None


def use(folders: Iterable[str | Path]) -> None:
    """From here on the plug-ins of these folders count, and of no others, here and in processes that are started.

    Their files are read anew. Raises ConfigError as ``Registry`` does.
    """
    global _registry
    given = [str(folder) for folder in folders]
    for folder in given:
        if not folder or os.pathsep in folder:
            raise ConfigError(f"`plugins`: given {folder!r}", "name one folder; give it again for another")
    found = [Path(folder).expanduser().absolute() for folder in given]
    _registry = Registry(found)
    os.environ[VARIABLE] = os.pathsep.join(map(str, found))


def registry() -> Registry:
    """The registry of this process: with the folders of ``use``, or those in the environment."""
    global _registry
    if _registry is None:
        given = os.environ.get(VARIABLE, "")
        _registry = Registry([Path(folder).expanduser().absolute() for folder in given.split(os.pathsep) if folder])
    return _registry


def names(kind: Kind) -> list[str]:
    """The names that a config may use, sorted."""
    return registry().names(kind)


def file(kind: Kind, name: str) -> "ModelFile | DatasetFile":
    """What the file behind a listed name declares. Raises ConfigError as ``Registry.file`` does."""
    return registry().file(kind, name)


def model(name: str) -> "ModelFile":
    """What the file of a listed model declares. Raises ConfigError for any other name."""
    return cast("ModelFile", file("models", name))


def dataset(name: str) -> "DatasetFile":
    """What the file of a listed dataset declares. Raises ConfigError for any other name."""
    return cast("DatasetFile", file("datasets", name))


def blamed(error: BaseException) -> ConfigError | None:
    """The error as one of a plug-in's own code, with its file and line, where it comes from there; else None."""
    return sources.blamed(error, _registry.loaded) if _registry else None


def actionable(error: BaseException) -> NnlabError | Interrupted | None:
    """The error as the user can act on it, with the code to end in: nnlab's own, a plug-in's, or the machine's trouble.

    None for a bug.
    """
    return error if isinstance(error, NnlabError | Interrupted) else blamed(error) or trouble(error)
