"""Significance: the p-values are scipy's and statsmodels', and what is not comparable is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from nnlab import comparison, metrics
from nnlab.dataset import Array
from nnlab.errors import RunError
from nnlab.rundir import RunDir
from tests.conftest import Cli, needs_mirror
from tests.test_cli import bad, good
from tests.test_comparison import forge as forge_run

ROWS = 400


def forge(folder: Path, name: str, **keys: object) -> RunDir:
    """A forged run with this many test examples of three classes."""
    run = forge_run(folder, name, **keys)
    summary = run.summary()
    summary["dataset"] |= {"test": ROWS, "outputs": 3}
    run.write_json("run.json", summary)
    return run


def scored(folder: Path, name: str, right: float, *, seed: int = 0, noise: int = 0, **keys: object) -> RunDir:
    """A forged run whose predictions are right on about this share of the test examples."""
    targets = np.random.default_rng(99).integers(0, 3, ROWS)
    rng = np.random.default_rng([seed, noise, int(1000 * right)])
    scores = rng.standard_normal((ROWS, 3))
    scores[np.arange(ROWS), targets] += np.where(rng.random(ROWS) < right, 4, -4)
    return predicted(forge(folder, name, seed=seed, **keys), scores, targets)


def predicted(run: RunDir, scores: Array, targets: Array) -> RunDir:
    """The run with these predictions, and with the metrics that they come to."""
    scores = scores.astype(np.float32)
    run.write_arrays("predictions.npz", scores=scores, targets=targets)
    summary = run.summary()
    summary["metrics"]["test"] = metrics.measure(summary["task"], scores, targets)
    run.write_json("run.json", summary)
    return run


def judged(*named: list[RunDir]) -> comparison.Verdict:
    return comparison.judge(*comparison.sides(named))


def contrast(verdict: comparison.Verdict, metric: str, over: str) -> comparison.Contrast:
    (found,) = [each for each in verdict.contrasts if (each.metric, each.over) == (metric, over)]
    return found


def parts(run: RunDir) -> tuple[Array, Array]:
    """Whether each example is right, and its loss."""
    arrays = run.arrays()
    losses = -metrics.log_softmax(arrays["scores"])[np.arange(ROWS), arrays["targets"]]
    return arrays["scores"].argmax(axis=1) == arrays["targets"], losses


def test_mcnemar_is_that_of_statsmodels(tmp_path: Path):
    from statsmodels.stats.contingency_tables import mcnemar

    for number, (left, right) in enumerate([(0.8, 0.85), (0.8, 0.8), (0.5, 0.95)]):
        a = scored(tmp_path, f"{number}a", left)
        b = scored(tmp_path, f"{number}b", right, noise=1)
        verdict = judged([a], [b])
        found = contrast(verdict, "accuracy", "test examples")
        x, y = parts(a)[0], parts(b)[0]
        table = [[np.sum(x & y), np.sum(x & ~y)], [np.sum(~x & y), np.sum(~x & ~y)]]
        assert found.p == pytest.approx(mcnemar(table, exact=True).pvalue, rel=1e-12)
        assert found.difference == pytest.approx(y.mean() - x.mean())
        assert found.low <= found.difference <= found.high
        assert (found.low <= 0 <= found.high) == (found.p >= 0.05)
        assert found.n == ROWS


def test_the_bootstrap_and_the_t_test_are_those_of_scipy(tmp_path: Path):
    a = [scored(tmp_path, f"a{seed}", 0.8, seed=seed) for seed in range(4)]
    b = [scored(tmp_path, f"b{seed}", 0.84, seed=seed, lr=0.5) for seed in range(4)]
    verdict = judged(a, b)
    means = [[parts(run)[0].mean() for run in side] for side in (a, b)]
    found, theirs = contrast(verdict, "accuracy", "seeds"), stats.ttest_rel(means[1], means[0])
    assert verdict.contrasts[0] is found
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    losses = [np.mean([parts(run)[1] for run in side], axis=0) for side in (a, b)]
    found = contrast(verdict, "loss", "test examples")
    theirs = stats.bootstrap(
        (losses[1] - losses[0],),
        np.mean,
        n_resamples=9999,
        method="percentile",
        rng=np.random.default_rng(0),
        batch=2500,
    )
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval))
    assert len([each for each in verdict.contrasts if each.method == "McNemar, exact"]) == 4


def test_seeds_that_are_not_the_same_are_compared_unpaired(tmp_path: Path):
    a = [scored(tmp_path, f"a{seed}", 0.8, seed=seed) for seed in range(3)]
    b = [scored(tmp_path, f"b{seed}", 0.84, seed=seed, lr=0.5) for seed in range(5, 9)]
    found = contrast(judged(a, b), "accuracy", "seeds")
    x, y = ([parts(run)[0].mean() for run in side] for side in (a, b))
    assert found.p == pytest.approx(stats.ttest_ind(y, x, equal_var=False).pvalue)
    assert found.method == "Welch's t"


def test_the_sentence_says_which_is_better_and_by_how_much_or_that_it_cannot_be_told(tmp_path: Path):
    a, b = (scored(tmp_path, name, 0.8, noise=ord(name), lr=ord(name)) for name in "ab")
    c = scored(tmp_path, "c", 0.97, lr=0.5)
    assert judged([a], [b]).better is None
    assert judged([a], [b]).sentence.endswith(f": not distinguishable at n = {ROWS} test examples")
    better = judged([a], [c])
    assert better.better == "B"
    assert better.sentence.startswith("B - A = +")
    assert " points, 95 % CI [" in better.sentence
    assert better.sentence.endswith(f": B is better, at n = {ROWS} test examples")
    assert judged([c], [a]).better == "A"
    assert judged([a], [a]).contrasts[0].p == 1.0
    remarks = " ".join(better.remarks)
    assert "one run is one seed" in remarks
    assert "no val split" in remarks


def test_what_differs_only_in_its_seed_is_never_called_better(tmp_path: Path):
    a, b = scored(tmp_path, "a", 0.5, seed=0), scored(tmp_path, "b", 0.9, seed=1)
    verdict = judged([a], [b])
    assert verdict.contrasts[0].clear
    assert verdict.better is None
    assert "they differ only in their seed, and are not distinguishable" in verdict.sentence


def test_a_regression_is_judged_by_its_loss(tmp_path: Path):
    rng = np.random.default_rng(0)
    targets = rng.standard_normal((50, 2)).astype(np.float32)
    runs = [
        predicted(
            forge(tmp_path, name, task="regression", lr=off), targets + off * rng.standard_normal((50, 2)), targets
        )
        for name, off in (("a", 0.5), ("b", 0.1))
    ]
    verdict = judged([runs[0]], [runs[1]])
    assert verdict.better == "B"
    assert [each.metric for each in verdict.contrasts] == ["loss"]


def test_what_is_not_comparable_is_refused_with_the_reason(tmp_path: Path):
    a = scored(tmp_path, "a", 0.8)
    for name, keys, reason in (
        ("data", {"sha256": "b" * 64}, "other data: the SHA-256 of digits differs"),
        ("name", {"data": "mnist"}, "other data: digits and mnist"),
        ("task", {"task": "regression"}, "other task: classification and regression"),
    ):
        with pytest.raises(RunError, match=f"not comparable: {reason}"):
            judged([a], [forge(tmp_path, name, **keys)])
    other = scored(tmp_path, "fewer", 0.8)
    summary = other.summary()
    summary["dataset"]["test"] = 10
    other.write_json("run.json", summary)
    with pytest.raises(RunError, match="other test split: 400 test examples and 10 test examples"):
        judged([a], [other])
    with pytest.raises(RunError, match="no predictions of a test split"):
        judged([a], [forge(tmp_path, "none")])
    turned = scored(tmp_path, "turned", 0.8)
    arrays = turned.arrays()
    turned.write_arrays("predictions.npz", scores=arrays["scores"], targets=arrays["targets"][::-1])
    with pytest.raises(RunError, match="other test split: their targets differ"):
        judged([a], [turned])


@pytest.mark.parametrize(
    "arrays",
    [
        {"scores": np.zeros((5, 3), np.float32)},
        {"scores": np.zeros((5, 3), np.float32), "targets": np.arange(5)},
        {"scores": np.zeros((5, 3), np.float32), "targets": np.zeros(4, np.int64)},
        {"scores": np.zeros((0, 3), np.float32), "targets": np.zeros(0, np.int64)},
        {"scores": np.zeros(5, np.float32), "targets": np.zeros(5, np.int64)},
        {"scores": np.zeros((5, 3), "U1"), "targets": np.zeros(5, np.int64)},
    ],
)
def test_forged_predictions_are_refused(tmp_path: Path, arrays: dict[str, Array]):
    a, b = scored(tmp_path, "a", 0.8), forge(tmp_path, "b")
    b.write_arrays("predictions.npz", **arrays)
    with pytest.raises(RunError, match="do not belong together"):
        judged([a], [b])


def test_the_command_says_it_and_refuses_what_it_cannot_judge(cli: Cli, tmp_path: Path):
    runs = tmp_path / "runs"
    for seed in range(3):
        scored(runs, f"20260101-000000-x-digits-seed{seed}", 0.8, seed=seed)
        scored(runs, f"20260102-000000-x-digits-seed{seed}", 0.97, seed=seed, lr=0.5)
    found = good(cli("compare", "0101", "0102", "--test"))
    last = found.stdout.splitlines()[-1]
    assert last.startswith("B - A = +")
    assert last.endswith(": B is better, at n = 3")
    assert "paired t" in found.stdout
    assert "no val split" in found.stderr
    same = good(cli("compare", *sorted(path.name for path in runs.iterdir()), "--test"))
    assert same.stdout.splitlines()[-1] == last
    one = good(cli("compare", "0101-000000-x-digits-seed0", "0101-000000-x-digits-seed1", "--test", "--json"))
    document = json.loads(one.stdout)
    assert document["better"] is None
    assert document["only_seed_differs"]
    assert document["verdict"].endswith(f"not distinguishable at n = {ROWS} test examples")
    assert {"metric", "over", "n", "difference", "low", "high", "p", "method"} <= set(document["tests"][0])
    bad(cli("compare", "--test"), 2, "--test compares two runs")
    bad(cli("compare", "0101", "--test"), 2, "these come to 1")
    bad(cli("compare", "0101", "0102", "--test", "--each"), 2, "--test says one thing")
    bad(cli("compare", "0101", "0102", "--test", "--format", "csv"), 2, "--test has no format csv")


@needs_mirror
def test_on_mnist_the_network_beats_logistic_regression_and_two_seeds_of_it_cannot_be_told_apart(
    tmp_path: Path, no_pictures: None
):
    from nnlab import experiment
    from tests.conftest import ROOT

    def train(config: str, *overrides: str) -> RunDir:
        resolved = experiment.resolve(ROOT / "configs" / config, ["train.epochs=1", *overrides])
        *_, last = experiment.train(resolved, tmp_path)
        return last.run

    line, net = train("logreg.yaml"), train("mlp-np.yaml", "train.lr=0.2")
    verdict = judged([line], [net])
    assert verdict.better == "B"
    assert verdict.contrasts[0].difference > 0.02
    assert verdict.contrasts[0].p < 1e-6
    seeds = judged([net], [train("mlp-np.yaml", "train.lr=0.2", "seed=1")])
    assert seeds.better is None
    assert "not distinguishable" in seeds.sentence


def test_predictions_larger_than_the_run_says_are_not_unpacked(tmp_path: Path):
    a, b = scored(tmp_path, "a", 0.8), forge(tmp_path, "b")
    b.write_arrays("predictions.npz", scores=np.zeros((10**6, 3), np.float32), targets=np.zeros(10**6, np.int64))
    with pytest.raises(RunError, match="it holds more than fits here"):
        judged([a], [b])
