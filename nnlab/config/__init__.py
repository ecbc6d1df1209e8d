"""Config: a YAML file and overrides in, a checked and complete description of one run out."""

from nnlab.config.frame import Config, Frame, Named, Train
from nnlab.config.resolve import Resolved, resolve, resolve_named
from nnlab.config.schema import json_schema
from nnlab.config.strict import Strict

__all__ = ["Config", "Frame", "Named", "Resolved", "Strict", "Train", "json_schema", "resolve", "resolve_named"]
