"""The classes of a target, and their encoding as numbers.

Contract: labels can have any type. `encode` turns a class into its index in `classes` and a
multilabel target into a matrix of 0 and 1; `decode` is the inverse. Nothing is one-hot.
"""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, is_multilabel, unique_labels


def has_several_labels(y):
    """Whether a classification target is multilabel, a matrix of 0 and 1."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biu":
        # scikit-learn finds this by sorting y four times, a tenth of a short fit.
        return False
    check_classification_targets(y)
    if is_multilabel(y):
        return True
    if y.ndim != 1:
        raise ValueError(
            "y must be a vector of classes or a multilabel matrix of 0 and 1, got several columns "
            "of classes; use sklearn.multioutput.MultiOutputClassifier"
        )
    return False


class Labels:
    """The classes of a classification target.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted labels, or the column numbers of a multilabel target.
    kind : {"binary", "multiclass", "multilabel"}
        A single class counts as binary.
    is_sparse : bool, default=False
        Whether a multilabel target was sparse, so that predictions are sparse.
    """

    def __init__(self, classes, kind, is_sparse=False):
        self.classes = classes
        self.kind = kind
        self.is_sparse = is_sparse

    @classmethod
    def learn(cls, y, classes=None):
        """Find the classes of `y`, or use the given classes.

        Parameters
        ----------
        y : array or sparse matrix of shape (n_samples,) or (n_samples, n_labels)
        classes : array-like of shape (n_classes,), default=None

        Raises
        ------
        ValueError
            If `y` is not a classification target, or has several columns of classes.
        """
        if has_several_labels(y):
            return cls(unique_labels(y), "multilabel", sparse.issparse(y))
        return cls.of(unique_labels(y if classes is None else classes))

    @classmethod
    def of(cls, classes, multilabel=False):
        """`Labels` with these sorted classes; a sample has one of them, or several."""
        exclusive = "binary" if len(classes) <= 2 else "multiclass"
        return cls(classes, "multilabel" if multilabel else exclusive)

    def encode(self, y):
        """Class indices of shape (n_samples,), or 0 and 1 of shape (n_samples, n_labels)."""
        if self.kind == "multilabel":
            if y.ndim != 2 or y.shape[1] != len(self.classes):
                raise ValueError(
                    f"y must have {len(self.classes)} columns of 0 and 1, got shape {y.shape}"
                )
            y = y.toarray() if sparse.issparse(y) else y
            if not np.isin(y, (0, 1)).all():
                raise ValueError(
                    f"y must be a matrix of 0 and 1 for a multilabel target, got {np.unique(y)}"
                )
            return y != 0
        if y.ndim != 1:
            raise ValueError(
                f"y must be a vector of the classes {self.classes}, got shape {y.shape}"
            )
        if y.dtype.kind == self.classes.dtype.kind:
            codes = np.searchsorted(self.classes, y)
            is_known = np.array_equal(self.classes.take(codes, mode="clip"), y)
        else:
            # Labels of different types may not be comparable.
            is_known = not len(np.setdiff1d(unique_labels(y), self.classes))
            codes = np.searchsorted(self.classes, y) if is_known else None
        if not is_known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {unique_labels(y)}."
            )
        return codes

    def clip(self, codes):
        """The same codes, or zeros if there is only one class, whatever its score."""
        return np.zeros_like(codes) if len(self.classes) == 1 and codes.ndim == 1 else codes

    def accuracy(self, codes, predicted, sample_weight=None):
        """The accuracy of predicted codes; of several labels, all must be right."""
        # accuracy_score checks its arguments for 0.3 ms, a sixth of an epoch on a small table.
        is_right = codes == self.clip(predicted)
        is_right = is_right.all(axis=1) if is_right.ndim > 1 else is_right
        return float(np.average(is_right, weights=sample_weight))

    def decode(self, codes):
        """Labels for codes that `encode` returns."""
        if self.kind != "multilabel":
            return self.classes[self.clip(codes)]
        return sparse.csr_matrix(codes) if self.is_sparse else codes
