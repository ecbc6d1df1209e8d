"""Report: findings as text for the screen, kept as JSON, and as the table that is RELIABILITY.md."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.reliability.finding import Finding

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"
SHOWN = 20
PACKAGES = ("nnlab-runner", "numpy", "torch")
HEAD = """\
# Reliability

What nnlab promises, tried for real on one machine: `python -m tests.reliability --full` does it again and writes this
page; a quick round of each part is in the test suite.
"""


def parts() -> list[str]:
    """The parts of the proof: the modules of this package that measure something."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py") if "\ndef measure(" in path.read_text())


def text(name: str, finding: Finding, seconds: float) -> str:
    """A finding as the screen shows it."""
    lines = [f"{name}: {'held' if finding.met else 'DID NOT HOLD'} ({seconds:.0f} s)"]
    lines += [f"  goal: {finding.goal}", f"  found: {finding.found}"]
    lines += [f"  failure: {failure}" for failure in finding.failures[:SHOWN]]
    if len(finding.failures) > SHOWN:
        lines.append(f"  and {len(finding.failures) - SHOWN} more failures")
    return "\n".join(lines + [f"  note: {note}" for note in finding.notes])


def keep(name: str, finding: Finding, seconds: float, machine: Mapping[str, Any]) -> None:
    """Keep a finding, with when and on what it was found."""
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine, "seconds": round(seconds), "finding": asdict(finding)}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def kept() -> dict[str, dict[str, Any]]:
    """The last full findings there are, by part."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """RELIABILITY.md."""
    machines = dict.fromkeys(_machine(result["machine"]) for result in results.values())
    lines = [HEAD, *machines, "", "| part | goal | found | held |", "| --- | --- | --- | --- |"]
    findings = {name: Finding(**result["finding"]) for name, result in results.items()}
    for name, finding in findings.items():
        cells = [name, finding.goal, finding.found, "yes" if finding.met else "**no**"]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    for name, finding in findings.items():
        lines += ["", f"## {name}", "", f"{results[name]['seconds']:,} s."]
        lines += [""] * bool(finding.failures or finding.notes)
        lines += [f"- did not hold: {_cell(failure)}" for failure in finding.failures[:SHOWN]]
        lines += [f"- {_cell(note)}" for note in finding.notes]
    return "\n".join(lines).rstrip() + "\n"


def _machine(facts: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {facts['packages'][name]}" for name in PACKAGES if name in facts["packages"])
    return f"{facts['date']}: {facts['cpu']}, {facts['cores']} cores, {facts['system']}; {facts['python']}, {packages}."


def _cell(found: str) -> str:
    """Text that cannot break out of a table's cell."""
    return " ".join(found.replace("|", "\\|").split())
