"""The base class of losses, and the encoding of targets; `sknumpy_mlp.losses` has the contract."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from .._family import Family
from .._types import Array, Floats, Form
from .links import Link


class ClassNumbers:
    """Targets with one integer per row: the index of the true class.

    The coding of losses for exclusive classes.

    See Also
    --------
    Columns : The coding of labels and numbers.

    Examples
    --------
    >>> ClassNumbers().encode(np.array([2, 0]), np.float64)
    array([2, 0])
    """

    def encode(self, y: Array, dtype: DTypeLike) -> Array:
        """Encode targets.

        Parameters
        ----------
        y : ndarray
            Targets, as in `Loss.encode_target`.
        dtype : dtype
            The dtype of the network.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class indices, as integers.
        """
        return y.astype(np.intp, copy=False)

    def true_scores(self, Z: Floats, y: Array) -> Floats:
        """Compute the sum over the outputs of target times score, for each row.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.
        y : ndarray
            Encoded targets.

        Returns
        -------
        ndarray of shape (n_samples,)
            The sums.
        """
        return Z[np.arange(len(y)), y]

    def subtract_target(self, Z: Floats, y: Array, share: float = 1.0) -> None:
        """Subtract targets in place: ``Z -= share * Y``, where Y are the one-hot targets.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Probabilities or scores, which are overwritten.
        y : ndarray
            Encoded targets.
        share : float, default=1.0
            The factor of the targets.
        """
        Z[np.arange(len(y)), y] -= share


class Columns:
    """Targets as a matrix: 0 and 1 for each label, or numbers.

    The coding of losses for several labels, and for numbers.

    See Also
    --------
    ClassNumbers : The coding of exclusive classes.

    Examples
    --------
    >>> Columns().encode(np.array([2, 0]), np.float64)
    array([[2.],
           [0.]])
    """

    def encode(self, y: Array, dtype: DTypeLike) -> Array:
        """Encode targets.

        Parameters
        ----------
        y : ndarray
            Targets, as in `Loss.encode_target`.
        dtype : dtype
            The dtype of the network.

        Returns
        -------
        ndarray of shape (n_samples, n_columns)
            A matrix in the dtype of the network.
        """
        return y.reshape(len(y), -1).astype(dtype, copy=False)

    def true_scores(self, Z: Floats, y: Array) -> Floats:
        """Compute the sum over the outputs of target times score, for each row.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.
        y : ndarray
            Encoded targets.

        Returns
        -------
        ndarray of shape (n_samples,)
            The sums.
        """
        sums: Floats = np.einsum("ij,ij->i", Z, y)
        return sums

    def subtract_target(self, Z: Floats, y: Array, share: float = 1.0) -> None:
        """Subtract targets in place: ``Z -= share * Y``.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Probabilities or scores, which are overwritten.
        y : ndarray
            Encoded targets.
        share : float, default=1.0
            The factor of the targets.
        """
        Z -= y if share == 1 else share * y


class Loss(Family):
    """Base class of losses.

    A loss maps raw scores and targets to one number for each row, and to its gradient.

    Attributes
    ----------
    kinds : tuple of str
        The kinds of target that the loss supports.
    coding : ClassNumbers or Columns
        The encoding of targets for `value_and_gradient`.
    link : Link
        The link from raw scores to predictions.
    nonnegative : bool
        Whether targets must not be negative.
    output : function or None
        The scalar form of a loss that is a sum over outputs, from which compiled kernels are made:
        takes one score z and its target, and returns the loss and its derivative by z.
    rows : function or None
        The compiled form of another loss, in plain Python on arrays: takes scores, targets and
        losses as `value_and_gradient` does, and a scratch array of shape (3, n_samples). Scores are
        stored output by output. Further arguments of both are attributes of the loss.
    sequences : tuple of str
        Of the attributes that `rows` takes, the last if it is a sequence of numbers.

    See Also
    --------
    sknumpy_mlp.ScratchMLPClassifier : Takes it as `loss`.

    Examples
    --------
    >>> Loss.resolve("huber", "loss")
    Huber(delta=1.0)
    """

    kinds: ClassVar[tuple[str, ...]] = ("binary", "multiclass", "multilabel")
    coding: ClassVar[ClassNumbers | Columns] = ClassNumbers()
    link: Link = Link()
    nonnegative = False
    output: ClassVar[Form | None] = None
    rows: ClassVar[Form | None] = None
    sequences: ClassVar[tuple[str, ...]] = ()

    def for_target(self, kind: str) -> "Loss":
        """Return the loss for targets of this kind.

        Parameters
        ----------
        kind : {"binary", "multiclass", "multilabel", "continuous"}
            The kind of target.

        Returns
        -------
        Loss
            This loss, or the one that its name stands for with such targets.

        Raises
        ------
        ValueError
            If the kind is not among `kinds`.
        """
        if kind not in self.kinds:
            raise ValueError(
                f"loss must support {kind} targets, as {self.serving(kind)} do, "
                f"got {self!r}, which supports {self.kinds}"
            )
        return self

    @classmethod
    def serving(cls, *kinds: str) -> list[str]:
        """List the names of the losses that support targets of any of these kinds.

        Parameters
        ----------
        *kinds : str
            Kinds of target, as in `for_target`.

        Returns
        -------
        list of str
            In alphabetical order.
        """
        named = cls.named().items()
        return sorted(name for name, member in named if set(kinds) & set(member.kinds))

    def encode_target(self, y: Array, dtype: DTypeLike) -> Array:
        """Encode targets with `coding`.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_columns)
            Class indices, 0 and 1 for each label, or numbers.
        dtype : dtype
            The dtype of the network.

        Returns
        -------
        ndarray
            Encoded targets, as `value_and_gradient` takes them.

        Raises
        ------
        ValueError
            If `nonnegative` and a target is negative.
        """
        if self.nonnegative and y.min() < 0:
            raise ValueError(f"y must be >= 0 with the loss {self!r}, got {y.min()}")
        return self.coding.encode(y, dtype)

    def scratch(self, Z: Floats) -> Any:
        """Create arrays that `value_and_gradient` can reuse in all batches with this `Z`.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores.

        Returns
        -------
        object
            By default None: no arrays.
        """
        return None

    def value_and_gradient(self, Z: Floats, y: Array, losses: Floats, scratch: Any = None) -> None:
        """Write each row's loss into `losses` and overwrite `Z` with each row's gradient.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_outputs)
            Raw scores on entry, the gradient ``dZ`` on return.
        y : ndarray
            Targets, encoded by `encode_target`.
        losses : ndarray of shape (n_samples,)
            Receives the losses.
        scratch : object, default=None
            The result of the method `scratch` for the same `Z`; created if None.
        """
        raise NotImplementedError
