"""Works: the goals' rows, each measured side by side with what it is held against."""

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from rich.console import Console

from benchmarks import article, floors, peers, processes, table
from benchmarks.data import CONFIGS, Case, load
from benchmarks.rows import Goal, Row
from benchmarks.timing import Timing, Work, alternate, each, timing
from nnlab.cli import screen
from nnlab.cli.follow import Bars
from nnlab.environment import cores
from nnlab.evaluate import evaluate
from nnlab.experiment import Started, resolve, train
from nnlab.experiment.plan import complete
from nnlab.fit import fit
from nnlab.standing import Standing

EPOCHS = 100
"""Of the whole ann recipe."""
CHECKPOINT_EPOCHS = 10
"""Between checkpoints where overhead is measured: several times as many as a run of this speed writes by default."""


@dataclass(frozen=True)
class Effort:
    """How much time a benchmark may take."""

    quick: bool
    rounds: int
    whole_epochs: int
    """Epochs of the whole recipe that are really trained; the rest is worked out."""
    whole_rounds: int


QUICK = Effort(quick=True, rounds=2, whole_epochs=5, whole_rounds=1)
FULL = Effort(quick=False, rounds=5, whole_epochs=EPOCHS, whole_rounds=2)


def ann_whole(effort: Effort) -> list[Row]:
    """The main recipe as a whole process: the time, what nnlab adds to its arithmetic, and the memory."""
    case = load("ann")
    test, data = case.test, case.dataset
    model, net = case.model(), peers.network(case)
    pictures, test_pictures = article.pictures_of(data.train), article.pictures_of(test)
    evaluations = len(case.batches) // _every(case)

    works: dict[str, Work] = {
        "steps' products": floors.products_of_steps(case, model.threads),
        "evaluations' products": each(floors.products_of_evaluation(case, model.threads), evaluations),
        "steps' products, BLAS": floors.products_of_steps(case, model.threads, fastest=False),
        "evaluations' products, BLAS": each(
            floors.products_of_evaluation(case, model.threads, fastest=False), evaluations
        ),
        "article's epoch": _free(lambda: article.train_epoch(net, pictures, case.batches, case.lr)),
        "article's evaluation": _free(lambda: article.evaluate(net, test_pictures)),
    }
    parts: dict[str, list[Timing]] = {name: [] for name in works}
    whole, peak, scores = [], 0.0, []
    scale = EPOCHS / effort.whole_epochs
    with tempfile.TemporaryDirectory() as folder:
        for number in range(effort.whole_rounds):
            for name, found in alternate(works, 1 if effort.quick else 2, warm_up=number == 0).items():
                parts[name].append(found)
            ended, memory_now, summary = processes.train(
                CONFIGS / "ann.yaml", Path(folder), f"train.epochs={effort.whole_epochs}", "device=cpu", terminal=True
            )
            rest = (scale - 1) * (summary["seconds"]["train"] + summary["seconds"]["eval"])
            whole.append(ended.seconds + rest)
            peak = max(peak, memory_now)
            scores.append(summary["metrics"]["test"]["accuracy"])
    of = {name: timing([one.median for one in found]) for name, found in parts.items()}
    row = Row(f"ann-torch, {EPOCHS} epochs with {EPOCHS * evaluations:,} evaluations, whole process")
    row.timings = {
        "nnlab": timing(whole),
        "article": (of["article's epoch"] + of["article's evaluation"].times(evaluations)).times(EPOCHS),
        "floor: the products": (of["steps' products"] + of["evaluations' products"]).times(EPOCHS),
        "floor: the products, BLAS": (of["steps' products, BLAS"] + of["evaluations' products, BLAS"]).times(EPOCHS),
    }
    row.facts = {
        "article": "an epoch and an evaluation measured, the rest worked out",
        "nnlab": "measured whole" if scale == 1 else f"{effort.whole_epochs} epochs measured, the rest worked out",
        "threads": model.threads,
        "test accuracy": scores[0] if scale == 1 else None,
        "parts": {name: found.to_dict() for name, found in of.items()},
    }
    row.faster("times as fast as the article's code", "article", 12)
    row.within("times the matrix-product floor, each product by the faster library", "floor: the products", 1.5)
    row.within("times the matrix-product floor, products by BLAS", "floor: the products, BLAS", 1.5)
    memory = Row("peak memory of `train configs/ann.yaml`", facts={"peak MiB": peak})
    memory.goals = [Goal("resident", peak, 900, at_least=False, unit="MiB")]
    return [row, memory]


def overhead(effort: Effort) -> list[Row]:
    """What nnlab adds to the bare loop: records, files, checkpoints and a progress bar, epoch by epoch in turn."""
    case = load("ann")
    test = case.test
    epochs, steps, every = (4 if effort.quick else 20), len(case.batches), _every(case)
    model = case.model()
    put, put_test = model.put(case.dataset.train), model.put(test)
    keys = [f"train.epochs={epochs}", f"train.checkpoint_every={CHECKPOINT_EPOCHS * steps}", "device=cpu"]
    seconds: dict[str, list[float]] = {"nnlab": [], "bare loop": []}
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        events = train(resolve(CONFIGS / "ann.yaml", keys), Path(folder))
        started = next(event for event in events if isinstance(event, Started))
        with mock.patch.object(screen, "err", return_value=Console(file=nowhere, force_terminal=True)):
            bar = Bars()
            bar.show(started)
        for _ in range(epochs):
            bar.progress.start()
            began = time.perf_counter()
            for record in events:
                assert isinstance(record, Standing)  # noqa: S101
                bar.show(record)
                if record.step % steps == 0:
                    break
            seconds["nnlab"].append(time.perf_counter() - began)
            bar.close()
            began = time.perf_counter()
            for at in range(0, steps, every):
                model.train(put, case.steps[at : at + every])
                evaluate(model, put_test, test, case.dataset.task)
            seconds["bare loop"].append(time.perf_counter() - began)
        began = time.perf_counter()
        for _ in events:
            pass
        ending = time.perf_counter() - began
    row = Row(f"nnlab's own overhead, an epoch of ann-torch, a checkpoint every {CHECKPOINT_EPOCHS} epochs")
    row.timings = {name: timing(found) for name, found in seconds.items()}
    pairs = zip(seconds["nnlab"], seconds["bare loop"], strict=True)
    usual = 100 * (statistics.median(ours / bare for ours, bare in pairs) - 1)
    ours, bare = sum(seconds["nnlab"]) / epochs, sum(seconds["bare loop"]) / epochs
    row.facts = {"seconds at the end, for final scores, pictures and hashes": ending, "epochs": epochs}
    pair = ("nnlab", "bare loop")
    together = 100 * (ours / bare - 1)
    row.goals = [
        Goal("over the bare loop, median of the pairs", usual, 3, at_least=False, unit="%", pair=pair),
        Goal("over the bare loop, all epochs together", together, 3, at_least=False, unit="%", pair=pair),
        Goal(
            f"over it, with the pictures and hashes at the end of {EPOCHS} epochs",
            100 * ((ours + ending / EPOCHS) / bare - 1),
            3,
            at_least=False,
            unit="%",
            pair=pair,
        ),
    ]
    return [row]


def bf16(effort: Effort) -> list[Row]:
    """What precision: bf16 does to the scores of the main recipe; not in a quick round, where there are none yet."""
    if effort.quick:
        return []
    epochs = 10
    row = Row(f"ann-torch, {epochs} epochs, precision float32 and bf16")
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("float32", "bf16"):
            keys = [f"train.epochs={epochs}", f"precision={precision}", "device=cpu"]
            _, _, summary = processes.train(CONFIGS / "ann.yaml", Path(folder), *keys)
            found = summary["seconds"]
            row.timings[f"nnlab ({precision})"] = timing([found["train"] + found["eval"]])
            row.facts[f"test scores, {precision}"] = summary["metrics"]["test"]
    return [row]


def ann_epoch(effort: Effort) -> list[Row]:
    """One training epoch of the main recipe, beside every peer."""
    case = load("ann")
    model = case.model()
    rounded = load("ann", "precision=bf16").model()
    relu = load("ann", "model.activations=relu").model()
    data = case.dataset.train
    net, pictures = peers.network(case), article.pictures_of(data)
    names = [name for name in peers.PEERS if not (effort.quick and name == "torch.compile")]
    works, missing = peers.ready(case, names)
    row = Row("ann-torch, one training epoch (600 steps of 100)", missing=missing)
    contestants: dict[str, Work] = {
        "nnlab": lambda: model.train(model.put(data), case.steps),
        "nnlab (relu)": lambda: relu.train(relu.put(data), case.steps),
        "nnlab (bf16)": lambda: rounded.train(rounded.put(data), case.steps),
        **{name: _free(work) for name, work in works.items()},
        "article": _free(lambda: article.train_epoch(net, pictures, case.batches, case.lr)),
        "floor: the products": floors.products_of_steps(case, model.threads),
        "floor: the products, BLAS": floors.products_of_steps(case, model.threads, fastest=False),
    }
    row.timings = alternate(contestants, effort.rounds)
    row.facts = {"threads": model.threads}
    row.faster("times as fast as scikit-learn's MLPClassifier", "scikit-learn (relu)", 1.3)
    row.faster("times as fast as a DataLoader loop", "DataLoader loop", 2.2)
    row.faster("times as fast as Keras", "Keras (torch)", 3)
    row.faster("times as fast as Lightning", "Lightning", 3)
    return [row]


def logreg_epoch(effort: Effort) -> list[Row]:
    """An epoch of logistic regression in PyTorch."""
    case = load("logreg")
    model, data = case.model(), case.dataset.train
    net, pictures = torch.nn.Linear(case.dataset.features, case.dataset.outputs), article.pictures_of(data)
    row = Row("logreg-torch, one training epoch", facts={"threads": model.threads})
    row.timings = alternate(
        {
            "nnlab": lambda: model.train(model.put(data), case.steps),
            "article": _free(lambda: article.train_epoch(net, pictures, case.batches, case.lr)),
        },
        effort.rounds,
    )
    row.faster("times as fast as the article's code", "article", 10)
    return [row]


def logreg_np(effort: Effort) -> list[Row]:
    """The whole training of logistic regression by hand, with its evaluations."""
    case, alone = load("logreg-np"), load("logreg-np", "threads=1")
    steps = int(case.config.train.steps or 0)
    train, test, threads = case.dataset.train, case.test, case.model().threads
    row = Row(f"logreg-np, whole training ({steps} steps and {steps // _every(case)} evaluations)")
    row.facts = {"threads": threads}
    works: dict[str, Work] = {
        "nnlab": _fitted(case),
        "nnlab, one thread": _fitted(alone),
        "article": lambda: article.logistic_regression(train, test, steps, case.lr),
        "floor: two passes": floors.two_passes(train.inputs, steps, threads),
        "floor: two passes, one thread": floors.two_passes(train.inputs, steps, 1),
    }
    again = 5  # a training takes a fiftieth of a second, too little to time alone
    found = alternate({name: each(work, again) for name, work in works.items()}, 2 * effort.rounds)
    row.timings = {name: one.times(1 / again) for name, one in found.items()}
    row.faster("times as fast as the article's code", "article", 6)
    row.within(f"times the two-pass memory floor, {threads} threads each", "floor: two passes", 1.3)
    floor = "floor: two passes, one thread"
    row.within("times the two-pass memory floor, one thread each", floor, 1.3, nnlab="nnlab, one thread")
    return [row]


def nn2_np(effort: Effort) -> list[Row]:
    """The whole training of the two-layer network by hand, with its evaluations."""
    case = load("nn2-np", *(["train.steps=500"] if effort.quick else []))
    steps, train = int(case.config.train.steps or 0), case.dataset.train
    row = Row(f"nn2-np, whole training ({steps:,} steps and {steps // _every(case)} evaluations)")
    row.facts = {"threads": case.model().threads}
    row.timings = alternate(
        {"nnlab": _fitted(case), "article": lambda: article.two_layers(train, steps, case.lr)},
        effort.rounds,
    )
    row.faster("times as fast as the article's code", "article", 6)
    return [row]


def mlp_np(effort: Effort) -> list[Row]:
    """An epoch of the network by hand, beside scikit-learn's of the same shape."""
    case = load("mlp-np")
    model, data = case.model(), case.dataset.train
    relu = load("mlp-np", "model.activations=relu").model()
    works, missing = peers.ready(case, ["scikit-learn (relu)"])
    row = Row("mlp-np, one training epoch", missing=missing, facts={"threads": model.threads})
    row.timings = alternate(
        {
            "nnlab": lambda: model.train(data, case.steps),
            "nnlab (relu)": lambda: relu.train(data, case.steps),
            **{name: _free(work) for name, work in works.items()},
        },
        effort.rounds,
    )
    row.faster("times as fast as scikit-learn's MLPClassifier", "scikit-learn (relu)", 1)
    return [row]


def startup(effort: Effort) -> list[Row]:
    """How soon a command answers, and that none of them loads PyTorch for nothing."""
    rounds = 3 if effort.quick else 15
    empty = "import typer\napp = typer.Typer()\n@app.command()\ndef main() -> None:\n    pass\napp()\n"
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        processes.train(CONFIGS / "logreg-np.yaml", runs, "train.steps=20")
        [first] = runs.iterdir()
        for number in range(999):
            shutil.copytree(first, runs / f"{first.name}-{number + 2}")
        program = Path(folder) / "empty.py"
        program.write_text(empty)
        works: dict[str, Work] = {
            "nnlab --help": lambda: processes.run(processes.NNLAB, "--help"),
            "an empty Typer program's --help": lambda: processes.run(sys.executable, str(program), "--help"),
        }
        help_row = Row("nnlab --help", alternate(works, 2 * rounds))
        compare = Row("nnlab compare over 1,000 runs")
        compare.timings = alternate(
            {"nnlab": lambda: processes.run(processes.NNLAB, "compare", "--runs-dir", str(runs))}, rounds
        )
        help_row.within("times an empty Typer program's", "an empty Typer program's --help", 1.5, "nnlab --help")
        seconds = compare.timings["nnlab"].median
        compare.goals = [Goal("for the whole command", seconds, 1.5, at_least=False, unit="s")]
        loads = Row("commands that load PyTorch: --help, compare, training a NumPy model on cached pictures")
        commands = [["--help"], ["compare", "--runs-dir", str(runs)]]
        commands.append(["train", str(CONFIGS / "logreg-np.yaml"), "-q", "--runs-dir", str(runs)])
        commands.append(["train", str(CONFIGS / "mlp-np.yaml"), "train.epochs=1", "-q", "--runs-dir", str(runs)])
        loaded = [" ".join(command[:2]) for command in commands if _loads_torch(command)]
        loads.facts = {"loaded by": loaded}
        loads.goals = [Goal("commands", float(len(loaded)), 0, at_least=False, unit="")]
    return [help_row, compare, loads]


def gpu(effort: Effort) -> list[Row]:
    """The main recipe on a CUDA device."""
    row = Row(f"ann-torch on CUDA, {EPOCHS} epochs with evaluations")
    if not torch.cuda.is_available():
        row.missing = {"CUDA": "no device is found"}
        why = "no CUDA device is found"
        row.goals = [
            Goal("of training on an H100", None, 6, at_least=False, unit="s", why=why),
            Goal("times as fast as the eager loop there", None, 10, at_least=True, why=why),
        ]
        return [row]
    case = load("ann", device="cuda")
    model = case.model()
    put = model.put(case.dataset.train)
    works = {"an epoch": lambda: model.train(put, case.steps), "plain eager loop": peers.eager(case, "cuda")}
    row.timings = alternate(works, effort.rounds)
    with tempfile.TemporaryDirectory() as folder:
        _, _, summary = processes.train(CONFIGS / "ann.yaml", Path(folder), "device=cuda")
    seconds = summary["seconds"]["train"] + summary["seconds"]["eval"]
    with torch.profiler.profile() as profile:
        model.train(put, case.steps)
    kernels = sum(event.self_device_time_total for event in profile.key_averages()) / 1e6
    name = torch.cuda.get_device_name()
    row.facts = {"device": name, "seconds": summary["seconds"], "metrics": summary["metrics"]}
    row.facts["share of an epoch in which kernels run"] = kernels / row.timings["an epoch"].median
    why = "" if "H100" in name else f"this is a {name}"
    row.goals = [Goal("of training on an H100", None if why else seconds, 6, at_least=False, unit="s", why=why)]
    row.faster("times as fast as the eager loop there, a training epoch", "plain eager loop", 10, nnlab="an epoch")
    return [row]


WORKS: dict[str, Callable[[Effort], list[Row]]] = {
    "ann-whole": ann_whole,
    "ann-epoch": ann_epoch,
    "overhead": overhead,
    "bf16": bf16,
    "logreg-epoch": logreg_epoch,
    "logreg-np": logreg_np,
    "nn2-np": nn2_np,
    "mlp-np": mlp_np,
    "startup": startup,
    "table": table.table,
    "gpu": gpu,
}


def _every(case: Case) -> int:
    """Steps between evaluations."""
    return int(case.config.train.eval_every or len(case.batches))


def _free(work: Work) -> Work:
    """The work with as many threads as PyTorch would take on its own."""

    def freed() -> None:
        torch.set_num_threads(cores())
        work()

    return freed


def _fitted(case: Case) -> Work:
    """A whole training in memory: the loop with its evaluations."""
    model, test = case.model(), case.test
    initial = model.weights()
    _, plan = complete(case.config, model, len(case.dataset.train))
    watched = (model.put(test), test, case.dataset.task)

    def trained() -> None:
        model.load_weights(initial)
        for _ in fit(model, model.put(case.dataset.train), len(case.dataset.train), watched, plan):
            pass

    return trained


def _loads_torch(command: list[str]) -> bool:
    code = (
        f"import sys; sys.argv = ['nnlab', *{command!r}]\nfrom nnlab.cli import main\n"
        "try:\n    main()\nexcept SystemExit as error:\n    if error.code:\n        raise\n"
        "print('LOADED' if 'torch' in sys.modules else 'NOT')"
    )
    return processes.run(sys.executable, "-c", code).output.strip().endswith("LOADED")
