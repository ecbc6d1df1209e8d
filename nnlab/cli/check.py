"""The check command: what can be told of a config before a long run, or of a plug-in before anyone relies on it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nnlab import discover
from nnlab.cli import complete, options, screen
from nnlab.cli.findings import as_json, print_findings
from nnlab.errors import ConfigError
from nnlab.finding import conclude
from nnlab.present.values import Listing

if TYPE_CHECKING:
    from nnlab.inspection.checkup import Checkup


Config = Annotated[
    Path | None,
    typer.Argument(metavar="[CONFIG]", help="A YAML config.", autocompletion=complete.config_files, show_default=False),
]
Plugin = Annotated[
    str | None,
    typer.Option("--plugin", metavar="NAME", help="Not a config, but the model or dataset of this name, as tests do."),
]


def check(
    config: Config = None, overrides: options.Overrides = None, plugin: Plugin = None, json: options.Json = False
) -> None:
    """Look at a config, its data and its model for a few seconds before a long run; nothing is kept."""
    from nnlab import experiment, inspection
    from nnlab.cli.download import Fetching

    if (config is None) == (plugin is None):
        raise ConfigError("nnlab check: of what?", "give a config, or the name of a model or dataset: --plugin NAME")
    if plugin is not None:
        _check_plugin(plugin, json)
        return
    assert config is not None  # noqa: S101 - one of the two is there
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


def _check_plugin(name: str, json: bool) -> None:
    """What became of every check that models, or datasets, of that name have to pass."""
    from nnlab.testing.dataset_checks import held_of_dataset
    from nnlab.testing.model_checks import held_of_model

    registry = discover.registry()
    if registry.knows("datasets", name) and not registry.knows("models", name):
        findings = list(held_of_dataset(discover.dataset(name)))
    else:
        findings = list(held_of_model(discover.model(name)))
    if json:
        keys = {"subject": "subject", "held": "held", "found": "detail"}
        screen.print_json({"plugin": name, "checks": [as_json(finding, **keys) for finding in findings]})
    else:
        print_findings(findings, name)
    conclude(findings, (f"{name} does not keep to all that nnlab counts on", "see above for what does not hold"))


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
