"""Survey: a table that is not described yet, and a config to train on it."""

import os
from pathlib import Path

from nnlab import discover
from nnlab.config import yaml
from nnlab.config.resolve import resolve_named
from nnlab.datasets import _survey, csv
from nnlab.datasets._survey import Survey
from nnlab.datasets._table_keys import Params, roles_of
from nnlab.errors import DataError


def survey(path: Path, keys: list[str]) -> Survey:
    """What a table would be read as; ``keys`` are the csv dataset's own, as ``key=value``.

    Raises ConfigError for keys that are none, and DataError for a file that is no table.
    """
    given = {key.partition("=")[0].removeprefix("dataset.") for key in keys}
    asked = [f"path={path}", *keys, *([] if "target" in given else ["target=-1"])]
    params: Params = resolve_named("datasets", "csv", asked, discover.registry()).params
    shown = {key: value for key, value in params.model_dump(exclude_none=True).items() if key in given - {"target"}}
    table = csv.read_whole(params, str(path))
    target = roles_of(params, table.names, path).targets[0] if "target" in given else None
    found = _survey.survey(table, target, {"path": str(path), **shown})
    if "decimal" in found.keys and params.decimal == ".":
        return survey(path, [*keys, 'decimal=","'])
    if "thousands" in found.keys and params.thousands is None:
        return survey(path, [*keys, 'thousands="."'])
    return found


def config_for(path: Path, keys: list[str], folder: Path) -> str:
    """A config, as YAML to lie in ``folder``, that trains a small network on a table. Raises what ``survey`` does."""
    found = survey(path, keys)
    target = next(column for column in found.columns if column.becomes == "the target")
    if all(column.becomes == "the target" or "left out" in column.becomes for column in found.columns):
        raise DataError(f"{str(path)!r}: no column is left to predict {target.name} from", "name another target")
    place = os.path.relpath(path.resolve(), folder.resolve())
    dataset = {"name": "csv", **found.keys, "path": place, "val_fraction": 0.1}
    content = {
        "model": {"name": "ann-torch", "hidden": [32], "activations": ["relu"]},
        "dataset": dataset,
        "train": {"epochs": 50, "batch_size": 32, "optimizer": "adam", "lr": 0.005},
        "seed": 0,
    }
    return yaml.dump(content)
