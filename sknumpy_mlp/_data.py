"""Rows that were checked, on their way from the user to the network.

`Target` is what is to be predicted, `Data` the rows with it; both are plain records.
"""

from typing import NamedTuple

import numpy as np


class Target(NamedTuple):
    """A target as the core wants it.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Class numbers, 0 and 1 for each label, or numbers.
    kind : str
        "binary", "multiclass", "multilabel" or "continuous".
    n_columns : int
        How many classes, labels or columns of numbers there are.
    """

    codes: np.ndarray
    kind: str
    n_columns: int


class Data(NamedTuple):
    """Checked rows.

    Attributes
    ----------
    X : ndarray, sparse matrix or array of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target as it came.
    target : Target
    sample_weight : ndarray of shape (n_samples,) or None
    """

    X: object
    y: np.ndarray
    target: Target
    sample_weight: np.ndarray | None

    def take(self, index):
        """The rows with these numbers; `X` is not copied, but left whole."""
        weight = self.sample_weight
        return self._replace(
            y=self.y[index],
            target=self.target._replace(codes=self.target.codes[index]),
            sample_weight=None if weight is None else weight[index],
        )

    def loss_weights(self, class_weight):
        """Weights in the loss: sample weights times those of the classes; None for ones."""
        if class_weight is None:
            return self.sample_weight
        by_class = class_weight[self.target.codes]
        return by_class if self.sample_weight is None else by_class * self.sample_weight
