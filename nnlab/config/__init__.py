"""Config: a YAML file and overrides in, a checked and complete description of one run out."""

from nnlab.config.strict import Strict

__all__ = ["Strict"]
