"""The gradcheck and parity commands: whether gradients are right, and whether two models compute the same."""

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnlab.cli import complete, options, screen
from nnlab.cli.findings import as_json, print_findings
from nnlab.finding import Finding, conclude
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.inspection.gradcheck import GradientCheck
    from nnlab.inspection.parity import Parity

SHOWN = (1, 2, 5)
"""Of each power of ten, the steps that are shown."""

Rows = Annotated[int, typer.Option("--rows", min=2, max=1000, help="Examples in the batch.")]
Tolerance = Annotated[
    float,
    typer.Option("--tolerance", min=1e-12, max=0.1, help="The largest relative error that is taken for rounding."),
]
Steps = Annotated[int, typer.Option("--steps", min=1, max=100_000, help="Updates to take.")]
Other = Annotated[
    Path,
    typer.Argument(metavar="OTHER", help="Another config.", autocompletion=complete.config_files, show_default=False),
]


def gradcheck(
    config: options.Config,
    overrides: options.Overrides = None,
    rows: Rows = 7,
    tolerance: Tolerance = 1e-6,
    json: options.Json = False,
) -> None:
    """Check a model's gradients against central differences and PyTorch's autograd, and name what is wrong.

    Everything is computed in float64, near the config's initial weights. Ends in exit code 3 where a gradient is wrong,
    and 2 where one could not be checked.
    """
    from nnlab import experiment, inspection
    from nnlab.cli.download import Fetching

    resolved = experiment.resolve(config, overrides or [])
    with Fetching(json) as progress:
        found = inspection.gradcheck(resolved, rows, tolerance, progress)
    screen.warn(found.warnings)
    if json:
        same = ("shape", "measured", "kinks", "differences", "autograd", "held")
        keys = {"parameter": "subject", **{key: key for key in same}, "cause": "detail"}
        parameters = [as_json(row, **keys) for row in found.parameters]
        screen.print_json(_document({**asdict(found), "parameters": parameters}, found.whole))
    else:
        _print_gradients(found)
    conclude(
        [found.whole],
        wrong=(f"the gradients of {found.model} are not as they should be", "see the causes above"),
        not_checked=(f"not every gradient of {found.model} could be checked", "try seed=1, or more --rows"),
    )


def _document(fields: dict[str, Any], whole: Finding) -> dict[str, Any]:
    """The fields of what was found; in the place of ``whole`` whether it held, and the verdict."""
    document: dict[str, Any] = {}
    for key, value in fields.items():
        document |= as_json(whole, held="held", verdict="detail") if key == "whole" else {key: value}
    return document


def _print_gradients(found: "GradientCheck") -> None:
    columns: dict[str, Callable[[Finding], str]] = {
        "shape": lambda row: "×".join(map(str, row.values["shape"])),
        "measured": _measured,
        "differences": lambda row: _error(row.values["differences"]),
        "autograd": lambda row: _error(row.values["autograd"]),
    }
    title = f"{found.model} on {found.dataset}, {found.rows} examples in float64: relative errors of the gradients"
    print_findings(found.parameters, "parameter", columns, found="why", title=title)
    for note in found.notes:
        screen.line(note)
    screen.line(found.whole.detail)


def _measured(row: Finding) -> str:
    kinks = row.values["kinks"]
    count = f"{row.values['measured']:,} of {math.prod(row.values['shape']):,}"
    return f"{count}, {kinks} kink{'s' * (kinks > 1)}" if kinks else count


def _error(error: float | None) -> str:
    return "-" if error is None else f"{error:.0e}" if error else "0"


def parity(
    config: options.Config,
    other: Other,
    overrides: options.Overrides = None,
    steps: Steps = 50,
    tolerance: Tolerance = 1e-5,
    json: options.Json = False,
) -> None:
    """Train two configs of the same network from the same weights on the same batches, and say where they part.

    Overrides hold for both. Ends in exit code 3 where they part.
    """
    from nnlab import experiment, inspection
    from nnlab.cli.download import Fetching

    first, second = (experiment.resolve(path, overrides or []) for path in (config, other))
    with Fetching(json) as progress:
        found = inspection.parity(first, second, steps, tolerance, progress)
    screen.warn(found.warnings)
    if json:
        findings = {
            "steps": [step.values for step in found.steps],
            "parting": found.parting.values if found.parting else None,
        }
        screen.print_json(_document({**asdict(found), **findings}, found.whole))
    else:
        _print_parity(found)
    hint = f"nnlab gradcheck {config} and nnlab gradcheck {other} tell whose gradient is wrong"
    conclude([found.whole], wrong=(f"{config} and {other} do not train alike", hint))


def _print_parity(found: "Parity") -> None:
    columns = ["step", "loss", "its difference", "gradient", "", "weights", ""]
    rows = [
        [
            f"{step['step']:,}",
            f"{step['losses'][0]:.6g}",
            _error(step["loss"]),
            _error(step["gradient"]["difference"]),
            step["gradient"]["parameter"],
            _error(step["weights"]["difference"]),
            step["weights"]["parameter"],
        ]
        for step in _sparse(found)
    ]
    title = (
        f"{' and '.join(found.models)}, {found.dataset} in batches of {found.batch:,}: "
        "the largest relative differences, and where"
    )
    screen.show(Listing(columns, rows, title, left=(4, 6), notes=[found.whole.detail]))


def _sparse(found: "Parity") -> list[dict[str, Any]]:
    """The steps at 1, 2, 5, 10, 20, …, the last, and where they part."""
    parted = found.parting.values["step"] if found.parting else 0
    wanted = {part * 10**power for part in SHOWN for power in range(6)} | {parted - 1, parted, len(found.steps)}
    return [step.values for step in found.steps if step.values["step"] in wanted]
