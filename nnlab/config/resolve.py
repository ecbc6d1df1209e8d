"""Resolve: merged layers checked against the frame and the schemas of the model and dataset they name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from nnlab.config.frame import Config, Named, Strict, TopLevel, Train
from nnlab.config.layers import Layers, overrides_alone, read_layers
from nnlab.config.yaml import Path as Keys
from nnlab.config.yaml import short
from nnlab.errors import ConfigError, NnlabError, did_you_mean

MAX_PROBLEMS = 10
DEFAULT = "default"
# What the data or the machine shows later is raised as "model.channels: …", without knowing where that key stands.
_BLAMED = re.compile(r"((?:model|dataset|train)(?:\.\w+)+|device|precision): ")
# What people call a key elsewhere, and too unlike ours for a spelling match.
_SYNONYMS = {
    "learning_rate": "lr",
    "iterations": "steps",
    "units": "hidden",
    "layers": "hidden",
    "activation": "activations",
}


class Catalogue(Protocol):
    """Where the models and datasets are listed."""

    def names(self, kind: Any) -> list[str]: ...
    def knows(self, kind: Any, name: object) -> bool: ...
    def file(self, kind: Any, name: str) -> Any: ...


@dataclass(frozen=True)
class Resolved:
    """A config, what its user should be warned of, and for each dotted key where its value comes from."""

    config: Config
    warnings: tuple[str, ...]
    origins: dict[Keys, str]
    given: Mapping[Keys, str] = field(default_factory=dict)
    """Paths as they were written, before they were made absolute."""

    def located(self, error: NnlabError) -> NnlabError:
        """The same error, with the place of the dotted key that its message begins with."""
        blamed = _BLAMED.match(error.message)
        place = self.origins.get(tuple(blamed[1].split(".")), DEFAULT) if blamed else DEFAULT
        if place != DEFAULT:
            error.message = f"{place}: {error.message}"
        return error

    def explained(self) -> str:
        """The config as YAML, each value with where it comes from as a comment."""
        marked: list[tuple[str, str]] = []
        path: list[str] = []
        for line in self.config.to_yaml().splitlines():
            key, _, value = line.partition(":")
            depth = (len(key) - len(key.lstrip())) // 2
            path[depth:] = [key.strip()]
            marked.append((line, self.origins.get(tuple(path), "") if value else ""))
        width = max(len(line) for line, _ in marked)
        return "".join(f"{line:<{width}}  # {place}\n" if place else f"{line}\n" for line, place in marked)


def resolve(config: Path, overrides: list[str], registry: Catalogue) -> Resolved:
    """Read, merge and check a config.

    Raises ConfigError that lists every problem as ``file:line:column: key: what was given``, with what would work.
    """
    return _Resolver(read_layers(config, overrides), registry).resolve()


def resolve_named(kind: Any, name: str, overrides: list[str], registry: Catalogue) -> Named:
    """A model or dataset by name, with its own keys given as ``key=value`` on the command line.

    Raises ConfigError as ``resolve`` does.
    """
    section = kind[:-1]
    layers = overrides_alone([f"{section}.{override.removeprefix(f'{section}.')}" for override in overrides])
    layers.data.setdefault(section, {})["name"] = name
    resolver = _Resolver(layers, registry)
    named = resolver.named(kind, (section,))
    if named is None:
        raise resolver.error()
    return named


class _Resolver:
    def __init__(self, layers: Layers, registry: Catalogue) -> None:
        self.layers = layers
        self.registry = registry
        self.problems: list[tuple[str, str, str]] = []
        """Where each stands, what it is and what would work."""
        self.more = 0
        """Problems that are only counted."""
        self.warnings: list[str] = []

    def resolve(self) -> Resolved:
        frame = self._check(TopLevel, self.layers.data, ())
        model = self.named("models", ("model",))
        dataset = self.named("datasets", ("dataset",), extra=("fallback",))
        fallback = self._fallback()
        train = self._train(model) if frame else None
        if self.problems or not (frame and model and dataset and train):
            raise self.error()
        config = Config(model, dataset, train, frame.seed, frame.device, frame.threads, frame.precision, fallback)
        return Resolved(config, tuple(self.warnings), self._origins(config), self.layers.given)

    def named(self, kind: str, path: Keys, extra: tuple[str, ...] = ()) -> Named | None:
        """The model or dataset at ``path``, its own keys checked by its own file."""
        mapping: Any = self.layers.data
        for step in path:
            mapping = mapping.get(step) if isinstance(mapping, dict) else None
        if not isinstance(mapping, dict):
            return None  # the frame has said so already
        name = mapping.get("name")
        dotted = ".".join(map(str, (*path, "name")))
        if name is None:
            self._problem(path, f"{dotted} is missing", f"{kind}: {', '.join(self.registry.names(kind))}")
            return None
        if not isinstance(name, str) or not self.registry.knows(kind, name):
            names = self.registry.names(kind)
            hint = f"{_did_you_mean(name, names)}{kind}: {', '.join(names)}"
            self._problem((*path, "name"), f"{dotted}: there is no {kind[:-1]} called {short(name)}", hint)
            return None
        schema: type[Strict] = self.registry.file(kind, name).params
        self._drop_inherited(schema, mapping, path, name, extra)
        own = {key: value for key, value in mapping.items() if key not in ("name", *extra)}
        params = self._check(schema, own, path, also=("name", *extra))
        return Named(name, params) if params else None

    def _drop_inherited(
        self, schema: type[Strict], mapping: dict[str, Any], path: Keys, name: str, extra: tuple[str, ...]
    ) -> None:
        """Leave out, with a warning, keys that a lower layer gave to the model or dataset it named itself."""
        rank = self.layers.rank
        dropped: set[Keys] = set()
        for key in [key for key in mapping if key not in schema.model_fields and key not in ("name", *extra)]:
            if rank.get((*path, key), 0) < rank.get((*path, "name"), 0):
                place = self.layers.place((*path, key))
                dotted = ".".join(map(str, (*path, key)))
                self.warnings.append(f"{dotted} ({place}) is not a key of {name} and is left out")
                self.layers.drop((*path, key))
                dropped.add((*path, key))
        self.layers.forget(dropped)

    def _fallback(self) -> Named | None:
        dataset = self.layers.data.get("dataset")
        if not isinstance(dataset, dict) or dataset.get("fallback") is None:
            return None
        fallback = dataset["fallback"]
        path = ("dataset", "fallback")
        if isinstance(fallback, str):
            dataset["fallback"] = {"name": fallback}
            self.layers.values[(*path, "name")] = self.layers.place(path)
        elif not isinstance(fallback, dict) or not fallback:
            self._problem(path, f"dataset.fallback: given {short(fallback)}", "name a dataset, such as digits")
            return None
        return self.named("datasets", path)

    def _train(self, model: Named | None) -> Train | None:
        """The train section, or for a model that trains in one call of its own solver, just that one step."""
        given = self.layers.data.get("train", {})
        if model and not self.registry.file("models", model.name).backend.steppable:
            alone = Train(steps=1, batch_size="full", eval_every=1)
            wanted = alone.model_dump(exclude_none=True)
            unused = [key for key, value in given.items() if wanted.get(key) != value]
            if unused:
                keys = ", ".join(f"train.{key}" for key in unused)
                self.warnings.append(f"{model.name} trains in one call of its own solver: {keys} left out")
            return alone
        train: Train | None = self._check(Train, given, ("train",), report=False)
        if train is None:
            return None
        problem = train.problem()
        if problem:
            key, message, hint = problem
            self._problem(("train", key) if key else ("train",), f"train: {message}", hint)
            return None
        return train.completed()

    def _check(
        self, schema: type[Strict], data: Any, path: Keys, also: tuple[str, ...] = (), report: bool = True
    ) -> Any:
        """``data`` as an instance of ``schema``, or None after noting each problem with its place."""
        try:
            return schema.model_validate(data)
        except ValidationError as error:
            if report:
                for inner, group in _by_place(error, data).items():
                    self._note(schema, path, inner, group, data, also)
            return None

    def _note(
        self, schema: type[Strict], path: Keys, inner: Keys, group: list[Any], data: Any, also: tuple[str, ...]
    ) -> None:
        if len(self.problems) >= MAX_PROBLEMS:  # they are not shown, and finding what was meant takes its time
            self.more += 1
            return
        where = (*path, *inner)
        dotted = ".".join(map(str, where))
        kind = group[0]["type"]
        if kind == "extra_forbidden":
            keys = [*also, *_fields(schema, inner)]
            elsewhere = f"did you mean train.{dotted}? " if dotted in Train.model_fields else ""
            hint = f"{elsewhere or _did_you_mean(inner[-1], keys)}keys here: {', '.join(keys)}"
            self._problem(where, f"{dotted}: there is no such key", hint, key=True)
        elif kind == "missing":
            self._problem(where, f"{dotted} is missing", f"add {inner[-1]}:")
        else:
            wanted = list(dict.fromkeys(_wanted(detail) for detail in group))
            names = [name for detail in group for name in _names(detail)]
            given = group[0]["input"]
            text = f"{dotted}: given {short(given)}" if inner else dotted or "config"
            self._problem(where, text, _did_you_mean(given, names) + " or ".join(wanted))

    def _problem(self, path: Keys, message: str, hint: str, *, key: bool = False) -> None:
        self.problems.append((self.layers.place(path, key=key), message, hint))

    def error(self) -> ConfigError:
        shown = self.problems[:MAX_PROBLEMS]
        if len(self.problems) == 1:
            ((place, message, hint),) = shown
            return ConfigError(f"{place}: {message}", hint)
        lines = [f"{place}: {message} ({hint})" for place, message, hint in shown]
        more = len(self.problems) - len(shown) + self.more
        return ConfigError("\n".join(lines) + (f"\nand {more} more" if more else ""))

    def _origins(self, config: Config) -> dict[Keys, str]:
        """Where each value of the resolved config was said; DEFAULT where nobody did."""
        origins: dict[Keys, str] = {}
        for section, value in config.to_dict().items():
            for path in _walk(value, (section,)):
                origins[path] = self.layers.values.get(path, DEFAULT)
        return origins


def _walk(value: Any, path: Keys) -> list[Keys]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _walk(inner, (*path, key))]
    return [path]


def _by_place(error: ValidationError, data: Any) -> dict[Keys, list[Any]]:
    """Pydantic's details by the path of the value they speak of; it lists each branch of a union by itself.

    Where one branch finds fault with a value and another only with something inside it, the second is meant.
    """
    groups: dict[Keys, list[Any]] = {}
    for detail in error.errors(include_url=False):
        path: Keys = ()
        value = data
        for step in detail["loc"]:
            inside = isinstance(value, dict) and step in value
            inside = inside or (isinstance(value, list) and isinstance(step, int) and step < len(value))
            if inside:
                value = value[step]
            if inside or detail["type"] == "missing":  # other steps are pydantic's names for branches
                path = (*path, step)
        groups.setdefault(path, []).append(detail)
    around = {path[:length] for path in groups for length in range(len(path))}
    return {path: group for path, group in groups.items() if path not in around}


def _fields(schema: type[Strict], inner: Keys) -> list[str]:
    """The keys that the schema around ``inner`` knows."""
    fields = schema.model_fields
    for step in inner[:-1]:
        annotation = fields[str(step)].annotation if str(step) in fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, Strict)):
            return []
        fields = annotation.model_fields
    return list(fields)


_WORDS: dict[str, str] = {
    "int_type": "a whole number such as 10",
    "int_from_float": "a whole number such as 10",
    "float_type": "a number such as 0.1 or 1e-3",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list such as [150, 150]",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
}


def _wanted(detail: Any) -> str:
    """What would have worked, in a few words."""
    kind = detail["type"]
    context = detail.get("ctx", {})
    if kind in ("dict_type", "model_type") and isinstance(detail["input"], str):
        return f"a mapping of keys, such as {{name: {short(detail['input'])[1:-1]}}}"
    if kind in _WORDS:
        return _WORDS[kind]
    names = _names(detail)
    if names:
        return f"one of {', '.join(names)}" if len(names) > 1 else names[0]
    if kind == "too_short":
        return f"a list of at least {context['min_length']}"
    if kind == "too_long":
        return f"a list of at most {context['max_length']}"
    if kind == "string_pattern_mismatch" and "cuda" in context["pattern"]:
        return "auto, cpu, cuda or cuda:N"
    if kind == "value_error":
        return str(context["error"])
    return str(detail["msg"]).removeprefix("Input ").replace("should be", "it should be")


def _names(detail: Any) -> list[str]:
    """The names that would have worked, where pydantic knows them: "'sgd', 'adam' or 'adamw'"."""
    expected = str(detail["ctx"]["expected"]) if detail["type"] == "literal_error" else ""
    return re.findall(r"'([^']+)'", expected)


def _did_you_mean(given: Any, known: list[str]) -> str:
    synonym = _SYNONYMS.get(str(given))
    return f"did you mean {synonym}? " if synonym in known else did_you_mean(given, known)
