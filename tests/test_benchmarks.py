"""The benchmarks: verdicts that can fail, contestants in turn, baselines that compute the same, and the README."""

import numpy as np
import pytest

from benchmarks import article, peers, report
from benchmarks.rows import Goal, Row
from benchmarks.timing import alternate, each, timing
from benchmarks.works import WORKS
from nnlab.dataset import Split
from tests.conftest import ROOT
from tests.model_fixtures import build, data, numbered


def row(**medians: float) -> Row:
    return Row("work", {name: timing([seconds]) for name, seconds in medians.items()})


def test_a_goal_is_met_missed_or_not_measured() -> None:
    found = row(nnlab=2.0, article=11.0, floor=1.0)
    found.missing = {"keras": "not installed"}
    found.faster("times as fast as the article", "article", 6)
    found.faster("times as fast as the article", "article", 5.5)
    found.within("times the floor", "floor", 1.9)
    found.within("times the floor", "floor", 2.0)
    found.faster("times as fast as Keras", "keras", 3)
    assert [goal.met for goal in found.goals] == [False, True, False, True, None]
    assert [report.verdict(goal).rpartition(" ")[2] for goal in found.goals[:4]] == ["MISSED", "met", "MISSED", "met"]
    assert report.verdict(found.goals[4]) == (
        "times as fast as Keras: not measured (keras: not installed); goal: at least 3"
    )


def test_contestants_take_turns_and_the_first_round_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.timing.REST", 0)
    turns: list[str] = []
    works = {name: (lambda name=name: turns.append(name)) for name in "ab"}
    found = alternate({**works, "c": each(works["a"], 2)}, 2)
    assert turns == ["a", "b", "a", "a"] * 3
    assert [one.rounds for one in found.values()] == [2, 2, 2]
    assert timing([3.0, 1.0, 2.0]).to_dict() == {"median": 2.0, "low": 1.0, "high": 3.0, "rounds": 3}


def test_a_peer_that_is_not_installed_or_breaks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(case: object) -> None:
        raise RuntimeError("no such option")

    monkeypatch.setattr(peers, "PEERS", {"one": ("no-such-package", broken), "two": ("numpy", broken)})
    works, missing = peers.ready(None, ["one", "two"])
    assert not works
    assert missing["one"].startswith("no-such-package is not installed")
    assert missing["two"].endswith("failed: RuntimeError: no such option")


def test_the_article_by_hand_computes_what_logreg_np_does() -> None:
    split = data("classification", 2)
    model = build("logreg-np", "classification", 2)
    model.train(model.put(split), numbered([np.arange(len(split))] * 30, 0.01))
    weight, _ = article.logistic_regression(split, split, 30, 0.01)
    np.testing.assert_allclose(model.weights()["weight"][0], weight[:, 0], atol=1e-6)


def test_the_article_with_a_dataloader_takes_the_steps_of_logreg_torch() -> None:
    import torch

    rng = np.random.default_rng(0)
    inputs = (rng.integers(0, 256, (40, 784)) / 255).astype(np.float32)
    split = Split(inputs, rng.integers(0, 10, 40))
    model = build("logreg-torch", "classification", 10, shape=(28, 28))
    net = torch.nn.Linear(784, 10)
    net.load_state_dict({name: torch.from_numpy(weight) for name, weight in model.weights().items()})
    batches = list(rng.permutation(40).reshape(4, 10))
    article.train_epoch(net, article.pictures_of(split), batches, 0.1)
    model.train(model.put(split), numbered(batches, 0.1))
    np.testing.assert_allclose(model.weights()["weight"], net.weight.detach().numpy(), atol=1e-6)
    accuracy = (model.predict(model.put(split)).argmax(axis=1) == split.targets).mean()
    assert article.evaluate(net, article.pictures_of(split)) == pytest.approx(accuracy)


def test_the_readme_shows_the_kept_results() -> None:
    kept = report.kept(list(WORKS))
    assert set(kept) == set(WORKS)
    assert report.table(list(kept.values())) in (ROOT / "README.md").read_text()


def test_every_goal_says_what_it_is() -> None:
    goal = Goal("commands", 0.0, 0, at_least=False, unit="")
    assert goal.met
    assert report.verdict(goal) == "commands: 0 (goal: at most 0) - met"
