"""The base class of losses, and the encoding of targets; `sknumpy_mlp.losses` has the contract."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from .._family import Family
from .._types import Array, Floats, Form
from .links import Link


class ClassNumbers:
    """Targets with one integer per row: the index of the true class."""

    def encode(self, y: Array, dtype: DTypeLike) -> Array:
        """Class indices of shape (n_samples,), as integers."""
        return y.astype(np.intp, copy=False)

    def true_scores(self, Z: Floats, y: Array) -> Floats:
        """Sum over the outputs of target times score, for each row."""
        return Z[np.arange(len(y)), y]

    def subtract_target(self, Z: Floats, y: Array, share: float = 1.0) -> None:
        """``Z -= share * Y`` in place, where Y are the one-hot targets."""
        Z[np.arange(len(y)), y] -= share


class Columns:
    """Targets as a matrix: 0 and 1 for each label, or numbers."""

    def encode(self, y: Array, dtype: DTypeLike) -> Array:
        """A matrix of shape (n_samples, n_columns) in the dtype of the network."""
        return y.reshape(len(y), -1).astype(dtype, copy=False)

    def true_scores(self, Z: Floats, y: Array) -> Floats:
        """Sum over the outputs of target times score, for each row."""
        found: Floats = np.einsum("ij,ij->i", Z, y)
        return found

    def subtract_target(self, Z: Floats, y: Array, share: float = 1.0) -> None:
        """``Z -= share * Y`` in place."""
        Z -= y if share == 1 else share * y


class Loss(Family):
    """Base class of losses.

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
        """Sorted names of the losses that support targets of any of these kinds."""
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

        Raises
        ------
        ValueError
            If `nonnegative` and a target is negative.
        """
        if self.nonnegative and y.min() < 0:
            raise ValueError(f"y must be >= 0 with the loss {self!r}, got {y.min()}")
        return self.coding.encode(y, dtype)

    def scratch(self, Z: Floats) -> Any:
        """Create arrays that `value_and_gradient` can reuse in all batches with this `Z`."""
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
        scratch : object, default=None
            The result of the method `scratch` for the same `Z`; created if None.
        """
        raise NotImplementedError
