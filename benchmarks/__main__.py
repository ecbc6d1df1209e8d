"""``python -m benchmarks``: measures every row, prints it, and keeps it under benchmarks/results/."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from benchmarks import growth, peers, picture, report
from benchmarks.works import FULL, QUICK, WORKS
from nnlab.environment import describe

PACKAGES = ("skorch", "keras", "lightning")


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    found = describe("cpu", 0)
    del found["threads"]
    found["packages"] |= {name: version for name in PACKAGES if (version := peers.installed(name))}
    return found | {"date": datetime.now(UTC).date().isoformat()}


def main(
    quick: Annotated[bool, typer.Option("--quick", help="Fewer rounds and epochs: under 3 minutes.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help=f"{', '.join([*WORKS, 'growth'])}.")] = None,
    table: Annotated[bool, typer.Option("--table", help="Measure nothing; print what is kept as Markdown.")] = False,
) -> None:
    """Measure nnlab beside the article's code, other tools and the arithmetic's own limit."""
    if table:
        typer.echo(report.table(list(report.kept(list(WORKS)).values())))
        return
    unknown = set(only or []) - {*WORKS, "growth"}
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: not one of {', '.join([*WORKS, 'growth'])}")
    effort, began, facts = QUICK if quick else FULL, time.perf_counter(), machine()
    suffix = "-quick" if quick else ""
    for name, work in WORKS.items():
        if only and name not in only:
            continue
        rows = work(effort)
        for row in rows:
            typer.echo(report.text(row) + "\n")
        report.write(name + suffix, facts, rows)
    if not only or "growth" in only:
        curves = growth.measure(quick)
        typer.echo(growth.text(curves))
        report.write("growth" + suffix, facts, [], curves)
    found = report.kept(["ann-epoch", "growth"])
    if not quick and len(found) == 2:
        picture.draw(found["ann-epoch"], found["growth"]["growth"])
    typer.echo(f"{time.perf_counter() - began:.0f} s in all; kept under {report.RESULTS}")


typer.run(main)
