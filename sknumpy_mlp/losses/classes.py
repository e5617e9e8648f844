r"""Losses for targets that are classes or labels."""

from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from .._elementary import exp, expm1, log, log1p, logistic
from .._family import Rule, real
from .._types import Array, Floats
from .base import ClassNumbers, Columns, Loss
from .links import IndependentLogistic, Link, Logistic, OneVersusRest, Softmax
from .numbers import ContinuousSquaredError


class LabelSmoothing:
    """Mixin of losses with label smoothing.

    With smoothing ε, a target y of 0 and 1 becomes ``t = (1 - ε) y + ε / K``, where K is the number
    of exclusive outcomes: the number of classes for a softmax, 2 for a logistic output.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
    section 7.
    """

    flat: ClassVar[tuple[str, ...]] = ("label_smoothing",)
    rules: ClassVar[dict[str, Rule]] = {"label_smoothing": real(0, 1, closed="left")}
    # For subclasses with their own constructor.
    label_smoothing = 0.0

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing


class SoftmaxCrossEntropy(LabelSmoothing, Loss):
    r"""Cross-entropy of the softmax, for exclusive classes.

    .. math:: \ell = \log\sum_k e^{z_k} - z_y, \qquad
              dz_k = \frac{e^{z_k}}{\sum_j e^{z_j}} - [k = y]

    In plain text: ``l = log(sum_k exp(z_k)) - z_y`` with the gradient
    ``dz_k = exp(z_k) / sum_j exp(z_j) - [k = y]``. With label smoothing ε and K classes, z_y
    becomes ``(1 - ε) z_y + ε / K sum_k z_k``.

    Domain: exclusive classes, two or more.
    Link: `Softmax`, probabilities that sum to one.

    PyTorch's ``CrossEntropyLoss`` with `weight` and `label_smoothing` multiplies the smoothed share
    of each class by the weight of that class. Here the weight of a class multiplies the whole loss
    of the rows that belong to it.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    ClasswiseCrossEntropy : One logistic output for each class.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 4.3.4.

    Examples
    --------
    >>> Z, losses = np.array([[1000.0, 0.0]]), np.empty(1)
    >>> SoftmaxCrossEntropy().value_and_gradient(Z, np.array([1]), losses)
    >>> losses, Z
    (array([1000.]), array([[ 1., -1.]]))
    """

    kinds = ("binary", "multiclass")
    link = Softmax()

    def scratch(self, Z: Floats) -> Any:
        # Indexing the flat array takes a fifth of the time of indexing with a pair.
        flat = Z.ravel("K")
        n_samples, n_outputs = Z.shape
        by_class = Z.flags.f_contiguous
        return SimpleNamespace(
            flat=flat,
            rows=np.arange(n_samples) * (1 if by_class else n_outputs),
            class_step=n_samples if by_class else 1,
            ones=np.ones(n_outputs, Z.dtype),
        )

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        scratch = scratch or self.scratch(Z)
        true = y * scratch.class_step
        true += scratch.rows
        # Class by class, as the scores are stored in memory: Z[k] holds z_k of all rows.
        Z = Z.T
        # Shift by the row maximum: exp cannot overflow, softmax is unchanged.
        Z -= np.maximum.reduce(Z, axis=0)
        true_scores = scratch.flat[true]  # z_y
        # sum_k z_k / K
        mean_scores = np.dot(scratch.ones, Z) / len(Z) if self.label_smoothing else None
        np.exp(Z, out=Z)  # Z is now e^(z_k)
        total = np.dot(scratch.ones, Z)  # sum_j e^(z_j)
        np.log(total, out=losses)
        np.subtract(losses, true_scores, out=losses)  # l = log sum_j e^(z_j) - z_y
        Z /= total  # Z is now p_k, which is dz_k for k != y
        # p_y - 1 from the loss -log(p_y): exact if p_y is almost 1, and saves indexing Z.
        gradient = np.expm1(-losses)
        scratch.flat[true] = gradient  # dz_y
        if self.label_smoothing:
            # z_y becomes (1 - eps) z_y + eps sum_k z_k / K, and dz_k gains eps [k = y] - eps / K.
            losses += self.label_smoothing * (true_scores - mean_scores)
            Z -= self.label_smoothing / len(Z)
            scratch.flat[true] += self.label_smoothing

    @staticmethod
    def rows(Z: Floats, y: Array, losses: Floats, scratch: Floats, label_smoothing: float) -> None:
        n, m = Z.shape
        # max_k z_k, then sum_j e^(z_j), then z_y, of every row.
        largest, total, true = scratch[0], scratch[1], scratch[2]
        # Class by class, since a loop over rows is vectorized.
        for i in range(n):
            largest[i], total[i] = Z[i, 0], 0.0
        for k in range(1, m):
            for i in range(n):
                # The second condition lets nan win.
                wins = Z[i, k] > largest[i] or Z[i, k] != Z[i, k]
                largest[i] = Z[i, k] if wins else largest[i]
        for i in range(n):
            true[i] = Z[i, y[i]] - largest[i]
            losses[i] = -true[i]
        if label_smoothing > 0.0:
            for k in range(m):
                for i in range(n):
                    losses[i] += label_smoothing / float(m) * (true[i] - (Z[i, k] - largest[i]))
        for k in range(m):
            for i in range(n):
                Z[i, k] = exp(Z[i, k] - largest[i])  # e^(z_k)
                total[i] += Z[i, k]
        for k in range(m):
            for i in range(n):
                Z[i, k] = Z[i, k] / total[i] - label_smoothing / float(m)  # p_k - eps / K
        for i in range(n):
            total[i] = log(total[i])
            losses[i] += total[i]  # l = log sum_j e^(z_j) - z_y
            # p_y - 1 from the logarithm of p_y: exact if p_y is almost 1.
            true[i] = expm1(true[i] - total[i]) + label_smoothing * (1.0 - 1.0 / float(m))
        for i in range(n):
            Z[i, y[i]] = true[i]  # dz_y


class LabelwiseCrossEntropy(LabelSmoothing, Loss):
    r"""Cross-entropy of logistic outputs, summed over independent labels.

    .. math:: \ell = \sum_k \log(1 + e^{z_k}) - y_k z_k, \qquad dz_k = \frac{1}{1 + e^{-z_k}} - y_k

    In plain text: ``l = sum_k log(1 + exp(z_k)) - y_k z_k`` with the gradient
    ``dz_k = 1 / (1 + exp(-z_k)) - y_k``. With label smoothing ε, y_k becomes
    ``(1 - ε) y_k + ε / 2``.

    Domain: labels, each 0 or 1.
    Link: `IndependentLogistic`, one probability for each label.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    LabelwiseSquaredError : Punishes confident errors less.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 4.3.2.

    Examples
    --------
    >>> Z, losses = np.array([[-1000.0]]), np.empty(1)
    >>> LabelwiseCrossEntropy().value_and_gradient(Z, np.array([[1.0]]), losses)
    >>> losses, Z
    (array([1000.]), array([[-1.]]))
    """

    kinds: ClassVar[tuple[str, ...]] = ("multilabel",)
    coding: ClassVar[ClassNumbers | Columns] = Columns()
    link: Link = IndependentLogistic()

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        np.logaddexp(0, Z).sum(axis=1, out=losses)
        smoothing = self.label_smoothing
        losses -= (1 - smoothing) * self.coding.true_scores(Z, y)
        if smoothing:
            losses -= smoothing / 2 * Z.sum(axis=1)
        expit(Z, out=Z)
        if smoothing:
            Z -= smoothing / 2
        self.coding.subtract_target(Z, y, 1 - smoothing)

    @staticmethod
    def output(z: float, y: float, label_smoothing: float) -> tuple[float, float]:
        y = (1.0 - label_smoothing) * y + 0.5 * label_smoothing
        positive = z if z > 0.0 else 0.0
        loss = positive + log1p(exp(-z if z > 0.0 else z)) - y * z
        return loss, logistic(z) - y


class BinaryCrossEntropy(LabelwiseCrossEntropy):
    """`LabelwiseCrossEntropy` with one output, the log-odds of the second of two classes.

    Domain: two exclusive classes.
    Link: `Logistic`, the probability of the second class.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    SoftmaxCrossEntropy : The same with one output for each class.

    Examples
    --------
    >>> BinaryCrossEntropy().link.probabilities(np.array([[0.0], [1000.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    kinds = ("binary",)
    link = Logistic()


class ClasswiseCrossEntropy(LabelwiseCrossEntropy):
    """`LabelwiseCrossEntropy` with one logistic output per exclusive class ("one versus rest").

    Domain: exclusive classes, two or more.
    Link: `OneVersusRest`, logistic outputs over their sum.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    SoftmaxCrossEntropy : One distribution over all classes.

    Examples
    --------
    >>> Z, losses = np.array([[0.0, 0.0]]), np.empty(1)
    >>> ClasswiseCrossEntropy().value_and_gradient(Z, np.array([1]), losses)
    >>> losses.round(4), Z
    (array([1.3863]), array([[ 0.5, -0.5]]))
    """

    kinds = ("binary", "multiclass")
    coding = ClassNumbers()
    link = OneVersusRest()


class LabelwiseSquaredError(Loss):
    r"""Half the squared error of logistic outputs, summed over independent labels.

    .. math:: \ell = \tfrac12 \sum_k (p_k - y_k)^2, \qquad dz_k = (p_k - y_k)\, p_k (1 - p_k)

    In plain text: ``l = sum_k (p_k - y_k)² / 2`` with ``p_k = 1 / (1 + exp(-z_k))`` and the
    gradient ``dz_k = (p_k - y_k) p_k (1 - p_k)``.

    Domain: labels, each 0 or 1.
    Link: `IndependentLogistic`, one probability for each label.

    PyTorch's ``MSELoss`` is the mean over outputs, without the factor 1/2.

    See Also
    --------
    LabelwiseCrossEntropy : Punishes confident errors more.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 5.2.

    Examples
    --------
    >>> Z, losses = np.array([[0.0]]), np.empty(1)
    >>> LabelwiseSquaredError().value_and_gradient(Z, np.array([[1.0]]), losses)
    >>> losses, Z
    (array([0.125]), array([[-0.125]]))
    """

    kinds: ClassVar[tuple[str, ...]] = ("multilabel",)
    coding: ClassVar[ClassNumbers | Columns] = Columns()
    link: Link = IndependentLogistic()

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        expit(Z, out=Z)
        slope = Z * (1 - Z)
        self.coding.subtract_target(Z, y)
        np.einsum("ij,ij->i", Z, Z, out=losses)
        losses *= 0.5
        Z *= slope

    @staticmethod
    def output(z: float, y: float) -> tuple[float, float]:
        p = logistic(z)
        return 0.5 * (p - y) * (p - y), (p - y) * (p * (1.0 - p))


class ClasswiseSquaredError(LabelwiseSquaredError):
    """`LabelwiseSquaredError` with one logistic output per exclusive class.

    Domain: exclusive classes, two or more.
    Link: `OneVersusRest`, logistic outputs over their sum.

    See Also
    --------
    ClasswiseCrossEntropy : Punishes confident errors more.

    Examples
    --------
    >>> Z, losses = np.array([[0.0, 0.0]]), np.empty(1)
    >>> ClasswiseSquaredError().value_and_gradient(Z, np.array([1]), losses)
    >>> losses, Z
    (array([0.25]), array([[ 0.125, -0.125]]))
    """

    kinds = ("binary", "multiclass")
    coding = ClassNumbers()
    link = OneVersusRest()


class _ByTarget(Loss):
    """A named loss whose formula depends on the kind of target."""

    formulas: ClassVar[dict[str, type[Loss]]] = {}

    def for_target(self, kind: str) -> Loss:
        super().for_target(kind)
        return self.formulas[kind](**self.get_params())


class LogLoss(LabelSmoothing, _ByTarget):
    """Cross-entropy: softmax for several classes, one logistic output for two, or one per label.

    See `SoftmaxCrossEntropy` and `LabelwiseCrossEntropy` for the formulas.

    Domain: exclusive classes, or labels that are 0 or 1.
    Link: `Softmax` for several classes, `Logistic` for two, `IndependentLogistic` for labels.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    sklearn.metrics.log_loss : The same as a score.

    Examples
    --------
    >>> LogLoss(label_smoothing=0.1).for_target("multiclass")
    SoftmaxCrossEntropy(label_smoothing=0.1)
    """

    name = "log_loss"
    known_as = (
        "cross_entropy",
        "crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "softmax",
        "nll",
        "deviance",
    )
    formulas = {
        "binary": BinaryCrossEntropy,
        "multiclass": SoftmaxCrossEntropy,
        "multilabel": LabelwiseCrossEntropy,
    }


class BinaryLogLoss(LabelSmoothing, _ByTarget):
    """Binary cross-entropy of one logistic output per class or label.

    See `ClasswiseCrossEntropy` and `LabelwiseCrossEntropy` for the formulas.

    Domain: exclusive classes, or labels that are 0 or 1.
    Link: `OneVersusRest` for classes, `IndependentLogistic` for labels.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0
        Share of each target that is spread evenly over all outcomes.

    See Also
    --------
    LogLoss : One distribution over all classes.

    Examples
    --------
    >>> BinaryLogLoss().for_target("binary")
    ClasswiseCrossEntropy(label_smoothing=0.0)
    """

    name = "binary_log_loss"
    known_as = ("bce", "binary_crossentropy", "binary_cross_entropy", "one_vs_rest", "ovr")
    formulas = {
        "binary": ClasswiseCrossEntropy,
        "multiclass": ClasswiseCrossEntropy,
        "multilabel": LabelwiseCrossEntropy,
    }


class SquaredError(_ByTarget):
    """Half the squared error of numbers, or of logistic outputs per class or label (Brier score).

    See `ContinuousSquaredError`, `ClasswiseSquaredError` and `LabelwiseSquaredError` for the
    formulas.

    Domain: finite numbers, exclusive classes, or labels that are 0 or 1.
    Link: `Identity` for numbers, `OneVersusRest` for classes, `IndependentLogistic` for labels.

    See Also
    --------
    sklearn.metrics.brier_score_loss : The same as a score of probabilities.

    Examples
    --------
    >>> SquaredError().for_target("multilabel")
    LabelwiseSquaredError()
    >>> SquaredError().for_target("continuous")
    ContinuousSquaredError()
    """

    name = "squared_error"
    known_as = ("mse", "mean_squared_error", "l2", "brier")
    formulas = {
        "binary": ClasswiseSquaredError,
        "multiclass": ClasswiseSquaredError,
        "multilabel": LabelwiseSquaredError,
        "continuous": ContinuousSquaredError,
    }
    kinds = tuple(formulas)
