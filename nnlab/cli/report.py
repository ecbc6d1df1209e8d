"""The report command: runs as one page to read, to hand in and to keep."""

from pathlib import Path
from typing import Annotated

import typer

from nnlab.cli import options, screen
from nnlab.errors import ConfigError

MOST_RUNS = 30
"""That are reported without being named."""


def report(
    runs: options.RunNames = None,
    runs_dir: options.RunsDir = options.DEFAULT_RUNS,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")] = Path("report.html"),
) -> None:
    """Write a report of runs, all of them or those named: one HTML page that opens offline."""
    from nnlab import comparison, rundir
    from nnlab.cli.download import Fetching
    from nnlab.cli.files import write
    from nnlab.report import report as make

    if runs:
        chosen = [run for name in runs for run in comparison.select(runs_dir, name)]
    else:
        chosen = rundir.all_runs(runs_dir)
        if len(chosen) > MOST_RUNS:
            raise ConfigError(
                f"{runs_dir}: there are {len(chosen)} runs here, too many to read in one report",
                f"name those to report, at best at most {MOST_RUNS}: nnlab report RUN RUN",
            )
    with Fetching() as progress:
        page, warnings = make(chosen, progress)
    screen.warn(warnings)
    screen.line(str(write(output, page)))
