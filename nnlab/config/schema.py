"""Schema: the JSON Schema of a config, with which an editor completes keys and marks mistakes."""

from typing import Any

from nnlab.config.frame import Strict, TopLevel
from nnlab.config.resolve import Catalogue


def json_schema(registry: Catalogue) -> dict[str, Any]:
    """One schema for all configs: the frame, and for each model and dataset its own keys."""
    frame = TopLevel.model_json_schema()
    definitions = frame.pop("$defs", {})
    models = [_named(registry, "models", name, definitions) for name in registry.names("models")]
    datasets = [_named(registry, "datasets", name, definitions) for name in registry.names("datasets")]
    definitions["model"] = {"oneOf": models}
    definitions["dataset"] = {"oneOf": datasets}
    fallback = {"description": "The dataset to use when this one cannot be had."}
    names = {"enum": registry.names("datasets")}
    for option in datasets:
        option["properties"]["fallback"] = fallback | {"oneOf": [names, {"type": "object", "required": ["name"]}]}
    for section in ("model", "dataset"):
        frame["properties"][section] = {"$ref": f"#/$defs/{section}"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **frame,
        "title": "nnlab config",
        "$defs": definitions,
        # A config that extends another may leave out what the other gives.
        "required": [],
        "anyOf": [{"required": ["extends"]}, {"required": ["model", "dataset"]}],
    }


def _named(registry: Catalogue, kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    file = registry.file(kind, name)
    schema: type[Strict] = file.params
    own = schema.model_json_schema()
    definitions.update(own.pop("$defs", {}))
    return {
        "title": name,
        "description": file.about,
        "type": "object",
        "properties": {"name": {"const": name}, **own.get("properties", {})},
        "required": ["name", *own.get("required", [])],
        "additionalProperties": False,
    }
