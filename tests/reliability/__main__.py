"""``python -m tests.reliability``: runs the parts of the proof, prints what each found, and keeps full findings."""

import tempfile
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from nnlab.environment import describe
from tests.conftest import ROOT
from tests.reliability import report
from tests.reliability.finding import Finding

PAGE = ROOT / "RELIABILITY.md"


def machine() -> dict[str, Any]:
    """What the parts were tried on, and when; no names of hosts or folders."""
    found = describe("cpu", 0)
    facts = {name: found[name] for name in ("python", "system", "cpu", "cores", "packages")}
    return facts | {"python": f"Python {found['python']}", "date": datetime.now(UTC).date().isoformat()}


def run(name: str, full: bool) -> tuple[Finding, float]:
    """One part in a temporary folder of its own, and its seconds."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="nnlab-reliability-") as folder:
        finding = import_module(f"tests.reliability.{name}").measure(full, Path(folder).resolve())
    return finding, time.perf_counter() - began


def main(
    full: Annotated[bool, typer.Option("--full", help="The full counts, kept under results/.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help=f"{', '.join(report.parts())}.")] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Try nothing; write RELIABILITY.md from what is kept.")
    ] = False,
) -> None:
    """Try for real what the README promises; exits with 1 where something did not hold."""
    unknown = set(only or []) - set(report.parts())
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: not one of {', '.join(report.parts())}")
    held = True
    for name in () if table else only or report.parts():
        finding, seconds = run(name, full)
        held = held and finding.met
        typer.echo(report.text(name, finding, seconds) + "\n")
        if full:
            report.keep(name, finding, seconds, machine())
    if table or (full and not only):
        PAGE.write_text(report.page(report.kept()))
        typer.echo(f"written: {PAGE.name}")
    raise typer.Exit(not held)


if __name__ == "__main__":
    typer.run(main)
