"""`GaussianImputer`: missing numbers, from the other numbers of the sample."""

from numbers import Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._estimator.declared import Array, Matrix
from .._estimator.rollback import unchanged_on_failure
from .._version import Versioned
from .._view import Documented
from .checks import checked_numbers, checked_size


class GaussianImputer(OneToOneFeatureMixin, TransformerMixin, Documented, Versioned, BaseEstimator):
    r"""Replace missing values by their expectation, given the other values of the sample.

    Standardized features with correlation matrix R are taken for jointly normal. The expectation of
    the missing ones m of a sample, given those observed o, is

    .. math:: E[z_m \mid z_o] = R_{mo} R_{oo}^{-1} z_o = -P_{mm}^{-1} P_{mo} z_o, \qquad
       P = ((1 - a) R + a I)^{-1},

    where a is the `shrinkage`. In plain text: ``E[z_m | z_o] = R_mo inv(R_oo) z_o``, with R
    replaced by ``(1 - a) R + a I``. Each correlation is the mean over the samples with both
    features, and negative eigenvalues of R are set to zero. A pattern of m gaps takes
    O(m^3) operations.

    Parameters
    ----------
    shrinkage : float, default=0.1
        Weight of the identity in the correlation matrix, in (0, 1]; 1 replaces missing values by
        the mean of the feature.

    Attributes
    ----------
    mean_ : ndarray of shape (n_features,)
        Mean of the known values; 0 for a feature without any.
    scale_ : ndarray of shape (n_features,)
        Standard deviation of the known values; 1 for a feature without any.
    precision_ : ndarray of shape (n_features, n_features)
        The matrix P.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Only present if `X` has names that are all strings.

    See Also
    --------
    sklearn.impute.IterativeImputer : Imputes by any regressor, in rounds.
    sklearn.impute.SimpleImputer : Imputes by the mean or the median.

    References
    ----------
    Little and Rubin, "Statistical Analysis with Missing Data", 3rd ed., 2019, chapter 11.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.preprocessing import GaussianImputer
    >>> X = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, np.nan]]
    >>> GaussianImputer(shrinkage=0.01).fit_transform(X).round(1).tolist()
    [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 27.9]]
    """

    def __init__(self, shrinkage: float = 0.1) -> None:
        self.shrinkage = shrinkage

    mean_: Array
    scale_: Array
    precision_: Array
    n_features_in_: int
    feature_names_in_: Array

    @unchanged_on_failure
    def fit(self, X: Matrix, y: object = None) -> Self:
        """Estimate means, standard deviations and correlations.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers, with NaN as missing value.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The imputer.

        Raises
        ------
        ValueError
            If `X` contains infinity, or if `shrinkage` is not in (0, 1].
        """
        if not isinstance(self.shrinkage, Real) or not 0 < self.shrinkage <= 1:
            raise ValueError(f"shrinkage must be in (0, 1], got {self.shrinkage!r}")
        X = checked_numbers(self, X, reset=True).astype(np.float64)
        known = ~np.isnan(X)
        with np.errstate(all="ignore"):
            self.mean_, self.scale_, Z = _standardized(np.where(known, X, 0), known)
            both = known.astype(np.float64)
            R = Z.T @ Z / np.maximum(both.T @ both, 1)
            if not known.all():
                # Means over different samples need not belong to any joint distribution.
                values, vectors = np.linalg.eigh(R)
                R = vectors * np.maximum(values, 0) @ vectors.T
            R *= 1 - self.shrinkage
            R += self.shrinkage * np.eye(len(R))
            try:
                self.precision_ = np.linalg.inv(R)
            except np.linalg.LinAlgError as error:
                raise ValueError(
                    f"shrinkage must be larger for the features of X, of which some repeat others, "
                    f"got {self.shrinkage!r}"
                ) from error
        return self

    def transform(self, X: Matrix) -> Array:
        """Replace the missing values of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers, with NaN as missing value.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The dtype is float32 for float32, otherwise float64. Known values are unchanged.

        Raises
        ------
        ValueError
            If `X` contains infinity, or if an expectation is too large for the dtype.
        """
        check_is_fitted(self)
        X = checked_numbers(self, X, reset=False)
        gaps = np.isnan(X)
        rows = np.flatnonzero(gaps.any(axis=1))
        if not len(rows):
            return X.copy()
        with np.errstate(all="ignore"):
            # Halves, since the difference of two numbers may be too large.
            Z = np.where(gaps[rows], 0, (X[rows] / 2 - self.mean_ / 2) / self.scale_ * 2)
            patterns, number = np.unique(gaps[rows], axis=0, return_inverse=True)
            order = np.argsort(number.ravel(), kind="stable")
            ends = np.cumsum(np.bincount(number.ravel(), minlength=len(patterns)))
            filled = X.astype(np.float64)
            for gap, same in zip(patterns, np.split(order, ends[:-1])):
                P = self.precision_[gap]
                found = -np.linalg.solve(P[:, gap], P @ Z[same].T).T
                filled[np.ix_(rows[same], gap)] = found * self.scale_[gap] + self.mean_[gap]
        filled[np.isnan(filled)] = np.inf
        return checked_size(filled, X.dtype, "expectations")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        return tags


def _standardized(X, known):
    """Means, standard deviations and standardized columns; unknown values are 0, before and after.

    Columns are scaled by powers of two, so that no square overflows and no bit changes.
    """
    _, exponent = np.frexp(np.abs(X).max(axis=0))
    X = np.ldexp(X, -exponent)
    n_known = np.maximum(known.sum(axis=0), 1)
    mean = X.sum(axis=0) / n_known
    Z = np.where(known, X - mean, 0)
    spread = np.sqrt((Z**2).sum(axis=0) / n_known)
    Z /= np.where(spread > 0, spread, 1)
    scale = np.ldexp(spread, exponent)
    return np.ldexp(mean, exponent), np.where(scale > 0, scale, 1), Z
