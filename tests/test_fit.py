"""The loop: which batches it hands out, when it evaluates, and that pauses change nothing."""

from collections.abc import Iterator

import numpy as np
import pytest

from nnlab import fit as fitting
from nnlab.dataset import Classification
from nnlab.errors import TrainingError
from nnlab.fit import Plan, batch_order, fit
from nnlab.model import Model, Optimizer
from nnlab.standing import Standing
from tests.model_fixtures import LR, build, data

ROWS = 40


def records(plan: Plan, model: Model | None = None) -> Iterator[Standing]:
    """The records of training a small model on small data."""
    model = model or build("logreg-np", "classification", 4)
    split = data("classification", 4, rows=ROWS)
    placed = model.put(split)
    return fit(model, placed, ROWS, (placed, split, Classification()), plan)


def test_an_epoch_visits_every_row_once_in_an_order_of_its_own() -> None:
    first, second = (batch_order(103, 10, 7, epoch) for epoch in (0, 1))
    assert [len(batch) for batch in first] == [10] * 10 + [3]
    assert sorted(np.concatenate(first)) == list(range(103))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    assert not np.array_equal(np.concatenate(first), np.concatenate(batch_order(103, 10, 8, 0)))
    assert np.array_equal(np.concatenate(first), np.concatenate(batch_order(103, 10, 7, 0)))


def test_a_full_batch_is_every_row_in_its_order() -> None:
    (batch,) = batch_order(5, None, 0, 3)
    assert batch.tolist() == [0, 1, 2, 3, 4]


def test_it_evaluates_at_every_multiple_and_at_the_end() -> None:
    found = [record for record in records(Plan(25, 8, 10, 0, LR)) if record.metrics]
    assert [record.step for record in found] == [10, 20, 25]
    assert [record.epoch for record in found] == [2, 4, 5]
    assert all(set(record.metrics or {}) == {"loss", "accuracy"} for record in found)


def test_the_train_loss_is_the_mean_of_the_steps_since_the_last_row() -> None:
    found = list(records(Plan(25, 8, 10, 0, LR)))
    losses = found[-1].losses
    assert len(losses) == 25
    means = [record.train_loss for record in found if record.train_loss is not None]
    np.testing.assert_allclose(means, [losses[:10].mean(), losses[10:20].mean(), losses[20:].mean()], rtol=1e-15)


@pytest.mark.parametrize("name", ["mlp-np", "ann-torch"])
def test_how_often_it_pauses_changes_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for seconds in (0.0, 100.0):
        monkeypatch.setattr(fitting, "CHUNK_SECONDS", seconds)
        model = build(name, "classification", 4, hidden=[6])
        found = list(records(Plan(50, 8, 20, 3, LR), model))
        losses = found[-1].losses
        rows = [(record.step, record.train_loss, record.metrics) for record in found if record.metrics]
        results.append((losses, rows, model.weights(), len(found)))
    (losses, rows, weights, many), (other_losses, other_rows, other_weights, few) = results
    assert many == 50 > few
    assert np.array_equal(losses, other_losses)
    assert rows == other_rows
    assert all(np.array_equal(weights[key], other_weights[key]) for key in weights)


def test_a_loss_that_is_no_number_stops_it_after_the_record_that_shows_it() -> None:
    model = build("mlp-np", "classification", 4, hidden=[6])
    training = records(Plan(500, 8, 1, 0, 1e38), model)
    seen: list[Standing] = []

    def watch() -> None:
        for record in training:
            seen.append(record)  # noqa: PERF402 - what came before the error counts

    with pytest.raises(TrainingError, match=r"the loss became (nan|inf) (at|after) step \d+") as caught:
        watch()
    *good, bad = seen
    assert str(bad.step) in str(caught.value)
    assert bad.metrics is None
    assert all(np.isfinite(record.losses).all() and record.metrics for record in good)


@pytest.mark.parametrize("name", ["mlp-np", "ann-torch"])
@pytest.mark.parametrize("stop", [1, 7, 13, 20])
def test_it_goes_on_from_any_step_to_the_same_bits(name: str, stop: int) -> None:
    plan = Plan(33, 8, 10, 3, 0.01, pause_every=stop)
    straight = build(name, "classification", 4, hidden=[6], optimizer=Optimizer("adam"))
    whole = list(records(plan, straight))
    first = build(name, "classification", 4, hidden=[6], optimizer=Optimizer("adam"))
    before = []
    for record in records(plan, first):
        before.append(record)
        if record.step == stop:
            break
    losses = before[-1].losses.copy()
    second = build(name, "classification", 4, hidden=[6], optimizer=Optimizer("adam"), seed=8)
    second.load_weights(first.weights())
    second.load_optimizer_state(first.optimizer_state())
    split = data("classification", 4, rows=ROWS)
    placed = second.put(split)
    start = Standing(stop, stop / 5, stop - stop % 10, losses)
    rest = list(fit(second, placed, ROWS, (placed, split, Classification()), plan, start))
    assert np.array_equal(rest[-1].losses, whole[-1].losses)
    assert [record.epoch for record in rest][-1] == whole[-1].epoch
    rows = [[(r.step, r.train_loss, r.metrics) for r in run if r.metrics] for run in (before + rest, whole)]
    assert rows[0] == rows[1]
    assert all(np.array_equal(weight, second.weights()[key]) for key, weight in straight.weights().items())


def test_a_net_broken_by_the_very_last_update_is_found_too() -> None:
    model = build("logreg-np", "classification", 4, optimizer=Optimizer(weight_decay=1e3))
    with pytest.raises(TrainingError, match="after step 1"):
        list(records(Plan(1, 8, 1, 0, 1e38), model))


def test_time_is_split_into_training_and_evaluation() -> None:
    *_, last = records(Plan(20, 8, 5, 0, LR))
    assert last.seconds.train > 0
    assert last.seconds.eval > 0
    assert last.seconds.working == last.seconds.train + last.seconds.eval


def test_it_ends_at_the_evaluation_at_which_the_plan_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ends(self: Plan, at: Standing) -> str:
        asked.append(at.step)
        assert at.metrics
        return "enough" if at.step >= 20 else ""

    monkeypatch.setattr(Plan, "ends", ends)
    *_, last = found = list(records(Plan(45, 8, 10, 0, LR)))
    assert asked == [10, 20]
    assert (last.step, last.ended, len(last.losses)) == (20, "enough", 20)
    assert not any(at.ended for at in found[:-1])
    assert [at.ended for at in records(Plan(20, 8, 10, 0, LR))][-1] == ""  # that is its plan's own end
