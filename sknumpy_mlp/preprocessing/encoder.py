"""`CrossFittedTargetEncoder`: categories, by the mean of the target."""

from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import KFold
from sklearn.preprocessing import LabelBinarizer, TargetEncoder
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_array,
    check_consistent_length,
    check_is_fitted,
)

from .._estimator.declared import Array, Matrix, Stream
from .._estimator.errstate import with_errstate
from .._estimator.naming import naming
from .._estimator.rollback import unchanged_on_failure
from .._estimator.rows import check_complete, check_structure, check_unmasked
from .._version import Versioned
from .._view import Documented
from .checks import check_variance, checked


class CrossFittedTargetEncoder(TransformerMixin, Documented, Versioned, BaseEstimator):
    r"""Encode each category by the mean of the target over the samples that have it.

    Let n_c samples have category c, with mean ȳ_c and variance σ_c² of their targets, and let all
    targets have mean ȳ and variance τ². Then

    .. math:: c \mapsto \lambda_c \bar y_c + (1 - \lambda_c) \bar y, \qquad
       \lambda_c = \frac{n_c}{n_c + \sigma_c^2 / \tau^2} .

    In plain text: ``c -> λ_c ȳ_c + (1 - λ_c) ȳ`` with ``λ_c = n_c / (n_c + σ_c² / τ²)``, as
    `TargetEncoder` computes it. A sample must not be encoded by its own target, or a network
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
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
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

    def __init__(
        self,
        target_type: Literal["auto", "continuous"] = "auto",
        cv: int = 5,
        random_state: Stream = None,
    ) -> None:
        self.target_type = target_type
        self.cv = cv
        self.random_state = random_state

    encoders_: list[TargetEncoder]
    classes_: Array | None
    n_features_in_: int
    feature_names_in_: Array

    @unchanged_on_failure
    def fit(self, X: Matrix, y: ArrayLike) -> Self:
        """Compute the means over all samples.

        To encode the samples of `fit` themselves, use `fit_transform`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The categories: strings, numbers or other values that can be sorted.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Returns
        -------
        self : object
            The encoder.

        Raises
        ------
        ValueError
            If `target_type` is invalid, or if `y` is missing or has several columns of classes.
        """
        self._fit(X, y)
        return self

    @unchanged_on_failure
    def fit_transform(self, X: Matrix, y: ArrayLike) -> Array:
        """Fit, and encode each fold by the means over the other folds.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The categories.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.

        Returns
        -------
        ndarray of shape (n_samples, n_features * n_target_columns), of float64
            The columns of the first feature, then those of the second, and so on.
        """
        X, Y = self._fit(X, y)
        codes = np.empty((len(X), X.shape[1] * Y.shape[1]))
        with naming("random_state"):
            stream = check_random_state(self.random_state)
        with naming("cv"):
            folds = list(KFold(self.cv, shuffle=True, random_state=stream).split(X))
        for others, fold in folds:
            codes[fold] = _means(_encoders(X[others], Y[others]), X[fold])
        return codes

    def transform(self, X: Matrix) -> Array:
        """Encode categories by the means over all samples of `fit`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The categories.

        Returns
        -------
        ndarray of shape (n_samples, n_features * n_target_columns), of float64
            In the order of `fit_transform`.
        """
        check_is_fitted(self)
        return _means(self.encoders_, checked(self, X, reset=False))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Array:
        """The names of the features, followed by the class or number of each target column.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the features; None for those seen in `fit`.

        Returns
        -------
        ndarray of str objects
            The names.
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
        X = checked(self, X, reset=True)
        with naming("y"):
            Y, classes = self._columns_of_target(y)
        with naming("X and y"):
            check_consistent_length(X, Y)
        self.encoders_, self.classes_ = _encoders(X, Y), classes
        return X, Y

    @with_errstate(all="ignore")
    def _columns_of_target(self, y):
        """The target as columns of numbers, and its classes."""
        check_structure(y, "y")
        check_unmasked(y, "y")
        if not sparse.issparse(y):
            check_complete(y)
        if self.target_type == "continuous" or type_of_target(y).startswith("continuous"):
            Y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
            check_variance(Y)
            return Y.reshape(len(Y), -1), None
        labels = LabelBinarizer()
        return labels.fit_transform(y).astype(np.float64), labels.classes_

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
    with naming("X"):
        return [TargetEncoder(target_type="continuous").fit(X, column) for column in Y.T]


def _means(encoders, X):
    """The codes of all encoders, those of the same feature side by side."""
    with naming("X"):
        return np.stack([each.transform(X) for each in encoders], axis=2).reshape(len(X), -1)
