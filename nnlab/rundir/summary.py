"""The shape of run.json: which keys every run has from its start, and of which types they are."""

from collections.abc import Mapping
from typing import Any

SCHEMA_VERSION = 1
_NUMBER = int | float
_EVERY_RUN_HAS = {
    "name": str,
    "status": str,
    "model": str,
    "task": str,
    "dataset": dict,
    "metrics": dict,
    "seconds": dict,
}
_MAY_HAVE = {"steps": int, "epochs": _NUMBER, "parameters": int, "best": dict}
_OF_DATA = {
    **dict.fromkeys(("train", "val", "test", "features", "outputs"), int),
    **dict.fromkeys(("shape", "classes", "feature_names", "mean", "std"), list),
}


def wrong(summary: Mapping[str, Any]) -> str | None:
    """The first dotted key of a run.json that is missing or of another type than it was written with."""
    for key, kind in _EVERY_RUN_HAS.items():
        if not isinstance(summary.get(key), kind):
            return key
    expected: list[tuple[str, Any, Any]] = [(key, summary.get(key), kind) for key, kind in _MAY_HAVE.items()]
    expected += [(f"dataset.{key}", summary["dataset"].get(key), kind) for key, kind in _OF_DATA.items()]
    expected += [(f"seconds.{key}", value, _NUMBER) for key, value in summary["seconds"].items()]
    for split, found in summary["metrics"].items():
        expected.append((f"metrics.{split}", found, dict))
        if isinstance(found, dict):
            expected += [(f"metrics.{split}.{key}", value, _NUMBER) for key, value in found.items()]
    return next((key for key, value, kind in expected if value is not None and not isinstance(value, kind)), None)
