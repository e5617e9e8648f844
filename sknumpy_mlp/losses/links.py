r"""Links from raw scores to probabilities, labels or numbers.

Contract: a link is the attribute `link` of a loss, but the formulas of the loss do not use it. Raw
scores ``Z`` have shape (n_samples, n_outputs). ``pool`` turns the scores of several networks into
scores that predict the mean of the networks' predictions, and ``pool_gradient`` is its derivative.
To add a link: subclass `Link`, and set an instance as the `link` of a loss.
"""

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from .._types import Array, Floats
from .link import Link as Link


def log_mean_exp(log_p: Floats) -> Floats:
    """Compute ``log(mean(exp(log_p)))`` over the first axis, for finite `log_p`.

    Parameters
    ----------
    log_p : ndarray of shape (n_members, ...)
        Logarithms, of any size.

    Returns
    -------
    ndarray of shape (...)
        The logarithm of the mean.
    """
    largest = log_p.max(axis=0)
    p = np.exp(log_p - largest)
    found: Floats = np.log(p.mean(axis=0)) + largest
    return found


def shares(log_p: Floats) -> Floats:
    """Compute the gradient of ``log_mean_exp``: ``p / sum(p)`` over the first axis.

    Parameters
    ----------
    log_p : ndarray of shape (n_members, ...)
        Logarithms, of any size.

    Returns
    -------
    ndarray of shape (n_members, ...)
        The share of each member, which sum to one.
    """
    p: Floats = np.exp(log_p - log_p.max(axis=0))
    p /= p.sum(axis=0)
    return p


# The public address is this module.
Link.__module__ = __name__


class Softmax(Link):
    r"""``p_k = exp(z_k) / sum_j exp(z_j)``, probabilities of exclusive classes.

    Adding a number to all scores of a row changes nothing.

    See Also
    --------
    OneVersusRest : One logistic output for each class.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 4.3.4.

    Examples
    --------
    >>> Softmax().probabilities(np.array([[1000.0, 1000.0]]))
    array([[0.5, 0.5]])
    """

    out_activation = "softmax"

    def probabilities(self, Z: Floats) -> Floats:
        # Shift by the row maximum: exp cannot overflow, softmax is unchanged.
        # For one row, reduce takes half the time of the methods max and sum.
        Z -= np.maximum.reduce(Z, axis=1, keepdims=True)
        np.exp(Z, out=Z)
        Z /= np.add.reduce(Z, axis=1, keepdims=True)
        return Z

    def log_probabilities(self, Z: Floats) -> Floats:
        # Same bits as scipy.special.log_softmax, but for one row in a third of the time.
        Z = Z - Z.max(axis=-1, keepdims=True)
        Z -= np.log(np.exp(Z).sum(axis=-1, keepdims=True))
        return Z

    def pool(self, Z: Floats) -> Floats:
        # The logarithm of the mean probability.
        return log_mean_exp(self.log_probabilities(Z))

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        log_p = self.log_probabilities(Z)
        dZ = shares(log_p) * dP
        dZ -= np.exp(log_p) * dZ.sum(axis=-1, keepdims=True)
        return dZ


class IndependentLogistic(Link):
    """``p = 1 / (1 + exp(-z))`` for each label independently.

    Scores are log-odds.

    See Also
    --------
    Logistic : Two exclusive classes.

    Examples
    --------
    >>> IndependentLogistic().predict(np.array([[-1.0, 2.0]]))
    array([[0, 1]])
    """

    out_activation = "logistic"

    def probabilities(self, Z: Floats) -> Floats:
        p: Floats = expit(Z, out=Z)
        return p

    def log_probabilities(self, Z: Floats) -> Floats:
        log_p: Floats = log_expit(Z, out=Z)
        return log_p

    def pool(self, Z: Floats) -> Floats:
        # The log-odds of the mean probability, from the logarithms of p and of 1 - p.
        return log_mean_exp(log_expit(Z)) - log_mean_exp(log_expit(-Z))

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        dZ: Floats = shares(log_expit(Z)) * expit(-Z) + shares(log_expit(-Z)) * expit(Z)
        return dP * dZ

    def decision(self, Z: Floats) -> Floats:
        # Raw scores, unchanged: each is the log-odds of its label.
        return Z

    def predict(self, Z: Floats) -> Array:
        # 0 and 1 for each label.
        return (Z > 0).astype(int)


class Logistic(IndependentLogistic):
    """One raw score for two exclusive classes: the log-odds of the second.

    Probabilities have two columns, predictions are class numbers.

    See Also
    --------
    Softmax : One score for each class.

    Examples
    --------
    >>> Logistic().probabilities(np.array([[0.0], [1000.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    def n_outputs(self, n_columns: int) -> int:
        return 1

    def probabilities(self, Z: Floats) -> Floats:
        # Computing 1 - p would round small probabilities to 0.
        p: Floats = expit(np.hstack([-Z, Z]))
        return p

    def log_probabilities(self, Z: Floats) -> Floats:
        log_p: Floats = log_expit(np.hstack([-Z, Z]))
        return log_p

    def decision(self, Z: Floats) -> Floats:
        return Z[:, 0]

    def predict(self, Z: Floats) -> Array:
        return (Z[:, 0] > 0).astype(int)


class OneVersusRest(Link):
    """``p_k = s(z_k) / sum_j s(z_j)``, s the logistic function, also valid if every s underflows.

    Probabilities of a row sum to one.

    See Also
    --------
    Softmax : The exponential in place of the logistic function.

    Examples
    --------
    >>> OneVersusRest().probabilities(np.array([[0.0, 0.0], [-1000.0, -1000.0]]))
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    out_activation = "logistic"

    def probabilities(self, Z: Floats) -> Floats:
        log_p = self.log_probabilities(Z)
        return np.exp(log_p, out=log_p)

    def log_probabilities(self, Z: Floats) -> Floats:
        log_s: Floats = log_expit(Z, out=Z)
        # Shift by the row maximum: far below zero, the sum would be rounded to a single term.
        log_s -= log_s.max(axis=1, keepdims=True)
        log_s -= logsumexp(log_s, axis=1, keepdims=True)
        return log_s

    def pool(self, Z: Floats) -> Floats:
        # The log-odds of the mean probabilities, which sum to one over all classes.
        n_outputs = Z.shape[-1]
        if n_outputs == 1:
            mean: Floats = Z.mean(axis=0)
            return mean
        log_p, log_q = self._log_odds(Z)
        return log_mean_exp(log_p) - log_mean_exp(log_q)

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        if Z.shape[-1] == 1:
            return np.broadcast_to(dP / len(Z), Z.shape)
        slope = expit(-Z)
        log_p, log_q = self._log_odds(Z)
        p = np.exp(log_p)
        dZ = shares(log_p) * dP
        dZ -= p * dZ.sum(axis=-1, keepdims=True)
        share_of_rest = shares(log_q) * p * dP
        for k in range(dP.shape[1]):
            # The derivative of log(q_k): no p_j of another class is larger than q_k.
            rest = np.exp(np.minimum(log_p - log_q[..., [k]], 0))
            rest[..., k] = -1
            dZ -= share_of_rest[..., [k]] * rest
        dZ *= slope
        return dZ

    def _log_odds(self, Z: Floats) -> tuple[Floats, Floats]:
        """Logarithms of the probabilities p, and of 1 - p, of several members."""
        n_outputs = Z.shape[-1]
        log_p = self.log_probabilities(Z.reshape(-1, n_outputs))
        # Sum the other classes: 1 - p would be rounded to 0.
        others = [np.delete(log_p, k, axis=1) for k in range(n_outputs)]
        log_q = np.stack([logsumexp(each, axis=1) for each in others], axis=1)
        return log_p.reshape(Z.shape), log_q.reshape(Z.shape)


class Identity(Link):
    """Raw scores are the predicted numbers.

    The mean of several members is the mean of their scores.

    See Also
    --------
    Exponential : Positive numbers.

    Examples
    --------
    >>> Identity().predict(np.array([[1.5]]))
    array([[1.5]])
    """

    def pool(self, Z: Floats) -> Floats:
        # The mean of the raw scores.
        mean: Floats = Z.mean(axis=0)
        return mean

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        return np.broadcast_to(dP / len(Z), Z.shape)

    def predict(self, Z: Floats) -> Array:
        # Raw scores, unchanged.
        return Z


class Exponential(Link):
    """``exp(z)``, positive numbers.

    Scores are logarithms of the predictions.

    See Also
    --------
    Identity : Any numbers.

    Examples
    --------
    >>> Exponential().predict(np.array([[0.0]]))
    array([[1.]])
    """

    out_activation = "exp"

    def pool(self, Z: Floats) -> Floats:
        # ``log mean exp z``.
        return log_mean_exp(Z)

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        return dP * shares(Z)

    def predict(self, Z: Floats) -> Array:
        # ``exp(z)``.
        return np.exp(Z, out=Z)


# Below, softplus is exp to rounding.
_SMALL = -37.0


class CumulativeSoftplus(Link):
    r"""Numbers that do not decrease: ``q_1 = z_1`` and ``q_k = q_(k-1) + log(1 + exp(z_k))``.

    Used for quantiles, which must not cross.

    Parameters
    ----------
    n_numbers : int
        How many numbers are predicted for each sample.

    See Also
    --------
    sknumpy_mlp.losses.Quantiles : The loss with this link.

    Examples
    --------
    >>> CumulativeSoftplus(n_numbers=3).predict(np.array([[1.0, 0.0, -1000.0]])).round(4)
    array([[1.    , 1.6931, 1.6931]])
    """

    out_activation = "cumulative_softplus"

    def __init__(self, n_numbers: int) -> None:
        self.n_numbers = n_numbers

    def n_outputs(self, n_columns: int) -> int:
        return self.n_numbers

    def n_columns(self, n_outputs: int) -> int:
        return 1

    def predict(self, Z: Floats) -> Array:
        # The numbers, in ascending order.
        np.logaddexp(0, Z[:, 1:], out=Z[:, 1:])
        return np.add.accumulate(Z, axis=1, out=Z)

    def explained(self, Z: Floats) -> Floats:
        # The numbers themselves.
        return self.predict(Z.copy())

    def explained_gradient(self, Z: Floats, dS: Floats) -> Floats:
        dZ = np.add.accumulate(dS[:, ::-1], axis=1)[:, ::-1]
        dZ[:, 1:] *= expit(Z[:, 1:])
        return dZ

    def pool(self, Z: Floats) -> Floats:
        # Raw scores whose differences are the mean differences of the members.
        pooled: Floats = Z.mean(axis=0)
        steps = Z[..., 1:]
        # Of small differences, the logarithm: their sum would be rounded to 0.
        log_steps = np.where(
            steps < _SMALL, steps, np.log(np.logaddexp(0, np.maximum(steps, _SMALL)))
        )
        log_step = log_mean_exp(log_steps)
        step = np.exp(np.maximum(log_step, _SMALL))
        pooled[:, 1:] = np.where(log_step < _SMALL, log_step, step + np.log(-np.expm1(-step)))
        return pooled

    def pool_gradient(self, Z: Floats, dP: Floats) -> Floats:
        log_slope = log_expit(self.pool(Z)[:, 1:])
        dZ = np.repeat(dP[np.newaxis] / len(Z), len(Z), axis=0)
        dZ[..., 1:] *= np.exp(log_expit(Z[..., 1:]) - log_slope)
        return dZ

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_numbers={self.n_numbers})"
