"""The config, schema and init commands: configs resolved, described and laid out."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from nnlab.cli import options, screen
from nnlab.errors import ConfigError


def config(config: options.Config, overrides: options.Overrides = None, json: options.Json = False) -> None:
    """Print the resolved config and where each value comes from."""
    from nnlab import experiment

    resolved = experiment.resolve(config, overrides)
    for warning in resolved.warnings:
        screen.note(f"warning: {warning}")
    if json:
        origins = {".".join(map(str, path)): place for path, place in resolved.origins.items()}
        screen.print_json({"config": resolved.config.to_dict(), "origins": origins})
    else:
        screen.line(resolved.explained().rstrip())


def schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from nnlab import experiment

    screen.print_json(experiment.json_schema())


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Where to; default here.", show_default=False)
    ] = Path(),
) -> None:
    """Lay out the shipped configs in DIR/configs."""
    source = shipped_configs()
    target = folder / "configs"
    taken = [path.name for path in sorted(source.iterdir()) if (target / path.name).exists()]
    if taken:
        raise ConfigError(
            f"{target}: there are files of these names already: {', '.join(taken)}", "choose another folder"
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.iterdir()):
            shutil.copyfile(path, target / path.name)
            screen.line(str(target / path.name))
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written: {error.strerror}", "choose another folder") from None
    screen.note(f"next: nnlab train {target / 'ann.yaml'}")


def shipped_configs() -> Path:
    """The folder of configs inside the installed package, or beside it in a clone."""
    package = Path(__file__).parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
