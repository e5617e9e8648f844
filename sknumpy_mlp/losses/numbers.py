r"""Losses for targets that are numbers, with one column of scores per column of the target.

All losses are sums over the columns. r = z - y is the residual of one column.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit

from .._elementary import exp, log, log1p, logistic
from .._family import Rule, real
from .._types import Array, Floats
from .base import Columns, Loss
from .links import CumulativeSoftplus, Exponential, Identity, Link


class NumericLoss(Loss):
    """Base class of losses for numbers. Raw scores are predictions unless `link` is overridden.

    The kind of target is "continuous", with one column of scores for each column.

    See Also
    --------
    Huber : A loss with a parameter, as an example.

    Examples
    --------
    >>> NumericLoss.named()["poisson"].kinds
    ('continuous',)
    """

    kinds = ("continuous",)
    coding = Columns()
    link: Link = Identity()


class _WithScratch(NumericLoss):
    """Base class of losses that need a second array with the shape of the residuals."""

    def scratch(self, Z: Floats) -> Any:
        return np.empty_like(Z)


class ContinuousSquaredError(NumericLoss):
    r"""Half the squared error, summed over the columns, which predicts the mean.

    .. math:: \ell = \tfrac12 \sum_k (z_k - y_k)^2, \qquad dz_k = z_k - y_k

    In plain text: ``l = sum_k (z_k - y_k)² / 2`` with the gradient ``dz_k = z_k - y_k``.

    Domain: all finite numbers.
    Link: `Identity`, the scores are the predictions.

    scikit-learn reports the mean of these errors over the columns, but uses the gradient of the
    sum. PyTorch's ``MSELoss`` is the mean without the factor 1/2.

    See Also
    --------
    AbsoluteError : Predicts the median.
    Huber : Limits the pull of outliers.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 5.2.

    Examples
    --------
    >>> Z, losses = np.array([[3.0, 0.0]]), np.empty(1)
    >>> ContinuousSquaredError().value_and_gradient(Z, np.array([[1.0, 2.0]]), losses)
    >>> losses, Z
    (array([4.]), array([[ 2., -2.]]))
    """

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        Z -= y
        np.einsum("ij,ij->i", Z, Z, out=losses)
        losses *= 0.5

    @staticmethod
    def output(z: float, y: float) -> tuple[float, float]:
        r = z - y
        return 0.5 * (r * r), r


class Poisson(_WithScratch):
    r"""Half the Poisson deviance of counts or rates, which predicts their mean, ``exp(z)``.

    .. math:: \ell = \sum_k e^{z_k} - y_k - y_k (z_k - \log y_k), \qquad dz_k = e^{z_k} - y_k

    In plain text: ``l = sum_k exp(z_k) - y_k - y_k (z_k - log y_k)`` with the gradient
    ``dz_k = exp(z_k) - y_k``, where 0 log 0 = 0.

    Domain: y >= 0; counts, rates or amounts.
    Link: `Exponential`, the prediction is ``exp(z)``, the mean.

    scikit-learn uses the same formula. PyTorch's ``PoissonNLLLoss``
    omits the terms that do not depend on z.

    See Also
    --------
    sklearn.linear_model.PoissonRegressor : The same loss for a linear model.

    References
    ----------
    McCullagh and Nelder, "Generalized Linear Models", section 2.3.

    Examples
    --------
    >>> Z, losses = np.array([[0.0], [-1000.0]]), np.empty(2)
    >>> Poisson().value_and_gradient(Z, np.array([[0.0], [1.0]]), losses)
    >>> losses, Z
    (array([  1., 999.]), array([[ 1.], [-1.]]))
    """

    name = "poisson"
    link = Exponential()
    nonnegative = True

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        scratch = self.scratch(Z) if scratch is None else scratch
        # Use z, since exp(z) may be rounded to 0; the maximum avoids 0 log 0.
        np.maximum(y, np.finfo(Z.dtype).tiny, out=scratch)
        np.log(scratch, out=scratch)
        scratch -= Z
        scratch *= y
        np.exp(Z, out=Z)
        Z -= y
        scratch += Z
        np.add.reduce(scratch, axis=1, out=losses)

    @staticmethod
    def output(z: float, y: float) -> tuple[float, float]:
        # From z, not from exp(z), which may be rounded to 0; and log 0 never meets its factor 0.
        logarithm = log(y if y > 0.0 else 1.0)
        gradient = exp(z) - y
        return gradient + y * (logarithm - z), gradient


class AbsoluteError(_WithScratch):
    r"""The absolute error, summed over the columns, which predicts the median.

    .. math:: \ell = \sum_k |z_k - y_k|, \qquad dz_k = \operatorname{sign}(z_k - y_k)

    In plain text: ``l = sum_k |z_k - y_k|`` with the gradient ``dz_k = sign(z_k - y_k)``.

    Domain: all finite numbers.
    Link: `Identity`, the scores are the predictions.

    This is twice the `Pinball` loss of the quantile 0.5. PyTorch's ``L1Loss`` is the mean over
    columns.

    See Also
    --------
    Pinball : Predicts any quantile.

    References
    ----------
    Hastie, Tibshirani and Friedman, "The Elements of Statistical Learning", section 10.6.

    Examples
    --------
    >>> Z, losses = np.array([[3.0, 0.0]]), np.empty(1)
    >>> AbsoluteError().value_and_gradient(Z, np.array([[1.0, 2.0]]), losses)
    >>> losses, Z
    (array([4.]), array([[ 1., -1.]]))
    """

    name = "absolute_error"
    known_as = ("mae", "mean_absolute_error", "l1")

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.abs(Z, out=scratch)
        np.add.reduce(scratch, axis=1, out=losses)
        np.sign(Z, out=Z)

    @staticmethod
    def output(z: float, y: float) -> tuple[float, float]:
        r = z - y
        sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
        return abs(r), sign


class Huber(_WithScratch):
    r"""Squared error for small and absolute error for large residuals; limits the pull of outliers.

    .. math:: \ell = \sum_k g_k (r_k - \tfrac12 g_k), \qquad
              dz_k = g_k = \min(\delta, \max(-\delta, r_k))

    In plain text: ``l = r² / 2`` if ``|r| <= delta`` and ``l = delta (|r| - delta / 2)`` otherwise,
    summed over the columns, with the gradient ``dz = min(delta, max(-delta, r))``.

    Domain: all finite numbers.
    Link: `Identity`, the scores are the predictions.

    PyTorch's
    ``SmoothL1Loss`` is this loss divided by `delta`.

    Parameters
    ----------
    delta : float > 0, default=1.0
        The residual beyond which a target counts as an outlier, in units of the target.

    See Also
    --------
    AbsoluteError : Its limit for a small `delta`, over `delta`.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> Z, losses = np.array([[3.0, 0.5]]), np.empty(1)
    >>> Huber(delta=1.0).value_and_gradient(Z, np.zeros((1, 2)), losses)
    >>> losses, Z
    (array([2.625]), array([[1. , 0.5]]))
    """

    name = "huber"
    known_as = ("smooth_l1",)
    rules = {"delta": real(0, closed="neither")}

    def __init__(self, *, delta: float = 1.0) -> None:
        self.delta = delta

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.clip(Z, -self.delta, self.delta, out=scratch)
        # Computed as g (2 r - g) / 2 to avoid a third array.
        Z *= 2
        Z -= scratch
        np.einsum("ij,ij->i", scratch, Z, out=losses)
        losses *= 0.5
        Z[...] = scratch

    @staticmethod
    def output(z: float, y: float, delta: float) -> tuple[float, float]:
        r = z - y
        g = delta if r > delta else (-delta if r < -delta else r)
        return g * (2.0 * r - g) * 0.5, g


class Pinball(_WithScratch):
    r"""The pinball loss, which predicts a quantile: the share `quantile` of targets lies below it.

    .. math:: \ell = \sum_k g_k r_k, \qquad
              dz_k = g_k = \tfrac12 \operatorname{sign}(r_k) + \tfrac12 - q

    In plain text: ``l = (1 - q) r`` for predictions above the target and ``l = -q r`` below, summed
    over the columns, with the gradient ``dz = sign(r) / 2 + 1 / 2 - q``.

    Domain: all finite numbers.
    Link: `Identity`, the scores are the predictions.

    scikit-learn's
    ``HistGradientBoostingRegressor`` calls this loss "quantile".

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        The predicted quantile. 0.5 is the median; 0.9 is the value that nine of ten targets do not
        exceed.

    See Also
    --------
    Quantiles : Several quantiles that do not cross.

    References
    ----------
    Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> Z, losses = np.array([[1.0, -1.0]]), np.empty(1)
    >>> Pinball(quantile=0.75).value_and_gradient(Z, np.zeros((1, 2)), losses)
    >>> losses, Z
    (array([1.]), array([[ 0.25, -0.75]]))
    """

    name = "pinball"
    known_as = ("quantile",)
    rules = {"quantile": real(0, 1, closed="neither")}

    def __init__(self, *, quantile: float = 0.5) -> None:
        self.quantile = quantile

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.sign(Z, out=scratch)
        scratch *= 0.5
        scratch += 0.5 - self.quantile
        np.einsum("ij,ij->i", scratch, Z, out=losses)
        Z[...] = scratch

    @staticmethod
    def output(z: float, y: float, quantile: float) -> tuple[float, float]:
        r = z - y
        sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
        g = 0.5 * sign + (0.5 - quantile)
        return g * r, g


def _are_quantiles(values: Any) -> bool:
    is_in_range = real(0, 1, closed="neither").holds
    return (
        isinstance(values, (tuple, list, np.ndarray))
        and len(values) >= 2
        and all(is_in_range(each) for each in values)
        and all(low < high for low, high in pairwise(values))
    )


class Quantiles(NumericLoss):
    r"""Several quantiles of one column, which do not cross: the sum of their pinball losses.

    .. math:: \ell = \sum_k g_k (q_k - y), \qquad g_k = \tfrac12 \operatorname{sign}(q_k - y)
              + \tfrac12 - p_k, \qquad q_k = z_1 + \sum_{j=2}^k \log(1 + e^{z_j}),

    .. math:: dz_1 = \sum_k g_k, \qquad dz_j = \frac{1}{1 + e^{-z_j}} \sum_{k \ge j} g_k

    In plain text: with the predictions ``q_1 = z_1`` and ``q_k = q_(k-1) + log(1 + exp(z_k))`` of
    the quantiles p_k, ``l = sum_k g_k (q_k - y)`` where ``g_k = sign(q_k - y) / 2 + 1 / 2 - p_k``.

    Domain: all finite numbers, in one column.
    Link: `CumulativeSoftplus`, the predictions q_k.

    `predict` returns one column for each, in ascending order.
    `score` is minus their mean pinball loss. The target has one column.

    Parameters
    ----------
    quantiles : sequence of float in (0, 1), default=(0.05, 0.5, 0.95)
        At least two, ascending. The default is the median and an interval that nine of ten targets
        lie in.

    See Also
    --------
    Pinball : A single quantile.

    References
    ----------
    Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> Z, losses = np.array([[0.0, 0.0]]), np.empty(1)
    >>> loss = Quantiles(quantiles=(0.25, 0.75))
    >>> loss.value_and_gradient(Z, loss.encode_target(np.array([0.5]), Z.dtype), losses)
    >>> losses.round(4), Z
    (array([0.1733]), array([[0.   , 0.125]]))

    An interval for every sample:

    >>> from sknumpy_mlp import ScratchMLPRegressor
    >>> X = np.linspace(-1, 1, 400).reshape(-1, 1)
    >>> y = 2 * X[:, 0] + np.random.RandomState(0).standard_normal(400)
    >>> model = ScratchMLPRegressor(Quantiles(), (16,), learning_rate_init=0.01,
    ...                             n_iter_no_change=None, random_state=0)
    >>> low, median, high = model.fit(X, y).predict(X).T
    >>> bool(0.85 < ((low < y) & (y < high)).mean() < 0.95)
    True
    """

    rules = {
        "quantiles": Rule(_are_quantiles, "at least two ascending numbers in (0, 1)"),
    }
    sequences = ("quantiles",)

    def __init__(self, *, quantiles: Sequence[float] = (0.05, 0.5, 0.95)) -> None:
        self.quantiles = quantiles

    # Nobody sets the link of a loss.
    @property
    def link(self) -> CumulativeSoftplus:  # type: ignore[override]
        """The link, which knows the number of quantiles."""
        return CumulativeSoftplus(len(self.quantiles))

    def encode_target(self, y: Array, dtype: DTypeLike) -> Array:
        # The column as often as there are quantiles.
        y = super().encode_target(y, dtype)
        if y.shape[1] != 1:
            raise ValueError(f"y must have one column with the loss {self!r}, got {y.shape[1]}")
        return np.repeat(y, len(self.quantiles), axis=1)

    def scratch(self, Z: Floats) -> Any:
        return np.empty_like(Z), np.empty_like(Z)

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        slope, g = self.scratch(Z) if scratch is None else scratch
        expit(Z, out=slope)
        self.link.predict(Z)
        Z -= y
        np.sign(Z, out=g)
        g *= 0.5
        g += 0.5 - np.asarray(self.quantiles, Z.dtype)
        np.einsum("ij,ij->i", g, Z, out=losses)
        np.add.accumulate(g[:, ::-1], axis=1, out=Z[:, ::-1])
        Z[:, 1:] *= slope[:, 1:]

    @staticmethod
    def rows(Z: Floats, y: Array, losses: Floats, scratch: Floats, quantiles: Floats) -> None:
        n, m = Z.shape
        q, rest = scratch[0], scratch[1]
        for i in range(n):
            q[i], rest[i], losses[i] = 0.0, 0.0, 0.0
        # First the loss and the sum of all slopes, then the sums of those that are left.
        for k in range(m):
            for i in range(n):
                z = Z[i, k]
                positive = z if z > 0.0 else 0.0
                step = positive + log1p(exp(-z if z > 0.0 else z)) if k > 0 else z
                q[i] += step
                r = q[i] - y[i, k]
                sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
                g = 0.5 * sign + (0.5 - float(quantiles[k]))
                losses[i] += g * r
                rest[i] += g
        for i in range(n):
            q[i] = 0.0
        for k in range(m):
            for i in range(n):
                z = Z[i, k]
                positive = z if z > 0.0 else 0.0
                step = positive + log1p(exp(-z if z > 0.0 else z)) if k > 0 else z
                q[i] += step
                r = q[i] - y[i, k]
                sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
                Z[i, k] = rest[i] * logistic(z) if k > 0 else rest[i]
                rest[i] -= 0.5 * sign + (0.5 - float(quantiles[k]))
