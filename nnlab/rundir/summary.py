"""The shape of run.json: which keys every run has from its start, and what their values may be."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, get_args

from nnlab.dataset import Layout, Transform
from nnlab.rundir.sealed import is_number

SCHEMA_VERSION = 1
RUNNING, DIED = "running", "died"
ENDED = ("finished", "failed", "interrupted")
STATUSES = (RUNNING, *ENDED)
MAX_DIMENSIONS = 8
MAX_COUNT = 2**53
MAX_TEXT = 4096
MAX_DEPTH = 5
MAX_METRICS = 20
MAX_VARIED = 20
_GROUP = re.compile(r"[0-9a-f]{16}")
SPLITS = ("train", "val", "test")

Check = Callable[[Any], bool]


def _is(kind: Any) -> Check:
    return lambda value: isinstance(value, kind) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_COUNT


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_number, value))


def _shape(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_DIMENSIONS and all(_count(n) and n for n in value)


def is_best(value: Any) -> bool:
    """Whether this is where a val split was best."""
    wanted: dict[str, Check] = {"step": _count, "epoch": is_number, "metric": _is(str), "value": is_number}
    return isinstance(value, dict) and value.keys() == wanted.keys() and all(wanted[key](value[key]) for key in wanted)


def is_baselines(value: Any) -> bool:
    """Whether these are scores by baseline, split and metric."""
    return (
        isinstance(value, dict)
        and len(value) <= MAX_METRICS
        and all(isinstance(splits, dict) and set(splits) <= set(SPLITS) for splits in value.values())
        and all(_scores(found) for splits in value.values() for found in splits.values())
    )


def _scores(found: Any) -> bool:
    return isinstance(found, dict) and len(found) <= MAX_METRICS and all(map(is_number, found.values()))


def is_group(value: Any) -> bool:
    """Whether this is the id of runs that belong together, and by dotted key how this one differs from the rest."""
    if not isinstance(value, dict) or value.keys() != {"id", "varied"}:
        return False
    name, varied = value["id"], value["varied"]
    return (
        isinstance(name, str)
        and _GROUP.fullmatch(name) is not None
        and isinstance(varied, dict)
        and 0 < len(varied) <= MAX_VARIED
        and all(isinstance(found, str) or is_number(found) for found in varied.values())
    )


_EVERY_RUN_HAS: dict[str, Check] = {
    "name": _is(str),
    "status": lambda value: value in STATUSES,
    "model": _is(str),
    "task": lambda value: value in ("classification", "regression"),
    "dataset": _is(dict),
    "metrics": _is(dict),
    "seconds": _is(dict),
}
_MAY_HAVE: dict[str, Check] = {
    "seed": lambda value: type(value) is int,
    "steps": _count,
    "epochs": is_number,
    "parameters": _count,
    "best": is_best,
    "baselines": is_baselines,
    "resumed": _is(list),
    "config_sha256": _is(str),
    "config_before": _is(str),
    "path_given": _is(str),
    "group": is_group,
}
_OF_DATA: dict[str, Check] = {
    **dict.fromkeys(("name", "sha256"), _is(str)),
    **dict.fromkeys(("val", "test", "features", "outputs"), _count),
    **dict.fromkeys(("classes", "feature_names"), _texts),
    "train": lambda value: _count(value) and value > 0,
    "mean": _numbers,
    "std": lambda value: _numbers(value) and all(value),
    "shape": _shape,
    "scale": lambda value: is_number(value) and value > 0,
    "target_name": _is(str),
    "target_names": _texts,
    "examples": lambda value: isinstance(value, dict) and all(isinstance(v, str | None) for v in value.values()),
    "columns": _is(list),
    "header": lambda value: isinstance(value, bool),
    "whole": lambda value: isinstance(value, bool),
    "width": _count,
    "target_places": lambda value: isinstance(value, list) and all(map(_count, value)),
    "layout": lambda value: value in get_args(Layout),
    "picture": _is(dict),
    "target_mean": _numbers,
    "target_std": lambda value: _numbers(value) and all(value),
}


def _too_much(content: Any, depth: int = 0) -> bool:
    """Whether a text is longer, or a level deeper, than anything that is written here."""
    if isinstance(content, str):
        return len(content) > MAX_TEXT
    if isinstance(content, dict):
        inside = [*content, *content.values()]
    else:
        inside = content if isinstance(content, list) else []
    return depth > MAX_DEPTH or any(_too_much(item, depth + 1) for item in inside)


def wrong(summary: Mapping[str, Any]) -> str | None:
    """The first dotted key of a run.json that is missing, or holds what it cannot have been written with."""
    for key, right in _EVERY_RUN_HAS.items():
        if not right(summary.get(key)):
            return key
    if _too_much(summary):
        return "a text or a list"
    if not set(summary["metrics"]) <= set(SPLITS):
        return "metrics"
    data = summary["dataset"]
    checks = [(key, summary.get(key), right) for key, right in _MAY_HAVE.items()]
    checks += [(f"dataset.{key}", data.get(key), right) for key, right in _OF_DATA.items()]
    checks += [(f"seconds.{key}", value, is_number) for key, value in summary["seconds"].items()]
    for split, found in summary["metrics"].items():
        checks.append((f"metrics.{split}", found, lambda found: isinstance(found, dict) and len(found) <= MAX_METRICS))
        if isinstance(found, dict):
            checks += [(f"metrics.{split}.{key}", value, is_number) for key, value in found.items()]
    bad = next((key for key, value, right in checks if value is not None and not right(value)), None)
    return bad or _contradiction(data, summary["task"])


def _contradiction(data: Mapping[str, Any], task: str) -> str | None:
    """What cannot be so together: features as the shape says, outputs as there are classes, a mean for each feature."""
    shape, features, classes, outputs = (data.get(key) for key in ("shape", "features", "classes", "outputs"))
    if shape and features is not None and math.prod(shape) != features:
        return "dataset.features"
    for key in ("mean", "std", "feature_names"):
        if data.get(key) and features is not None and len(data[key]) != features:
            return f"dataset.{key}"
    if bool(data.get("mean")) != bool(data.get("std")):
        return "dataset.std"
    means, deviations = data.get("target_mean") or [], data.get("target_std") or []
    if len(means) != len(deviations) or (means and outputs is not None and len(means) != outputs):
        return "dataset.target_std"
    try:
        transform = Transform.from_dict(data)
    except (ValueError, TypeError, KeyError):
        return "dataset.columns"
    if transform.columns and features is not None and len(transform.feature_names) != features:
        return "dataset.columns"
    if classes is not None and bool(classes) != (task == "classification"):
        return "dataset.classes"
    if classes and outputs is not None and len(classes) != outputs:
        return "dataset.outputs"
    return "dataset.outputs" if outputs == 0 else None
