"""Rows that judge the network after every epoch: their loss and their score.

They are never trained on. The loss is the one that training minimizes, without its penalty; the
score is whatever larger is better, by default the loss with its sign turned.
"""

from numbers import Real

import numpy as np


class Validation:
    """Validation rows of a network in training.

    Parameters
    ----------
    network : Network
        Judged as it is whenever `evaluate` is called.
    loss : Loss
        For this kind of target.
    X : DenseRows or SparseRows
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Coded as the loss wants it.
    weights : ndarray of shape (n_samples,), default=None
        Of the rows, in the loss.
    index : integer ndarray of shape (n_samples,), default=None
        The rows of `X` that belong to `y`; all, if None. Nothing is copied.
    score : callable, default=None
        Turns raw scores, which it leaves as they are, into a number; minus the loss if None.

    Examples
    --------
    >>> from sknumpy_mlp.core.batches import rows
    >>> from sknumpy_mlp.core.losses import LogLoss
    >>> from sknumpy_mlp.core.network import Network
    >>> network = Network.dense([1, 3], [])
    >>> network.allocate(np.float64)
    >>> X, y = rows(np.ones((4, 1)), np.float64), np.array([0, 1, 2, 0])
    >>> loss, score = Validation(network, LogLoss().for_target("multiclass"), X, y).evaluate()
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
