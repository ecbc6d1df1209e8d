"""Registry: every model and dataset that a config may name, each imported only when it is named."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from nnlab.discover.sources import KINDS, Kind, Listed, built_in, in_folder, installed
from nnlab.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from nnlab.plugin import DatasetFile, ModelFile


class Registry:
    """What nnlab brings, what the files of some folders add, and what is installed; its own names are never others'."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """Raises ConfigError for a folder that has no plug-ins, and for one that takes a name of nnlab's own."""
        self._own = {kind: {each.name: each for each in built_in(kind)} for kind in KINDS}
        self._in_folders: dict[Kind, list[Listed]] = {kind: [] for kind in KINDS}
        self._files: dict[tuple[Kind, str], ModelFile | DatasetFile] = {}
        self.loaded: set[str] = set()
        """The packages of the plug-ins that were asked for: whose code may have run."""
        for folder in folders:
            self._take(folder)

    def _take(self, folder: Path) -> None:
        if not any((folder / kind).is_dir() for kind in KINDS):
            raise ConfigError(
                f"{str(folder)!r} has no folder models or datasets",
                "a folder of plug-ins, which `plugins` or NNLAB_PLUGINS names, holds models/my_model.py",
            )
        for kind in KINDS:
            for each in in_folder(kind, folder):
                if each.name in self._own[kind]:
                    raise ConfigError(f"{each.source}: nnlab has a {kind[:-1]} {each.name} of its own", "rename it")
                self._in_folders[kind].append(each)

    @cached_property
    def _installed(self) -> dict[Kind, list[Listed]]:
        """Looked at only where nnlab itself has no such name."""
        return {kind: list(installed(kind)) for kind in KINDS}

    def plugins(self) -> list[Listed]:
        """Everything but nnlab's own, those of one name and those that ``ignored`` names included."""
        return [each for kind in KINDS for each in (*self._in_folders[kind], *self._installed[kind])]

    def ignored(self, each: Listed) -> bool:
        """Whether it has a name of nnlab's own, and so is never taken."""
        return each.source != "nnlab" and each.name in self._own[each.kind]

    def names(self, kind: Kind) -> list[str]:
        """The names that a config may use, sorted."""
        return sorted({*self._own[kind], *(each.name for each in self.plugins() if each.kind == kind)})

    def knows(self, kind: Kind, name: object) -> bool:
        """Whether a config may use the name."""
        return name in self._own[kind] or any(each.name == name for each in self.plugins() if each.kind == kind)

    def built_in(self, kind: Kind) -> list[str]:
        """The names of nnlab's own, sorted."""
        return sorted(self._own[kind])

    def listed(self, kind: Kind, name: str) -> Listed:
        """Where the one of that name comes from. Raises ConfigError where there is none, or more than one."""
        if name in self._own[kind]:
            return self._own[kind][name]
        found = [each for each in self.plugins() if (each.kind, each.name) == (kind, name)]
        if not found:
            hint = f"{did_you_mean(name, self.names(kind))}{kind}: {', '.join(self.names(kind))}"
            raise ConfigError(f"there is no {kind[:-1]} called {name!r}", hint)
        if len(found) > 1:
            raise ConfigError(
                f"there are two plug-ins called {name!r}: {found[0]} and {found[1]}", "rename or remove one of them"
            )
        return found[0]

    def file(self, kind: Kind, name: str) -> "ModelFile | DatasetFile":
        """What the file behind a listed name declares; it stays what it was when it was first asked for.

        Raises ConfigError for any other name, so that no config can import code of its own choosing, and for a file
        that cannot be imported or declares nothing.
        """
        if (kind, name) not in self._files:
            found = self.listed(kind, name)
            self.loaded |= {found.package} - {"nnlab"}
            self._files[kind, name] = found.load()
        return self._files[kind, name]
