"""Layers: a config file over the one it extends, and overrides over both, merged with the origin of each value."""

import difflib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnlab.config import yaml
from nnlab.config.yaml import Path as Keys
from nnlab.errors import ConfigError

MAX_BYTES = yaml.MAX_CHARACTERS * 4
MAX_EXTENDS = 10
MAX_SHOWN = 100
MAX_PATH = 4096
COMMAND_LINE = "command line"
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
PATHS = ("path", "test_path")
"""The keys of a dataset that name files."""
# A later layer that gives one of these takes the other back: `train.steps=50` over a file with epochs.
_RIVALS: dict[Keys, Keys] = {("train", "epochs"): ("train", "steps"), ("train", "steps"): ("train", "epochs")}


@dataclass
class Layers:
    """What the merged layers say, and for each path where it was said and by which layer (0 is the lowest)."""

    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Keys, str] = field(default_factory=dict)
    values: dict[Keys, str] = field(default_factory=dict)
    rank: dict[Keys, int] = field(default_factory=dict)
    given: dict[Keys, str] = field(default_factory=dict)
    """Paths as they were written, before they were made absolute."""

    def place(self, path: Keys, *, key: bool = False) -> str:
        """Where the value (or the key) at ``path`` stands, else something inside it, else the nearest around it."""
        for length in range(len(path), -1, -1):
            table = self.keys if key and length == len(path) else self.values
            if path[:length] in table:
                return table[path[:length]]
            inside = [known for known in self.values if length and known[:length] == path[:length]]
            if inside:  # an override names what is inside without the mapping around it
                return self.values[inside[0]]
        return COMMAND_LINE

    def drop(self, path: Keys) -> None:
        """Take the value at ``path`` out of the data; ``forget`` takes it out of the tables."""
        parent = self.data
        for step in path[:-1]:
            parent = parent[str(step)]
        parent.pop(str(path[-1]), None)

    def forget(self, paths: set[Keys]) -> None:
        """Forget where all at and inside ``paths`` stood: in one go, because each takes a look at every entry."""
        if not paths:
            return
        for table in (self.keys, self.values, self.rank):
            for known in [known for known in table if any(known[:end] in paths for end in range(1, len(known) + 1))]:
                del table[known]


def read_layers(config: Path, overrides: list[str]) -> Layers:
    """Read a config file, the files it extends, and overrides of the form ``dotted.key=value``.

    Raises ConfigError with file, line and column for whatever cannot be read.
    """
    merged = Layers()
    here = _working_directory()
    documents = _read_chain(config, here)
    for rank, (document, folder) in enumerate(documents):
        _merge(merged, document, rank)
        _anchor_paths(merged, rank, folder)
    document = _read_overrides(overrides)
    _merge(merged, document, len(documents))
    _anchor_paths(merged, len(documents), here)
    return merged


def overrides_alone(overrides: list[str]) -> Layers:
    """Overrides with no file under them."""
    merged = Layers()
    _merge(merged, _read_overrides(overrides), 0)
    _anchor_paths(merged, 0, _working_directory())
    return merged


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        raise ConfigError("the working directory is gone", "change to a folder that is there") from None


def _read_chain(config: Path, here: Path) -> list[tuple[yaml.Document, Path]]:
    """The documents from the lowest base up to ``config``, each with its folder."""
    chain: list[tuple[yaml.Document, Path]] = []
    seen: list[Path] = []
    path = config
    base, asked_at = "", ""
    while True:
        document = _read_file(path, asked_at, here)
        if path.resolve() in seen:
            raise ConfigError(f"{asked_at}: extends: {base!r} leads round in a circle", "let one file be the base")
        if len(seen) == MAX_EXTENDS:
            raise ConfigError(f"{asked_at}: extends: more than {MAX_EXTENDS} files in a row", "extend fewer")
        chain.insert(0, (document, (here / path).parent))
        seen.append(path.resolve())
        base = document.data.pop("extends", None)
        if base is None:
            return chain
        asked_at = document.values["extends",]
        if not isinstance(base, str) or len(base) > MAX_PATH or Path(base).is_absolute():
            raise ConfigError(
                f"{asked_at}: extends: given {yaml.short(base)}", "name one file, relative to this one: base.yaml"
            )
        path = path.parent / base


def _read_file(path: Path, asked_at: str, here: Path) -> yaml.Document:
    name = os.path.relpath(path) if path.is_relative_to(here) else str(path)
    where = f"{asked_at}: extends: " if asked_at else ""
    try:
        if not path.exists():
            raise ConfigError(f"{where}{name}: there is no such file", _nearby(path))
        if not path.is_file():
            raise ConfigError(f"{where}{name}: this is not a file", "name a YAML file, such as configs/ann.yaml")
        with open(path, "rb", opener=_open_at_once) as file:
            raw = file.read(MAX_BYTES + 1) or b""
    except OSError as error:
        raise ConfigError(f"{where}{name}: cannot be read: {error.strerror}", "check its permissions") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise ConfigError(f"{name}:{line}:{column}: this is not UTF-8 text", "save the file as UTF-8") from None
    document = yaml.read(text, name)
    if document.data is None:
        raise ConfigError(f"{name}:1:1: the file is empty", "name a model, a dataset and how long to train")
    if not isinstance(document.data, dict):
        raise ConfigError(f"{name}:1:1: a config is a mapping of keys", "start with model:, dataset: and train:")
    return document


def _open_at_once(path: str, flags: int) -> int:
    """Open without ever waiting for more: /proc/kmsg is a plain file that has no end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _nearby(path: Path) -> str:
    """What may have been meant: a config of nearly that name, in that folder or in configs/, with or without ending."""
    folders = dict.fromkeys(folder for folder in (path.parent, Path("configs")) if folder.is_dir())
    found = [str(file) for folder in folders for file in sorted(folder.glob("[!.]*.y*ml"))]
    by_stem = {Path(name).stem: name for name in reversed(found)}
    near = difflib.get_close_matches(path.stem, by_stem, n=1)
    if near:
        return f"did you mean {by_stem[near[0]]}?"
    return f"configs: {', '.join(found[:12])}" if found else "`nnlab init` lays out the shipped configs"


def _read_overrides(overrides: list[str]) -> yaml.Document:
    """One document out of all overrides, so that they make one layer."""
    whole = yaml.Document(COMMAND_LINE, data={})
    for override in overrides:
        key, equals, text = override.partition("=")
        place = f"{COMMAND_LINE}: {override if len(override) <= MAX_SHOWN else override[:MAX_SHOWN] + '…'}"
        if not equals or len(key) > MAX_SHOWN or not _DOTTED.fullmatch(key):
            raise ConfigError(f"{place}: this is not an override", "write dotted.key=value, such as train.lr=0.05")
        if key.partition(".")[0] == "extends":
            raise ConfigError(f"{place}: extends cannot be overridden", "name another config instead")
        if not text.strip():
            raise ConfigError(f"{place}: there is no value", f"write {key}=VALUE, or leave it out")
        value = yaml.read(text, place)
        path: Keys = tuple(key.split("."))
        if path in whole.values:
            raise ConfigError(f"{place}: {key} is given twice", "keep one of them")
        parent = whole.data
        for depth, step in enumerate(path[:-1], 1):
            parent = parent.setdefault(step, {})
            if not isinstance(parent, dict):
                raise ConfigError(
                    f"{place}: {'.'.join(map(str, path[:depth]))} is given a value too", "keep one of them"
                )
        if path[-1] in parent:
            raise ConfigError(f"{place}: keys inside {key} are given too", "keep one of them")
        parent[path[-1]] = value.data
        for table, found in ((whole.keys, value.keys), (whole.values, value.values)):
            table.update({path + inner: place for inner in found})
        whole.keys[path] = whole.values[path] = place
    return whole


def _merge(below: Layers, above: yaml.Document, rank: int) -> None:
    """Lay ``above`` over ``below``: mappings are merged key by key, anything else is replaced.

    A mapping given whole in one override (``model={name: ...}``) replaces too: its own path is then a value.
    """
    leaves = _leaves(above.data, above)
    dropped = {rival for path in leaves if (rival := _RIVALS.get(path)) and below.rank.get(rival, rank) < rank}
    for path in dropped:
        below.drop(path)
    for path in leaves:
        for around in (path[:length] for length in range(1, len(path))):
            if around in below.values and not isinstance(_get(below.data, around), dict):
                below.drop(around)
                dropped.add(around)
        if _get(below.data, path) is not None:
            below.drop(path)
            dropped.add(path)
        parent = below.data
        for step in path[:-1]:
            parent = parent.setdefault(str(step), {})
        value = _get(above.data, path)
        parent[str(path[-1])] = value
    below.forget(dropped)
    below.keys.update(above.keys)
    below.values.update({path: place for path, place in above.values.items() if path or rank == 0})
    below.rank.update(dict.fromkeys(above.values, rank))


def _leaves(data: Any, document: yaml.Document, path: Keys = ()) -> list[Keys]:
    """The paths at which ``document`` sets a value of its own, rather than a mapping to be merged."""
    whole = path in document.values and document.source == COMMAND_LINE
    if isinstance(data, dict) and data and not whole:
        return [leaf for key, value in data.items() for leaf in _leaves(value, document, (*path, key))]
    return [path] if path else []


def _get(data: Any, path: Keys) -> Any:
    for step in path:
        if not isinstance(data, dict) or step not in data:
            return None
        data = data[step]
    return data


def _anchor_paths(layers: Layers, rank: int, folder: Path) -> None:
    """Make paths of data absolute: they are meant from the file they stand in, or from the working directory."""
    for path in (("dataset", *inside, key) for inside in ((), ("fallback",)) for key in PATHS):
        value = _get(layers.data, path)
        if isinstance(value, str) and value and layers.rank.get(path) == rank:
            parent = _get(layers.data, path[:-1])
            given = f"{layers.place(path)}: {'.'.join(map(str, path))}: given {yaml.short(value)}"
            if len(value) > MAX_PATH:
                raise ConfigError(given, f"a path has at most {MAX_PATH:,} characters")
            try:
                meant = Path(value).expanduser() if value.startswith("~") else Path(value)  # ./~x is a file's name
                parent[path[-1]] = str((folder / meant).resolve())
                layers.given[path] = value
            except (OSError, RuntimeError, ValueError) as error:  # no such user, a link to itself, a NUL
                raise ConfigError(f"{given}: {error}", "give the path of a file or folder") from None
