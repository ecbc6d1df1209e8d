"""Report: what the simulation found, kept as JSON, and as the page that is STATISTICS.md."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.statistics.simulation import EXAMPLES, Cell, Several

KEPT = Path(__file__).parent / "results" / "full.json"
LEAST, MOST, FALSE = 93.0, 97.0, 5.5
"""Per cent: of coverage, and of false positives."""
HEAD = """\
# Statistics

What `nnlab compare --test` promises, tried on models of which it is known which is better and by how much:
`python -m tests.statistics --full` does it again and writes this page; a quick round is in the test suite. The
verdicts come from the functions that judge real runs.
"""
METHODS = """\
## What is done

- Accuracy, a run each: Tango's score interval for paired proportions (1998), widened to hold 0 where p is not below
  0.05; p is McNemar's, exact.
- Loss, a run each, and accuracies that are means of several runs: the widest of Student's t, of the sign flips up to 12
  examples, and for losses of the bootstrap-t; p is the largest of theirs.
- Several seeds: the variances of seeds and examples added, each with its own Student's t (a modified large-sample
  interval, Burdick and Graybill 1992); never narrower than over the examples alone.
- More than two: Holm's correction of these p; each interval stays by itself.

One is called better where p is below 0.05 and the interval leaves out 0, and never below 6 test examples by accuracy or
below 30 by loss.

## How to read the tables

Each cell is the coverage of the 95 % interval and how often one of the two was called better, in per cent. In brackets:
too few examples, nothing is called better, and the coverage is told all the same. **Bold**: below 93 % coverage, or
more than 5.5 % false positives. *Italic*: above 97 % coverage.

What an example costs each of the two has a part that both share, with several seeds one of the model and one of the
seed, and a rest. Losses: normal; Student's t with three degrees of freedom; lognormal; squared errors of normal
residuals; cross-entropies of normal margins.

Above 97 % is on the careful side, and has three reasons:

- Few examples on which two models differ have few outcomes, of which an exact test can call only those clear that come
  to less than 5 % together: 95 % right on 30 examples says next to nothing.
- Between 6 and 12 examples the same goes for 2^n sign flips, and over seeds for steps of an accuracy.
- From 2 or 3 seeds it cannot be told whether seeds differ at all. The interval allows for it, so that it is right where
  they do and wide where they do not ("chance alone"). What would be narrower there was tried, and calls chance better
  in more than 5.5 % where seeds differ: Satterthwaite's degrees of freedom in up to 7.8 %, the wider of two t intervals
  in up to 7.0 %.
"""
BEYOND = """\
## Where the promise ends

No method has the right coverage for all losses: what is rare enough is in no sample. These are not part of the goals
above.
"""


def keep(cells: Sequence[Cell], several: Sequence[Several], seconds: float, machine: Mapping[str, Any]) -> None:
    """Keep what was found, with when and on what."""
    KEPT.parent.mkdir(exist_ok=True)
    lists = {"cells": cells, "several": several}
    parts = {
        name: "[\n" + ",\n".join(json.dumps(asdict(each), ensure_ascii=False) for each in found) + "\n]"
        for name, found in lists.items()
    }
    facts = json.dumps({"machine": machine, "seconds": round(seconds)}, ensure_ascii=False)[1:-1]
    KEPT.write_text(f'{{{facts},\n"cells": {parts["cells"]},\n"several": {parts["several"]}}}\n')


def kept() -> dict[str, Any]:
    """What was found last."""
    found = json.loads(KEPT.read_text())
    found["cells"] = [Cell(**each) for each in found["cells"]]
    found["several"] = [Several(**each) for each in found["several"]]
    return dict(found)


def failures(cells: Sequence[Cell], several: Sequence[Several], margin: float = 0) -> list[str]:
    """A line for each cell that goes against the goals by more than ``margin`` standard errors."""
    found: list[str] = []
    for cell in cells:
        where = f"{cell.world}, {cell.parts}, {cell.examples} examples, seeds {cell.seeds}"
        if _low(cell, margin):
            found.append(f"{where}: coverage {cell.covered:.1f} %")
        if _false(cell, margin):
            found.append(f"{where}: {cell.wrong:.1f} % called better though equal")
    found += [
        f"{each.entries} × {each.world}, {each.examples} examples: {each.better:.1f} % called better"
        for each in several
        if each.better > FALSE + margin * _error(FALSE, each.rounds)
    ]
    return found


def page(found: Mapping[str, Any]) -> str:
    """STATISTICS.md."""
    cells, several = found["cells"], found["several"]
    lines = [HEAD, _machine(found["machine"], found["seconds"]), "", *_goals(cells, several), "", METHODS]
    for k in sorted({cell.seeds for cell in cells}):
        for metric in ("accuracy", "loss"):
            chosen = [cell for cell in cells if cell.seeds == k and cell.metric == metric and cell.promised]
            title = "a run each" if k == 1 else f"{k} seeds"
            lines += [f"## {metric.capitalize()}, {title}", "", *_table(chosen), ""]
    lines += ["## Several equal models, all pairs", "", *_several(several), ""]
    lines += [BEYOND, *_table([cell for cell in cells if not cell.promised])]
    return "\n".join(lines).rstrip() + "\n"


def _goals(cells: Sequence[Cell], several: Sequence[Several]) -> Iterator[str]:
    judged = [cell for cell in cells if cell.judged and cell.promised]
    equal = [cell for cell in judged if cell.equal]
    over = [cell for cell in judged if cell.covered > MOST]
    false, low = max(equal, key=lambda cell: cell.wrong), min(judged, key=lambda cell: cell.covered)
    family = max(several, key=lambda each: each.better)
    few = [cell for cell in cells if not cell.judged]
    rows = [
        (
            "equal models: one is called better in at most 5.5 %",
            f"{false.wrong:.1f} % at most ({_where(false)}), {len(equal)} cells",
            not any(_false(cell) for cell in equal),
        ),
        (
            "95 % intervals hold the truth in at least 93 % wherever something may be called better",
            f"{low.covered:.1f} % at least ({_where(low)}), {len(judged)} cells",
            not any(_low(cell) for cell in judged),
        ),
        (
            "and in at most 97 %",
            f"{len(over)} of {len(judged)} cells are above, on the careful side, for the reasons below: of one run "
            f"each {_share(over, judged, 1)}, of 2, 3 and 5 seeds "
            f"{_share(over, judged, 2)}, {_share(over, judged, 3)} and {_share(over, judged, 5)}",
            not over,
        ),
        (
            "several equal models: any is called better than any other in at most 5.5 %",
            f"{family.better:.1f} % at most, of {family.entries} models",
            family.better <= FALSE,
        ),
        (
            "nothing is called better of too few examples",
            f"{sum(cell.better > 0 for cell in few)} of {len(few)} cells with any",
            all(cell.better == 0 for cell in few),
        ),
    ]
    yield from ("| goal | found | held |", "| --- | --- | --- |")
    for goal, came, held in rows:
        yield f"| {goal} | {came} | {'yes' if held else '**no**'} |"


def _share(over: Sequence[Cell], judged: Sequence[Cell], seeds: int) -> str:
    return f"{sum(cell.seeds == seeds for cell in over)} of {sum(cell.seeds == seeds for cell in judged)}"


def _where(cell: Cell) -> str:
    seeds = "" if cell.seeds == 1 else f", {cell.seeds} seeds"
    return f"{cell.world}, {cell.parts}, {cell.examples} examples{seeds}"


def _table(cells: Sequence[Cell]) -> Iterator[str]:
    """A row for each world and its parts, a column for each number of examples."""
    found: dict[tuple[str, str], dict[int, Cell]] = {}
    for cell in cells:
        found.setdefault((cell.world, cell.parts), {})[cell.examples] = cell
    yield f"| B and A | trouble | {' | '.join(f'n = {n}' for n in EXAMPLES)} |"
    yield f"| --- | --- |{' ---: |' * len(EXAMPLES)}"
    for (world, parts), row in found.items():
        yield f"| {world} | {parts} | {' | '.join(_cell(row[n]) for n in EXAMPLES)} |"


def _cell(cell: Cell) -> str:
    if not cell.judged:
        return f"({cell.covered:.1f})"
    covered, better = f"{cell.covered:.1f}", f"{cell.better:.1f}"
    covered = f"**{covered}**" if cell.covered < LEAST else f"*{covered}*" if cell.covered > MOST else covered
    return f"{covered} / {f'**{better}**' if cell.equal and cell.wrong > FALSE else better}"


def _several(several: Sequence[Several]) -> Iterator[str]:
    yield from ("| models | examples | any called better |", "| --- | ---: | ---: |")
    for each in several:
        yield f"| {each.entries} × {each.world} | {each.examples} | {each.better:.1f} % |"


def _low(cell: Cell, margin: float = 0) -> bool:
    return cell.judged and cell.promised and cell.covered < LEAST - margin * _error(LEAST, cell.pairs)


def _false(cell: Cell, margin: float = 0) -> bool:
    return cell.equal and cell.promised and cell.wrong > FALSE + margin * _error(FALSE, cell.pairs)


def _error(share: float, pairs: int) -> float:
    """The standard error of a share in per cent."""
    return float((share * (100 - share) / pairs) ** 0.5)


def _machine(facts: Mapping[str, Any], seconds: int) -> str:
    packages = ", ".join(
        f"{name} {facts['packages'][name]}" for name in ("numpy", "scipy") if name in facts["packages"]
    )
    return (
        f"{facts['date']}: {facts['cpu']}, {facts['cores']} cores, {facts['system']}; {facts['python']}, {packages}; "
        f"{seconds:,} s in one process."
    )
