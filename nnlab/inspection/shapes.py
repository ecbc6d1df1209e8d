"""Shapes: whether what a net gives has the types and shapes that a training needs, before its numbers are looked at."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnlab.dataset import Split, Task
from nnlab.discover.sources import shown
from nnlab.errors import CheckError
from nnlab.model import Net


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
