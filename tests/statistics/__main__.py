"""``python -m tests.statistics``: judges made-up models by the thousand; --full writes what came of it into a page."""

import sys
import time
from typing import Annotated

import typer

from tests.conftest import ROOT
from tests.reliability.__main__ import machine
from tests.statistics import report
from tests.statistics.simulation import EXAMPLES, cells, quick, several

PAGE = ROOT / "STATISTICS.md"
PAIRS, FEW, ROUNDS = 10_000, 1_000, 10_000
QUICK = 400


def main(
    full: Annotated[bool, typer.Option("--full", help="All worlds and sizes, kept under results/.")] = False,
    table: Annotated[bool, typer.Option("--table", help="Try nothing; write STATISTICS.md from what is kept.")] = False,
) -> None:
    """Count what the verdicts come to; exits with 1 where that goes against the goals."""
    began = time.perf_counter()
    if table:
        kept = report.kept()
        found, families = kept["cells"], kept["several"]
    elif full:
        found = []
        for cell in cells(PAIRS, FEW):
            found.append(cell)
            print(f"{len(found)}: {cell}", file=sys.stderr)  # noqa: T201
        families = list(several(4, ROUNDS))
        report.keep(found, families, time.perf_counter() - began, machine())
    else:
        found, families = list(quick(QUICK)), list(several(4, QUICK, EXAMPLES[2:4]))
    if full or table:
        PAGE.write_text(report.page(report.kept()))
        typer.echo(f"written: {PAGE.name}")
    failed = report.failures(found, families, 0 if full or table else 3)
    for failure in failed:
        typer.echo(f"failure: {failure}")
    typer.echo(f"{len(found)} cells, {len(failed)} failures, {time.perf_counter() - began:.0f} s")
    raise typer.Exit(bool(failed))


if __name__ == "__main__":
    typer.run(main)
