"""Gradcheck: a net's own gradients against central differences and against PyTorch's autograd, in float64."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from nnlab import budget, discover
from nnlab.config import Config, Resolved
from nnlab.dataset import Array, Classification, Dataset, Progress, Split, quiet
from nnlab.dataset.task import cross_entropy
from nnlab.errors import CheckError, ConfigError, NnlabError
from nnlab.experiment.making import build_model, model_for, parameters
from nnlab.experiment.ready import checked
from nnlab.finding import Finding, Outcome, subjects, worst
from nnlab.fit import batch_order
from nnlab.inspection.bench import twin
from nnlab.inspection.causes import Gradient, cause_of_one, causes_of_many
from nnlab.inspection.large import Measured, apart, enlarged, not_finite
from nnlab.inspection.shapes import check_shapes
from nnlab.inspection.slopes import slopes
from nnlab.model import Differentiable, Model, Net
from nnlab.randomness import Purpose, generator

ROWS = 7
"""Examples in the batch: few, and a number that hardly any other size is, so that a missing 1/m can be told."""
TOLERANCE = 1e-6
SAMPLE = 40
"""Elements of each parameter whose slope is measured."""


@dataclass(frozen=True)
class GradientCheck:
    """What was checked, and what came of it."""

    model: str
    dataset: str
    rows: int
    tolerance: float
    loss: float
    whole: Finding
    """About all gradients of the model."""
    parameters: tuple[Finding, ...]
    """About the gradient by each parameter: see ``check_gradients``."""
    large: str
    """What is wrong where scores are about 1,000; empty where nothing is."""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def gradcheck(
    resolved: Resolved, rows: int = ROWS, tolerance: float = TOLERANCE, progress: Progress = quiet
) -> GradientCheck:
    """Check the gradients of a config's model on ``rows`` of its training examples, near its initial weights.

    Everything is computed in float64 on the CPU, and nothing is written. Raises ConfigError for a model that has no
    gradients, CheckError for a net that cannot be checked at all, and what ``train`` raises for a config or its data.
    """
    try:
        config, dataset, warning = checked(resolved.config, progress)
        config = replace(config, device="cpu", precision="float32")
        model = model_for(config, dataset)
        if not isinstance(model, Differentiable):
            message = f"model.name: {config.model.name} has no gradients to check: its solver does it all in one call"
            raise ConfigError(message, "check a model that trains step by step: see `nnlab models`")
        budget.check_exact(parameters(model), config.model.name)
    except NnlabError as error:
        raise resolved.located(error) from None
    with ThreadpoolController().limit(limits=1):
        net, reference, note = _nets(model, config, dataset)
        rng = generator(config.seed, Purpose.CHECK)
        _move(net, reference, rng)
        batch = _batch(dataset, rows, config.seed)
        if discover.registry().listed("models", config.model.name).source != "nnlab":
            check_shapes(net, batch, dataset.task)
        loss, found = check_gradients(net, batch, reference, tolerance, rng)
        wrong = _check_large(net, batch, reference, tolerance) if dataset.classes else ""
    outcome = "wrong" if wrong else worst(found)
    warnings = (*resolved.warnings, *([warning] if warning else []))
    notes = (note,) if note else ()
    verdict = "; ".join(filter(None, (_verdict(config.model.name, found), wrong)))
    whole = Finding(config.model.name, outcome, verdict)
    return GradientCheck(
        config.model.name, dataset.name, len(batch), tolerance, loss, whole, found, wrong, notes, warnings
    )


def check_gradients(
    net: Net, batch: Split, reference: Net | None, tolerance: float, rng: np.random.Generator
) -> tuple[float, tuple[Finding, ...]]:
    """The loss of a batch, and what was found of the net's gradient by each of its weights, in their order.

    The values of each are the ``shape``; how many elements' slope was ``measured``, and how many were left out because
    the loss has a kink there (``kinks``); the relative errors against the measured slopes (``differences``) and, over
    all elements, against ``autograd``: None where there is nothing to hold the gradient against.

    Weights and batch are float64. ``reference`` has the same weights, and its gradients are taken for right;
    ``rng`` chooses the elements of large parameters whose slope is measured. Raises CheckError where there is no
    telling, because the net gives another loss each time or changes its weights.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        loss, grads = _steady(net, batch)
        theirs = reference.loss_and_grads(batch.inputs, batch.targets) if reference else None
        magnitude = float(np.abs(net.forward(batch.inputs)).max())
        evidence, kinks = [], []
        for name, weight in net.weights.items():
            given = grads.get(name)
            places = _places(weight, given, rng)
            measured, rounding = slopes(_loss_of(net, batch), weight, places, magnitude)
            smooth = ~np.isnan(measured)
            kinks.append(int((~smooth).sum()))
            slope = (places[smooth], measured[smooth], rounding[smooth])
            exact = theirs[1][name] if theirs else None
            of_batch = (len(batch), batch.targets.size, tolerance)
            evidence.append(Gradient(name, weight.shape, given, *slope, exact, *of_batch))
        outcomes = [_outcome(e) for e in evidence]
        causes = _causes(evidence, outcomes, (loss, theirs[0]) if theirs else None, net, reference, batch)
    return loss, tuple(
        Finding(e.name, outcome, cause, values=_values(e, skipped))
        for e, skipped, outcome, cause in zip(evidence, kinks, outcomes, causes, strict=True)
    )


def _values(e: Gradient, kinks: int) -> dict[str, Any]:
    return {
        "shape": e.shape,
        "measured": len(e.places),
        "kinks": kinks,
        "differences": e.off(e.given),
        "autograd": e.off_autograd(e.given),
    }


def _check_large(net: Net, batch: Split, reference: Net | None, tolerance: float) -> str:
    """What is wrong with a classifier's loss or gradients at scores of about 1,000 and -1,000; empty for nothing.

    They are held against the ``reference``, or the loss alone against the cross-entropy of the net's scores, where it
    is that at other times. The weights are as they were in the end.
    """
    before = {name: weight.copy() for name, weight in net.weights.items()}

    def outcome(of: Net, weights: Mapping[str, Array]) -> Measured:
        _put(of, weights)
        return of.loss_and_grads(batch.inputs, batch.targets)

    def scores(weights: Mapping[str, Array]) -> Array:
        _put(net, weights)
        return net.forward(batch.inputs)

    def right(weights: Mapping[str, Array], found: Array) -> Measured:
        if reference is not None:
            return outcome(reference, weights)
        return cross_entropy(Classification().complete(found), batch.targets), {}

    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        usual = apart(outcome(net, before), right(before, scores(before)), tolerance, scores(before))
        wrong = ""
        for weights, found in enlarged(before, before, scores):
            ours = outcome(net, weights)
            wrong = not_finite("it", ours, found)
            if not wrong and not usual:
                wrong = apart(ours, right(weights, found), tolerance, found)
            if wrong:
                break
        for each in (net, reference):
            if each is not None:
                _put(each, before)
    return wrong


def _put(net: Net, weights: Mapping[str, Array]) -> None:
    for name, weight in net.weights.items():
        weight[...] = weights[name]


def _nets(model: Model, config: Config, dataset: Dataset) -> tuple[Net, Net | None, str]:
    """The model's net in float64, another that should have the same gradients, if any, and what to say of it."""
    backend, task = discover.model(config.model.name).backend, dataset.task
    net = backend.by_hand(model, task) if backend.by_hand else None
    if backend.autograd:
        autograd = backend.autograd(model, task)
        if net is None:
            return autograd, None, "autograd takes this model's gradients itself: only differences can check it"
        return net, autograd, "checked is the backward pass that it trains by"
    if net is None:
        message = f"model.name: {backend.name}, which computes {config.model.name}, shows no gradients to check"
        raise ConfigError(message, "check a model of another backend: see `nnlab models`")
    named = twin(config.model, dataset)
    if named is None:
        note = f"{config.model.name} names no twin in PyTorch, so only differences can check it"
        return net, None, note
    differentiate = discover.model(named.name).backend.autograd
    if differentiate is None:
        return net, None, f"{named.name} is no model in PyTorch, so only differences can check it"
    scores = net.forward(dataset.train.inputs[:1].astype(np.float64)).shape[1]
    other = build_model(
        replace(config, model=named), dataset.shape, task.of(task.classes[:scores], scores), len(dataset.train)
    )
    reference = differentiate(other, task)
    ours, theirs = ({name: weight.shape for name, weight in each.weights.items()} for each in (net, reference))
    if ours != theirs:
        note = f"{named.name} has other parameters ({_shapes(theirs)}), so only differences can check it"
        return net, None, note
    return net, reference, f"autograd's are those of {named.name}, its twin, with the same weights"


def _shapes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())


def _move(net: Net, reference: Net | None, rng: np.random.Generator) -> None:
    """Both nets' weights a little off their initial values, among which zeros and equal ones would hide mistakes."""
    for name, weight in net.weights.items():
        fan_in = math.prod(weight.shape[1:])
        weight += rng.standard_normal(weight.shape) * 0.1 / math.sqrt(max(fan_in, 1))
        if reference is not None:
            reference.weights[name][...] = weight


def _batch(dataset: Dataset, rows: int, seed: int) -> Split:
    """The first batch of so many training examples, in float64."""
    batch = dataset.train.take(batch_order(len(dataset.train), rows, seed, 0)[0])
    targets, scaling = batch.targets, dataset.transform.target
    if targets.ndim == 2:
        targets = (scaling.shrunk(targets) if scaling else targets).astype(np.float64)
    return Split(batch.inputs.astype(np.float64), targets)


def _steady(net: Net, batch: Split) -> tuple[float, dict[str, Array]]:
    """The loss and copies of the gradients, which come the same a second time."""
    before = {name: weight.copy() for name, weight in net.weights.items()}
    loss, grads = net.loss_and_grads(batch.inputs, batch.targets)
    copies = {name: np.array(grad) for name, grad in grads.items()}
    changed = [name for name, weight in net.weights.items() if not np.array_equal(weight, before[name])]
    if changed:
        raise CheckError(f"loss_and_grads changes {', '.join(changed)}", "leave the weights to the update rule")
    again, _ = net.loss_and_grads(batch.inputs, batch.targets)
    if again != loss:
        raise CheckError(
            f"loss_and_grads gives the loss {loss:.6g} for a batch, and then {again:.6g} for the same one",
            "take out what is random, or what it remembers from call to call, and check it without",
        )
    return float(loss), copies


def _loss_of(net: Net, batch: Split) -> Callable[[], float]:
    """The loss of a batch as a function of the weights as they are; without the gradients where a net can do that."""
    from nnlab.backends.torch import ExactNet

    if isinstance(net, ExactNet):
        return lambda: net.loss(batch.inputs, batch.targets)
    return lambda: net.loss_and_grads(batch.inputs, batch.targets)[0]


def _places(weight: Array, given: Array | None, rng: np.random.Generator) -> Array:
    """Flat positions of all elements, or of a sample: half of it where the gradient is not 0, half anywhere."""
    order = rng.permutation(weight.size)
    if weight.size <= SAMPLE:
        return np.sort(order)
    if given is not None and given.shape == weight.shape:
        live = order[given.reshape(-1)[order] != 0][: SAMPLE // 2]
        order = np.concatenate([live, order[~np.isin(order, live)]])
    return np.sort(order[:SAMPLE])


def _outcome(e: Gradient) -> Outcome:
    """Whether a gradient is right; not checked where it has to be 0 everywhere or nothing is to be held against it."""
    if e.given is None or e.given.shape != e.shape or e.given.dtype != np.float64:
        return "wrong"
    found = [off for off in (e.off(e.given), e.off_autograd(e.given)) if off is not None]
    if any(off > e.tolerance for off in found):
        return "wrong"
    return "ok" if found and (e.given.any() or e.truth[1].any()) else "not checked"


def _causes(
    evidence: list[Gradient],
    outcomes: list[Outcome],
    losses: tuple[float, float] | None,
    net: Net,
    reference: Net | None,
    batch: Split,
) -> list[str]:
    """For each parameter what is wrong with its gradient, or why nothing can be told; empty where all is well."""
    from nnlab.backends.torch import ExactNet

    causes = [""] * len(evidence)
    for number, e in enumerate(evidence):
        if outcomes[number] == "not checked":
            zero = "the gradient is 0 here, whatever the code: try another seed or more rows"
            causes[number] = zero if len(e.places) else "the loss has a kink at every element that was tried"
        elif outcomes[number] == "wrong":
            causes[number] = cause_of_one(e, losses)
    unexplained = [number for number, cause in enumerate(causes) if outcomes[number] == "wrong" and not cause]
    passages = reference.passages(batch.inputs, batch.targets) if isinstance(reference, ExactNet) else []
    found = causes_of_many(evidence, unexplained, passages, net.weights)
    for number in unexplained:
        causes[number] = found.get(number) or _worst(evidence[number])
    return causes


def _worst(e: Gradient) -> str:
    """Where a gradient is furthest off."""
    places, truth = e.truth
    assert e.given is not None  # noqa: S101 - that would have been a cause
    given = e.given.reshape(-1)[places]
    worst = int(np.abs(given - truth).argmax())
    place = ", ".join(str(int(at)) for at in np.unravel_index(int(places[worst]), e.shape))
    return f"[{place}] is {given[worst]:.6g} and should be {truth[worst]:.6g}"


def _verdict(model: str, found: tuple[Finding, ...]) -> str:
    wrong = [row for row in found if row.outcome == "wrong"]
    if wrong:
        which = f"{len(wrong)} of {model}'s {len(found)} gradients {'is' if len(wrong) == 1 else 'are'} wrong"
        if len(wrong) == len(found) and len({row.detail for row in wrong}) == 1:
            return f"{which}: {wrong[0].detail}"
        # Mistakes travel back through the layers, so the last one is the nearest to where they begin.
        return f"{which}; {'nearest to the loss, ' if len(wrong) > 1 else ''}{wrong[-1].subject}: {wrong[-1].detail}"
    if silent := subjects(found, "not checked"):
        return f"none of {model}'s gradients is wrong, and nothing can be told of {', '.join(silent)}"
    errors = {
        "central differences": [row.values["differences"] for row in found],
        "autograd": [row.values["autograd"] for row in found],
    }
    measured = {way: [error for error in of if error is not None] for way, of in errors.items()}
    shown = " and ".join(f"with {way} to {max(off):.0e}" for way, off in measured.items() if off)
    return f"{model}'s gradients agree {shown}"
