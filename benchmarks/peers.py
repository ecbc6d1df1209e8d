"""Peers: the same network, data, batches and epochs in the tools that a user would pick instead."""

import logging
import os
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.data import Case, Order
from benchmarks.timing import Work

EXTRA = "pip install -e '.[bench]'"


def installed(package: str) -> str | None:
    """The version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def network(case: Case) -> nn.Sequential:
    """The config's network as a plain torch.nn.Sequential."""
    from nnlab.models.ann_torch import net

    params = case.config.model.params
    return net(params.widths(case.dataset.features, case.dataset.outputs), params.activation_names())


def eager(case: Case, device: str = "cpu", wrap: Callable[[Any], Any] = lambda function: function) -> Work:
    """A plain loop over arrays in memory: forward, backward, step; ``wrap`` goes round the forward pass."""
    train = case.dataset.train
    net = network(case).to(device)
    inputs, targets = torch.from_numpy(train.inputs).to(device), torch.from_numpy(train.targets).to(device)
    batches = [torch.from_numpy(batch).to(device) for batch in case.batches]
    rule = torch.optim.SGD(net.parameters(), lr=case.lr)
    loss_of = wrap(lambda x, y: F.cross_entropy(net(x), y))

    def epoch() -> None:
        for rows in batches:
            rule.zero_grad()
            loss_of(inputs[rows], targets[rows]).backward()
            rule.step()
        if device != "cpu":
            torch.cuda.synchronize()

    return epoch


def compiled(case: Case) -> Work:
    """The same with torch.compile. The first epoch compiles, and is not counted."""
    return eager(case, wrap=torch.compile)


def dataloader(case: Case) -> Work:
    """A DataLoader over a TensorDataset."""
    data, net = _tensors(case), network(case)
    rule = torch.optim.SGD(net.parameters(), lr=case.lr)

    def epoch() -> None:
        for inputs, targets in DataLoader(data, batch_size=_size(case), sampler=Order(case.batches)):
            rule.zero_grad()
            F.cross_entropy(net(inputs), targets).backward()
            rule.step()

    return epoch


def sklearn(case: Case) -> Work:
    """scikit-learn's MLPClassifier. It knows one activation for all layers: relu, the cheapest of the three."""
    from sklearn.neural_network import MLPClassifier

    x, y = case.in_order
    net = MLPClassifier(
        tuple(case.config.model.params.hidden),
        activation="relu",
        solver="sgd",
        alpha=0.0,
        batch_size=_size(case),
        learning_rate_init=case.lr,
        momentum=0.0,
        shuffle=False,
        random_state=0,
    )
    classes = list(range(case.dataset.outputs))
    return lambda: net.partial_fit(x, y, classes=classes)


def skorch(case: Case) -> Work:
    """skorch's NeuralNetClassifier."""
    from skorch import NeuralNetClassifier

    train = case.dataset.train
    net = NeuralNetClassifier(
        network(case),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=case.lr,
        batch_size=_size(case),
        max_epochs=1,
        train_split=None,
        iterator_train__sampler=Order(case.batches),
        verbose=0,
    )
    return lambda: net.partial_fit(train.inputs, train.targets)


def keras(case: Case) -> Work:
    """Keras 3 on its PyTorch backend."""
    os.environ |= {"KERAS_BACKEND": "torch", "KERAS_TORCH_DEVICE": "cpu"}
    import keras

    x, y = case.in_order
    params = case.config.model.params
    layers: list[Any] = [keras.layers.Input((case.dataset.features,))]
    for width, name in zip(params.hidden, params.activation_names(), strict=True):
        layers.append(keras.layers.Dense(width, activation=name))
    net = keras.Sequential([*layers, keras.layers.Dense(case.dataset.outputs)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer=keras.optimizers.SGD(case.lr), loss=loss)
    return lambda: net.fit(x, y, batch_size=_size(case), epochs=1, shuffle=False, verbose=0)


def lightning(case: Case) -> Work:
    """Lightning's Trainer, barebones: nothing but the loop. Each epoch is a ``fit`` with a trainer of its own."""
    import lightning as pl

    warnings.filterwarnings("ignore", module="lightning")
    for name in ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = network(case)

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=case.lr)

    module, data = Module(), DataLoader(_tensors(case), batch_size=_size(case), sampler=Order(case.batches))

    def epoch() -> None:
        pl.Trainer(max_epochs=1, accelerator="cpu", barebones=True).fit(module, data)

    return epoch


PEERS: dict[str, tuple[str, Callable[[Case], Work]]] = {
    "plain eager loop": ("torch", eager),
    "DataLoader loop": ("torch", dataloader),
    "scikit-learn (relu)": ("scikit-learn", sklearn),
    "skorch": ("skorch", skorch),
    "Keras (torch)": ("keras", keras),
    "Lightning": ("lightning", lightning),
    "torch.compile": ("torch", compiled),
}
"""By name: the package it needs, and what makes an epoch of it."""


def ready(case: Case, names: list[str]) -> tuple[dict[str, Work], dict[str, str]]:
    """The peers that can take part, each tried for an epoch, and why the others cannot."""
    works: dict[str, Work] = {}
    missing: dict[str, str] = {}
    for name in names:
        package, make = PEERS[name]
        if not installed(package):
            missing[name] = f"{package} is not installed: {EXTRA}"
            continue
        try:
            work = make(case)
            work()
        except Exception as error:  # noqa: BLE001 - a peer that breaks is reported, whatever it raises
            missing[name] = f"{package} {installed(package)} failed: {type(error).__name__}: {str(error)[:200]}"
        else:
            works[name] = work
    return works, missing


def _tensors(case: Case) -> TensorDataset:
    train = case.dataset.train
    return TensorDataset(torch.from_numpy(train.inputs), torch.from_numpy(train.targets))


def _size(case: Case) -> int:
    return int(case.config.train.batch_size)
