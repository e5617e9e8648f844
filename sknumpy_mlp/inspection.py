"""Explain the scores of a fitted network by gradients: which columns move them, and how far.

`input_gradients` gives derivatives. `integrated_gradients` and `expected_gradients` attribute the
difference between a score and that of a baseline to the columns. All of them take an estimator of
this package, or a pipeline or a `TransformedTargetRegressor` that ends with one.
"""

from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ._estimator import fitted
from ._estimator.base import BaseScratchMLP
from ._estimator.rows import check_numbers
from ._family import integer
from ._origins import origins
from .core.sensitivity import Sensitivity, attributions

__all__ = ["Attributions", "expected_gradients", "input_gradients", "integrated_gradients"]


@dataclass(frozen=True)
class Attributions:
    """What each column contributes to the score of each sample.

    The values of a sample sum to the difference of its score and its base value, up to the gap.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        The attributions, float64.
    scores : ndarray of shape (n_samples,)
        The explained scores of the samples.
    base_values : ndarray of shape (n_samples,)
        The scores of the baseline, or their mean over the background.
    data : ndarray of shape (n_samples, n_features)
        The explained samples.
    feature_names : list of str or None, default=None
        The names of the columns.

    Attributes
    ----------
    gap : ndarray of shape (n_samples,)
        By how much each row of `values` misses the difference of `scores` and `base_values`. The
        gap falls with more steps.

    See Also
    --------
    integrated_gradients : Attributions for a baseline.
    expected_gradients : Attributions for a background.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp.inspection import Attributions
    >>> Attributions(np.array([[1.0, 2.0]]), np.array([4.0]), np.array([0.5]), np.eye(1, 2))
    Attributions of 1 samples and 2 features, with a gap of at most 0.5
    """

    values: np.ndarray
    scores: np.ndarray
    base_values: np.ndarray
    data: np.ndarray
    feature_names: list | None = None
    gap: np.ndarray = field(init=False)

    def __post_init__(self):
        gap = np.abs(self.values.sum(axis=1) - (self.scores - self.base_values))
        object.__setattr__(self, "gap", gap)

    def to_shap(self):
        """Convert to a `shap.Explanation`, for the plots of the package shap.

        Returns
        -------
        shap.Explanation
            For ``shap.plots.waterfall(explanation[0])``, ``shap.plots.beeswarm(explanation)`` and
            the others.

        Raises
        ------
        ImportError
            If shap is not installed.
        """
        import shap

        return shap.Explanation(
            self.values, self.base_values, self.data, feature_names=self.feature_names
        )

    def __repr__(self):
        n_samples, n_features = self.values.shape
        largest = self.gap.max(initial=0.0)
        return (
            f"{type(self).__name__} of {n_samples} samples and {n_features} features, "
            f"with a gap of at most {largest:.2g}"
        )


def input_gradients(model, X, *, target=None):
    r"""Compute the derivative of a score by each column, at every sample.

    The score is that of `decision_function`, or for numbers the prediction, which "poisson" has the
    logarithm of.

    Parameters
    ----------
    model : estimator
        A fitted `ScratchMLPClassifier` or `ScratchMLPRegressor`, or a pipeline or a
        `TransformedTargetRegressor` that ends with one. The derivatives are by the columns that the
        network gets, and those made from one column of `X` are added up: after a `StandardScaler`,
        they are per standard deviation. For a column of categories the sum means little; use
        `integrated_gradients`. With a `TransformedTargetRegressor`, the score is the transformed
        target.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
    target : object, default=None
        The class, or for numbers the index of the column of y. None is the second of two classes,
        the predicted class of each sample if there are more, or the only column.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Of the dtype of the network.

    Raises
    ------
    TypeError
        If `model` does not end with an estimator of this package.
    ValueError
        If `target` is invalid, or if a column of a pipeline is made from several of `X`.

    References
    ----------
    Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks: visualising image
    classification models and saliency maps", ICLR workshop 2014.

    Examples
    --------
    >>> from sknumpy_mlp import ScratchMLPRegressor
    >>> from sknumpy_mlp.inspection import input_gradients
    >>> line = ScratchMLPRegressor.from_weights([[[2.0], [-1.0]]], [[0.5]])
    >>> input_gradients(line, [[1.0, 3.0]])
    array([[ 2., -1.]])
    """
    explained = _Explained(model, X, target)
    gradients = explained.gradients(explained.X)
    return explained.by_column(gradients).astype(gradients.dtype, copy=False)


def integrated_gradients(model, X, baseline=None, *, target=None, n_steps=64):
    r"""Attribute the score of each sample, compared with a baseline, to the columns.

    For a baseline x', column j gets

    .. math:: (x_j - x'_j) \int_0^1 \frac{\partial f}{\partial x_j}(x' + \alpha (x - x'))\, d\alpha

    by the midpoint rule. In plain text: the difference ``x_j - x'_j`` times the mean derivative
    ``df / dx_j`` on the straight path from x' to x. The attributions of a sample sum to
    ``f(x) - f(x')`` up to the error of the rule, which the result has as `gap`.

    Parameters
    ----------
    model : estimator
        As in `input_gradients`. Behind the transformers of a pipeline, the path is that of the
        columns which the network gets, and the attributions of columns made from one column of `X`
        are added up.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
    baseline : array-like or DataFrame, default=None
        One row for all samples, of shape (n_features,) or (1, n_features), or one row for each, of
        shape (n_samples, n_features). For a model of a DataFrame, a DataFrame. None is a row of
        zeros for the network: after a `StandardScaler` the mean of every column, in
        `make_tabular_mlp` the median of every number and no category.
    target : object, default=None
        As in `input_gradients`.
    n_steps : int >= 1, default=64
        Number of points on the path.

    Returns
    -------
    Attributions
        With the columns of `X`, and the score of each baseline.

    Raises
    ------
    TypeError, ValueError
        As in `input_gradients`; a ValueError also if `baseline` or `n_steps` is invalid.

    References
    ----------
    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknumpy_mlp import ScratchMLPClassifier
    >>> from sknumpy_mlp.inspection import integrated_gradients
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ScratchMLPClassifier((8,), "tanh", n_iter_no_change=None, random_state=0).fit(X, y)
    >>> found = integrated_gradients(model, X, X.mean(axis=0), target=2)
    >>> difference = model.decision_function(X)[:, 2] - found.base_values
    >>> bool(abs(found.values.sum(axis=1) - difference).max() < 1e-2)
    True
    """
    integer(1).check("n_steps", n_steps)
    explained = _Explained(model, X, target)
    start = explained.baseline(baseline)
    fractions = (np.arange(n_steps) + 0.5) / n_steps
    base_scores = explained.scores(np.broadcast_to(start, explained.X.shape))
    return explained.attributions([start] * n_steps, fractions, base_scores)


def expected_gradients(model, X, background, *, target=None, n_steps=200, random_state=None):
    r"""Attribute the score of each sample, compared with a background, to the columns.

    These are the integrated gradients, averaged over baselines x' from the background:

    .. math:: E_{x', \alpha}\left[ (x_j - x'_j)
              \frac{\partial f}{\partial x_j}(x' + \alpha (x - x')) \right], \qquad
              \alpha \sim U(0, 1) .

    In plain text: the mean of ``(x_j - x'_j) df / dx_j`` at random places between x' and x. They
    estimate Shapley values, as the `GradientExplainer` of the package shap does. Each step
    takes one row of the background and one place on its path. All rows are taken equally often, and
    the places are spread evenly, so that fewer steps are needed than with independent draws.

    Parameters
    ----------
    model : estimator
        As in `integrated_gradients`.
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
    background : {array-like, DataFrame, sparse matrix} of shape (n_background, n_features)
        Rows to compare with, for example a hundred rows of the training data.
    target : object, default=None
        As in `input_gradients`.
    n_steps : int >= 1, default=200
        Number of pairs of a background row and a place on the path, the same for all samples.
    random_state : int, RandomState or None, default=None
        Controls the pairs.

    Returns
    -------
    Attributions
        Its `base_values` are the mean score of the background.

    Raises
    ------
    TypeError, ValueError
        As in `input_gradients`; a ValueError also if `background` or `n_steps` is invalid.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg and Lee, "Improving performance of deep learning models with
    axiomatic attribution priors and expected gradients", Nature Machine Intelligence 3, 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknumpy_mlp import ScratchMLPClassifier
    >>> from sknumpy_mlp.inspection import expected_gradients
    >>> X, y = load_iris(return_X_y=True)
    >>> model = ScratchMLPClassifier((8,), n_iter_no_change=None, random_state=0).fit(X, y)
    >>> expected_gradients(model, X[:5], X[::5], target=0, random_state=0).values.shape
    (5, 4)
    """
    integer(1).check("n_steps", n_steps)
    stream = check_random_state(np.random.RandomState() if random_state is None else random_state)
    explained = _Explained(model, X, target)
    background = explained.rows(background)
    numbers, fractions = _pairs(len(background), n_steps, stream)
    base_scores = explained.mean_scores(background)
    return explained.attributions(background[numbers], fractions, base_scores)


class _Explained:
    """A model, samples and a target to explain.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_inputs)
        The samples, as the network gets them.
    """

    def __init__(self, model, X, target):
        self.transformers, self.network = _unwrapped(model)
        self.given = X
        self.X = self.rows(X)
        network, link = fitted.network(self.network), self.network._loss.link
        if network.n_members > 1 and not link.differentiates_pool:
            raise ValueError(
                f"link of the loss must write pool_gradient beside pool to explain several "
                f"members, got {link!r}"
            )
        self.sensitivity = Sensitivity(
            network,
            link,
            np.atleast_1d(vars(self.network).get("temperature_", 1.0)),
        )
        self.factors = self._factors(target)
        self.columns = None
        if self.transformers:
            self.columns = np.arange(np.shape(X)[1])
            for each in self.transformers:
                self.columns = origins(each, self.columns)

    def rows(self, X):
        """Rows of the user's as the network gets them: checked, dense, of its dtype."""
        for transformer in self.transformers:
            X = transformer.transform(X)
        dtype = fitted.dtype(self.network)
        X = self.network._validated(X, reset=False)
        check_numbers(X, dtype)
        return np.ascontiguousarray(X.toarray() if sparse.issparse(X) else X, dtype)

    def baseline(self, baseline):
        """The baseline as the network gets it, one row or one for each sample."""
        if baseline is None:
            return np.zeros_like(self.X[:1])
        if np.ndim(baseline) == 1:
            baseline = np.asarray(baseline)[np.newaxis]
        rows = self.rows(baseline)
        if len(rows) not in (1, len(self.X)):
            raise ValueError(
                f"baseline must have one row or as many as X, {len(self.X)}, got {len(rows)}"
            )
        return rows

    def gradients(self, X):
        """The gradient of the explained scores by the inputs of the network."""
        return self.sensitivity.gradients(X, self.factors)

    def scores(self, X):
        """The explained score of each row, of as many rows as the samples."""
        return (self.sensitivity.scores(X) * self.factors).sum(axis=1, dtype=np.float64)

    def mean_scores(self, background):
        """The mean of the explained score over the background, for each sample."""
        mean = self.sensitivity.scores(background).mean(axis=0, dtype=np.float64)
        return np.broadcast_to((mean * self.factors).sum(axis=-1), len(self.X))

    def attributions(self, starts, fractions, base_scores):
        """The `Attributions` of paths from `starts` to the samples."""
        values = attributions(self.gradients, self.X, starts, fractions)
        names = _names(self.given)
        data = self.given.toarray() if sparse.issparse(self.given) else np.asarray(self.given)
        scores = self.scores(self.X)
        return Attributions(self.by_column(values), scores, base_scores, data, names)

    def by_column(self, values):
        """Sums over the columns that are made from one column of the user's."""
        if self.columns is None:
            return values
        total = np.zeros((len(values), np.shape(self.given)[1]))
        for column, of_network in zip(self.columns, values.T, strict=True):
            total[:, column] += of_network
        return total

    def _factors(self, target):
        """The factor of each score, of shape (n_outputs,), or (n_samples, n_outputs)."""
        n_outputs = self.sensitivity.network.units[-1]
        classes = vars(self.network).get("classes_")
        choices = range(n_outputs) if classes is None else classes
        if target is None and classes is not None and len(classes) > 2 and self._is_exclusive:
            scores = self.sensitivity.scores(self.X)
            chosen = self.network._loss.link.predict(scores)
        else:
            chosen = _number(target, choices, can_choose=classes is None or self._is_exclusive)
        if n_outputs == 1 and classes is not None and len(classes) == 2:
            # The log-odds of the second class, and minus those of the first.
            return np.array([1.0 if chosen == 1 else -1.0])
        return np.eye(n_outputs)[chosen]

    @property
    def _is_exclusive(self):
        """Whether each sample has one class."""
        return "multilabel" not in self.network._loss.kinds


def _pairs(n_rows, n_steps, stream):
    """Rows of the background and places on their paths, both spread evenly over the steps."""
    n_rounds = -(-n_steps // n_rows)
    steps = np.arange(n_rounds * n_rows)
    order = np.concatenate([stream.permutation(n_rows) for _ in range(n_rounds)])
    # Each row visits every n_rounds-th of its path once, and all rows together every part of it.
    shift, within = stream.randint(n_rounds, size=n_rows), stream.permutation(n_rows)
    part = (steps // n_rows + shift[order]) % n_rounds
    fractions = (part + (within[order] + stream.uniform(size=len(steps))) / n_rows) / n_rounds
    return order[:n_steps], fractions[:n_steps]


def _number(target, choices, can_choose):
    """The index of the target among the choices; of None, the last of one or of two classes."""
    if target is None and can_choose and len(choices) <= (1 if isinstance(choices, range) else 2):
        return len(choices) - 1
    is_index = isinstance(target, Integral) and not isinstance(target, (bool, np.bool_))
    known = list(choices) if isinstance(choices, range) else choices.tolist()
    is_known = is_index if isinstance(choices, range) else target is not None
    if is_known and np.ndim(target) == 0 and target in known:
        return known.index(target)
    what = "the index of a column of y" if isinstance(choices, range) else "a class"
    raise ValueError(f"target must be {what}, one of {known}, got {target!r}")


def _names(X):
    """The names of the columns, or None."""
    return [str(name) for name in X.columns] if hasattr(X, "columns") else None


def _unwrapped(model):
    """The transformers before the network, and the network."""
    transformers = []
    network = model
    while isinstance(network, (Pipeline, TransformedTargetRegressor)):
        if isinstance(network, Pipeline):
            if len(network) > 1:
                transformers.append(network[:-1])
            network = network[-1]
        else:
            check_is_fitted(network)
            network = network.regressor_
    if not isinstance(network, BaseScratchMLP):
        raise TypeError(
            "model must be a ScratchMLPClassifier or ScratchMLPRegressor, or a pipeline or "
            f"TransformedTargetRegressor that ends with one, got {type(network).__name__}"
        )
    check_is_fitted(network)
    return transformers, network
