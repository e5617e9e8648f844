"""The base class of losses; `losses` states the contract and holds the members of the family."""

import numpy as np

from ._family import Family


def log_mean_exp(log_p):
    """The logarithm of the mean over the first axis of what these are finite logarithms of."""
    largest = log_p.max(axis=0)
    p = np.exp(log_p - largest)
    return np.log(p.mean(axis=0)) + largest


class Loss(Family):
    """Base class of losses.

    Attributes
    ----------
    coding : {"index", "matrix"}
        How `value_and_gradient` wants its targets.
    out_activation : str
        Name of the link from raw scores to predictions.
    kinds : tuple of str
        The kinds of target that it serves.
    nonnegative : bool
        Whether targets must not be negative.
    """

    coding = "index"
    out_activation = "identity"
    kinds = ("binary", "multiclass", "multilabel")
    nonnegative = False

    def for_target(self, kind):
        """The loss that serves targets of this kind.

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
    def serving(cls, kind):
        """Names of the losses that serve targets of this kind, sorted."""
        return sorted(name for name, member in cls.named().items() if kind in member.kinds)

    def n_outputs(self, kind, n_classes):
        """Number of raw scores a row, for `n_classes` classes, labels or columns of numbers."""
        return n_classes

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
        if self.coding == "index":
            return y.astype(np.intp, copy=False)
        return y.reshape(len(y), -1).astype(dtype, copy=False)

    def scratch(self, Z):
        """What `value_and_gradient` can use from batch to batch for scores in this array."""
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

    def probabilities(self, Z):
        """Link: turn raw scores into predictions, (n_samples, n_outputs); may overwrite `Z`."""
        raise NotImplementedError

    def log_probabilities(self, Z):
        """Logarithm of `probabilities`, without rounding them first; may overwrite `Z`."""
        raise NotImplementedError

    def pool(self, Z):
        """Raw scores that predict the mean of what the members of an ensemble predict.

        A loss without it serves single networks only.

        Parameters
        ----------
        Z : ndarray of shape (n_members, n_samples, n_outputs)
            Their raw scores; may be overwritten.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        raise NotImplementedError

    @property
    def pools(self):
        """Whether it can pool the scores of several members."""
        return type(self).pool is not Loss.pool

    def decision(self, Z):
        """Scores as scikit-learn's glossary shapes them; may overwrite `Z`.

        (n_samples, n_classes), and the log-odds of the second class, (n_samples,), for two.
        """
        if Z.shape[1] > 2:
            return Z
        if Z.shape[1] == 1:
            return Z[:, 0]
        log_p = self.log_probabilities(Z)
        return log_p[:, 1] - log_p[:, 0]

    def predict(self, Z):
        """What is predicted, coded as the target that `encode_target` was given.

        Class numbers, (n_samples,), 0 and 1 for each label, (n_samples, n_labels), or numbers,
        (n_samples, n_columns); may overwrite `Z`.
        """
        return Z.argmax(axis=1)
