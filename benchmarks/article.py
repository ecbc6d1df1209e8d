"""The article: its recipes' loops in our own words, with the habits that make them slow left as they are."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.data import Batches, Order
from nnlab.dataset import Array, Split

if TYPE_CHECKING:
    from torchvision.datasets import MNIST


def pictures_of(split: Split) -> "MNIST":
    """torchvision's MNIST over arrays that are there already: each picture still goes through PIL and ToTensor."""
    from torchvision import datasets, transforms

    class Pictures(datasets.MNIST):
        def __init__(self) -> None:
            self.data = torch.from_numpy((split.inputs * 255).round().astype(np.uint8).reshape(-1, 28, 28))
            self.targets = torch.from_numpy(split.targets)
            self.transform = transforms.ToTensor()
            self.target_transform = None

    return Pictures()


def train_epoch(net: nn.Module, pictures: "MNIST", batches: Batches, lr: float) -> None:
    """An epoch of the PyTorch recipes."""
    rule = torch.optim.SGD(net.parameters(), lr=lr)
    error = nn.CrossEntropyLoss()
    losses = []
    for images, labels in DataLoader(pictures, batch_size=len(batches[0]), sampler=Order(batches)):
        rule.zero_grad()
        loss = error(net(images.view(-1, 28 * 28)), labels)
        loss.backward()
        rule.step()
        losses.append(loss.data)


def evaluate(net: nn.Module, pictures: "MNIST") -> float:
    """The accuracy on all pictures, as the recipe works it out every 50 steps."""
    correct = total = 0
    for images, labels in DataLoader(pictures, batch_size=100, shuffle=False):
        predicted = torch.max(net(images.view(-1, 28 * 28)).data, 1)[1]
        total += len(labels)
        correct += (predicted == labels).sum()
    return float(correct) / total


def logistic_regression(train: Split, test: Split, steps: int, lr: float) -> tuple[Array, float]:
    """The recipe by hand: columns are examples, a float64 w meets float32 data, a Python loop reads the predictions."""
    x, y = train.inputs.T, train.targets.reshape(1, -1)
    w, b = np.full((x.shape[0], 1), 0.01), 0.0
    costs = []
    for _ in range(steps):
        head = _sigmoid(np.dot(w.T, x) + b)
        loss = -y * np.log(head) - (1 - y) * np.log(1 - head)
        costs.append(np.sum(loss) / x.shape[1])
        d_w = np.dot(x, (head - y).T) / x.shape[1]
        d_b = np.sum(head - y) / x.shape[1]
        w = w - lr * d_w
        b = b - lr * d_b
    for split in (train, test):
        z = _sigmoid(np.dot(w.T, split.inputs.T) + b)
        predicted = np.zeros((1, len(split)))
        for number in range(z.shape[1]):
            predicted[0, number] = 0 if z[0, number] <= 0.5 else 1
        accuracy = 100 - np.mean(np.abs(predicted - split.targets)) * 100
    return w, float(accuracy)


def two_layers(train: Split, steps: int, lr: float, seed: int = 0) -> list[float]:
    """The two-layer recipe by hand, with float64 weights likewise."""
    x, y = train.inputs.T, train.targets.reshape(1, -1)
    rng, rows = np.random.default_rng(seed), x.shape[1]
    w1, b1 = rng.standard_normal((3, x.shape[0])) * 0.1, np.zeros((3, 1))
    w2, b2 = rng.standard_normal((1, 3)) * 0.1, np.zeros((1, 1))
    costs = []
    for _ in range(steps):
        a1 = np.tanh(np.dot(w1, x) + b1)
        a2 = _sigmoid(np.dot(w2, a1) + b2)
        costs.append(float(-np.sum(np.multiply(np.log(a2), y)) / rows))
        d_z2 = a2 - y
        d_w2, d_b2 = np.dot(d_z2, a1.T) / rows, np.sum(d_z2, axis=1, keepdims=True) / rows
        d_z1 = np.dot(w2.T, d_z2) * (1 - np.power(a1, 2))
        d_w1, d_b1 = np.dot(d_z1, x.T) / rows, np.sum(d_z1, axis=1, keepdims=True) / rows
        w1, b1, w2, b2 = w1 - lr * d_w1, b1 - lr * d_b1, w2 - lr * d_w2, b2 - lr * d_b2
    return costs


def _sigmoid(z: Array) -> Array:
    result: Array = 1 / (1 + np.exp(-z))
    return result
