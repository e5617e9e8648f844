r"""Losses for targets that are numbers, with one column of scores per column of the target.

All losses are sums over the columns. r = z - y is the residual of one column.
"""

import numpy as np

from .._elementary import exp, log
from .._family import real
from .base import Columns, Loss
from .links import Exponential, Identity


class NumericLoss(Loss):
    """Base class of losses for numbers. Raw scores are predictions unless `link` is overridden."""

    kinds = ("continuous",)
    coding = Columns()
    link = Identity()


class _WithScratch(NumericLoss):
    """Base class of losses that need a second array with the shape of the residuals."""

    def scratch(self, Z):
        return np.empty_like(Z)


class ContinuousSquaredError(NumericLoss):
    r"""Half the squared error, summed over the columns, which predicts the mean.

    .. math:: \ell = \tfrac12 \sum_k (z_k - y_k)^2, \qquad dz_k = z_k - y_k

    scikit-learn reports the mean of these errors over the columns, but uses the gradient of the
    sum. PyTorch's ``MSELoss`` is the mean without the factor 1/2.

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

    def value_and_gradient(self, Z, y, losses, scratch=None):
        Z -= y
        np.einsum("ij,ij->i", Z, Z, out=losses)
        losses *= 0.5

    @staticmethod
    def output(z, y):
        r = z - y
        return 0.5 * (r * r), r


class Poisson(_WithScratch):
    r"""Half the Poisson deviance of counts or rates, which predicts their mean, ``exp(z)``.

    .. math:: \ell = \sum_k e^{z_k} - y_k - y_k (z_k - \log y_k), \qquad dz_k = e^{z_k} - y_k

    for y >= 0, with 0 log 0 = 0. scikit-learn uses the same formula. PyTorch's ``PoissonNLLLoss``
    omits the terms that do not depend on z.

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

    def value_and_gradient(self, Z, y, losses, scratch=None):
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
    def output(z, y):
        # From z, not from exp(z), which may be rounded to 0; and log 0 never meets its factor 0.
        logarithm = log(y if y > 0.0 else 1.0)
        gradient = exp(z) - y
        return gradient + y * (logarithm - z), gradient


class AbsoluteError(_WithScratch):
    r"""The absolute error, summed over the columns, which predicts the median.

    .. math:: \ell = \sum_k |z_k - y_k|, \qquad dz_k = \operatorname{sign}(z_k - y_k)

    This is twice the `Pinball` loss of the quantile 0.5. PyTorch's ``L1Loss`` is the mean over
    columns.

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

    def value_and_gradient(self, Z, y, losses, scratch=None):
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.abs(Z, out=scratch)
        np.add.reduce(scratch, axis=1, out=losses)
        np.sign(Z, out=Z)

    @staticmethod
    def output(z, y):
        r = z - y
        sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
        return abs(r), sign


class Huber(_WithScratch):
    r"""Squared error for small and absolute error for large residuals; limits the pull of outliers.

    .. math:: \ell = \sum_k g_k (r_k - \tfrac12 g_k), \qquad
              dz_k = g_k = \min(\delta, \max(-\delta, r_k))

    which is ``r^2 / 2`` if ``|r| <= delta`` and ``delta (|r| - delta / 2)`` otherwise. PyTorch's
    ``SmoothL1Loss`` is this loss divided by `delta`.

    Parameters
    ----------
    delta : float > 0, default=1.0
        The residual beyond which a target counts as an outlier, in units of the target.

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

    def __init__(self, *, delta=1.0):
        self.delta = delta

    def value_and_gradient(self, Z, y, losses, scratch=None):
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
    def output(z, y, delta):
        r = z - y
        g = delta if r > delta else (-delta if r < -delta else r)
        return g * (2.0 * r - g) * 0.5, g


class Pinball(_WithScratch):
    r"""The pinball loss, which predicts a quantile: the share `quantile` of targets lies below it.

    .. math:: \ell = \sum_k g_k r_k, \qquad
              dz_k = g_k = \tfrac12 \operatorname{sign}(r_k) + \tfrac12 - q

    which is ``(1 - q) r`` for predictions above the target and ``-q r`` below. scikit-learn's
    ``HistGradientBoostingRegressor`` calls this loss "quantile".

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        The predicted quantile. 0.5 is the median; 0.9 is the value that nine of ten targets do not
        exceed.

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

    def __init__(self, *, quantile=0.5):
        self.quantile = quantile

    def value_and_gradient(self, Z, y, losses, scratch=None):
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.sign(Z, out=scratch)
        scratch *= 0.5
        scratch += 0.5 - self.quantile
        np.einsum("ij,ij->i", scratch, Z, out=losses)
        Z[...] = scratch

    @staticmethod
    def output(z, y, quantile):
        r = z - y
        sign = 1.0 if r > 0.0 else (-1.0 if r < 0.0 else r)
        g = 0.5 * sign + (0.5 - quantile)
        return g * r, g
