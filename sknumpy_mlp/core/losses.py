r"""Losses on raw scores: each owns its link to probabilities and its number of outputs.

Contract: ``value_and_gradient`` reads raw scores ``Z`` of shape (n_samples, n_outputs) and
targets, writes each row's loss into `losses` and overwrites ``Z`` with each row's gradient
``dZ``; the mean over rows, weights and penalties belong to the caller. ``pool`` turns the scores
of several networks into those of their mean prediction. A class with a `name` may choose another by
the kind of target (`for_target`), as log-loss does.
To add one: subclass `Loss` here, or in `_continuous` if its targets are numbers; the gradient and
precision tests find it.

A target is coded as its `coding` says: "index" is one integer a row, the number of the true
class; "matrix" is a row of 0 and 1, or of numbers.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit, log_expit, logsumexp

from ._continuous import AbsoluteError, ContinuousSquaredError, Huber, Pinball, Poisson  # noqa: F401
from ._family import real
from ._loss import Loss, log_mean_exp


class ExclusiveClasses:
    """One class a row is true: targets are class numbers, and probabilities sum to one."""

    coding = "index"
    kinds = ("binary", "multiclass")
    decision = Loss.decision
    predict = Loss.predict

    @staticmethod
    def true_scores(Z, y):
        """Sum over the outputs of target times score, one number a row."""
        return Z[np.arange(len(y)), y]

    @staticmethod
    def subtract_target(Z, y, share=1.0):
        """``Z -= share * Y`` in place."""
        Z[np.arange(len(y)), y] -= share


class IndependentLabels:
    """Every label is true or not by itself: targets are rows of 0 and 1."""

    coding = "matrix"
    kinds = ("multilabel",)

    def decision(self, Z):
        """Raw scores as they are: each is the log-odds of its label."""
        return Z

    def predict(self, Z):
        """0 and 1 for each label."""
        return (Z > 0).astype(int)

    @staticmethod
    def true_scores(Z, y):
        """Sum over the outputs of target times score, one number a row."""
        return np.einsum("ij,ij->i", Z, y)

    @staticmethod
    def subtract_target(Z, y, share=1.0):
        """``Z -= share * Y`` in place."""
        Z -= y if share == 1 else share * y


class LogisticLink:
    """``p = 1 / (1 + exp(-z))`` for each output by itself."""

    out_activation = "logistic"

    def pool(self, Z):
        """The log-odds of the mean probability, of both sides' logarithms."""
        return log_mean_exp(log_expit(Z)) - log_mean_exp(log_expit(-Z))

    def probabilities(self, Z):
        return expit(Z, out=Z)

    def log_probabilities(self, Z):
        return log_expit(Z, out=Z)


class NormalizedLogisticLink:
    """``p_k = s(z_k) / sum_j s(z_j)``, s the logistic function; safe where all s underflow."""

    out_activation = "logistic"

    def pool(self, Z):
        """The log-odds of the mean probability, so that those of all classes sum to one."""
        n_outputs = Z.shape[-1]
        if n_outputs == 1:
            return Z.mean(axis=0)
        log_p = self.log_probabilities(Z.reshape(-1, n_outputs))
        # The other side by itself, not as 1 - p, which is rounded to 0.
        others = [np.delete(log_p, k, axis=1) for k in range(n_outputs)]
        log_q = np.stack([logsumexp(each, axis=1) for each in others], axis=1)
        log_p, log_q = (log_mean_exp(each.reshape(Z.shape)) for each in (log_p, log_q))
        return log_p - log_q

    def probabilities(self, Z):
        log_p = self.log_probabilities(Z)
        return np.exp(log_p, out=log_p)

    def log_probabilities(self, Z):
        log_s = log_expit(Z, out=Z)
        log_s -= logsumexp(log_s, axis=1, keepdims=True)
        return log_s


class LabelSmoothing:
    """Part of the cross-entropies, which can smooth their targets.

    With smoothing :math:`\\epsilon` a target of 0 and 1 becomes
    :math:`t = (1 - \\epsilon)\\, y + \\epsilon / K`, K the number of outcomes that exclude each
    other: the number of classes of a softmax, 2 for a logistic output.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0

    References
    ----------
    Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016,
    section 7.
    """

    rules = {"label_smoothing": real(0, 1, closed="left")}
    # For subclasses with a constructor of their own.
    label_smoothing = 0.0

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing


class SoftmaxCrossEntropy(LabelSmoothing, ExclusiveClasses, Loss):
    r"""Cross-entropy of the softmax, for exclusive classes.

    .. math:: \ell = \log\sum_k e^{z_k} - z_y, \qquad
              dz_k = \frac{e^{z_k}}{\sum_j e^{z_j}} - [k = y]

    With label smoothing :math:`\epsilon` and K classes, :math:`z_y` becomes
    :math:`(1 - \epsilon) z_y + \frac{\epsilon}{K} \sum_k z_k`.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0

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

    out_activation = "softmax"

    def scratch(self, Z):
        # One index into the flat array reaches z_y at a fifth of the time of a pair of indices.
        flat = Z.ravel("K")
        n_samples, n_outputs = Z.shape
        by_class = Z.flags.f_contiguous
        return SimpleNamespace(
            flat=flat,
            rows=np.arange(n_samples) * (1 if by_class else n_outputs),
            class_step=n_samples if by_class else 1,
            ones=np.ones(n_outputs, Z.dtype),
        )

    def value_and_gradient(self, Z, y, losses, scratch=None):
        scratch = scratch or self.scratch(Z)
        true = y * scratch.class_step
        true += scratch.rows
        # Class by class, as the scores lie in memory.
        Z = Z.T
        # Shift by the row maximum: exp cannot overflow, softmax is unchanged.
        Z -= np.maximum.reduce(Z, axis=0)
        true_scores = scratch.flat[true]
        mean_scores = np.dot(scratch.ones, Z) / len(Z) if self.label_smoothing else None
        np.exp(Z, out=Z)
        total = np.dot(scratch.ones, Z)
        np.log(total, out=losses)
        np.subtract(losses, true_scores, out=losses)
        Z /= total
        # p_y - 1 from the loss -log(p_y): exact where p_y is almost 1, and one gathering less.
        gradient = np.expm1(-losses)
        scratch.flat[true] = gradient
        if self.label_smoothing:
            losses += self.label_smoothing * (true_scores - mean_scores)
            Z -= self.label_smoothing / len(Z)
            scratch.flat[true] += self.label_smoothing

    def probabilities(self, Z):
        Z -= Z.max(axis=1)[:, np.newaxis]
        np.exp(Z, out=Z)
        Z /= Z.sum(axis=1)[:, np.newaxis]
        return Z

    def log_probabilities(self, Z):
        # As scipy.special.log_softmax, to the same bits; for one row in a third of the time.
        Z = Z - Z.max(axis=-1, keepdims=True)
        Z -= np.log(np.exp(Z).sum(axis=-1, keepdims=True))
        return Z

    def pool(self, Z):
        """The logarithm of the mean probability."""
        return log_mean_exp(self.log_probabilities(Z))


class LabelwiseCrossEntropy(LabelSmoothing, IndependentLabels, LogisticLink, Loss):
    r"""Cross-entropy of logistic outputs, summed over independent labels.

    .. math:: \ell = \sum_k \log(1 + e^{z_k}) - y_k z_k, \qquad dz_k = \frac{1}{1 + e^{-z_k}} - y_k

    With label smoothing :math:`\epsilon`, :math:`y_k` becomes
    :math:`(1 - \epsilon) y_k + \epsilon / 2`.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0

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

    def value_and_gradient(self, Z, y, losses, scratch=None):
        np.logaddexp(0, Z).sum(axis=1, out=losses)
        smoothing = self.label_smoothing
        losses -= (1 - smoothing) * self.true_scores(Z, y)
        if smoothing:
            losses -= smoothing / 2 * Z.sum(axis=1)
        expit(Z, out=Z)
        if smoothing:
            Z -= smoothing / 2
        self.subtract_target(Z, y, 1 - smoothing)


class BinaryCrossEntropy(LabelwiseCrossEntropy):
    """`LabelwiseCrossEntropy` with one output, the log-odds of the second of two classes.

    Examples
    --------
    >>> BinaryCrossEntropy().probabilities(np.array([[0.0], [1000.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    kinds = ("binary",)

    def n_outputs(self, kind, n_classes):
        return 1

    def probabilities(self, Z):
        # Not 1 - p, which is rounded to 0 long before the class is impossible.
        return expit(np.hstack([-Z, Z]))

    def log_probabilities(self, Z):
        return log_expit(np.hstack([-Z, Z]))

    def decision(self, Z):
        return Z[:, 0]

    def predict(self, Z):
        return (Z[:, 0] > 0).astype(int)


class ClasswiseCrossEntropy(ExclusiveClasses, NormalizedLogisticLink, LabelwiseCrossEntropy):
    """`LabelwiseCrossEntropy` with one logistic output per exclusive class ("one versus rest").

    Examples
    --------
    >>> Z, losses = np.array([[0.0, 0.0]]), np.empty(1)
    >>> ClasswiseCrossEntropy().value_and_gradient(Z, np.array([1]), losses)
    >>> losses.round(4), Z
    (array([1.3863]), array([[ 0.5, -0.5]]))
    """


class LabelwiseSquaredError(IndependentLabels, LogisticLink, Loss):
    r"""Half the squared error of logistic outputs, summed over independent labels.

    .. math:: \ell = \tfrac12 \sum_k (p_k - y_k)^2, \qquad dz_k = (p_k - y_k)\, p_k (1 - p_k)

    PyTorch's ``MSELoss`` is the mean over outputs without the half.

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

    def value_and_gradient(self, Z, y, losses, scratch=None):
        expit(Z, out=Z)
        slope = Z * (1 - Z)
        self.subtract_target(Z, y)
        np.einsum("ij,ij->i", Z, Z, out=losses)
        losses *= 0.5
        Z *= slope


class ClasswiseSquaredError(ExclusiveClasses, NormalizedLogisticLink, LabelwiseSquaredError):
    """`LabelwiseSquaredError` with one logistic output per exclusive class.

    Examples
    --------
    >>> Z, losses = np.array([[0.0, 0.0]]), np.empty(1)
    >>> ClasswiseSquaredError().value_and_gradient(Z, np.array([1]), losses)
    >>> losses, Z
    (array([0.25]), array([[ 0.125, -0.125]]))
    """


class _ByTarget(Loss):
    """A named loss that is one formula or another, by the kind of target."""

    formulas = {}

    def for_target(self, kind):
        super().for_target(kind)
        return self.formulas[kind](**self.get_params())


class LogLoss(LabelSmoothing, _ByTarget):
    """Cross-entropy: softmax for several classes, one logistic output for two, one per label.

    See `SoftmaxCrossEntropy` and `LabelwiseCrossEntropy` for the formulas.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0

    Examples
    --------
    >>> LogLoss(label_smoothing=0.1).for_target("multiclass")
    SoftmaxCrossEntropy(label_smoothing=0.1)
    """

    name = "log_loss"
    formulas = {
        "binary": BinaryCrossEntropy,
        "multiclass": SoftmaxCrossEntropy,
        "multilabel": LabelwiseCrossEntropy,
    }


class BinaryLogLoss(LabelSmoothing, _ByTarget):
    """Binary cross-entropy of one logistic output per class or label.

    See `ClasswiseCrossEntropy` and `LabelwiseCrossEntropy` for the formulas.

    Parameters
    ----------
    label_smoothing : float in [0, 1), default=0.0

    Examples
    --------
    >>> BinaryLogLoss().for_target("binary").n_outputs("binary", 2)
    2
    """

    name = "binary_log_loss"
    formulas = {
        "binary": ClasswiseCrossEntropy,
        "multiclass": ClasswiseCrossEntropy,
        "multilabel": LabelwiseCrossEntropy,
    }


class SquaredError(_ByTarget):
    """Half the squared error, of numbers or of a logistic output per class or label (Brier score).

    See `ContinuousSquaredError`, `ClasswiseSquaredError` and `LabelwiseSquaredError` for the
    formulas.

    Examples
    --------
    >>> SquaredError().for_target("multilabel")
    LabelwiseSquaredError()
    >>> SquaredError().for_target("continuous")
    ContinuousSquaredError()
    """

    name = "squared_error"
    formulas = {
        "binary": ClasswiseSquaredError,
        "multiclass": ClasswiseSquaredError,
        "multilabel": LabelwiseSquaredError,
        "continuous": ContinuousSquaredError,
    }
    kinds = tuple(formulas)
