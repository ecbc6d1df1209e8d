"""The bench command: how fast a config trains on what this machine has."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from nnlab.cli import options, screen
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.inspection.bench import Benchmark


def bench(config: options.Config, overrides: options.Overrides = None, json: options.Json = False) -> None:
    """Time a config's training steps on each backend and device here, and say which to use."""
    from nnlab import experiment, inspection
    from nnlab.cli.download import Fetching

    resolved = experiment.resolve(config, overrides or [])
    with Fetching(json) as progress:
        found = inspection.bench(resolved, progress)
    screen.warn(found.warnings)
    if json:
        screen.print_json(asdict(found))
    else:
        _print(found)


def _print(found: "Benchmark") -> None:
    batches = sorted({speed.batch for speed in found.speeds})
    cells = {(speed.contestant, speed.batch): speed for speed in found.speeds}
    rows = [
        [str(contestant), *(_thousands(cells[contestant, batch].median) for batch in batches)]
        for contestant in dict.fromkeys(speed.contestant for speed in found.speeds)
    ]
    columns = ["thousand examples/s", *(f"batch {batch:,}{' *' * (batch == found.batch)}" for batch in batches)]
    title = f"{found.model} on {found.dataset}: training, * is this config's batch"
    screen.show(Listing(columns, rows, title, notes=found.advice))


def _thousands(speed: float) -> str:
    thousands = speed / 1e3
    return f"{thousands:,.0f}" if thousands >= 100 else f"{thousands:.3g}"
