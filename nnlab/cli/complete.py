"""Shell completion: configs, dotted keys, model and dataset names, and runs."""

from pathlib import Path
from typing import get_args

from nnlab import discover
from nnlab.discover.sources import KINDS

SUFFIXES = (".yaml", ".yml")


def config_files(incomplete: str) -> list[str]:
    """YAML files, and folders on the way to them."""
    typed = incomplete[: incomplete.rfind("/") + 1]  # as it was typed: ./ stays ./
    found = [f"configs/{path.name}" for path in _yaml_files(Path("configs"))] if not incomplete else []
    for entry in _entries(Path(typed)):
        if entry.is_dir() and not entry.name.startswith("."):
            found += [f"{typed}{entry.name}/", *(f"{typed}{entry.name}/{path.name}" for path in _yaml_files(entry))]
        elif entry.suffix in SUFFIXES:
            found.append(f"{typed}{entry.name}")
    return [name for name in dict.fromkeys(found) if name.startswith(incomplete)]


def _yaml_files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.suffix in SUFFIXES]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def overrides(incomplete: str) -> list[str]:
    """``dotted.key=``, and after the equals sign the names that may follow."""
    key, equals, _ = incomplete.partition("=")
    if equals:
        values = {"model.name": discover.names("models"), "dataset.name": discover.names("datasets")}
        values["dataset.fallback"] = values["dataset.name"]
        values |= _fixed()
        found = [f"{key}={value}" for value in values.get(key, [])]
    else:
        found = [f"{dotted}=" for dotted in _dotted_keys()]
    return [text for text in found if text.startswith(incomplete)]


def _fixed() -> dict[str, list[str]]:
    """What may follow keys whose values are a fixed few."""
    from nnlab.config.frame import DEVICES, OptimizerName

    return {"train.optimizer": [*get_args(OptimizerName)], "device": ["auto", *DEVICES]}


def _dotted_keys() -> list[str]:
    """Every key that some config can have."""
    from nnlab.config.frame import TopLevel, Train

    keys = ["model.name", "dataset.name", "dataset.fallback", *(f"train.{key}" for key in Train.model_fields)]
    keys += [key for key in TopLevel.model_fields if key not in ("model", "dataset", "train", "extends")]
    for kind in KINDS:
        for name in discover.names(kind):
            fields = discover.file(kind, name).params.model_fields
            keys += [f"{kind[:-1]}.{key}" for key in fields]
    return sorted(dict.fromkeys(keys))


def runs(incomplete: str) -> list[str]:
    """Names of runs under runs/, newest first."""
    from nnlab.rundir import all_runs
    from nnlab.rundir.folder import LATEST

    names = [LATEST, *(run.name for run in reversed(all_runs(Path("runs"))))]
    return [name for name in names if incomplete in name]


def dataset_names(incomplete: str) -> list[str]:
    """Names of datasets."""
    return [name for name in discover.names("datasets") if name.startswith(incomplete)]
