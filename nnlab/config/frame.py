"""The frame of a config: the keys every run has. Those of a model or dataset are its own file's ``Params``."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from nnlab.config import yaml

OptimizerName = Literal["sgd", "adam", "adamw"]
DEFAULT_LR = {"sgd": 0.01, "adam": 0.001, "adamw": 0.001}
DEFAULT_WEIGHT_DECAY = {"sgd": 0.0, "adam": 0.0, "adamw": 0.01}
DEVICES = ("cpu", "cuda")
"""What PyTorch can be asked to compute on; of all but the cpu there may be several, by number."""
_DEVICE = "|".join(["auto", DEVICES[0], *(rf"{kind}|{kind}:[0-9]{{1,3}}" for kind in DEVICES[1:])])
ONLY_SGD = ("momentum", "nesterov")
ONLY_ADAM = ("betas", "eps")


class Strict(BaseModel):
    """A set of keys, the base of every schema: unknown keys, wrong types and numbers that are not finite are refused.

    Field descriptions are what ``nnlab schema`` and editors show.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Train(Strict):
    """How long and how a model is trained."""

    epochs: int | None = Field(None, ge=1, le=1_000_000)
    """Passes over the training split. Give this or ``steps``."""
    steps: int | None = Field(None, ge=1, le=1_000_000_000)
    """Updates of the weights. Give this or ``epochs``."""
    batch_size: int | Literal["full"] = 32
    """Examples an update sees, or ``full`` for all of them, unshuffled."""
    optimizer: OptimizerName = "sgd"
    """The update rule, as in torch.optim."""
    lr: float | None = Field(None, gt=0, le=1e6)
    """Learning rate; default 0.01 for sgd, 0.001 for adam and adamw."""
    momentum: float | None = Field(None, ge=0, lt=1)
    """Momentum of sgd; default 0."""
    nesterov: bool | None = None
    """Nesterov's momentum for sgd; default false."""
    weight_decay: float | None = Field(None, ge=0, le=1e3)
    """L2 penalty (sgd, adam) or decoupled decay (adamw); default 0, for adamw 0.01."""
    betas: list[float] | None = Field(None, min_length=2, max_length=2)
    """Decay rates of adam's and adamw's two averages; default [0.9, 0.999]."""
    eps: float | None = Field(None, gt=0, le=1)
    """Added to adam's and adamw's denominator; default 1e-8."""
    eval_every: int | None = Field(None, ge=1)
    """Steps between evaluations of the val split, else of test; default: each epoch."""
    checkpoint_every: int | None = Field(None, ge=1)
    """Steps between checkpoints; default: about every 30 s of training."""

    @field_validator("batch_size")
    @classmethod
    def _positive(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("should be at least 1, or full")
        return value

    @field_validator("betas")
    @classmethod
    def _below_one(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and not all(0 <= beta < 1 for beta in value):
            raise ValueError("each should be at least 0 and below 1")
        return value

    def problem(self) -> tuple[str, str, str] | None:
        """The first key that does not go with the others, what is wrong with it and what would work."""
        if self.epochs is not None and self.steps is not None:
            return (
                "steps",
                f"epochs ({self.epochs}) and steps ({self.steps}) are both given",
                "keep exactly one of them",
            )
        if self.epochs is None and self.steps is None:
            return "", "neither epochs nor steps is given", "add epochs: 10, or steps: 1000"
        foreign = ONLY_ADAM if self.optimizer == "sgd" else ONLY_SGD
        for key in foreign:
            if getattr(self, key):
                owner = "adam and adamw" if foreign is ONLY_ADAM else "sgd"
                return key, f"{key} belongs to {owner}, and the optimizer is {self.optimizer}", f"remove {key}"
        if self.nesterov and not self.momentum:
            return "nesterov", "nesterov needs momentum above 0", "add momentum: 0.9"
        return None

    def completed(self) -> "Train":
        """The same with the defaults that depend on the optimizer filled in."""
        sgd = self.optimizer == "sgd"
        filled: dict[str, Any] = {
            "lr": DEFAULT_LR[self.optimizer] if self.lr is None else self.lr,
            "weight_decay": DEFAULT_WEIGHT_DECAY[self.optimizer] if self.weight_decay is None else self.weight_decay,
            "momentum": (self.momentum or 0.0) if sgd else None,
            "nesterov": bool(self.nesterov) if sgd else None,
            "betas": None if sgd else self.betas or [0.9, 0.999],
            "eps": None if sgd else self.eps or 1e-8,
        }
        return self.model_copy(update=filled)


class TopLevel(Strict):
    """The top level of a config, before the model's and the dataset's own keys are read."""

    extends: str | None = None
    """Another config, relative to this one, whose keys hold unless this one gives them."""
    model: dict[str, Any]
    """The model's name and its own keys."""
    dataset: dict[str, Any]
    """The dataset's name and its own keys."""
    train: Train = Train()
    """How long and how it is trained."""
    seed: int = Field(0, ge=0, lt=2**63)
    """All randomness is derived from this: initial weights, the val split, batch order, dropout."""
    device: str = Field("auto", pattern=f"^({_DEVICE})$")
    """Where a PyTorch model runs: auto, cpu, cuda or cuda:N. NumPy and scikit-learn run on the cpu."""
    threads: int | Literal["auto"] = "auto"
    """CPU threads; auto chooses from the shapes. The last bits of the results depend on it."""
    precision: Literal["float32", "bf16"] = "float32"
    """bf16 rounds a PyTorch model's matrix products, factors and results, to 8 significant bits; weights stay float32.
    Faster where the processor has instructions for it."""

    @field_validator("threads")
    @classmethod
    def _sensible(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= 1024:
            raise ValueError("should be from 1 to 1024, or auto")
        return value


@dataclass(frozen=True)
class Named:
    """A model or dataset by name, with its own checked keys."""

    name: str
    params: Any
    """The ``Params`` of the file that has this name."""

    def has(self, key: str) -> bool:
        """Whether this is a key of its own."""
        return key in type(self.params).model_fields

    def get(self, key: str) -> Any:
        """The value of a key of its own; None where it has no such key."""
        return getattr(self.params, key) if self.has(key) else None

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, **self.params.model_dump(exclude_none=True)}


@dataclass(frozen=True)
class Config:
    """A checked description of one run, every default filled in."""

    model: Named
    dataset: Named
    train: Train
    seed: int
    device: str
    threads: int | Literal["auto"]
    precision: Literal["float32", "bf16"] = "float32"
    fallback: Named | None = None
    """The dataset to use when ``dataset`` cannot be had."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data in the order of the contract."""
        dataset = self.dataset.to_dict()
        if self.fallback:
            dataset["fallback"] = self.fallback.to_dict()
        return {
            "model": self.model.to_dict(),
            "dataset": dataset,
            "train": self.train.model_dump(exclude_none=True),
            "seed": self.seed,
            "device": self.device,
            "threads": self.threads,
            "precision": self.precision,
        }

    def to_yaml(self) -> str:
        """YAML text that resolves to this config again."""
        return yaml.dump(self.to_dict())
