"""What every model must keep to, each a check of one model on small data for one of its tasks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from pydantic import ValidationError

from nnlab import budget
from nnlab.dataset import Array, Split, Task
from nnlab.errors import CheckError, RunError
from nnlab.finding import Finding
from nnlab.inspection.gradcheck import check_gradients
from nnlab.model import Model, Optimizer, Setup, Step
from nnlab.plugin import ModelFile
from nnlab.testing.hold import hold, raise_first, refused, tried

ROWS = 40
OPTIMIZERS = (
    (Optimizer("sgd"), 0.02),
    (Optimizer("sgd", momentum=0.9, nesterov=True, weight_decay=0.01), 0.02),
    (Optimizer("adam", weight_decay=0.01), 0.01),
    (Optimizer("adamw", weight_decay=0.1), 0.01),
)
"""Every update rule, with a learning rate that suits it."""


@dataclass(frozen=True)
class ModelCase:
    """A model, what it is to learn, and the keys and the shape of the inputs that it is built with."""

    file: ModelFile
    task: Task
    params: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (8, 8)

    def build(self, seed: int = 0, optimizer: Optimizer | None = None) -> Model:
        """The model with its initial weights, on the CPU."""
        return self.file.build(self.file.params(**self.params), self.setup(seed, optimizer))

    def setup(self, seed: int = 0, optimizer: Optimizer | None = None) -> Setup:
        """What it is built for."""
        return Setup(self.shape, self.task, optimizer or Optimizer(), seed, "cpu")

    def split(self, rows: int = ROWS, seed: int = 0) -> Split:
        """Examples in [0, 1] whose targets can be learnt from them."""
        return _learnable(self.task, self.shape, rows, seed)

    def trained(self, steps: list[Step]) -> tuple[Model, Any, Array]:
        """A model that has taken these steps, the data it took them on, and their losses."""
        model = self.build()
        placed = model.put(self.split())
        return model, placed, model.train(placed, steps)


def _learnable(task: Task, shape: tuple[int, ...], rows: int, seed: int = 0) -> Split:
    """Examples in [0, 1], (rows, features) float32, whose targets are a linear function of them."""
    inputs = np.random.default_rng(seed).random((rows, int(np.prod(shape)))).astype(np.float32)
    truth = inputs @ np.random.default_rng(99).standard_normal((inputs.shape[1], task.outputs))
    truth = (truth - truth.mean(axis=0)) / truth.std(axis=0)
    return Split(inputs, truth.argmax(axis=1).astype(np.int64) if task.classes else truth.astype(np.float32))


def steps(count: int, lr: float = 0.02, size: int = 10) -> list[Step]:
    """Steps on batches of ``size`` rows, drawn anew for each."""
    rng = np.random.default_rng(1)
    return [Step(rng.permutation(ROWS)[:size], number, lr) for number in range(count)]


def whole(count: int, lr: float = 0.02) -> list[Step]:
    """Steps on all rows."""
    return [Step(np.arange(ROWS), number, lr) for number in range(count)]


def same(ours: Mapping[str, Array], theirs: Mapping[str, Array]) -> bool:
    """Whether two sets of arrays have the same names and bits."""
    return list(ours) == list(theirs) and all(np.array_equal(ours[name], theirs[name]) for name in ours)


def says_what_it_is(case: ModelCase) -> None:
    """The file has a sentence on it, tasks, and a schema that refuses unknown keys."""
    hold(case.file.about, "nothing says what it is: the file needs a docstring")
    hold(case.file.tasks, "it says no task that it can learn")
    with refused(ValidationError, "a key that it does not have"):
        case.file.params.model_validate({"no_such_key": 1})


def has_the_verbs_of_a_model(case: ModelCase) -> None:
    """What ``build`` gives is a Model."""
    hold(isinstance(case.build(), Model), "build gives no Model: see nnlab.model.Model for its verbs")


def weights_are_float32_copies(case: ModelCase) -> None:
    """Whoever changes what ``weights`` gave changes nothing of the model."""
    model = case.build()
    weights = model.weights()
    hold(weights, "it has no weights")
    for name, weight in weights.items():
        hold(weight.dtype == np.float32, f"the weight {name!r} is {weight.dtype}, not float32")
        weight += 1
        hold(not np.array_equal(weight, model.weights()[name]), f"the weight {name!r} is no copy")


def declared_layers_are_those_of_the_weights(case: ModelCase) -> None:
    """Were they others, a net too large for the memory might not be refused."""
    if case.file.layers is None:
        return
    setup = case.setup()
    widths = case.file.layers(case.file.params(**case.params), setup)
    told, weights = budget.told(setup, widths, 1), case.build().weights()
    size = sum(weight.size for weight in weights.values())
    hold(told.parameters == size, f"its layers {[*widths]} have {told.parameters:,} parameters, its weights {size:,}")
    outputs = sum(budget.given(weights, setup.features))
    hold(
        told.predicting == outputs, f"its layers {[*widths]} give {told.predicting:,} numbers, its weights {outputs:,}"
    )


def the_seed_alone_decides_the_initial_weights(case: ModelCase) -> None:
    """No global state of a generator has a say in them."""
    found = []
    state = np.random.get_state()  # noqa: NPY002 - the global state must not matter
    try:
        for other in (3, 4):
            np.random.seed(other)  # noqa: NPY002
            found.append(case.build(seed=5).weights())
    finally:
        np.random.set_state(state)  # noqa: NPY002
    hold(same(*found), "the same seed gave other initial weights: draw them by nnlab.randomness.generator")


def training_lowers_the_loss_and_returns_that_of_every_step(case: ModelCase) -> None:
    """(steps,) float64, all finite; models that one call of a solver trains have the same loss at each."""
    _, _, losses = case.trained(whole(60))
    hold(losses.shape == (60,) and losses.dtype == np.float64, f"the losses are {losses.dtype} {losses.shape}")
    hold(np.isfinite(losses).all(), "a loss is not a finite number")
    if case.file.backend.steppable:
        hold(losses[-1] < losses[0], f"60 steps took the loss from {losses[0]:.4g} to {losses[-1]:.4g}")


def prediction_has_a_score_per_output_and_changes_nothing(case: ModelCase) -> None:
    """Scores (n, outputs), finite, the same each time."""
    model, placed, _ = case.trained(whole(3))
    before, scores = model.weights(), model.predict(placed)
    hold(scores.shape == (ROWS, case.task.outputs), f"the scores are {scores.shape}, not {(ROWS, case.task.outputs)}")
    hold(np.isfinite(scores).all(), "a score is not a finite number")
    hold(np.array_equal(scores, model.predict(placed)), "the same inputs got other scores the second time")
    hold(same(before, model.weights()), "predicting changed the weights")


def loaded_weights_predict_the_same_bits(case: ModelCase) -> None:
    """A model is its weights: another one that has loaded them predicts the same."""
    model, placed, _ = case.trained(whole(3))
    fresh = case.build(seed=9)
    fresh.load_weights(model.weights())
    found = fresh.predict(fresh.put(case.split()))
    hold(np.array_equal(found, model.predict(placed)), "the same weights in another model predict other scores")


def weights_that_do_not_fit_are_refused_and_nothing_changes(case: ModelCase) -> None:
    """By RunError: missing, unknown, of another shape and of another dtype."""
    model = case.build()
    before = model.weights()
    key = next(iter(before))
    wrong = {
        "a weight too few": {other: weight for other, weight in before.items() if other != key},
        "a weight too many": {**before, "another": before[key]},
        "a weight of another shape": {**before, key: before[key][..., :-1]},
        "a weight of another dtype": {**before, key: before[key].astype(np.float64)},
    }
    for what, weights in wrong.items():
        with refused(RunError, what):
            model.load_weights(weights)
    hold(same(before, model.weights()), "weights that were refused changed the model")


def training_does_not_depend_on_how_its_steps_are_handed_over(case: ModelCase) -> None:
    """Eight steps at once are eight steps in three parts, to the bit."""
    taken = steps(8)
    one, _, losses = case.trained(taken)
    parts = case.build()
    placed = parts.put(case.split())
    pieces = [parts.train(placed, taken[:1]), parts.train(placed, taken[1:6]), parts.train(placed, taken[6:])]
    hold(np.array_equal(losses, np.concatenate(pieces)), "steps handed over in parts have other losses")
    hold(same(one.weights(), parts.weights()), "steps handed over in parts lead to other weights")


def weights_and_optimizer_state_are_all_that_going_on_needs(case: ModelCase) -> None:
    """For every update rule: what a resume starts from leads to the bits of a training that never stopped."""
    for optimizer, lr in OPTIMIZERS:
        taken = steps(10, lr)
        straight, first, second = (case.build(optimizer=optimizer) for _ in range(3))
        straight.train(straight.put(case.split()), taken)
        first.train(first.put(case.split()), taken[:5])
        second.load_weights(first.weights())
        second.load_optimizer_state(first.optimizer_state())
        second.train(second.put(case.split()), taken[5:])
        hold(same(straight.weights(), second.weights()), f"with {optimizer.name}, going on led to other weights")


def optimizer_state_of_another_shape_is_refused(case: ModelCase) -> None:
    """By RunError."""
    model = case.build(optimizer=Optimizer("adam"))
    model.train(model.put(case.split()), steps(2))
    state = model.optimizer_state()
    key = next(key for key in state if key != "step")
    with refused(RunError, "an optimizer state of another shape"):
        model.load_optimizer_state({**state, key: np.zeros((3, 1, 2), np.float32)})


def gradients_agree_with_finite_differences(case: ModelCase) -> None:
    """In float64, by every weight, and with autograd where there is one beside gradients by hand."""
    backend, model = case.file.backend, case.build()
    by_hand, autograd = (read(model, case.task) if read else None for read in (backend.by_hand, backend.autograd))
    net = by_hand or autograd
    if net is None:
        raise CheckError(f"{backend.name} shows no gradients to check")
    rng = np.random.default_rng(2)
    for name, weight in net.weights.items():
        weight += 0.1 * rng.standard_normal(weight.shape)  # off their initial values, so that none is special
        if by_hand and autograd:
            autograd.weights[name][...] = weight
    split = case.split(rows=7)
    targets = split.targets.astype(np.float64) if split.targets.dtype.kind == "f" else split.targets
    batch = Split(split.inputs.astype(np.float64), targets)
    _, found = check_gradients(net, batch, autograd if by_hand else None, 1e-6, np.random.default_rng(0))
    wrong = [f"{each.subject}: {each.detail}" for each in found if each.outcome == "wrong"]
    hold(not wrong, f"gradients: {'; '.join(wrong)}")


CHECKS: tuple[Callable[[ModelCase], None], ...] = (
    says_what_it_is,
    has_the_verbs_of_a_model,
    weights_are_float32_copies,
    declared_layers_are_those_of_the_weights,
    the_seed_alone_decides_the_initial_weights,
    training_lowers_the_loss_and_returns_that_of_every_step,
    prediction_has_a_score_per_output_and_changes_nothing,
    loaded_weights_predict_the_same_bits,
    weights_that_do_not_fit_are_refused_and_nothing_changes,
)
"""What every model keeps to."""
STEPPED: tuple[Callable[[ModelCase], None], ...] = (
    gradients_agree_with_finite_differences,
    training_does_not_depend_on_how_its_steps_are_handed_over,
    weights_and_optimizer_state_are_all_that_going_on_needs,
    optimizer_state_of_another_shape_is_refused,
)
"""And what those keep to that train step by step."""


def cases(
    file: ModelFile, params: Mapping[str, Any] | None = None, shape: tuple[int, ...] = (8, 8)
) -> Iterator[ModelCase]:
    """The model on each of its tasks: two and four classes, one and three values."""
    for task in file.tasks:
        for outputs in (2, 4) if task.of("ab", 2).classes else (1, 3):
            yield ModelCase(file, task.of("abcd"[:outputs], outputs), params or {}, shape)


def checks(file: ModelFile) -> tuple[Callable[[ModelCase], None], ...]:
    """Those that hold for a model of this backend."""
    return CHECKS + STEPPED if file.backend.steppable else CHECKS


def held_of_model(
    file: ModelFile, params: Mapping[str, Any] | None = None, shape: tuple[int, ...] = (8, 8)
) -> Iterator[Finding]:
    """What became of each check of a model, one after the other; see ``check_model``."""
    for case in cases(file, params, shape):
        of = f"{case.task.name}, {case.task.outputs}"
        for check in checks(file):
            yield tried(partial(check, case), f"{check.__name__.replace('_', ' ')} ({of})")


def check_model(file: ModelFile, params: Mapping[str, Any] | None = None, shape: tuple[int, ...] = (8, 8)) -> None:
    """Check a model, on small data for every task that it can learn, for all that nnlab counts on.

    ``params`` are keys of its own to build it with, ``shape`` that of one input. Raises CheckError for the first thing
    that does not hold.
    """
    raise_first(held_of_model(file, params, shape))
