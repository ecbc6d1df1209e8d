"""The keys that stacks of fully connected layers share, and the shapes they come to."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core.core_schema import ValidationInfo

from nnlab.config import Strict

Width = Annotated[int, Field(ge=1, le=100_000)]


class Stack(Strict):
    """Hidden layers and their activations; a subclass says which activations it knows."""

    hidden: list[Width] = Field([150, 150, 150], max_length=100)
    """Width of each hidden layer; an empty list leaves a linear model."""
    activations: Any = "relu"
    """One name for all hidden layers, or a list with one for each."""

    @field_validator("activations", check_fields=False)
    @classmethod
    def _one_for_each(cls, value: str | list[str], info: ValidationInfo) -> str | list[str]:
        hidden = info.data.get("hidden", value)
        if isinstance(value, list) and len(value) != len(hidden):
            raise ValueError(f"it needs one for each of the {len(hidden)} hidden layers, or one name for all")
        return value

    def activation_names(self) -> list[str]:
        """The activation of each hidden layer."""
        return [self.activations] * len(self.hidden) if isinstance(self.activations, str) else list(self.activations)

    def widths(self, features: int, outputs: int) -> list[tuple[int, int]]:
        """(in, out) of each linear layer."""
        sizes = [features, *self.hidden, outputs]
        return list(pairwise(sizes))
