"""The base of every schema: unknown keys, wrong types and numbers that are not finite are refused."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A set of keys. Field descriptions are what ``nnlab schema`` and editors show."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
