"""The whole road in one sitting: from a gradient by hand to a convolutional network, every step of it a run.

    python examples/road.py            # real data, about two minutes on two cores
    python examples/road.py --quick    # the digits inside scikit-learn, no download, well under a minute

Each part between two lines ``# %%`` is a cell of the notebook beside this file, which shows what comes out.
"""

# %% [markdown]
# # From a gradient by hand to a convolutional network
#
# Five models, each a little more than the one before: logistic regression and a small network by hand in NumPy, the
# same in PyTorch, then logistic regression, a deeper network and a convolutional one on MNIST. All of them go through
# one loop, on the same batches from the same initial weights, so that what differs between two curves is the model.

# %%
import sys
from pathlib import Path
from typing import Any

import numpy as np

import nnlab
from nnlab.datasets import digits, sign_digits

CONFIGS = Path(nnlab.__file__).parent.parent / "configs"  # of a clone
QUICK = "--quick" in sys.argv

SIGNS: dict[str, Any] = {"dataset": {"name": "digits", "classes": [0, 1]}} if QUICK else {}
MNIST: dict[str, Any] = {"dataset": {"name": "digits"}} if QUICK else {}


def show(what: Any) -> None:
    """In a notebook what a cell ends with is shown as it is; here it is printed."""
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules:
        from IPython.display import display

        display(what)
    else:
        for group in getattr(what, "groups", []):
            for entry in group.entries:
                scores = ", ".join(f"{name} {value.shown(name)}" for name, value in entry.values.items())
                print(f"  {entry.rows[0].config['model']}: {scores}")


# %% [markdown]
# ## 1. Logistic regression, by hand
#
# Photographs of hands that sign 0 and 1, 64 x 64 grey values each. The score of a picture x is z = x w + b, the
# probability that it is a 1 is a = 1 / (1 + exp(-z)), and the loss is the mean of -y log a - (1 - y) log(1 - a). Its
# derivative by z is (a - y) / m, where m is the number of pictures, and the chain rule does the rest.

# %%
if QUICK:
    data = digits.load(digits.Params(classes=[0, 1]), seed=0)
else:
    data = sign_digits.load(sign_digits.Params(classes=[0, 1], per_class=205), seed=0)
x, y = data.train.inputs, data.train.targets.astype(np.float32)[:, None]
w, b = np.full((x.shape[1], 1), 0.01, np.float32), np.zeros(1, np.float32)
for _ in range(200):
    a = 1 / (1 + np.exp(-(x @ w + b)))
    dz = (a - y) / len(x)
    w -= 0.01 * x.T @ dz
    b -= 0.01 * dz.sum(axis=0)
right = ((data.test.inputs @ w + b > 0)[:, 0] == data.test.targets).mean()
print(f"by hand: {100 * right:.2f} % of {len(data.test)} test pictures are right")

# %% [markdown]
# That is all there is to `logreg-np`. The run below does the same arithmetic, and keeps its config, curves, weights
# and predictions in a directory of its own.

# %%
by_hand = nnlab.train(CONFIGS / "logreg-np.yaml", **SIGNS)
print("largest difference of the weights:", float(np.abs(by_hand.weights["weight"] - w.T).max()))
by_hand

# %% [markdown]
# ## 2. Three hidden units, by hand
#
# The gradient of a second layer is the chain rule once more: it is in `nnlab/models/nn2_np.py`, right under the maths
# it differentiates. `nnlab gradcheck configs/nn2-np.yaml` holds it against differences and against PyTorch.

# %%
two_layers = nnlab.train(CONFIGS / "nn2-np.yaml", **SIGNS)
two_layers

# %% [markdown]
# ## 3. The same in PyTorch
#
# The same two models, whose gradients PyTorch finds by itself. They start from PyTorch's own random weights, so the
# scores differ a little from those above; `nnlab parity` shows that the arithmetic does not.

# %%
same_line = nnlab.train(CONFIGS / "logreg-np.yaml", model={"name": "logreg-torch"}, **SIGNS)
same_net = nnlab.train(
    CONFIGS / "nn2-np.yaml", model={"name": "ann-torch", "hidden": [3], "activations": "tanh"}, **SIGNS
)
signs = nnlab.compare([by_hand, two_layers, same_line, same_net])
show(signs)

# %% [markdown]
# ## 4. Logistic regression on MNIST
#
# 60,000 handwritten digits, ten classes: one linear layer and a softmax. A baseline stands beside every score: whoever
# always says the most frequent digit is right about one time in ten.

# %%
line = nnlab.train(CONFIGS / "logreg.yaml", train__epochs=5, **MNIST)
line

# %% [markdown]
# ## 5. Three hidden layers
#
# The network of the study note, for ten epochs instead of a hundred, and with three seeds: one run says little about a
# model, since another seed gives another score. What three of them say is a mean and how far they lie apart.

# %%
net = nnlab.train(CONFIGS / "ann.yaml", seeds="0-2", train__epochs=10, train__lr=0.1, train__eval_every=300, **MNIST)
print("test accuracy:", net.scores["test_accuracy"].shown("test_accuracy"))
net

# %% [markdown]
# ## 6. A convolutional network
#
# It looks at small patches, and so knows that a picture has neighbours.

# %%
convolutional = nnlab.train(CONFIGS / "cnn.yaml", train__epochs=1, **MNIST)
convolutional

# %% [markdown]
# ## All of them
#
# Runs on other data are never ranked together. `nnlab compare A B --test` says whether the better of two could have
# come out on top by chance, and `nnlab report` makes a page of it all to hand in.

# %%
mnist = nnlab.compare([line, net, convolutional])
show(mnist)
