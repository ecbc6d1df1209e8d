"""Parity: two models from the same weights on the same batches, held against each other step by step."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from nnlab.config import Config, Resolved
from nnlab.dataset import Array, Dataset, Progress, quiet
from nnlab.dataset.split import digest
from nnlab.errors import ConfigError, NnlabError, TrainingError
from nnlab.experiment.distance import array_difference, difference
from nnlab.experiment.loading import load_dataset
from nnlab.experiment.making import batch_rows, model_for, optimizer
from nnlab.experiment.resolving import check, check_task
from nnlab.finding import Finding
from nnlab.fit import Plan, batch_order, each_step
from nnlab.inspection.large import Measured, apart, enlarged, not_finite
from nnlab.model import Differentiable, Step
from nnlab.randomness import Purpose, generator

STEPS = 50
TOLERANCE = 1e-5
"""Float32 rounds to 6e-8, and sums over a batch and fifty steps add up to a hundred times that."""
LARGE_TOLERANCE = 1e-2
"""A score of 1,000 is rounded by up to 1e-3 in float32, and with it the logarithm of a probability."""
NUDGES = 8
NUDGE = 3e-7
"""How often, and at least how far relative to the largest of its parameter, every weight is moved to see what rounding
may do to a gradient."""


@dataclass(frozen=True)
class Parity:
    """Two models side by side."""

    models: tuple[str, str]
    """Each with the device that it ran on."""
    dataset: str
    batch: int
    tolerance: float
    steps: tuple[Finding, ...]
    """About each, with the values ``step``; the ``losses`` of both and their difference, ``loss``, relative to the
    larger one; and what is furthest apart among the ``gradient`` before the update and the ``weights`` after it, each
    by its ``parameter`` and its ``difference``, the largest by the largest number of that parameter.
    """
    agreed: int
    """Steps before they part."""
    largest: float
    """The largest difference in the steps in which they agree."""
    parting: Finding | None
    """Where they are first further apart than the tolerance, with the values ``step``; ``what``: loss, gradient or
    weights; ``parameter``: of several the one nearest to the output, because errors travel back from there, empty for
    the loss; ``difference``; and ``rounding``: whether the first model's own gradient moves as far when rounding moves
    its weights. It is untold then.
    """
    large: str
    """Where they part, or overflow, at scores of about 1,000; empty where they do not, or have parted before."""
    whole: Finding
    """Whether they agree, but for what rounding decides."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    """One of the two: what it is made from, and what is to be warned of."""

    resolved: Resolved
    config: Config
    dataset: Dataset
    warnings: tuple[str, ...]


def parity(
    first: Resolved, second: Resolved, steps: int = STEPS, tolerance: float = TOLERANCE, progress: Progress = quiet
) -> Parity:
    """Train two configs' models for so many steps from the first one's initial weights; nothing is written.

    Raises ConfigError where they would not see the same batches, take the same updates or have the same parameters,
    TrainingError where both diverge, and what ``train`` raises for a config or its data.
    """
    a = _side(first, None, progress)
    b = _side(second, a, progress)
    models = _model(a), _model(b)
    _check_same_steps(a, b)
    _check_same_parameters(a, b, models)
    models[1].load_weights(models[0].weights())
    found, parting = _side_by_side(models, a, steps, tolerance)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        large = _at_large_scores(models, a, b) if parting is None and a.dataset.classes else ""
    agreed = found[: parting.values["step"] - 1] if parting else found
    largest = max(map(_largest, agreed), default=0.0)
    names = a.config.model.name, b.config.model.name
    alike = not large and (parting is None or (parting.outcome == "untold" and bool(agreed)))
    verdict = "; ".join(filter(None, (_verdict(largest, parting), large)))
    return Parity(
        (f"{names[0]} on {models[0].device}", f"{names[1]} on {models[1].device}"),
        a.dataset.name,
        batch_rows(a.config, len(a.dataset.train)),
        tolerance,
        tuple(found),
        len(agreed),
        largest,
        parting,
        large,
        Finding(" and ".join(names), "ok" if alike else "wrong", verdict),
        tuple(dict.fromkeys(a.warnings + b.warnings)),
    )


def _side(resolved: Resolved, other: _Side | None, progress: Progress) -> _Side:
    """A config with its data, which is the ``other`` side's where both ask for the same."""
    try:
        check(resolved.config)
        if other is not None and _data_of(other.resolved.config) == _data_of(resolved.config):
            config, dataset, warning = resolved.config, other.dataset, None
        else:
            config, dataset, warning = load_dataset(resolved.config, progress)
        check_task(config, type(dataset.task))
    except NnlabError as error:
        raise resolved.located(error) from None
    return _Side(resolved, config, dataset, (*resolved.warnings, *([warning] if warning else [])))


def _data_of(config: Config) -> Any:
    return config.dataset, config.fallback, config.seed


def _model(side: _Side) -> Differentiable:
    """Raises ConfigError for a model that takes no steps."""
    try:
        model = model_for(side.config, side.dataset)
        if isinstance(model, Differentiable):
            return model
        message = f"model.name: {side.config.model.name} takes no training steps that could be held against others'"
        raise ConfigError(message, "name a model that trains step by step: see `nnlab models`")
    except NnlabError as error:
        raise side.resolved.located(error) from None


def _check_same_steps(a: _Side, b: _Side) -> None:
    """Raise ConfigError unless both see the same batches and take the same updates."""
    ours, theirs = _steps_of(a), _steps_of(b)
    apart = [key for key in ours if ours[key] != theirs[key]]
    if apart:
        shown = ", ".join(f"{key} is {ours[key]} and {theirs[key]}" for key in apart)
        raise ConfigError(
            f"the two configs do not take the same steps: {shown}",
            f"give both the same, such as {' '.join(f'{key}={ours[key]}' for key in apart)} after the two configs",
        )
    if a.dataset is not b.dataset and _examples(a.dataset) != _examples(b.dataset):
        raise ConfigError(
            f"the two configs do not train on the same examples: {_shown(a.dataset)}, and {_shown(b.dataset)}",
            f"give both the same dataset, such as 'dataset={{name: {a.config.dataset.name}}}' after the two configs",
        )


def _steps_of(side: _Side) -> dict[str, Any]:
    """By dotted keys, what decides which examples a step sees and what it does with their gradient."""
    given = side.config.train.batch_size
    rows = given if given == "full" else batch_rows(side.config, len(side.dataset.train))
    rule = {f"train.{key}": value for key, value in asdict(optimizer(side.config.train)).items()}
    name, lr = rule.pop("train.name"), side.config.train.lr
    return {"seed": side.config.seed, "train.batch_size": rows, "train.optimizer": name, "train.lr": lr, **rule}


def _examples(dataset: Dataset) -> str:
    return digest(dataset.train.inputs, dataset.train.targets)


def _shown(dataset: Dataset) -> str:
    return f"{len(dataset.train):,} of {dataset.name}"


def _check_same_parameters(a: _Side, b: _Side, models: tuple[Differentiable, Differentiable]) -> None:
    """Raise ConfigError unless both have weights of the same names and shapes."""
    ours, theirs = ({name: weight.shape for name, weight in model.weights().items()} for model in models)
    names = a.config.model.name, b.config.model.name
    for name in [*ours, *theirs]:
        if ours.get(name) == theirs.get(name):
            continue
        each = (
            f"{shapes[name]} in {who}" if name in shapes else f"not in {who}"
            for who, shapes in zip(names, (ours, theirs), strict=True)
        )
        hint = "name two configs of the same network"
        if len(a.dataset.classes) == 2:
            hint = "of two classes a NumPy model gives one score and a PyTorch model two; take data with more classes"
        raise ConfigError(f"the two models are not of the same shape: {name} is {' and '.join(each)}", hint)


def _side_by_side(
    models: tuple[Differentiable, Differentiable], side: _Side, steps: int, tolerance: float
) -> tuple[list[Finding], Finding | None]:
    """Each step's differences, and where the first is that is beyond the tolerance.

    Raises TrainingError where both losses stop being numbers before that.
    """
    train, size = side.dataset.train, side.config.train.batch_size
    plan = Plan(steps, None if size == "full" else int(size), steps, side.config.seed, side.config.train.lr or 0.0)
    data = tuple(model.put(train) for model in models)
    found: list[Finding] = []
    parting: Finding | None = None
    for step, taken in enumerate(islice(each_step(len(train), plan), steps), 1):
        before = models[0].weights()
        grads = [model.gradients(placed, taken)[1] for model, placed in zip(models, data, strict=True)]
        losses = [float(model.train(placed, [taken])[0]) for model, placed in zip(models, data, strict=True)]
        weights = [model.weights() for model in models]
        values = {"step": step, "losses": losses, "loss": difference(*losses)}
        values |= {"gradient": _most(*grads), "weights": _most(*weights)}
        if parting is None and not any(map(math.isfinite, losses)):
            raise TrainingError(f"the loss became {losses[0]} at step {step} in both", "lower train.lr")
        if parting is None:
            parting = _parting(values, grads, weights, tolerance)
            if parting and parting.values["what"] == "gradient":
                moved = max(NUDGE, found[-1].values["weights"]["difference"] if found else 0.0)
                furthest = _nudged(models[0], data[0], taken, before, parting.values["parameter"], moved)
                models[0].load_weights(weights[0])
                if furthest >= parting.values["difference"] / 2:
                    parting = replace(parting, outcome="untold", values={**parting.values, "rounding": True})
        found.append(Finding(f"step {step}", parting.outcome if parting else "ok", values=values))
        if not all(map(math.isfinite, losses)):
            break
    return found, parting


def _at_large_scores(models: tuple[Differentiable, Differentiable], a: _Side, b: _Side) -> str:
    """Where the models part, or one of them overflows, at scores of about 1,000 and -1,000; empty for nowhere.

    They are left with other weights. Rounded to bfloat16, they are only to stay finite.
    """
    train, rows = a.dataset.train, batch_rows(a.config, len(a.dataset.train))
    batch = train.take(batch_order(len(train), rows, a.config.seed, 0)[0])
    everything = Step(np.arange(len(batch)), 0, 0.0)
    placed = [model.put(batch) for model in models]
    exact = a.config.precision == b.config.precision == "float32"

    def scores(weights: Mapping[str, Array]) -> Array:
        models[0].load_weights(weights)
        return models[0].predict(placed[0])

    weights = models[0].weights()
    for tried, found in enlarged(weights, models[0].gradients(placed[0], everything)[1], scores):
        outcomes: list[Measured] = []
        for side, model, data in zip((a, b), models, placed, strict=True):
            model.load_weights(tried)
            outcomes.append(model.gradients(data, everything))
            if wrong := not_finite(side.config.model.name, outcomes[-1], model.predict(data)):
                return wrong
        if exact and (wrong := apart(outcomes[0], outcomes[1], LARGE_TOLERANCE, found)):
            return wrong
    return ""


def _most(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> dict[str, Any]:
    """Where two sets of arrays are furthest apart."""
    apart = {name: array_difference(ours[name], theirs.get(name)) for name in ours}
    parameter = max(apart, key=lambda name: apart[name])
    return {"parameter": parameter, "difference": apart[parameter]}


def _largest(step: Finding) -> float:
    found = step.values
    return float(max(found["loss"], found["gradient"]["difference"], found["weights"]["difference"]))


def _parting(
    apart: Mapping[str, Any], grads: list[dict[str, Array]], weights: list[dict[str, Array]], tolerance: float
) -> Finding | None:
    """What is beyond the tolerance in a step, in the order in which a step computes it."""

    def beyond(what: str, parameter: str, by: float) -> Finding:
        values = {"step": apart["step"], "what": what, "parameter": parameter, "difference": by, "rounding": False}
        return Finding(f"{parameter} ({what})" if parameter else "the loss", "wrong", values=values)

    if apart["loss"] > tolerance:
        return beyond("loss", "", apart["loss"])
    for what, (ours, theirs) in (("gradient", grads), ("weights", weights)):
        for name in reversed([name for name in weights[0] if name in ours]):  # in the order of the layers
            if (off := array_difference(ours[name], theirs.get(name))) > tolerance:
                return beyond(what, name, off)
    return None


def _nudged(
    model: Differentiable, data: Any, step: Step, weights: Mapping[str, Array], parameter: str, size: float
) -> float:
    """How far a model's own gradient by one parameter moves at most when all its weights move by ``size``.

    Where a unit is within rounding of a kink, such as relu's at 0, that is far. The model is left with other weights.
    """
    model.load_weights(weights)
    own = model.gradients(data, step)[1][parameter]
    rng = generator(0, Purpose.CHECK)
    furthest = 0.0
    for _ in range(NUDGES):
        moved = {
            name: (weight + size * np.abs(weight).max() * rng.uniform(-1, 1, weight.shape)).astype(weight.dtype)
            for name, weight in weights.items()
        }
        model.load_weights(moved)
        furthest = max(furthest, array_difference(own, model.gradients(data, step)[1][parameter]))
    return furthest


def _verdict(largest: float, parting: Finding | None) -> str:
    if parting is None:
        return f"the implementations agree to {f'{largest:.0e}' if largest else 'the last bit'}"
    step, where = parting.values["step"], f"in {parting.subject}"
    if parting.outcome != "untold":
        return f"part at step {step} {where}, by {parting.values['difference']:.0e}"
    if step == 1:
        return f"nothing can be told: rounding decides at step 1 on which side of a kink a unit is, {where}"
    agreed = f"the implementations agree to {largest:.0e} up to step {step - 1}"
    return f"{agreed}; then rounding decides on which side of a kink a unit is, {where}"
