"""The config, schema and init commands: configs resolved, described and laid out."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from nnlab.cli import options, screen
from nnlab.cli.files import write
from nnlab.errors import ConfigError


def config(config: options.Config, overrides: options.Overrides = None, json: options.Json = False) -> None:
    """Print the resolved config and where each value comes from."""
    from nnlab import experiment

    resolved = experiment.resolve(config, overrides)
    screen.warn(resolved.warnings)
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
        Path, typer.Argument(metavar="[DIR|TABLE]", help="Where to; default here.", show_default=False)
    ] = Path(),
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Of a table: how it is to be read.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Of a table: the column to predict.")] = None,
) -> None:
    """Lay out the shipped configs in DIR/configs, or write a config for a table of your own."""
    if target is not None or keys or folder.is_file():
        _init_table(folder, keys or [], target)
        return
    source, place = _shipped_configs(), folder / "configs"
    taken = [path.name for path in sorted(source.iterdir()) if (place / path.name).exists()]
    if taken:
        raise ConfigError(
            f"{place}: there are files of these names already: {', '.join(taken)}", "choose another folder"
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.iterdir()):
            shutil.copyfile(path, place / path.name)
            screen.line(str(place / path.name))
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written: {error.strerror}", "choose another folder") from None
    screen.note(f"next: nnlab train {place / 'ann.yaml'}")


def _init_table(table: Path, keys: list[str], target: str | None) -> None:
    """Write a config for a table into the working directory, and print its path."""
    from nnlab.config import yaml
    from nnlab.experiment.survey import config_for

    if target is None and not any(key.partition("=")[0] in ("target", "dataset.target") for key in keys):
        raise ConfigError(f"{table}: which column is to be predicted?", "name it: --target COLUMN")
    own = [*keys, *([] if target is None else [f"target={yaml.dump_line(target).strip()}"])]
    config = Path(f"{table.name.partition('.')[0]}.yaml")
    if config.exists():
        raise ConfigError(f"{config}: there is such a file already", "move it away, or write the config by hand")
    text = config_for(table, own, config.parent)
    write(config, f"# nnlab train {config}\n{text}".encode())
    screen.line(str(config))
    screen.note(f"next: nnlab train {config}")


def _shipped_configs() -> Path:
    """The folder of configs inside the installed package, or beside it in a clone."""
    package = Path(__file__).parent.parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
