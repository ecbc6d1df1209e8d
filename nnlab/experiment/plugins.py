"""Plug-ins of a run: what env.json says of those that it was trained with, and whether these are the ones here."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from nnlab import discover
from nnlab.config import Config, yaml
from nnlab.discover.sources import KINDS, NAME, Kind
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.plugin import Origin
from nnlab.rundir import RunDir
from nnlab.rundir.directory import CONFIG, SOURCES

KEY = "plugins"
"""In env.json; a run of what nnlab brings has no such key."""
_SHOWN = 12
"""Digits of a SHA-256."""


def record(config: Config) -> dict[str, Any]:
    """What env.json is to say of the plug-ins that a config names, by their names; empty where it names none.

    Raises ConfigError where the plug-ins of its model and its dataset are called the same.
    """
    found = dict[str, Any]()
    for kind, name, origin in _used(config):
        if name in found:
            raise ConfigError(f"model.name: {name} is what the plug-in of the dataset is called too", "rename one")
        found[name] = {
            "kind": kind.removesuffix("s"),
            "source": origin.source,
            "version": origin.version,
            "sha256": origin.sha256,
        }
    return {KEY: found} if found else {}


def sources(config: Config) -> dict[str, bytes]:
    """The source text of the plug-ins that a config names, by the names of files to keep it in."""
    return {f"{name.replace('-', '_')}.py.txt": origin.content for _, name, origin in _used(config)}


def refuse(run: RunDir, content: Any, *, other: bool = False) -> None:
    """Raise ConfigError unless the plug-ins that a run's config, read as ``content``, names are here, and the same.

    With ``other`` they need only be here. Raises RunError where a run does not say which they were.
    """
    recorded = _recorded(run)
    for kind, name in _named(content):
        before = recorded.get(name, {})
        if before.get("kind") != kind.removesuffix("s"):
            before = {}
        if not discover.registry().knows(kind, name):
            raise ConfigError(f"{run.path}: needs plug-in {_title(name, before)}", "install it, or `plugins` DIR")
        origin = discover.file(kind, name).origin
        if not other and (difference := _difference(name, before, origin)):
            raise (ConfigError if before else RunError)(f"{run.path}: {difference}", _cure(run, name, before))


def differences(run: RunDir, config: Config) -> list[str]:
    """In what the plug-ins that a config names are not those that the run says, in words."""
    recorded = _recorded(run)
    here = {name: origin for _, name, origin in _used(config)}
    names = (config.model.name, config.dataset.name)
    found = (_difference(name, recorded.get(name, {}), here.get(name)) for name in names)
    return [difference for difference in found if difference]


def missing(run: RunDir) -> ConfigError | None:
    """What this machine lacks of a run's plug-ins; None where it has them, or where something is wrong with the run."""
    with suppress(NnlabError):
        content = yaml.read(run.config.read(), str(run.path / CONFIG)).data
        try:
            refuse(run, content)
        except ConfigError as error:
            return error
    return None


def _used(config: Config) -> Iterator[tuple[Kind, str, Origin]]:
    names: dict[Kind, str] = {"models": config.model.name, "datasets": config.dataset.name}
    for kind, name in names.items():
        if origin := discover.file(kind, name).origin:
            yield kind, name, origin


def _named(content: Any) -> Iterator[tuple[Kind, str]]:
    """The names in a config that could be those of plug-ins."""
    for kind in KINDS:
        section = content.get(kind.removesuffix("s")) if isinstance(content, dict) else None
        name = section.get("name") if isinstance(section, dict) else None
        if isinstance(name, str) and NAME.fullmatch(name):
            yield kind, name


def _recorded(run: RunDir) -> dict[str, dict[str, str]]:
    """What env.json says of plug-ins, as far as it is what nnlab writes there."""
    try:
        found = run.environment.read().get(KEY)
    except NnlabError:
        return {}
    return {
        name: {key: text for key, text in said.items() if isinstance(text, str)}
        for name, said in (found.items() if isinstance(found, dict) else ())
        if isinstance(said, dict)
    }


def _title(name: str, said: dict[str, str]) -> str:
    """A plug-in with its version and source: "my-net 0.3 (my-pkg)"."""
    version = f" {said['version']:.40}" if "version" in said else ""
    return f"{name}{version}" + (f" ({said['source']:.100})" if "source" in said else "")


def _difference(name: str, before: dict[str, str], origin: Origin | None) -> str:
    """How a plug-in differs from what a run says of it, in words; empty where it is the same, or neither is one."""
    if origin is None:
        return (
            f"it was trained with plug-in {_title(name, before)}, and {name} is one of nnlab's own here"
            if before
            else ""
        )
    here = {"source": origin.source} | ({"version": origin.version} if origin.version else {})
    if not before:
        return f"it does not say which plug-in {name} it was trained with; here is {_title(name, here)}"
    if before.get("sha256") == origin.sha256:
        return ""
    return (
        f"it was trained with plug-in {_title(name, before)}, SHA-256 {before.get('sha256', '?'):.{_SHOWN}}…, "
        f"and here is {_title(name, here)}, {origin.sha256:.{_SHOWN}}…"
    )


def _cure(run: RunDir, name: str, before: dict[str, str]) -> str:
    kept = f"{SOURCES}/{name.replace('-', '_')}.py.txt"
    if "version" in before:
        return f"install {before.get('source', 'it')} {before['version']}; its text is in {run.path / kept}"
    return f"bring the old file back, whose text is in {run.path / kept}, or train again"
