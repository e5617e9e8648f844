"""The loss and the score of held-out rows, computed after every epoch.

Held-out rows are not used for training. Their loss is the training loss without the penalty. A
larger score is better; by default, the score is minus the loss.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .._family import as_float, shown
from .._types import Array, Floats, Integers
from ..losses import Loss
from .batches import Rows


class Forward(Protocol):
    """What computes raw scores: a `Network`, or compiled kernels."""

    def scores(self, X: Rows, dtype: np.dtype[Any], index: Integers | None = None) -> Floats:
        """Raw scores of any number of rows; see `Network.scores`."""


def in_units_of_the_largest(weights: Floats | None) -> Floats | None:
    """Weights over a power of two near the largest, so that products with losses stay finite.

    Only ratios of weights count. No bit of a weight changes, unless it is subnormal.

    Examples
    --------
    >>> bool(in_units_of_the_largest(np.array([3e305, 1.5e305]))[0] < 1)
    True
    >>> in_units_of_the_largest(None) is None
    True
    """
    if weights is None:
        return None
    found: Floats = np.ldexp(weights, -np.frexp(weights.max())[1])
    return found


class HeldOut:
    """The held-out rows of a network in training.

    Parameters
    ----------
    forward : Network or CompiledScores
        Computes the raw scores of the network in its current state; see `engines`.
    loss : Loss
        The loss for this kind of target.
    X : DenseRows or SparseRows
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets, encoded for the loss.
    weights : ndarray of shape (n_samples,), default=None
        Weights of the rows in the loss.
    index : integer ndarray of shape (n_samples,), default=None
        Indices of the rows of `X` that belong to `y`; all rows if None. Nothing is copied.
    score : callable, default=None
        Computes the score, a number, from raw scores without changing them; minus the loss if None.

    Examples
    --------
    >>> from sknumpy_mlp.core.batches import rows
    >>> from sknumpy_mlp.core.network import perceptron
    >>> from sknumpy_mlp.losses import LogLoss
    >>> network = perceptron([1, 3], [])
    >>> network.allocate(np.float64)
    >>> X, y = rows(np.ones((4, 1)), np.float64), np.array([0, 1, 2, 0])
    >>> loss, score = HeldOut(network, LogLoss().for_target("multiclass"), X, y).evaluate()
    >>> round(loss, 4), round(score, 4)
    (1.0986, -1.0986)
    """

    def __init__(
        self,
        forward: Forward,
        loss: Loss,
        X: Rows,
        y: Array,
        weights: Floats | None = None,
        index: Integers | None = None,
        score: Callable[[Floats], object] | None = None,
    ) -> None:
        self.forward = forward
        self.loss = loss
        self.X = X
        self.y = y
        self.weights = in_units_of_the_largest(weights)
        self.index = index
        self.score = score

    def raw_scores(self) -> Floats:
        """Raw scores of the rows, (n_samples, n_outputs)."""
        return self.forward.scores(self.X, self.X.dtype, self.index)

    def evaluate(self) -> tuple[float, float]:
        """Loss and score of the network in its current state, as floats."""
        raw = self.raw_scores()
        given = None if self.score is None else self.score(raw)
        score = as_float(given)
        if self.score is not None and score is None:
            raise ValueError(f"scoring must return a number, got {shown(given)}")
        losses = np.empty(len(raw), raw.dtype)
        self.loss.value_and_gradient(raw, self.y, losses)
        loss = float(np.average(losses.astype(np.float64, copy=False), weights=self.weights))
        return loss, -loss if score is None else score
