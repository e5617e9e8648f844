"""Held-out rows, by which the network is judged after every epoch: their loss and their score.

They are never trained on. The loss is the loss of training without its penalty; a larger score is
better, and by default the score is minus the loss.
"""

from numbers import Real

import numpy as np


class HeldOut:
    """Held-out rows of a network in training.

    Parameters
    ----------
    network : Network
        Judged as it is whenever `evaluate` is called.
    loss : Loss
        For this kind of target.
    X : DenseRows or SparseRows
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded for the loss.
    weights : ndarray of shape (n_samples,), default=None
        Of the rows, in the loss.
    index : integer ndarray of shape (n_samples,), default=None
        The rows of `X` that belong to `y`; all rows if None. Nothing is copied.
    score : callable, default=None
        Turns raw scores, which it does not change, into a number; minus the loss if None.

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

    def __init__(self, network, loss, X, y, weights=None, index=None, score=None):
        self.network = network
        self.loss = loss
        self.X = X
        self.y = y
        self.weights = weights
        self.index = index
        self.score = score

    def raw_scores(self):
        """Raw scores of the rows, (n_samples, n_outputs)."""
        return self.network.scores(self.X, self.X.dtype, self.index)

    def evaluate(self):
        """Loss and score of the network as it is, as floats."""
        raw = self.raw_scores()
        score = None if self.score is None else self.score(raw)
        if self.score is not None and not isinstance(score, Real):
            raise ValueError(f"scoring must give a number, got {score!r}")
        losses = np.empty(len(raw), raw.dtype)
        self.loss.value_and_gradient(raw, self.y, losses)
        loss = float(np.average(losses.astype(np.float64, copy=False), weights=self.weights))
        return loss, -loss if score is None else float(score)
