"""The check command: what can be told of a config before a long run."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from nnlab.cli import options, screen
from nnlab.cli.findings import as_json, print_findings
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.inspection.checkup import Checkup


def check(config: options.Config, overrides: options.Overrides = None, json: options.Json = False) -> None:
    """Look at a config, its data and its model for a few seconds before a long run; nothing is kept."""
    from nnlab import experiment, inspection
    from nnlab.cli.download import Fetching

    resolved = experiment.resolve(config, overrides)
    with Fetching(json) as progress:
        found = inspection.checkup(resolved, progress)
    screen.warn(found.warnings)
    if json:
        keys = {"subject": "subject", "verdict": "shown", "found": "detail", "advice": "advice", "values": "values"}
        findings = [as_json(finding, **keys) for finding in found.findings]
        screen.print_json({**asdict(found), "findings": findings})
    else:
        _print(found)


def _print(found: "Checkup") -> None:
    layers = [[layer["name"], layer["shapes"], f"{layer['parameters']:,}"] for layer in found.layers]
    total = ["in all", "", f"{found.parameters:,}"]
    title = f"{found.model} on {found.dataset}"
    screen.show(Listing(["layer", "shapes", "parameters"], [*layers, total], title=title, left=(0, 1)))
    print_findings(found.findings, "checked")
    warnings = [finding for finding in found.findings if finding.outcome == "warning"]
    for finding in warnings:
        screen.line(f"{finding.subject}: {finding.advice}")
    if not warnings:
        screen.line("nothing speaks against this run")
