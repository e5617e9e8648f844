"""Transformers for networks on tables.

They follow scikit-learn's contract: a transformer learns from the columns in ``fit``, returns
floats, and raises an error for invalid input. A new one needs a formula, a source, an example.
"""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.model_selection import KFold
from sklearn.preprocessing import LabelBinarizer, TargetEncoder
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from ._version import Versioned

# The bound c of smooth clipping, which no output exceeds.
BOUND = 3.0
# Here the rounded result equals the bound, even in float64, and the square is finite in float32.
FAR = 1e10


class RobustSmoothScaler(OneToOneFeatureMixin, TransformerMixin, Versioned, BaseEstimator):
    r"""Center and scale features by quantiles, and clip outliers smoothly to (-3, 3).

    For each feature with median m and quartiles :math:`q_{25}`, :math:`q_{75}`,

    .. math:: u = \frac{x - m}{s}, \qquad z = \frac{u}{\sqrt{1 + (u / 3)^2}},
       \qquad s = \begin{cases} q_{75} - q_{25} & \text{if this is not zero,} \\
       (\max - \min) / 2 & \text{otherwise,} \end{cases}

    and z = 0 if the feature is constant. Missing values (NaN) are disregarded in `fit` and remain
    in `transform`, as in scikit-learn's scalers. Near the median, the transformation equals that of
    `RobustScaler`; even extreme outliers stay below 3 in absolute value. Unlike
    `QuantileTransformer`, it preserves the shape of the distribution. Unlike with `StandardScaler`,
    outliers do not compress the range of the other values.

    Parameters
    ----------
    dtype : {"float32", "float64"}, dtype or None, default=None
        The dtype of the output. None keeps float32 and float64, and converts all others to float64.

    Attributes
    ----------
    center_ : ndarray of shape (n_features,)
        The medians.
    scale_ : ndarray of shape (n_features,)
        The divisors s; 0 for a constant feature.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Only present if `X` has names that are all strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Scaling without the smooth clipping, and without a scale
        for features whose quartiles are equal.

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
        """Compute the median and the scale of every feature.

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
            If `X` contains infinity, or if `dtype` is invalid.
        """
        self._output_dtype(np.float64)
        X = _checked_numbers(self, X, reset=True)
        with np.errstate(over="ignore", invalid="ignore"):
            lowest, low, center, high, highest = _quantiles(X, [0, 25, 50, 75, 100])
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
        """Scale `X` and clip outliers smoothly.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The transformed values, between -3 and 3.
        """
        check_is_fitted(self)
        X = _checked_numbers(self, X, reset=False)
        scale = self.scale_.astype(X.dtype)
        scaled = np.where(np.isnan(X), X, 0)
        # Values that overflow are clipped below.
        with np.errstate(over="ignore"):
            np.divide(X - self.center_.astype(X.dtype), scale, out=scaled, where=scale > 0)
        np.clip(scaled, -FAR, FAR, out=scaled)
        scaled /= np.sqrt(1 + (scaled / BOUND) ** 2)
        return scaled.astype(self._output_dtype(X.dtype), copy=False)

    def inverse_transform(self, X):
        r"""Undo `transform`: ``m + s u`` with :math:`u = 3 z / \sqrt{9 - z^2}`.

        Rounding errors are amplified by the factor ``1 + (u / 3)^2``, so outliers are only restored
        approximately. Values beyond the bounds, or rounded to them, are replaced by the nearest
        number between -3 and 3.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        check_is_fitted(self)
        X = _checked_numbers(self, X, reset=False)
        largest = np.nextafter(X.dtype.type(BOUND), X.dtype.type(0))
        X = np.clip(X, -largest, largest)
        X *= BOUND / np.sqrt((BOUND - X) * (BOUND + X))
        X *= self.scale_.astype(X.dtype)
        X += self.center_.astype(X.dtype)
        return X.astype(self._output_dtype(X.dtype), copy=False)

    def _output_dtype(self, dtype):
        """The dtype of the output for an input of this dtype."""
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
        tags.input_tags.allow_nan = True
        return tags


def _quantiles(X, percents):
    """Percentiles of the numbers in each column, (n_percents, n_features); 0 without a number."""
    found = np.percentile(X, percents, axis=0)
    # np.nanpercentile takes ten times as long for all columns.
    for column in np.flatnonzero(np.isnan(X).any(axis=0)):
        values = X[:, column]
        values = values[~np.isnan(values)]
        found[:, column] = np.percentile(values, percents) if len(values) else 0
    return found


class GaussianImputer(OneToOneFeatureMixin, TransformerMixin, Versioned, BaseEstimator):
    r"""Replace missing values by their expectation, given the other values of the sample.

    Standardized features with correlation matrix R are taken for jointly normal. The expectation of
    the missing ones m of a sample, given those observed o, is

    .. math:: E[z_m \mid z_o] = R_{mo} R_{oo}^{-1} z_o = -P_{mm}^{-1} P_{mo} z_o, \qquad
       P = ((1 - a) R + a I)^{-1},

    where a is the `shrinkage`. Each correlation is the mean over the samples with both features,
    and negative eigenvalues of R are set to zero. A pattern of m gaps takes O(m^3) operations.

    Parameters
    ----------
    shrinkage : float, default=0.1
        Weight of the identity in the correlation matrix, in (0, 1]; 1 replaces missing values by
        the mean of the feature.

    Attributes
    ----------
    mean_, scale_ : ndarray of shape (n_features,)
        Mean and standard deviation of the known values; 0 and 1 for a feature without any.
    precision_ : ndarray of shape (n_features, n_features)
        The matrix P.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Only present if `X` has names that are all strings.

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

    def __init__(self, shrinkage=0.1):
        self.shrinkage = shrinkage

    def fit(self, X, y=None):
        """Estimate means, standard deviations and correlations.

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
            If `X` contains infinity, or if `shrinkage` is not in (0, 1].
        """
        if not 0 < self.shrinkage <= 1:
            raise ValueError(f"shrinkage must be in (0, 1], got {self.shrinkage!r}")
        X = _checked_numbers(self, X, reset=True).astype(np.float64)
        known = ~np.isnan(X)
        n_known = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, X, 0).sum(axis=0) / n_known
        Z = np.where(known, X - self.mean_, 0)
        spread = np.sqrt((Z**2).sum(axis=0) / n_known)
        self.scale_ = np.where(spread > 0, spread, 1)
        Z /= self.scale_
        both = known.astype(np.float64)
        R = Z.T @ Z / np.maximum(both.T @ both, 1)
        if not known.all():
            # Means over different samples need not belong to any joint distribution.
            values, vectors = np.linalg.eigh(R)
            R = vectors * np.maximum(values, 0) @ vectors.T
        R *= 1 - self.shrinkage
        self.precision_ = np.linalg.inv(R + self.shrinkage * np.eye(len(R)))
        return self

    def transform(self, X):
        """Replace the missing values of `X`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            float32 for float32, otherwise float64. Known values are unchanged.
        """
        check_is_fitted(self)
        X = _checked_numbers(self, X, reset=False).copy()
        gaps = np.isnan(X)
        rows = np.flatnonzero(gaps.any(axis=1))
        Z = np.where(gaps[rows], 0, (X[rows] - self.mean_) / self.scale_)
        patterns, number = np.unique(gaps[rows], axis=0, return_inverse=True)
        order = np.argsort(number.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(number.ravel(), minlength=len(patterns)))
        for gap, same in zip(patterns, np.split(order, ends[:-1])):
            P = self.precision_[gap]
            found = -np.linalg.solve(P[:, gap], P @ Z[same].T).T
            X[np.ix_(rows[same], gap)] = found * self.scale_[gap] + self.mean_[gap]
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.allow_nan = True
        return tags


def _checked_numbers(transformer, X, reset):
    dtypes = [np.float64, np.float32]
    return validate_data(transformer, X, dtype=dtypes, ensure_all_finite="allow-nan", reset=reset)


class CrossFittedTargetEncoder(TransformerMixin, Versioned, BaseEstimator):
    r"""Encode each category by the mean of the target over the samples that have it.

    Let n_c samples have category c, with mean :math:`\bar y_c` and variance :math:`\sigma_c^2` of
    their targets, and let all targets have mean :math:`\bar y` and variance :math:`\tau^2`. Then

    .. math:: c \mapsto \lambda_c \bar y_c + (1 - \lambda_c) \bar y, \qquad
       \lambda_c = \frac{n_c}{n_c + \sigma_c^2 / \tau^2} .

    as `TargetEncoder` computes it. A sample must not be encoded by its own target, or a network
    would rely too much on the code. Therefore `fit_transform` encodes each of `cv` folds by the
    means over the other folds. `transform` uses the means over all samples.

    The target may have any form that the estimators of this package accept. Numbers are averaged.
    Labels become one column for each class (a single one for two classes), and the means are
    frequencies. Each column of a target of several columns is averaged separately. The output has
    one column for each feature and column of the target.

    Missing values are a category. Categories not seen in `fit` are encoded as the mean of `y`.

    Parameters
    ----------
    target_type : {"auto", "continuous"}, default="auto"
        "continuous" averages the target as numbers. "auto" does so if it contains numbers that are
        not integers, and takes it for labels otherwise; for regression, pass "continuous".
    cv : int, default=5
        Number of folds. They are shuffled and not stratified.
    random_state : int, RandomState instance or None, default=None
        Controls the folds. Pass an int for reproducible output across multiple calls.

    Attributes
    ----------
    encoders_ : list of TargetEncoder
        The encoder of each column of the target, fitted on all samples.
    classes_ : ndarray of shape (n_classes,) or None
        The labels; None if the target consists of numbers.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Only present if `X` has names that are all strings.

    See Also
    --------
    sklearn.preprocessing.TargetEncoder : The same means; it refuses targets of several columns.
        For labels, its folds are stratified.

    References
    ----------
    Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes in
    classification and prediction problems", SIGKDD Explorations 3 (1), 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.preprocessing import CrossFittedTargetEncoder
    >>> X = np.array([["Graz"] * 4 + ["Linz"] * 4], dtype=object).T
    >>> y = [1.0, 2.0, 1.0, 2.0, 8.0, 9.0, 8.0, 9.0]
    >>> encoder = CrossFittedTargetEncoder(target_type="continuous", random_state=0).fit(X, y)
    >>> encoder.transform([["Graz"], ["Linz"], ["Wien"]]).round(2)
    array([[1.52],
           [8.48],
           [5.  ]])
    """

    def __init__(self, target_type="auto", cv=5, random_state=None):
        self.target_type = target_type
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y):
        """Compute the means over all samples.

        To encode the samples of `fit` themselves, use `fit_transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The categories: strings, numbers or other values that can be sorted.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If `target_type` is invalid, or if `y` is missing or has several columns of classes.
        """
        self._fit(X, y)
        return self

    def fit_transform(self, X, y):
        """Fit, and encode each fold by the means over the other folds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)

        Returns
        -------
        ndarray of shape (n_samples, n_features * n_target_columns), of float64
            The columns of the first feature, then those of the second, and so on.
        """
        X, Y = self._fit(X, y)
        codes = np.empty((len(X), X.shape[1] * Y.shape[1]))
        folds = KFold(self.cv, shuffle=True, random_state=self.random_state)
        for others, fold in folds.split(X):
            codes[fold] = _means(_encoders(X[others], Y[others]), X[fold])
        return codes

    def transform(self, X):
        """Encode categories by the means over all samples of `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features * n_target_columns), of float64
        """
        check_is_fitted(self)
        return _means(self.encoders_, self._checked(X, reset=False))

    def get_feature_names_out(self, input_features=None):
        """The names of the features, followed by the class or number of each target column.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features; None for those seen in `fit`.

        Returns
        -------
        ndarray of str objects
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if len(self.encoders_) > 1:
            targets = range(len(self.encoders_)) if self.classes_ is None else self.classes_
            names = [f"{name}_{target}" for name in names for target in targets]
        return np.asarray(names, dtype=object)

    def _fit(self, X, y):
        """Fit on all samples, and return both arrays as they are averaged."""
        if self.target_type not in ("auto", "continuous"):
            raise ValueError(
                f"target_type must be one of ['auto', 'continuous'], got {self.target_type!r}"
            )
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        X = self._checked(X, reset=True)
        Y, classes = self._columns_of_target(y)
        check_consistent_length(X, Y)
        self.encoders_, self.classes_ = _encoders(X, Y), classes
        return X, Y

    def _columns_of_target(self, y):
        """The target as columns of numbers, and its classes."""
        if self.target_type == "continuous" or type_of_target(y).startswith("continuous"):
            Y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
            return Y.reshape(len(Y), -1), None
        labels = LabelBinarizer()
        return labels.fit_transform(y).astype(np.float64), labels.classes_

    def _checked(self, X, reset):
        return validate_data(self, X, dtype=None, ensure_all_finite="allow-nan", reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _encoders(X, Y):
    """Fit an encoder for each column of the target."""
    return [TargetEncoder(target_type="continuous").fit(X, column) for column in Y.T]


def _means(encoders, X):
    """The codes of all encoders, those of the same feature side by side."""
    return np.stack([each.transform(X) for each in encoders], axis=2).reshape(len(X), -1)
