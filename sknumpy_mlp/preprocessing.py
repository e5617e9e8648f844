"""Transformers that networks on tables want.

Contract: scikit-learn's. A transformer here learns from the columns in ``fit``, gives back the
dtype that it got, and says what it refuses. To add one: a class with a formula, a source and an
example.
"""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

# The bound c of c-smooth clipping: nothing that comes out is larger.
BOUND = 3.0
# Where the rounded result is the bound, in float64 too; the square of it is finite in float32.
FAR = 1e10


class RobustSmoothScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Center and scale columns by quantiles, and bend outliers smoothly into (-3, 3).

    For each column with median m and quartiles :math:`q_{25}`, :math:`q_{75}`,

    .. math:: u = \frac{x - m}{s}, \qquad z = \frac{u}{\sqrt{1 + (u / 3)^2}},
       \qquad s = \begin{cases} q_{75} - q_{25} & \text{if that is not zero,} \\
       (\max - \min) / 2 & \text{otherwise,} \end{cases}

    and z = 0 where the column is constant. Near the median it is scikit-learn's `RobustScaler`;
    an outlier, however far, comes out below 3. Unlike `QuantileTransformer` it keeps the shape of
    the distribution, and unlike `StandardScaler` no outlier squeezes the others together.

    Parameters
    ----------
    dtype : {"float32", "float64"}, dtype or None, default=None
        What comes out. None keeps float32 and float64, and makes float64 of everything else.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        The medians.
    scale_ : ndarray of shape (n_features,)
        The divisors s; 0 for a constant column.
    n_features_in_ : int
        Columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` had names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : The same without the bend, and without a scale for
        columns whose quartiles are equal.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default: Strong pre-tuned MLPs and boosted
    trees on tabular data", NeurIPS 2024, section 3, "robust scaling and smooth clipping".

    Examples
    --------
    >>> from sknumpy_mlp.preprocessing import RobustSmoothScaler
    >>> X = [[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [1000.0, 5.0]]
    >>> RobustSmoothScaler().fit_transform(X).round(4)
    array([[-0.9487,  0.    ],
           [-0.4932,  0.    ],
           [ 0.    ,  0.    ],
           [ 0.4932,  0.    ],
           [ 2.9999,  0.    ]])
    """

    def __init__(self, dtype=None):
        self.dtype = dtype

    def fit(self, X, y=None):
        """Find the median and the scale of every column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If `X` holds NaN or infinity, or `dtype` is no float.
        """
        self._output_dtype(np.float64)
        X = self._checked(X, reset=True)
        with np.errstate(over="ignore", invalid="ignore"):
            lowest, low, center, high, highest = np.percentile(X, [0, 25, 50, 75, 100], axis=0)
            spread = high - low
            scale = np.where(spread > 0, spread, (highest - lowest) / 2)
        if not np.isfinite(scale).all():
            raise ValueError(
                f"X must have columns whose range is finite in {X.dtype}, got columns "
                f"{np.flatnonzero(~np.isfinite(scale)).tolist()} of range infinity"
            )
        self.center_ = center.astype(X.dtype)
        self.scale_ = scale.astype(X.dtype)
        return self

    def transform(self, X):
        """Scale and bend.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Between -3 and 3.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        scale = self.scale_.astype(X.dtype)
        scaled = np.zeros_like(X)
        # What overflows is far out: it is clipped in the next line.
        with np.errstate(over="ignore"):
            np.divide(X - self.center_.astype(X.dtype), scale, out=scaled, where=scale > 0)
        np.clip(scaled, -FAR, FAR, out=scaled)
        scaled /= np.sqrt(1 + (scaled / BOUND) ** 2)
        return scaled.astype(self._output_dtype(X.dtype), copy=False)

    def inverse_transform(self, X):
        r"""Undo `transform`: ``m + s u`` with :math:`u = 3 z / \sqrt{9 - z^2}`.

        Rounding costs a share ``1 + (u / 3)^2`` of the digits, so outliers come back roughly. What
        was rounded to 3, or is beyond it, gives the value of the largest number below 3.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        largest = np.nextafter(X.dtype.type(BOUND), X.dtype.type(0))
        X = np.clip(X, -largest, largest)
        X *= BOUND / np.sqrt((BOUND - X) * (BOUND + X))
        X *= self.scale_.astype(X.dtype)
        X += self.center_.astype(X.dtype)
        return X.astype(self._output_dtype(X.dtype), copy=False)

    def _checked(self, X, reset):
        X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
            reset=reset,
        )
        missing = np.isnan(X).any(axis=0)
        if missing.any():
            raise ValueError(
                f"Input X contains NaN, in columns {np.flatnonzero(missing).tolist()}; "
                f"{type(self).__name__} wants numbers only: "
                "sklearn.impute.SimpleImputer(strategy='median') before it fills them in"
            )
        return X

    def _output_dtype(self, dtype):
        """The dtype of what comes out for input of this one."""
        if self.dtype is None:
            return np.dtype(dtype)
        chosen = np.dtype(self.dtype)
        if chosen not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32, float64 or None, got {self.dtype!r}")
        return chosen

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        kept = ["float64", "float32"] if self.dtype is None else []
        tags.transformer_tags.preserves_dtype = kept
        return tags
