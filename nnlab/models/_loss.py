"""Losses for hand-written nets: each value with its gradient by the scores right under it."""

import numpy as np

from nnlab.dataset import Array


def loss_and_grad(loss: str, scores: Array, targets: Array) -> tuple[float, Array]:
    """The mean loss of a batch, by its name, and its gradient by the scores, (n, outputs) in the scores' dtype."""
    return LOSSES[loss](scores, targets)


def cross_entropy(scores: Array, targets: Array) -> tuple[float, Array]:
    """Of a sigmoid output where there is one score per example, and class numbers 0 and 1; else of a softmax."""
    return sigmoid_cross_entropy(scores, targets) if scores.shape[1] == 1 else softmax_cross_entropy(scores, targets)


def sigmoid_cross_entropy(z: Array, targets: Array) -> tuple[float, Array]:
    """Binary cross-entropy of sigmoid(z) against targets 0 and 1, (n,) class numbers.

    -y log(a) - (1 - y) log(1 - a) with a = sigmoid(z) equals max(z, 0) - z y + log(1 + exp(-|z|)), which can neither
    overflow nor take log(0). This is the full loss: a sum of y log(a) alone would not match the gradient below.
    """
    y = targets.reshape(z.shape).astype(z.dtype)
    losses = np.abs(z)
    np.negative(losses, out=losses)
    np.exp(losses, out=losses)
    np.log1p(losses, out=losses)
    losses += np.maximum(z, 0)
    losses -= z * y
    loss = float(np.add.reduce(losses, axis=None, dtype=np.float64)) / losses.size

    # d loss / d z = (sigmoid(z) - y) / n
    grad = sigmoid(z)
    grad -= y
    grad /= len(z)
    return loss, grad


def softmax_cross_entropy(z: Array, targets: Array) -> tuple[float, Array]:
    """Cross-entropy of softmax(z) against class numbers, by log-sum-exp."""
    rows = np.arange(len(z))
    shifted = z - z.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    losses = np.log(sums[:, 0]) - shifted[rows, targets]
    loss = float(losses.mean(dtype=np.float64))

    # d loss / d z = (softmax(z) - one_hot(y)) / n
    grad: Array = exps
    grad /= sums
    grad[rows, targets] -= 1
    grad /= len(z)
    return loss, grad


def squared_error(z: Array, targets: Array) -> tuple[float, Array]:
    """Mean squared error over all values, as torch.nn.MSELoss."""
    difference = z - targets.astype(z.dtype)
    loss = float(np.mean(difference * difference, dtype=np.float64))

    # d loss / d z = 2 (z - y) / (number of values)
    grad: Array = difference
    grad *= 2 / difference.size
    return loss, grad


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), written so that exp never overflows: (1 + tanh(z / 2)) / 2."""
    result: Array = z / 2
    np.tanh(result, out=result)
    result += 1
    result /= 2
    return result


LOSSES = {"cross-entropy": cross_entropy, "mean squared error": squared_error}
