"""The classes of a target, and their encoding as numbers.

Contract: labels can have any type. `encode` turns a class into its index in `classes` and a
multilabel target into a matrix of 0 and 1; `decode` is the inverse. Nothing is one-hot.
"""

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, is_multilabel, unique_labels

from .naming import naming


def has_several_labels(y):
    """Whether a classification target is multilabel, a matrix of 0 and 1."""
    if isinstance(y, np.ndarray) and y.ndim == 1 and y.dtype.kind in "biu":
        # scikit-learn finds this by sorting y four times, a tenth of a short fit.
        return False
    with naming("y"):
        check_classification_targets(y)
        if is_multilabel(y):
            return True
    if y.ndim != 1:
        raise ValueError(
            "y must be a vector of classes or a multilabel matrix of 0 and 1, got several columns "
            "of classes; use sklearn.multioutput.MultiOutputClassifier"
        )
    return False


def labels_of(y, name="y"):
    """The sorted labels of a target, or of a list of classes."""
    with naming(name):
        return unique_labels(y)


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
            return cls(labels_of(y), "multilabel", sparse.issparse(y))
        return cls.of(labels_of(y) if classes is None else labels_of(classes, "classes"))

    def continued(self, y, warm):
        """These labels for another target, which a warm start must have all of, and no others."""
        has_several_labels(y)
        if warm and not self.are(labels_of(y)):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes}, `y` has {labels_of(y)}"
            )
        return self

    def check_given(self, classes):
        """Refuse an argument `classes` that is not these labels."""
        if not self.are(labels_of(classes, "classes")):
            raise ValueError(
                "classes must be the same in all calls to partial_fit: they were "
                f"{self.classes}, got {classes!r}"
            )

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
            codes = self._codes_of_another_type(y)
            is_known = codes.min(initial=0) >= 0
        if not is_known:
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. "
                f"'y' has {labels_of(y)}."
            )
        return codes

    def _codes_of_another_type(self, y):
        """Class indices of labels whose dtype differs from that of the classes; -1 for none."""
        # Dates of nanoseconds would become integers.
        if "m" in (kinds := y.dtype.kind + self.classes.dtype.kind).lower() and "O" not in kinds:
            return np.full(y.shape, -1)
        # Python compares numbers exactly, where NumPy would round integers of 64 bits to floats.
        codes = {label: code for code, label in enumerate(self.classes.tolist())}
        found, inverse = (y, ...) if y.dtype.kind == "O" else np.unique(y, return_inverse=True)
        with naming("y"):
            return np.array([codes.get(label, -1) for label in found.tolist()], np.intp)[inverse]

    def are(self, others):
        """Whether these are the sorted labels `others`; integers are not rounded to floats."""
        if others.dtype.kind == self.classes.dtype.kind:
            return np.array_equal(others, self.classes)
        return self.classes.tolist() == others.tolist()

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
