"""Config: a YAML file and overrides in, a checked and complete description of one run out."""

from nnlab.config.frame import Config, Named, Strict
from nnlab.config.resolve import Resolved

__all__ = ["Config", "Named", "Resolved", "Strict"]
