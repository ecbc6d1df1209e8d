"""Means: the mean of paired differences over test examples.

No method has the right coverage for every distribution (Bahadur and Savage 1956), so that the widest of three counts:

- Student's t, right where the differences are normal, and careful where they are symmetric with heavy tails;
- up to 12 examples sign flips, all 2^n of them: exact for symmetric differences of any kind. The interval that goes
  with them has the means of subsets as its ends (Hartigan, "Using subsample values as typical values", JASA 64 (1969)
  1303-1317); below 6 examples it is unbounded, as no p below 0.05 can come of them;
- the bootstrap-t (Efron 1981), which is right to second order where the differences are skewed, as losses are.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from nnlab.comparison.interval import TAIL, Estimate, wider
from nnlab.dataset import Array

MOST_FLIPPED = 12
RESAMPLES = 4_999
"""Of the bootstrap; no p below 2 / 5,000 can come of them."""
AT_ONCE = 1_000_000
"""Numbers that are worked with at once: 8 MB of each."""


def of_means(differences: Array, step: float | None = None) -> Estimate:
    """The means of (m, n) paired differences.

    ``step`` is for differences of accuracies: what one prediction changes in one of them. These are bounded, and not
    resampled: many are equal.
    """
    n = differences.shape[1]
    scaled, scale = to_scale(differences)
    found = [student(scaled, 0 if step is None else step / scale)]
    if n <= MOST_FLIPPED:
        found.append(sign_flips(scaled))
    if step is None and n > 1:
        found.append(bootstrap_t(scaled))
    return from_scale(wider(*found), scale)


def said(n: int, step: float | None = None) -> str:
    """By which methods the means of n differences are judged."""
    names = ["Student's t", *["sign flips"] * (n <= MOST_FLIPPED), *["bootstrap-t"] * (step is None)]
    return names[0] if len(names) == 1 else f"the widest of {' and '.join([', '.join(names[:-1]), names[-1]])}"


def to_scale(numbers: Array) -> tuple[Array, Array]:
    """(m, n) numbers with 1 as the largest of each row, and the (m,) scales.

    Squares of what is very large or small have no numbers. A row that is not finite comes as zeros, its scale as nan.
    """
    finite = np.asarray(np.isfinite(numbers).all(axis=1))
    usable = np.where(finite[:, None], numbers, 0)
    largest = np.abs(usable).max(axis=1)
    divisor = np.where(largest > 0, largest, 1)
    return usable / divisor[:, None], np.where(finite, divisor, np.nan)


def from_scale(found: Estimate, scale: Array) -> Estimate:
    """An estimate of ``to_scale``'s numbers as one of the numbers themselves: nan, and no bounds, for what is not
    finite."""
    finite = np.isfinite(scale)
    low, high = np.where(finite, found.low * scale, -np.inf), np.where(finite, found.high * scale, np.inf)
    return Estimate(found.difference * scale, low, high, np.where(finite, found.p, 1.0))


def variance(differences: Array, step: Array | float = 0) -> Array:
    """(m,): the variance of the mean of (m, n) differences.

    Of accuracies, as if there were one prediction more that is better, and one that is worse: as Bonett and Price
    ("Adjusted Wald confidence interval for a difference of binomial proportions based on paired data", Journal of
    Educational and Behavioral Statistics 37 (2012) 479-488) add one to both counts. Else equal predictions would have
    none.
    """
    n = differences.shape[-1]
    squares = ((differences - differences.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    found: Array = (squares + 2 * np.square(step)) / max(n - 1, 1) / n
    return found


def student(differences: Array, step: Array | float = 0) -> Estimate:
    """Student's t."""
    from scipy import stats

    n, mean, error = differences.shape[1], differences.mean(axis=1), np.sqrt(variance(differences, step))
    reach = stats.t.isf(TAIL, max(n - 1, 1)) * error
    p = 2 * stats.t.sf(_ratio(np.abs(mean), error), max(n - 1, 1))
    # Where all examples differ by as much there is no p of 0: that of turning the sign of all of them is left.
    return Estimate(mean, mean - reach, mean + reach, np.minimum(1, np.maximum(p, 2.0 ** (1 - n))))


def sign_flips(differences: Array) -> Estimate:
    """All 2^n ways to turn signs of the (m, n) differences, each as likely where two are equally good."""
    m, n = differences.shape
    chosen = (np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1
    means = np.sort(differences @ (chosen / chosen.sum(axis=1, keepdims=True)).T, axis=1)
    return _between(differences.mean(axis=1), means, np.zeros(m), 2**n)


def bootstrap_t(differences: Array) -> Estimate:
    """The bootstrap-t of (m, n) differences, the same resamples for all of them."""
    m, n = differences.shape
    mean, error = differences.mean(axis=1), np.sqrt(variance(differences))
    centred = differences - mean[:, None]
    found = np.concatenate([_t_of_resamples(centred, counts) for counts in _resamples(n)], axis=1)
    t = np.sort(found, axis=1)
    below = _between(np.zeros(m), t, _ratio(mean, error), RESAMPLES + 1)
    with np.errstate(invalid="ignore"):  # no error times an infinite t
        reach = [np.nan_to_num(end * error, nan=0.0, posinf=np.inf, neginf=-np.inf) for end in (below.high, below.low)]
    return Estimate(mean, mean - reach[0], mean - reach[1], below.p)


def _between(middle: Array, ordered: Array, value: Array, of: int) -> Estimate:
    """The interval between the (m, of - 1) ``ordered`` numbers, and the share of them beyond ``value``, counted twice.

    ``value`` is itself one of them, as likely to be at any place. So p is never 0, and is below 0.05 exactly where the
    interval leaves ``value`` out.
    """
    m, cut = len(middle), math.ceil(round(TAIL * of, 9)) - 1
    if cut:
        low, high = ordered[:, cut - 1], ordered[:, -cut]
    else:
        low, high = np.full(m, -np.inf), np.full(m, np.inf)
    beyond = np.minimum((ordered <= value[:, None]).sum(axis=1), (ordered >= value[:, None]).sum(axis=1))
    return Estimate(middle, low, high, np.minimum(1, 2 * (beyond + 1) / of))


def _t_of_resamples(centred: Array, counts: Array) -> Array:
    """(m, b): Student's t of each of b resamples of (m, n) differences without their mean."""
    n = centred.shape[1]
    means = centred @ counts.T / n
    squares = (centred**2) @ counts.T / n - means**2
    smallest = 1e-12 * (centred**2).mean(axis=1, keepdims=True)  # below it is what rounding leaves of equal numbers
    errors = np.sqrt(np.where(squares > smallest, squares, 0) / (n - 1))
    return _ratio(means, errors)


def _ratio(above: Array, below: Array) -> Array:
    """A quotient that is infinite where only ``below`` is 0, and 0 where both are."""
    beyond = np.where(above == 0, 0.0, np.copysign(np.inf, above))
    found: Array = np.divide(above, below, out=beyond, where=below > 0)
    return found


def _resamples(n: int) -> Iterator[Array]:
    """(b, n) float64 each: how often each example is drawn, RESAMPLES times in all."""
    rows = max(1, AT_ONCE // n)
    for start in range(0, RESAMPLES, rows):
        yield _drawn(n, start, min(rows, RESAMPLES - start))


@lru_cache(maxsize=1)
def _drawn(n: int, start: int, rows: int) -> Array:
    """The same for the same arguments, so that a verdict is; kept, as many are asked for of the same n."""
    numbers = np.random.default_rng([n, start]).integers(0, n, (rows, n))
    places = numbers + n * np.arange(rows)[:, None]
    return np.bincount(places.ravel(), minlength=n * rows).reshape(rows, n).astype(np.float64)
