"""Compare: runs side by side, from their directories alone; those on other data are never ranked together."""

import base64
import html
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import plots
from nnlab.config import yaml
from nnlab.dataset import Task
from nnlab.errors import ConfigError, NnlabError, RunError
from nnlab.metrics import HIGHER_IS_BETTER, PRIMARY, shown
from nnlab.rundir import CONFIG, RunDir

SPLITS = ("test", "val", "train")
MOST_KEYS = 50
"""Columns that are shown; no config has as many keys, but a damaged one may."""


@dataclass(frozen=True)
class Data:
    """What runs are scored on; only those that agree in all of it are ranked together."""

    dataset: str
    sha256: str
    task: Task
    scored: str
    """How many examples of which split give the score that counts."""

    @property
    def title(self) -> str:
        """A line for people."""
        return f"{self.dataset}: {self.scored}; data {self.sha256[:12]}"


@dataclass(frozen=True)
class Row:
    """One run in a comparison."""

    name: str
    path: Path
    status: str
    config: dict[str, str]
    """The resolved config by dotted key, values as YAML."""
    values: dict[str, float]
    """Metrics by column: test_accuracy, test_loss, …"""
    seconds: float | None
    run: RunDir


@dataclass(frozen=True)
class Group:
    """Runs on the same data, which may be ranked: best first, those without a score last."""

    data: Data
    differing: list[str]
    """The dotted keys in which its runs differ."""
    ranked_by: str
    """The column the rows are sorted by."""
    columns: tuple[str, ...]
    rows: list[Row]


@dataclass(frozen=True)
class Comparison:
    """Groups of comparable runs, the largest first."""

    groups: list[Group]
    warnings: list[str] = field(default_factory=list)


def compare(runs: Sequence[RunDir], sort: str | None = None) -> Comparison:
    """Read the runs and group them by task and data.

    ``sort`` names a column: a metric, ``seconds``, ``name`` or a dotted key; a leading hyphen turns the order round.
    Without it the best comes first, by test accuracy (or loss), else by val, else by train. A run whose directory is
    damaged is left out with a warning. Raises RunError where no run is left, ConfigError for an unknown column.
    """
    rows: list[tuple[Data, Row]] = []
    warnings: list[str] = []
    unique: dict[Path, RunDir] = {}
    for run in runs:
        unique.setdefault(run.path.resolve(), run)
    for run in unique.values():
        try:
            rows.append(_read(run))
        except NnlabError as error:
            warnings.append(error.message)
    if not rows:
        raise RunError("there are no runs to compare", "train one first: nnlab train configs/ann.yaml")
    if sort:
        _check_sort(sort, [row for _, row in rows])
    groups = [
        _group(data, [row for other, row in rows if other == data], sort) for data in dict.fromkeys(d for d, _ in rows)
    ]
    groups.sort(key=lambda group: -len(group.rows))
    return Comparison(groups, warnings)


def _read(run: RunDir) -> tuple[Data, Row]:
    """What a run is scored on, and the run as a row."""
    summary = run.summary()
    config = _flat(yaml.read(run.read_text(CONFIG), str(run.path / CONFIG)).data)
    values = {
        f"{split}_{name}": float(value)
        for split in SPLITS
        for name, value in (summary["metrics"].get(split) or {}).items()
        if isinstance(value, int | float)
    }
    seconds = summary["seconds"].get("total")
    total = float(seconds) if isinstance(seconds, int | float) and seconds else None
    row = Row(run.name, run.path, str(summary["status"]), config, values, total, run)
    return _data(summary), row


def _data(summary: Mapping[str, Any]) -> Data:
    facts = summary["dataset"]
    train, val, test = (facts.get(name) or 0 for name in ("train", "val", "test"))
    if test:
        scored = f"{test:,} test examples"
    elif val:  # which examples these are depends on the seed, and on how many there were to draw from
        scored = f"{val:,} val examples of {train + val:,}, seed {summary.get('seed')}"
    else:
        scored = f"{train:,} train examples"
    task: Task = "regression" if summary["task"] == "regression" else "classification"
    return Data(str(facts.get("name")), str(facts.get("sha256")), task, scored)


def _flat(data: Any, path: str = "") -> dict[str, str]:
    """Leaves by dotted key, as YAML; in ``model.name`` and ``dataset.name`` the short key is enough."""
    if isinstance(data, dict):
        return {
            dotted: value
            for key, inner in data.items()
            for dotted, value in _flat(inner, f"{path}.{key}" if path else str(key)).items()
        }
    return {path.removesuffix(".name"): yaml.dump_line(data)}


def _differing(rows: list[Row]) -> list[str]:
    """Keys with different values in the runs that have them: a key of only one of the models says nothing new.

    ``threads`` is chosen from the model's size, so it counts only where runs of the same model differ in it.
    """
    keys = dict.fromkeys(key for row in rows for key in row.config)
    found = [key for key in keys if key != "threads" and len(_values(rows, key)) > 1]
    models = _values(rows, "model")
    same = any(len(_values([row for row in rows if row.config.get("model") == name], "threads")) > 1 for name in models)
    return [*found[:MOST_KEYS], "threads"] if same else found[:MOST_KEYS]


def _values(rows: list[Row], key: str) -> set[str]:
    return {row.config[key] for row in rows if key in row.config}


def _group(data: Data, rows: list[Row], sort: str | None) -> Group:
    best = PRIMARY[data.task]
    split = next((split for split in SPLITS if any(f"{split}_{best}" in row.values for row in rows)), "train")
    names = ("accuracy", "loss") if data.task == "classification" else ("loss", "r2")
    columns = [f"{other}_{name}" for other in SPLITS for name in names]
    columns = [name for name in columns if any(name in row.values for row in rows)]
    ranked_by = sort or f"{split}_{best}"
    return Group(data, _differing(rows), ranked_by, tuple(columns), _sorted(rows, ranked_by))


def _check_sort(column: str, rows: list[Row]) -> None:
    """Raise ConfigError for a column that no run has."""
    known = {"name", "seconds", *(key for row in rows for key in (*row.values, *row.config))}
    name = column.removeprefix("-")
    if name not in known and name.partition("_")[2] not in HIGHER_IS_BETTER:
        hint = ", ".join(sorted(known, key=lambda key: ("." in key, key)))
        raise ConfigError(f"--sort: there is no column {column!r}", f"columns: {hint}")


def _sorted(rows: list[Row], column: str) -> list[Row]:
    """By a column, the best or else the smallest first; a leading hyphen turns it round; rows without it come last."""
    name = column.removeprefix("-")
    metric = name.partition("_")[2]
    falling = HIGHER_IS_BETTER.get(metric, False) != column.startswith("-")
    having = [row for row in rows if _key(row, name) is not None]
    having.sort(key=lambda row: _key(row, name) or (0, 0.0, ""), reverse=falling)
    return having + [row for row in rows if _key(row, name) is None]


def _key(row: Row, column: str) -> tuple[int, float, str] | None:
    """A sort key that puts numbers in order of size and before text; None where the row has nothing there."""
    value: Any = {"name": row.name, "seconds": row.seconds, **row.values}.get(column, row.config.get(column))
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return 1, 0.0, str(value)
    return (0, number, "") if math.isfinite(number) else None


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "groups": [
            {
                "dataset": group.data.dataset,
                "sha256": group.data.sha256,
                "task": group.data.task,
                "scored_on": group.data.scored,
                "differing": group.differing,
                "ranked_by": group.ranked_by,
                "runs": [
                    {
                        "name": row.name,
                        "path": str(row.path),
                        "status": row.status,
                        "config": {key: row.config.get(key) for key in group.differing},
                        "metrics": row.values,
                        "seconds": row.seconds,
                    }
                    for row in group.rows
                ],
            }
            for group in comparison.groups
        ],
        "warnings": comparison.warnings,
    }


def pictures(comparison: Comparison, path: Path) -> Iterator[tuple[Path, bytes]]:
    """(file, PNG) of all curves: one picture for each group, the first at ``path``, the next at ``path``-2, …

    Raises RunError where there is nothing to draw.
    """
    drawn = [picture for picture in map(overlay, comparison.groups) if picture is not None]
    if not drawn:
        raise RunError("none of these runs has a curve to draw", "name one that was evaluated at least once")
    for number, picture in enumerate(drawn, 1):
        yield (path if number == 1 else path.with_stem(f"{path.stem}-{number}")), picture


def overlay(group: Group) -> bytes | None:
    """Loss and score of a group's runs against step and seconds; None where none has a curve yet."""
    curves = []
    score = "accuracy" if group.data.task == "classification" else "r2"
    watched = set()
    for row in group.rows:
        try:
            columns = {name: np.array(values) for name, values in row.run.metrics().items()}
        except RunError:
            continue  # a run that failed before its first evaluation has no curve
        split = next((split for split in ("val", "test", "train") if f"{split}_{score}" in columns), None)
        if split is None or not {"step", "seconds", f"{split}_loss"} <= set(columns) or not len(columns["step"]):
            continue
        watched.add(split)
        loss = columns[f"{split}_loss"]
        curves.append(plots.Curve(row.name, columns["step"], columns["seconds"], loss, columns[f"{split}_{score}"]))
    if not curves:
        return None
    split = " / ".join(sorted(watched))
    return plots.overlay(
        curves,
        title=group.data.title,
        loss_label=f"{split} loss",
        score_label=f"{split} {'R²' if score == 'r2' else score}",
        percent=score == "accuracy",
    )


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>nnlab compare</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .3rem .8rem; border-bottom: 1px solid #8886; text-align: left; white-space: nowrap; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
img {{ max-width: 100%; height: auto; background: white; }}
</style>
<h1>Compared runs</h1>
{groups}
</html>
"""


def page(comparison: Comparison) -> str:
    """The comparison as one HTML page that needs nothing else: tables and pictures, all text escaped."""
    return _PAGE.format(groups="\n".join(_section(group) for group in comparison.groups))


def _section(group: Group) -> str:
    texts = ["run", *group.differing]
    numbers = [name.replace("_", " ") for name in group.columns] + ["seconds"]
    head = _cells("th", texts) + _cells("th", numbers, "number") + _cells("th", ["status"])
    lines = []
    for row in group.rows:
        values = [shown(name, row.values.get(name)) for name in group.columns]
        values.append("-" if row.seconds is None else f"{row.seconds:.1f}")
        cells = [row.name, *(row.config.get(key, "-") for key in group.differing)]
        lines.append(f"<tr>{_cells('td', cells)}{_cells('td', values, 'number')}{_cells('td', [row.status])}</tr>")
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    picture = overlay(group)
    curves = ""
    if picture is not None:
        data = base64.b64encode(picture).decode()
        curves = (
            f'<p><img alt="Loss and score of each run against step and seconds" src="data:image/png;base64,{data}"></p>'
        )
    return f"<h2>{html.escape(group.data.title)}</h2>\n{table}\n{curves}"


def _cells(tag: str, texts: Sequence[str], kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return "".join(f"<{tag}{attribute}>{html.escape(text)}</{tag}>" for text in texts)
