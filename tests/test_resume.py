"""Resume: a stopped run goes on to the same bits as one that never stopped."""

import errno
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from nnlab import experiment, fit
from nnlab.backends.updates import UpdateRule
from nnlab.errors import CheckError, ConfigError, DataError, Interrupted, RunError, TrainingError
from nnlab.experiment.events import Finishing
from nnlab.finding import worst
from nnlab.rundir import RunDir, sealed
from nnlab.rundir.checkpoint import STATE
from nnlab.rundir.directory import CONFIG
from nnlab.rundir.file import File
from tests.reliability.twins import STEPPABLE, outcome
from tests.run_fixtures import config_for, run_to_end, stop_at

pytestmark = pytest.mark.usefixtures("no_pictures")


@pytest.mark.parametrize("optimizer", ["optimizer: sgd, momentum: 0.9", "optimizer: adamw"])
@pytest.mark.parametrize("model", STEPPABLE)
def test_every_model_resumes_to_the_same_bits(model: str, optimizer: str, tmp_path: Path) -> None:
    resolved = experiment.resolve(
        config_for(model, tmp_path, f"steps: 45, batch_size: 50, eval_every: 10, lr: 0.001, {optimizer}")
    )
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    stopped = stop_at(experiment.train(resolved, tmp_path / "b"), 4)
    assert stopped.summary().status == "interrupted"
    again = stop_at(experiment.resume(stopped), 23)
    finished = run_to_end(experiment.resume(again))
    assert finished.summary().status == "finished"
    assert outcome(finished) == outcome(straight)


@pytest.mark.gpu
@pytest.mark.parametrize("model", [name for name in STEPPABLE if name.endswith("-torch")])
def test_on_a_cuda_device_a_run_resumes_to_the_same_bits(model: str, tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device, and none is here")
    config = config_for(model, tmp_path, "steps: 45, batch_size: 50, eval_every: 10, lr: 0.001, optimizer: adam")
    resolved = experiment.resolve(config, ["device=cuda"])
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    stopped = stop_at(experiment.train(resolved, tmp_path / "b"), 4)
    assert outcome(run_to_end(experiment.resume(stopped))) == outcome(straight)


def forget_since(run: RunDir, kept: dict[str, bytes], summary: dict[str, Any]) -> None:
    """Make a run look as a kill would have left it, when its checkpoint folder held ``kept``."""
    for path in (run.path / "checkpoint").iterdir():
        path.unlink()
    for name, content in kept.items():
        (run.path / "checkpoint" / name).write_bytes(content)
    run.manifest.delete()
    run.json.write(summary)


def checkpoint_files(run: RunDir) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (run.path / "checkpoint").iterdir()}


def stopped_past_its_checkpoint(resolved: Any, runs: Path) -> RunDir:
    """A run with a checkpoint of step 20 and rows up to step 35, as a kill leaves one."""
    events = experiment.train(resolved, runs)
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    for event in events:
        if getattr(event, "step", 0) >= 35:
            break
    kept, summary = checkpoint_files(run), run.json.read()
    assert run.metrics.read()["step"][-1] == 35
    assert run.checkpoint_state().standing.step == 20
    events.close()
    forget_since(run, kept, summary)
    return run


PAST = "steps: 45, batch_size: 50, eval_every: 5, checkpoint_every: 20, optimizer: adam"


def test_rows_written_after_the_checkpoint_are_cut_and_come_again(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, PAST))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    run = stopped_past_its_checkpoint(resolved, tmp_path / "b")
    assert run.summary().status == "died"
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)
    assert run.summary().resumed == [{"step": 20, "inexact": [], "rows_differing": []}]


def test_what_run_json_says_beyond_what_is_known_here_is_kept(tmp_path: Path) -> None:
    run = stopped_past_its_checkpoint(experiment.resolve(config_for("mlp-np", tmp_path, PAST)), tmp_path / "b")
    before = run.json.read()
    run.json.write({**before, "tag": "mine", "dataset": {**before["dataset"], "licence": ["CC0"]}})
    run_to_end(experiment.resume(run))
    after = run.json.read()
    assert (after["tag"], after["dataset"]["licence"]) == ("mine", ["CC0"])
    assert after.keys() == {*before, "tag"}
    assert after["dataset"] == {**before["dataset"], "licence": ["CC0"]}


def test_a_row_that_comes_otherwise_stops_the_run_unless_that_is_allowed(tmp_path: Path) -> None:
    run = stopped_past_its_checkpoint(experiment.resolve(config_for("mlp-np", tmp_path, PAST)), tmp_path / "b")
    rows = run.read("metrics.csv").replace(b"\n30,", b"\n30,9")
    run.write("metrics.csv", rows)
    kept = checkpoint_files(run)
    with pytest.raises(CheckError, match="the row of step 30 came out otherwise"):
        run_to_end(experiment.resume(run))
    assert (run.read("metrics.csv"), checkpoint_files(run)) == (rows, kept | {"cut.csv": run.cut.read()})
    assert run.summary().status == "failed"
    run_to_end(experiment.resume(run, inexact=True))
    assert run.summary().resumed[-1] == {"step": 20, "inexact": [], "rows_differing": [30]}


def test_rows_that_were_cut_off_are_awaited_over_a_second_stop(tmp_path: Path) -> None:
    run = stopped_past_its_checkpoint(experiment.resolve(config_for("mlp-np", tmp_path, PAST)), tmp_path / "b")
    run.write("metrics.csv", run.read("metrics.csv").replace(b"\n35,", b"\n35,9"))
    stop_at(experiment.resume(run), 26)
    assert run.checkpoint_state().standing.step < 35
    with pytest.raises(CheckError, match="the row of step 35 came out otherwise"):
        run_to_end(experiment.resume(run))


def test_a_stop_before_all_has_come_again_leaves_the_checkpoint_that_all_can_be_held_against(tmp_path: Path) -> None:
    run = stopped_past_its_checkpoint(experiment.resolve(config_for("mlp-np", tmp_path, PAST)), tmp_path / "b")
    stop_at(experiment.resume(run), 26)
    assert run.checkpoint_state().standing.step == 20
    stop_at(experiment.resume(run), 36)
    assert run.checkpoint_state().standing.step > 35


def test_what_comes_after_a_row_that_was_let_differ_is_held_against_nothing_older(tmp_path: Path) -> None:
    run = stopped_past_its_checkpoint(experiment.resolve(config_for("mlp-np", tmp_path, PAST)), tmp_path / "b")
    for step in (b"30", b"35"):
        run.write("metrics.csv", run.read("metrics.csv").replace(b"\n" + step + b",", b"\n" + step + b",9"))
    stop_at(experiment.resume(run, inexact=True), 31)
    assert not run.cut.there()
    run_to_end(experiment.resume(run))
    assert [each["rows_differing"] for each in run.summary().resumed] == [[30], []]


@pytest.mark.parametrize(
    ("kind", "method"), [(RunDir, "append_metrics"), (File, "write")], ids=["before the row", "before the best"]
)
def test_stopped_while_a_row_is_written_the_row_comes_again(
    kind: type, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = "steps: 45, batch_size: 50, eval_every: 10, checkpoint_every: 5, lr: 0.1"
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, train))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    events = experiment.train(resolved, tmp_path / "b")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    next(event for event in events if getattr(event, "step", 0) >= 15)
    monkeypatch.setattr(kind, method, stop_once(getattr(kind, method)))
    with pytest.raises(KeyboardInterrupt):
        run_to_end(events)
    assert run.summary().status == "interrupted"
    assert run.checkpoint_state().standing.step == 15
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)
    assert worst(experiment.verify(run)) == "untold"


def stop_once(method: Any) -> Any:
    """A method at whose first call somebody presses Ctrl-C in a notebook."""
    calls = []

    def stopping(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return method(*arguments)

    return stopping


def test_a_stop_before_the_very_last_file_is_an_interruption_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    events = experiment.train(resolved, tmp_path / "a")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    monkeypatch.setattr(RunDir, "write_manifest", stop_once(RunDir.write_manifest))
    with pytest.raises(KeyboardInterrupt):
        run_to_end(events)
    assert run.summary().status == "interrupted"
    run_to_end(experiment.resume(run))
    assert worst(experiment.verify(run)) == "untold"


def but_not_the_config(stored: File[Any], content: Any, write: Any = File.write) -> None:
    """Every file can be written but config.yaml."""
    if stored.name == CONFIG:
        raise OSError(errno.ENOSPC, "No space left on device")
    write(stored, content)


def test_an_extension_that_fails_at_its_start_after_one_that_was_stopped_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = "epochs: 2, batch_size: 50, eval_every: 5, checkpoint_every: 1000"
    path = config_for("mlp-np", tmp_path, train)
    run = run_to_end(experiment.train(experiment.resolve(path), tmp_path / "a"))
    events = experiment.resume(run, epochs=4)
    next(event for event in events if isinstance(event, experiment.Started))
    with monkeypatch.context() as patch:
        patch.setattr(RunDir, "write_checkpoint", lambda *arguments: None)  # killed before there was one
        events.close()
    for epochs in (6, 8):
        with monkeypatch.context() as patch:
            patch.setattr(File, "write", but_not_the_config)
            with pytest.raises(TrainingError, match="No space left"):
                run_to_end(experiment.resume(run, epochs=epochs))
    run_to_end(experiment.resume(run, epochs=6))
    assert "config_before" not in run.json.read()
    long = run_to_end(experiment.train(experiment.resolve(path, ["train.epochs=6"]), tmp_path / "b"))
    assert outcome(run) == outcome(long)


def test_made_shorter_a_run_waits_for_no_row_that_cannot_come(tmp_path: Path) -> None:
    train = PAST.replace("steps: 45", "epochs: 9")  # 5 steps each
    path = config_for("mlp-np", tmp_path, train)
    run = stopped_past_its_checkpoint(experiment.resolve(path), tmp_path / "b")
    run_to_end(experiment.resume(run, epochs=6))
    assert worst(experiment.verify(run)) == "untold"
    short = run_to_end(experiment.train(experiment.resolve(path, ["train.epochs=6"]), tmp_path / "a"))
    assert outcome(run) == outcome(short)


def test_where_the_evaluation_diverged_no_checkpoint_takes_the_place_of_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = "steps: 45, batch_size: 50, eval_every: 10, checkpoint_every: 10"
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, train))
    real, calls = fit.evaluate, []

    def inf_the_second_time(*arguments: Any) -> Any:
        calls.append(1)
        found = real(*arguments)
        return replace(found, metrics={**found.metrics, "loss": math.inf}) if len(calls) == 2 else found

    monkeypatch.setattr(fit, "evaluate", inf_the_second_time)
    events = experiment.train(resolved, tmp_path / "a")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    with pytest.raises(TrainingError, match="the loss became inf after step 20"):
        run_to_end(events)
    assert run.checkpoint_state().standing.step == 10


def stopped_at_its_end(events: Any) -> RunDir:
    """The run of a training that is interrupted while its last files are written."""
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    next(event for event in events if isinstance(event, Finishing))
    with pytest.raises(Interrupted):
        events.throw(Interrupted(2))
    return run


def test_a_signal_while_the_last_files_are_written_leaves_a_run_that_is_finished_later(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    run = stopped_at_its_end(experiment.train(resolved, tmp_path / "b"))
    assert run.summary().status == "interrupted"
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)


def end_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every training end at this step, if it is one of an evaluation."""
    monkeypatch.setattr(fit.Plan, "ends", lambda self, at: "it learns no more" if at.step == step else "")


def test_a_run_may_end_before_its_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config_for("mlp-np", tmp_path, "epochs: 9, batch_size: 50, eval_every: 10, optimizer: adam")
    whole = run_to_end(experiment.train(experiment.resolve(path), tmp_path / "whole"))
    with monkeypatch.context() as patched:
        end_at(20, patched)
        run = run_to_end(experiment.train(experiment.resolve(path), tmp_path / "early"))
    short = run_to_end(experiment.train(experiment.resolve(path, ["train.epochs=4"]), tmp_path / "short"))
    summary = run.summary()
    assert (summary.status, summary.steps, summary.ended) == ("finished", 20, "it learns no more")
    assert run.checkpoint_state().standing.ended == "it learns no more"
    assert {**outcome(run), CONFIG: b""} == {**outcome(short), CONFIG: b""}
    assert worst(experiment.verify(run)) == "untold"
    assert ("run.json: ended", "untold") in [(found.subject, found.outcome) for found in experiment.verify(run)]
    with pytest.raises(RunError, match=r"this run is finished: it ended at step 20, it learns no more"):
        run_to_end(experiment.resume(run))
    with pytest.raises(RunError, match="has done 20 steps already, and 20 are asked for"):
        run_to_end(experiment.resume(run, epochs=4))
    run_to_end(experiment.resume(run, epochs=9))  # on to the plan's own end
    assert run.summary().ended is None
    assert "ended" not in run.json.read()
    assert worst(experiment.verify(run)) == "untold"
    assert outcome(run) == outcome(whole)


def test_stopped_after_it_has_ended_before_its_plan_it_stays_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, "steps: 45, batch_size: 50, eval_every: 10"))
    with monkeypatch.context() as patched:
        end_at(20, patched)
        straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
        run = stopped_at_its_end(experiment.train(resolved, tmp_path / "b"))
    assert worst(experiment.verify(run)) == "untold"
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)
    assert run.summary().ended == "it learns no more"
    assert worst(experiment.verify(run)) == "untold"


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": None},
        {"ended": ""},
        {"ended": "another reason"},
        {"ended": 1},
        {"steps": 10, "epochs": 2.0},
        {"steps": 45, "epochs": 9.0},
    ],
    ids=str,
)
def test_an_early_end_that_is_made_up_is_found_out(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_at(20, monkeypatch)
    resolved = experiment.resolve(config_for("mlp-np", tmp_path, "steps: 45, batch_size: 50, eval_every: 10"))
    run = run_to_end(experiment.train(resolved, tmp_path / "a"))
    run.json.write({**run.json.read(), **changes})
    run.write_manifest()
    assert worst(experiment.verify(run)) == "wrong"


def test_a_run_that_came_to_its_plans_end_cannot_have_ended_before(tmp_path: Path) -> None:
    run = run_to_end(experiment.train(experiment.resolve(config_for("mlp-np", tmp_path)), tmp_path / "a"))
    run.json.write({**run.json.read(), "ended": "so it says"})
    run.write_manifest()
    assert worst(experiment.verify(run)) == "wrong"


def test_a_run_without_a_checkpoint_starts_again(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    run = stop_at(experiment.train(resolved, tmp_path / "b"), 12)
    shutil.rmtree(run.path / "checkpoint")
    with pytest.raises(RunError, match="no checkpoint from which to make this run longer"):
        next(experiment.resume(run, epochs=100))
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)


@pytest.mark.parametrize("every", [10, 25, 1000], ids=["off the beat", "on it", "once"])
@pytest.mark.parametrize("data", ["digits, limit: 300", "digits, val_fraction: 0.2, limit: 300"], ids=["test", "val"])
def test_an_extended_run_is_one_that_was_that_long_from_the_start(every: int, data: str, tmp_path: Path) -> None:
    """75 or 60 steps and then as many again: 75 and 1000 leave a last evaluation that a longer run has not."""
    path = tmp_path / "c.yaml"
    path.write_text(
        f"model: {{name: mlp-np, hidden: [8]}}\ndataset: {{name: {data}}}\n"
        f"train: {{epochs: 15, batch_size: 60, lr: 0.1, momentum: 0.9, eval_every: {every}}}\n"
    )
    short = run_to_end(experiment.train(experiment.resolve(path), tmp_path / "a"))
    eval_every = f"train.eval_every={min(every, short.summary().steps)}"
    long = run_to_end(experiment.train(experiment.resolve(path, ["train.epochs=30", eval_every]), tmp_path / "b"))
    assert outcome(run_to_end(experiment.resume(short, epochs=30))) == outcome(long)
    assert short.read("config.yaml") == long.read("config.yaml")
    assert worst(experiment.verify(short)) == "untold"
    with pytest.raises(RunError, match="steps already"):
        next(experiment.resume(short, epochs=30))
    assert short.summary().epochs == 30


def test_what_cannot_go_on_is_refused(tmp_path: Path) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    finished = run_to_end(experiment.train(resolved, tmp_path / "a"))
    with pytest.raises(RunError, match="is finished"):
        next(experiment.resume(finished))
    run = stop_at(experiment.train(resolved, tmp_path / "b"), 12)
    for wrong in (-1, 0, 1):
        with pytest.raises(RunError, match=r"`epochs`: given|has done [0-9]+ steps already"):
            next(experiment.resume(run, epochs=wrong))
    with pytest.raises(ConfigError, match="given 3000000"):
        next(experiment.resume(run, epochs=3_000_000))  # its config.yaml could not be read again
    summary, config = run.json.read(), run.read("config.yaml")
    run.write("config.yaml", config.replace(b"seed: 0", b"seed: 1"))
    with pytest.raises(RunError, match="config was edited"):
        next(experiment.resume(run))
    run.write("config.yaml", config)
    run.json.write({**summary, "dataset": {**summary["dataset"], "sha256": "0" * 64}})
    with pytest.raises(DataError, match="SHA-256"):
        next(experiment.resume(run))


def test_a_run_that_is_still_going_is_refused_and_known_as_running(tmp_path: Path) -> None:
    events = experiment.train(experiment.resolve(config_for("mlp-np", tmp_path)), tmp_path / "a")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    assert run.summary().status == "running"
    with pytest.raises(RunError, match="still going"):
        next(experiment.resume(run))
    events.close()
    assert run.summary().status == "interrupted"
    assert not (run.path / ".lock").exists()


def test_another_version_or_processor_is_refused_unless_that_is_allowed_and_then_noted(tmp_path: Path) -> None:
    run = stop_at(experiment.train(experiment.resolve(config_for("mlp-np", tmp_path)), tmp_path / "a"), 12)
    known = run.environment.read()
    other = {**known, "threads": 7, "packages": {**known["packages"], "numpy": "1.0", "matplotlib": "1.0"}}
    run.environment.write(other)
    with pytest.raises(RunError, match=r"packages.numpy: 1.0 then, .* now; threads: 7 then, . now"):
        next(experiment.resume(run))
    run_to_end(experiment.resume(run, inexact=True))
    assert [text.partition(":")[0] for text in run.summary().resumed[0]["inexact"]] == ["packages.numpy", "threads"]


def test_stopped_in_the_middle_of_a_step_it_goes_on_from_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = experiment.resolve(config_for("mlp-np", tmp_path))
    straight = run_to_end(experiment.train(resolved, tmp_path / "a"))
    events = experiment.train(resolved, tmp_path / "b")
    run = next(event.run for event in events if isinstance(event, experiment.Started))
    next(event for event in events if getattr(event, "step", 0) >= 5)
    update = UpdateRule.step

    def stop_halfway(self: UpdateRule, weights: Any, grads: Any, lr: float) -> None:
        update(self, weights, grads, lr)
        raise KeyboardInterrupt

    monkeypatch.setattr(UpdateRule, "step", stop_halfway)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    monkeypatch.setattr(UpdateRule, "step", update)
    assert run.summary().status == "interrupted"
    assert outcome(run_to_end(experiment.resume(run))) == outcome(straight)


def test_a_checkpoint_with_anything_missing_is_refused(tmp_path: Path) -> None:
    """Each field of the state and each array is left out in turn, and the file sealed anew: no hash gives it away."""
    train = "steps: 45, batch_size: 50, optimizer: adam, eval_every: 5"
    run = stop_at(experiment.train(experiment.resolve(config_for("mlp-np", tmp_path, train)), tmp_path / "runs"), 12)
    path = run.path / STATE
    whole = sealed.unseal(path.read_bytes())
    arrays = run.path / "checkpoint" / whole["file"]
    kept, parsed = arrays.read_bytes(), load_file(arrays)
    assert len(parsed) > 20
    without = [{**whole, "state": {k: v for k, v in whole["state"].items() if k != key}} for key in whole["state"]]
    without += [{k: v for k, v in whole.items() if k != key} for key in whole]
    for content in without:
        path.write_bytes(sealed.seal(content))
        with pytest.raises(RunError, match="checkpoint"):
            next(experiment.resume(run))
    for name in parsed:
        save_file({key: array for key, array in parsed.items() if key != name}, arrays)
        path.write_bytes(sealed.seal({**whole, "sha256": sealed.sha256(arrays.read_bytes())}))
        with pytest.raises(RunError, match=r"not the arrays|is missing from the file"):
            next(experiment.resume(run))
    arrays.write_bytes(kept[:-100])
    path.write_bytes(sealed.seal(whole))
    with pytest.raises(RunError, match="SHA-256 is not the one"):
        next(experiment.resume(run))


def test_a_picture_that_an_evaluation_drew_does_not_outlive_the_weights_it_shows(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "model: {name: mlp-np, hidden: [4]}\ndataset: {name: digits, limit: 100}\ntrain: {epochs: 2, lr: 0.1}\n"
    )
    *_, last = experiment.train(experiment.resolve(tmp_path / "c.yaml"), tmp_path / "runs")
    experiment.evaluate(last.run, "train")
    assert (last.run.path / "confusion-train.png").exists()
    list(experiment.resume(last.run, epochs=4))
    assert not (last.run.path / "confusion-train.png").exists()
    assert worst(experiment.verify(last.run)) == "untold"
