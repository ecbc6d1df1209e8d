"""Several entries under test: held against the best by val, or in pairs, and corrected for how many tests there are."""

import json
from pathlib import Path

import numpy as np
import pytest

from nnlab import comparison
from nnlab.comparison.several import holm, judge_all, sides
from nnlab.comparison.significance import judge
from nnlab.errors import RunError
from nnlab.rundir import RunDir
from tests.conftest import Cli
from tests.run_fixtures import bad, good, scored


def with_val(run: RunDir, accuracy: float) -> RunDir:
    """The run with a val split and its score there."""
    summary = run.summary().to_json()
    summary["dataset"]["val"] = 10
    summary["metrics"]["val"] = {"loss": 1 - accuracy, "accuracy": accuracy}
    run.json.write(summary)
    return run


def entries(*runs: RunDir) -> list[comparison.Entry]:
    return sides([[run] for run in runs])


def test_holm_is_that_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 20):
        found = rng.random(count) ** 3
        assert holm(list(found)) == pytest.approx(multipletests(found, method="holm")[1])


def test_all_are_held_against_the_best_by_val_and_never_by_test(tmp_path: Path):
    a = with_val(scored(tmp_path, "a", 0.97, lr=1), 0.7)
    b = with_val(scored(tmp_path, "b", 0.80, lr=2), 0.9)
    c = with_val(scored(tmp_path, "c", 0.60, lr=3), 0.8)
    found = judge_all(entries(a, b, c))
    assert found.best is not None
    assert found.best.name == "b"
    assert [(each.a.name, each.b.name, each.better) for each in found.verdicts] == [("b", "a", "B"), ("b", "c", "A")]
    assert found.sentence == "a is better than b; b is better than c"
    assert "all against b, the best by val accuracy; p corrected for 2 tests (Holm)" in found.design
    first = found.verdicts[0]
    assert first.p == pytest.approx(min(1, 2 * min(each.contrasts[0].p for each in found.verdicts)), rel=1)
    assert first.p >= first.contrasts[0].p


def test_without_a_val_split_all_pairs_are_tested(tmp_path: Path):
    runs = [scored(tmp_path, name, 0.8, noise=number, lr=number) for number, name in enumerate("abcd")]
    found = judge_all(entries(*runs))
    assert found.best is None
    assert len(found.verdicts) == 6
    assert "all pairs" in found.design
    assert found.sentence == "6 of 6 pairs are not distinguishable"
    assert [each.p for each in found.verdicts] == holm([each.contrasts[0].p for each in found.verdicts])
    assert sum("no val split" in remark for remark in found.remarks) == 1


def test_what_is_clear_alone_need_not_be_among_several(tmp_path: Path):
    runs = [scored(tmp_path, f"r{n}", right, noise=n, lr=n) for n, right in enumerate((0.8, 0.86, 0.83, 0.82, 0.81))]
    found = judge_all(entries(*runs))
    alone = [judge(each.a, each.b).better for each in found.verdicts]
    together = [each.better for each in found.verdicts]
    assert sum(better is not None for better in together) < sum(better is not None for better in alone)
    (one,) = [each for each, single in zip(found.verdicts, alone, strict=True) if single][:1]
    assert "corrected" in one.sentence


def test_too_many_and_incomparable_ones_are_refused(tmp_path: Path):
    runs = [scored(tmp_path, f"r{n}", 0.8, lr=n) for n in range(11)]
    with pytest.raises(RunError, match="come to 55 tests, and at most 50"):
        judge_all(entries(*runs))
    other = scored(tmp_path, "other", 0.8, lr=0.7, sha256="b" * 64)
    with pytest.raises(RunError, match="not comparable: other data"):
        judge_all(entries(*runs[:2], other))


def test_the_command_folds_seeds_first_and_says_how_it_corrected(cli: Cli, tmp_path: Path):
    runs = tmp_path / "runs"
    for number, right in enumerate((0.6, 0.8, 0.97)):
        for seed in range(3):
            scored(runs, f"2026010{number}-000000-x-digits-seed{seed}", right, seed=seed, noise=number, lr=number)
    found = good(cli("compare", "0100", "0101", "0102", "--test"))
    last = found.stdout.splitlines()[-1]
    assert last.count("is better than") == 3
    assert "all pairs, as there is no val score to choose one by; p corrected for 3 tests (Holm)" in found.stdout
    document = json.loads(good(cli("compare", "0100", "0101", "0102", "--test", "--json")).stdout)
    assert [len(entry["runs"]) for entry in document["entries"]] == [3, 3, 3]
    assert document["correction"] == "Holm"
    assert document["verdict"] == last
    for each in document["comparisons"]:
        assert {"a", "b", "tests", "better", "only_seed_differs", "verdict", "remarks", "p_corrected"} <= set(each)
        assert {"metric", "over", "n", "difference", "low", "high", "p", "method"} <= set(each["tests"][0])
    bad(cli("compare", "0100", "0101", "0102", "--test", "--sort", "name"), 2, "--test says one thing")
