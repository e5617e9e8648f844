"""The base class of losses, and how targets are coded; `sknumpy_mlp.losses` states the contract."""

import numpy as np

from .._family import Family
from .links import Link


class ClassNumbers:
    """Targets as one integer a row: the number of the true class."""

    def encode(self, y, dtype):
        """Class numbers of shape (n_samples,), as integers."""
        return y.astype(np.intp, copy=False)

    def true_scores(self, Z, y):
        """Sum over the outputs of target times score, one number a row."""
        return Z[np.arange(len(y)), y]

    def subtract_target(self, Z, y, share=1.0):
        """``Z -= share * Y`` in place, Y the targets as rows of zeros with a single one."""
        Z[np.arange(len(y)), y] -= share


class Columns:
    """Targets as a matrix: 0 and 1 for each label, or numbers."""

    def encode(self, y, dtype):
        """A matrix of shape (n_samples, n_columns) in the dtype of the network."""
        return y.reshape(len(y), -1).astype(dtype, copy=False)

    def true_scores(self, Z, y):
        """Sum over the outputs of target times score, one number a row."""
        return np.einsum("ij,ij->i", Z, y)

    def subtract_target(self, Z, y, share=1.0):
        """``Z -= share * Y`` in place."""
        Z -= y if share == 1 else share * y


class Loss(Family):
    """Base class of losses.

    Attributes
    ----------
    kinds : tuple of str
        The kinds of target that the loss serves.
    coding : ClassNumbers or Columns
        How `value_and_gradient` takes its targets.
    link : Link
        From raw scores to predictions.
    nonnegative : bool
        Whether targets must not be negative.
    """

    kinds = ("binary", "multiclass", "multilabel")
    coding = ClassNumbers()
    link = Link()
    nonnegative = False

    def for_target(self, kind):
        """Return the loss that serves targets of this kind.

        Parameters
        ----------
        kind : {"binary", "multiclass", "multilabel", "continuous"}

        Raises
        ------
        ValueError
            If the kind is not among `kinds`.
        """
        if kind not in self.kinds:
            raise ValueError(
                f"loss must serve {kind} targets, as {self.serving(kind)} do, "
                f"got {self!r}, which serves {self.kinds}"
            )
        return self

    @classmethod
    def serving(cls, *kinds):
        """Names of the losses that serve targets of any of these kinds, sorted."""
        named = cls.named().items()
        return sorted(name for name, member in named if set(kinds) & set(member.kinds))

    def encode_target(self, y, dtype):
        """Code targets as `coding` says.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Class numbers, 0 and 1 for each label, or numbers.
        dtype : dtype
            Of the network.

        Raises
        ------
        ValueError
            If a target is negative and must not be.
        """
        if self.nonnegative and y.min() < 0:
            raise ValueError(f"y must be >= 0 with the loss {self!r}, got {y.min()}")
        return self.coding.encode(y, dtype)

    def scratch(self, Z):
        """Arrays that `value_and_gradient` can use in all batches of scores in this array."""
        return None

    def value_and_gradient(self, Z, y, losses, scratch=None):
        """Write each row's loss into `losses` and overwrite `Z` with each row's gradient.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores on entry, the gradient ``dZ`` on return.
        y : ndarray
            Targets, coded by `encode_target`.
        losses : ndarray of shape (n_samples,)
        scratch : object, default=None
            What `scratch` made for this very `Z`; made anew if None.
        """
        raise NotImplementedError
