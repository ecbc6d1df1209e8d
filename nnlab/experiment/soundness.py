"""Soundness: whether what a plug-in gives is what everything else counts on, before anything is made of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nnlab import discover
from nnlab.dataset import Dataset, Split, Task
from nnlab.discover.sources import shown
from nnlab.errors import CheckError, ConfigError, Interrupted, NnlabError
from nnlab.fit import batch_order
from nnlab.model import Model, Net
from nnlab.plugin import DatasetFile, ModelFile


@contextmanager
def told_of(file: ModelFile | DatasetFile) -> Iterator[None]:
    """What goes wrong inside, where it is a plug-in's, as one ConfigError with its file; nnlab's own stays a bug."""
    try:
        yield
    except (NnlabError, Interrupted, MemoryError, ImportError):
        raise
    except (Exception, SystemExit) as error:
        if file.origin is None:
            raise
        said = discover.sources.said(error)
        other = ConfigError(f"{file.origin.source}: what it gives does not work: {said}", "`traceback` shows where")
        raise discover.blamed(error) or other from error


def check_built(file: ModelFile, model: Any) -> None:
    """Raise ConfigError where what a plug-in builds is no model."""
    if file.origin is not None and not isinstance(model, Model):
        message = f"{file.origin.source}: build gives {_shown(model)}"
        raise ConfigError(message, "it should be a Model, such as NumpyModel(net, setup)")


def check_model(file: ModelFile, model: Model, dataset: Dataset) -> None:
    """Raise CheckError where a plug-in's model cannot be trained on this data.

    Its net is tried on a few examples in float64, as gradcheck does, and must leave them and its weights alone.
    """
    if file.origin is None:
        return
    place = file.origin.source
    weights = model.weights()
    arrays = {name: weight for name, weight in weights.items() if isinstance(weight, np.ndarray)}
    wrong = [name for name in weights if name not in arrays or arrays[name].dtype != np.float32]
    if wrong or not weights:
        what = f"the weight {wrong[0]!r} is no float32 array" if wrong else "the net has no weights"
        raise CheckError(f"{place}: {what}", "weights are float32 arrays, by their names")
    backend = file.backend
    view = backend.by_hand or backend.autograd
    if view is None:
        return
    net, batch = view(model, dataset.task), exact_batch(dataset, 7, 0)
    if net is not None:
        kept, inputs = {name: weight.copy() for name, weight in net.weights.items()}, batch.inputs.copy()
        check_shapes(net, batch, dataset.task)
        if not np.array_equal(batch.inputs, inputs):
            raise _misshapen(net, "forward", "back its inputs changed", "left alone: they are the data itself")
        changed = [
            name for name, weight in net.weights.items() if not np.array_equal(weight, kept[name], equal_nan=True)
        ]
        if changed:
            raise _misshapen(net, "loss_and_grads", f"back {', '.join(changed)} changed", "left to the update rule")


def exact_batch(dataset: Dataset, rows: int, seed: int) -> Split:
    """The first batch of so many training examples, in float64, its targets as a model learns them."""
    batch = dataset.train.take(batch_order(len(dataset.train), rows, seed, 0)[0])
    targets, scaling = batch.targets, dataset.transform.target
    if targets.ndim == 2:
        targets = (scaling.shrunk(targets) if scaling else targets).astype(np.float64)
    return Split(batch.inputs.astype(np.float64), targets)


def check_data(file: DatasetFile, dataset: Any) -> None:
    """Raise ConfigError where what a plug-in loads is no data to train on, in the first thing that is off."""
    if file.origin is None:
        return
    if wrong := _wrong_with(dataset):
        raise ConfigError(f"{file.origin.source}: load gives {wrong}", "nnlab.datasets.build makes a Dataset of arrays")


def _wrong_with(data: Any) -> str:
    if not isinstance(data, Dataset):
        return _shown(data)
    if not all(isinstance(name, str) for name in data.task.classes):
        return "classes that are no texts"
    for name in ("train", "val", "test"):
        split = data.split(name)
        if split is None:
            continue
        if getattr(split.inputs, "dtype", None) != np.float32 or split.inputs.shape != (len(split), data.features):
            return f"inputs of the {name} split that are not ({len(split)}, {data.features}) float32"
        if not np.isfinite(split.inputs).all():
            return f"inputs of the {name} split that are not finite numbers"
        if data.task.classes and not (
            split.targets.dtype == np.int64 and 0 <= split.targets.min() <= split.targets.max() < data.outputs
        ):
            return f"class numbers of the {name} split that are not int64 from 0 to {data.outputs - 1}"
        if not data.task.classes and not np.isfinite(split.targets).all():
            return f"targets of the {name} split that are not finite numbers"
    return ""


def check_shapes(net: Net, batch: Split, task: Task) -> None:
    """Raise CheckError, with the file and line of the method, where a net's scores, loss or gradients are misshapen."""
    scores: Any = net.forward(batch.inputs)
    wanted = sorted({(len(batch), task.scores), (len(batch), task.outputs)})
    if (found := getattr(scores, "shape", None)) not in wanted:
        shown = _shown(scores) if found is None else f"scores of shape {found}"
        raise _misshapen(net, "forward", shown, f"of shape {' or '.join(map(str, wanted))}: a row an example")
    returned: Any = net.loss_and_grads(batch.inputs, batch.targets)
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping)):
        raise _misshapen(net, "loss_and_grads", _shown(returned), "(loss, gradients by the names of the weights)")
    loss, grads = returned
    if np.ndim(loss) != 0:
        raise _misshapen(
            net, "loss_and_grads", f"a loss of shape {np.shape(loss)}", "one number: the mean of the batch"
        )
    for name, grad in grads.items():
        if name not in net.weights:
            raise _misshapen(
                net, "loss_and_grads", f"a gradient by {name!r}", f"one by each of {', '.join(net.weights)}"
            )
        if np.shape(grad) != net.weights[name].shape:
            what = f"a gradient by {name!r} of shape {np.shape(grad)}"
            raise _misshapen(net, "loss_and_grads", what, f"the weight's, {net.weights[name].shape}")


def _misshapen(net: Net, method: str, given: str, wanted: str) -> CheckError:
    inner = getattr(net, "net", net)  # a float64 view holds the net whose methods these are
    code = getattr(getattr(type(inner), method, None), "__code__", None)
    place = f"{shown(Path(code.co_filename))}:{code.co_firstlineno}: " if code else ""
    return CheckError(f"{place}{method} gives {given}", f"it should be {wanted}")


def _shown(given: object) -> str:
    return "nothing" if given is None else f"a {type(given).__name__}"
