"""Significance: tests and intervals are those of scipy and statsmodels, and what is not comparable is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import optimize, stats

from nnlab.comparison import crossed, differences, means, proportions
from nnlab.comparison.interval import Estimate
from nnlab.comparison.several import sides
from nnlab.comparison.significance import Contrast, Verdict, judge
from nnlab.comparison.significance import as_json as verdict_as_json
from nnlab.dataset import Array
from nnlab.dataset.task import log_softmax
from nnlab.errors import RunError
from nnlab.rundir import RunDir
from tests.conftest import Cli, needs_mirror
from tests.run_fixtures import ROWS, bad, forge_three, good, predicted, scored


def judged(*named: list[RunDir]) -> Verdict:
    return judge(*sides(named))


def contrast(verdict: Verdict, metric: str, over: str) -> Contrast:
    (found,) = [each for each in verdict.contrasts if (each.metric, each.over) == (metric, over)]
    return found


def parts(run: RunDir) -> tuple[Array, Array]:
    """Whether each example is right, and its loss."""
    arrays = run.predictions.read()
    losses = -log_softmax(arrays["scores"])[np.arange(ROWS), arrays["targets"]]
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


def one(estimate: Estimate) -> tuple[float, float, float]:
    """Of a single sample: the ends of its interval, and p."""
    return float(estimate.low[0]), float(estimate.high[0]), float(estimate.p[0])


def test_students_t_is_that_of_scipy():
    sample = np.random.default_rng(0).standard_normal((1, 40)) + 0.3
    low, high, p = one(means.student(sample))
    theirs = stats.ttest_1samp(sample[0], 0)
    assert p == pytest.approx(theirs.pvalue)
    assert (low, high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


@pytest.mark.parametrize("n", [6, 7, 10, 12])
def test_sign_flips_are_the_permutation_test_of_scipy_and_their_interval_is_all_that_it_does_not_reject(n: int):
    sample = np.random.default_rng(n).standard_normal(n) + 0.7

    def p_of(shift: float) -> float:
        given = (sample - shift,)
        return stats.permutation_test(given, np.mean, permutation_type="samples", n_resamples=np.inf).pvalue

    low, high, p = one(means.sign_flips(sample[None]))
    assert p == pytest.approx(p_of(0))
    inside, outside = 1e-6, -1e-6
    assert min(p_of(low + inside), p_of(high - inside)) >= 0.05
    assert max(p_of(low + outside), p_of(high - outside)) < 0.05


def test_the_bootstrap_t_is_what_a_plain_loop_comes_to():
    sample = np.random.default_rng(0).lognormal(size=15) - 1
    counts = np.concatenate(list(means._resamples(15)))
    ts = []
    for row in counts:
        again = np.repeat(sample, row.astype(int))
        ts.append((again.mean() - sample.mean()) / (again.std(ddof=0) / np.sqrt(14)))
    ts.sort()
    error = sample.std(ddof=1) / np.sqrt(15)
    low, high, p = one(means.bootstrap_t(sample[None]))
    assert counts.shape == (means.RESAMPLES, 15)
    assert (counts.sum(axis=1) == 15).all()
    assert low == pytest.approx(sample.mean() - ts[-124] * error)
    assert high == pytest.approx(sample.mean() - ts[123] * error)
    t = sample.mean() / error
    assert p == pytest.approx(2 * (1 + min(np.sum(ts >= t), np.sum(ts <= t))) / 5000)


@pytest.mark.parametrize(("won", "lost", "n"), [(7, 2, 30), (0, 3, 20), (1, 0, 60), (25, 11, 200), (5, 5, 10)])
def test_at_the_ends_of_tangos_interval_the_score_is_that_of_a_twentieth(won: int, lost: int, n: int):
    def score(difference: float) -> float:
        """With the share of the examples that B loses fitted by scipy."""

        def unlikely(share: float) -> float:
            shares = np.array([share + difference, share, 1 - 2 * share - difference])
            counts = np.array([won, lost, n - won - lost])
            return -float(np.sum(counts * np.log(np.maximum(shares, 1e-300))))

        least, most = max(0.0, -difference), (1 - difference) / 2
        share = optimize.minimize_scalar(unlikely, bounds=(least, most), method="bounded", options={"xatol": 1e-12}).x
        return (won - lost - n * difference) / np.sqrt(n * (2 * share + difference - difference**2))

    low, high = (proportions._end(np.array([won]), np.array([lost]), n, end)[0] for end in (1.96, -1.96))
    assert score(low) == pytest.approx(1.96, abs=1e-3)
    assert score(high) == pytest.approx(-1.96, abs=1e-3)


def test_an_interval_leaves_out_0_exactly_where_p_is_below_a_twentieth():
    rng = np.random.default_rng(0)
    for n in (2, 5, 6, 9, 30):
        won, lost = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
        possible = won + lost <= n
        found = [proportions.of_proportions(won[possible], lost[possible], n)]
        found.append(means.of_means(rng.standard_normal((300, n)) + rng.standard_normal((300, 1))))
        found.append(means.of_means(rng.integers(-1, 3, (300, n)) / 3, 1 / 3))
        for k in (2, 3):
            a, b = rng.standard_normal((2, 200, k, n))
            found.append(differences.over_seeds("loss", a, b + 1, paired=True)[0])
            found.append(differences.over_seeds("accuracy", (a > 0) * 1.0, (b > -1) * 1.0, paired=False)[0])
        for each in found:
            assert ((each.p < 0.05) == ((each.low > 0) | (each.high < 0))).all()
            assert (each.low <= each.difference).all()
            assert (each.difference <= each.high).all()
            assert (each.p > 0).all()


def test_the_variances_over_seeds_and_examples_are_those_of_an_analysis_of_variance():
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    k, n = 4, 12
    rng = np.random.default_rng(1)
    d = rng.standard_normal((k, n)) + rng.standard_normal((k, 1)) + 2 * rng.standard_normal((1, n)) + 1
    seed, example = np.indices((k, n))
    frame = pd.DataFrame({"d": d.ravel(), "seed": seed.ravel(), "example": example.ravel()})
    table = anova_lm(ols("d ~ C(seed) + C(example)", frame).fit())
    seeds, examples, rest = table["mean_sq"] / (k * n)
    t_seeds, t_examples = stats.t.isf(0.025, [k - 1, n - 1])
    reach = np.sqrt(max(t_seeds**2 * seeds + t_examples**2 * max(examples - rest, 0), t_examples**2 * examples))
    low, high, _ = one(crossed.of_seeds([d[None]]))
    assert (low, high) == pytest.approx((d.mean() - reach, d.mean() + reach))


def test_too_few_examples_tell_nothing(tmp_path: Path):
    for n in (1, 2, 3, 5, 6):
        targets = np.zeros(n, np.int64)
        scores = [np.tile(row, (n, 1)) for row in ([0.0, 3.0, 0.0], [3.0, 0.0, 0.0])]
        a, b = (
            predicted(forge_three(tmp_path, f"{name}{n}", lr=ord(name), rows=n), each, targets)
            for name, each in zip("ab", scores, strict=True)
        )
        verdict = judged([a], [b])
        assert all(each.p > 0 for each in verdict.contrasts)
        assert (verdict.better == "B") == (n == 6)
        assert ("too few examples to tell" in verdict.sentence) == (n < 6)
        loss = contrast(verdict, "loss", "test examples")
        assert not loss.clear or n == 6
        json.dumps(verdict_as_json(verdict), allow_nan=False)


def test_a_loss_decides_nothing_below_thirty_examples(tmp_path: Path):
    for n in (29, 30):
        targets = np.random.default_rng(0).standard_normal((n, 1)).astype(np.float32)
        noise = np.random.default_rng(1).standard_normal((n, 1))
        a, b = (
            predicted(
                forge_three(tmp_path, f"{off}-{n}", task="regression", lr=off, rows=n), targets + off * noise, targets
            )
            for off in (5, 0.1)
        )
        verdict = judged([a], [b])
        assert verdict.contrasts[0].clear
        assert verdict.better == (None if n < 30 else "B")


def test_equal_predictions_leave_it_open_by_how_much_the_accuracies_differ(tmp_path: Path):
    runs = [[scored(tmp_path, f"{name}{seed}", 0.8, seed=seed, lr=ord(name)) for seed in range(3)] for name in "ab"]
    for verdict in (judged(runs[0][:1], runs[1][:1]), judged(*runs)):
        first = verdict.contrasts[0]
        assert first.difference == 0
        assert first.p == 1
        assert first.low < -0.002
        assert first.high > 0.002


@pytest.mark.parametrize("k", [2, 3])
def test_equal_steps_of_an_accuracy_over_seeds_are_no_proof(tmp_path: Path, k: int):
    """Each of B's runs has one example more of ten right, so that nothing varies over the seeds."""
    targets = np.zeros(10, np.int64)
    runs: list[list[RunDir]] = [[], []]
    for side, wrong in enumerate((3, 2)):
        for seed in range(k):
            scores = np.tile([3.0, 0.0, 0.0], (10, 1))
            scores[:wrong] = [0.0, 3.0, 0.0]
            run = forge_three(tmp_path, f"{side}-{seed}", seed=seed, lr=side, rows=10)
            runs[side].append(predicted(run, scores, targets))
    first = judged(*runs).contrasts[0]
    assert first.over == "seeds"
    assert first.difference == pytest.approx(0.1)
    assert first.p > 0.1
    assert judged(*runs).better is None


def test_over_seeds_the_interval_is_never_narrower_than_over_the_examples(tmp_path: Path):
    a = [scored(tmp_path, f"a{seed}", 0.8, seed=seed) for seed in range(3)]
    b = [scored(tmp_path, f"b{seed}", 0.84, seed=seed, lr=0.5) for seed in range(3)]
    verdict = judged(a, b)
    for metric in ("accuracy", "loss"):
        seeds, examples = contrast(verdict, metric, "seeds"), contrast(verdict, metric, "test examples")
        assert seeds.low <= examples.low
        assert examples.high <= seeds.high
        assert examples.p <= seeds.p
    assert [each.over for each in verdict.contrasts[-3:]] == [f"test examples, seed {seed}" for seed in range(3)]


def test_seeds_that_are_not_the_same_are_compared_unpaired(tmp_path: Path):
    a = [scored(tmp_path, f"a{seed}", 0.8, seed=seed) for seed in range(3)]
    b = [scored(tmp_path, f"b{seed}", 0.95, seed=seed, lr=0.5) for seed in range(5, 9)]
    verdict = judged(a, b)
    found = contrast(verdict, "accuracy", "seeds")
    x, y = (np.stack([parts(run)[0] for run in side])[None] * 1.0 for side in (a, b))
    assert (found.low, found.high, found.p) == pytest.approx(
        one(differences.over_seeds("accuracy", x, y, paired=False)[0])
    )
    assert found.n == 3
    assert "unpaired" in found.method
    assert verdict.better == "B"


def test_losses_that_are_not_finite_or_have_no_squares_are_judged_without_a_word_of_numpy():
    plain = np.random.default_rng(0).standard_normal((1, 3, 40))
    for spoilt in (np.inf, np.nan):
        a = plain.copy()
        a[0, 0, 0] = spoilt
        for found in (differences.over_seeds("loss", a, plain, paired=True), differences.over_examples("loss", a, a)):
            assert one(found[0]) == (-np.inf, np.inf, 1.0)
    usual = one(differences.over_seeds("loss", plain, plain[:, :, ::-1], paired=True)[0])
    for scale in (1e-200, 1e200):
        found = differences.over_seeds("loss", scale * plain, scale * plain[:, :, ::-1], paired=True)[0]
        assert one(found)[2] == pytest.approx(usual[2])
        assert one(found)[0] == pytest.approx(scale * usual[0])


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
            forge_three(tmp_path, name, task="regression", lr=off),
            targets + off * rng.standard_normal((50, 2)),
            targets,
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
            judged([a], [forge_three(tmp_path, name, **keys)])
    other = scored(tmp_path, "fewer", 0.8)
    summary = other.summary().to_json()
    summary["dataset"]["test"] = 10
    other.json.write(summary)
    with pytest.raises(RunError, match="other test split: 400 test examples and 10 test examples"):
        judged([a], [other])
    with pytest.raises(RunError, match="no predictions of a test split"):
        judged([a], [forge_three(tmp_path, "none")])
    turned = scored(tmp_path, "turned", 0.8)
    arrays = turned.predictions.read()
    turned.predictions.write({"scores": arrays["scores"], "targets": arrays["targets"][::-1]})
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
    a, b = scored(tmp_path, "a", 0.8), forge_three(tmp_path, "b")
    b.predictions.write(dict(**arrays))
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
    assert last.endswith(": B is better, at n = 3 seeds")
    assert "crossed, paired" in found.stdout
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
    tmp_path: Path, no_pictures: None, no_large_baselines: None
):
    from nnlab import experiment
    from tests.conftest import ROOT

    def train(config: str, *overrides: str) -> RunDir:
        resolved = experiment.resolve(ROOT / "configs" / config, ["train.epochs=1", "threads=1", *overrides])
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
    a, b = scored(tmp_path, "a", 0.8), forge_three(tmp_path, "b")
    b.predictions.write({"scores": np.zeros((10**6, 3), np.float32), "targets": np.zeros(10**6, np.int64)})
    with pytest.raises(RunError, match="it holds more than fits here"):
        judged([a], [b])
