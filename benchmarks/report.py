"""Report: the rows as a table for the screen and the README, as JSON, and as a picture."""

import json
from pathlib import Path
from typing import Any

from benchmarks.rows import Goal, Row
from benchmarks.timing import Timing

NAMED = ("numpy", "torch", "scikit-learn", "skorch", "keras", "lightning")
RESULTS = Path(__file__).parent / "results"


def seconds(found: Timing) -> str:
    """A median with its range."""
    unit, scale = ("ms", 1e3) if found.median < 1 else ("s", 1)
    median, low, high = (_digits(scale * value) for value in (found.median, found.low, found.high))
    return f"{median} {unit} ({low}-{high})"


def _digits(value: float) -> str:
    """Three digits, and never an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(goal: Goal) -> str:
    """A goal with what was found: met, missed or not measured."""
    limit = f"{'at least' if goal.at_least else 'at most'} {goal.limit:g} {goal.unit}".strip()
    if goal.value is None:
        return f"{goal.text}: not measured ({goal.why}); goal: {limit}"
    found = f"{goal.value:.3g} {goal.unit}".strip()
    return f"{goal.text}: {found} (goal: {limit}) - {'met' if goal.met else 'MISSED'}"


def text(row: Row) -> str:
    """A row as the screen shows it."""
    lines = [row.work]
    width = max((len(name) for name in row.timings), default=0)
    lines += [f"    {name:<{width}}  {seconds(found)}" for name, found in row.timings.items()]
    lines += [f"    {name}: missing: {why}" for name, why in row.missing.items()]
    lines += [f"  {verdict(goal)}" for goal in row.goals]
    return "\n".join(lines)


def write(name: str, machine: dict[str, Any], rows: list[Row], growth: list[dict[str, Any]] | None = None) -> Path:
    """Keep a section's rows as JSON under results/."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    content: dict[str, Any] = {"machine": machine, "rows": [row.to_dict() for row in rows]}
    if growth is not None:
        content["growth"] = growth
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def table(kept: list[dict[str, Any]]) -> str:
    """The goals of kept results as a Markdown table."""
    machine = kept[0]["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items() if name in NAMED)
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores; Python {machine['python']}, {packages}; {machine['date']}.",
        "",
    ]
    lines += ["| work | nnlab | beside it | goal | found |", "| --- | --- | --- | --- | --- |"]
    for row in (row for section in kept for row in section["rows"]):
        times = {name: Timing(**found) for name, found in row["seconds"].items()}
        threads = row["facts"].get("threads")
        work = row["work"] + (f"; threads: {threads}" if threads else "")
        for goal in row["goals"]:
            ours, other = (*goal["pair"], "", "")[:2]
            cells = [seconds(times[ours]) if ours in times else ""]
            cells.append(f"{other}: {seconds(times[other])}" if other in times else other)
            limit = f"{'at least' if goal['at_least'] else 'at most'} {goal['limit']:g} {goal['unit']}".strip()
            found = "not measured" if goal["value"] is None else f"{goal['value']:.3g} {goal['unit']}".strip()
            mark = {True: "met", False: "missed", None: goal["why"]}[goal["met"]]
            lines.append(f"| {work} | {' | '.join(cells)} | {limit} {goal['goal']} | **{found}**, {mark} |")
    return "\n".join(lines)


def kept(names: list[str]) -> dict[str, dict[str, Any]]:
    """The last full measurements there are of these, by name."""
    paths = {name: RESULTS / f"{name}.json" for name in names}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
