"""Gather rows of dense, sparse or memory-mapped data, of any number type, into reused buffers.

Contract: ``rows(X, dtype)`` returns an object whose ``slice(start, stop)`` and ``take(index)``
return rows as the network needs them: dense with its dtype, or CSR. The next ``take`` of the same
number of rows overwrites the result of ``take``. The input is never converted as a whole, unless it
is sparse, with few stored values, or a small array in column order.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike
from scipy import sparse

from .._types import Array, Floats, Inputs, Integers

# By the shape of their rows.
Buffers: TypeAlias = dict[tuple[int, ...], Array]
# Cuts a number of rows into the start and the stop of batches of a size.
Cut: TypeAlias = Callable[[int, int], Iterator[tuple[int, int]]]


def rows(X: Any, dtype: DTypeLike) -> "DenseRows | SparseRows":
    """Access the rows of `X`, which is a one- or two-dimensional array or sparse."""
    return SparseRows(X, dtype) if sparse.issparse(X) else DenseRows(X, dtype)


class DenseRows:
    """The rows of an array, cast to `dtype` batch by batch.

    Examples
    --------
    >>> DenseRows(np.arange(6, dtype=np.uint8).reshape(3, 2), np.float32).take(np.array([2, 0]))
    array([[4., 5.],
           [0., 1.]], dtype=float32)
    """

    # An array in column order, as data frames are, is copied once to row order up to this size:
    # gathering rows is then several times as fast.
    copied_bytes = 2**26

    def __init__(self, X: ArrayLike, dtype: DTypeLike) -> None:
        self.X = np.asarray(X)
        self.dtype = np.dtype(dtype)
        self._gathered: Buffers = {}
        self._cast: Buffers = {}

    def __len__(self) -> int:
        return len(self.X)

    @property
    def width(self) -> int:
        """Number of buffer elements per row."""
        size: int = self.X[0].size
        return size

    def in_row_order(self) -> bool:
        """Copy the array to row order if it is small; returns whether it is in row order now."""
        # In every step: an array in row order is asked for nothing more.
        if not self.X.flags.c_contiguous:
            if self.X.nbytes > self.copied_bytes:
                return False
            self.X = np.ascontiguousarray(self.X)
        return True

    def _buffer(self, buffers: Buffers, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        buffer = buffers.get(shape)
        if buffer is None:
            buffer = buffers[shape] = np.empty((*shape, *self.X.shape[1:]), dtype)
        return buffer

    def _as_dtype(self, part: Array) -> Array:
        if part.dtype == self.dtype:
            return part
        n_axes = part.ndim - self.X.ndim + 1
        buffer = self._buffer(self._cast, part.shape[:n_axes], self.dtype)
        buffer[...] = part
        return buffer

    def slice(self, start: int, stop: int) -> Array:
        """Rows `start` to `stop`, as a view if the dtype allows it."""
        return self._as_dtype(self.X[start:stop])

    def take(self, index: Integers) -> Array:
        """The rows with the indices of an integer array of any shape, in a buffer."""
        buffer = self._buffer(self._gathered, index.shape, self.X.dtype)
        if not self.in_row_order():
            # ndarray.take would copy the whole array in every call.
            buffer[...] = self.X[index]
            return self._as_dtype(buffer)
        # mode="clip" writes directly into the buffer; the default mode uses a temporary copy.
        self.X.take(index, 0, buffer, "clip")
        return self._as_dtype(buffer)


class SparseRows:
    """The rows of a sparse matrix or array, as CSR.

    Examples
    --------
    >>> X = sparse.csc_array(np.eye(3))
    >>> SparseRows(X, np.float64).take(np.array([2])).toarray()
    array([[0., 0., 1.]])
    """

    def __init__(self, X: Any, dtype: DTypeLike) -> None:
        self.X, self.dtype = X.tocsr(), np.dtype(dtype)
        if self.X.dtype != dtype:
            # astype of SciPy 1.10 would first add up duplicates, in the user's own matrix.
            parts = self.X.data.astype(dtype), self.X.indices, self.X.indptr
            self.X = type(self.X)(parts, shape=self.X.shape)

    # A sparse batch only needs memory for its stored values.
    width = 1

    def __len__(self) -> int:
        n_samples: int = self.X.shape[0]
        return n_samples

    def slice(self, start: int, stop: int) -> Any:
        """Rows `start` to `stop`."""
        return self.X[start:stop]

    def take(self, index: Integers) -> Any:
        """The rows with the indices of an integer array of any shape, one below the other."""
        return self.X[index.ravel()]


Rows: TypeAlias = DenseRows | SparseRows


def consecutively(n_samples: int, batch_size: int) -> Iterator[tuple[int, int]]:
    """Yield the start and the stop of batches of this size; the last batch may be smaller.

    Examples
    --------
    >>> list(consecutively(9, 4))
    [(0, 4), (4, 8), (8, 9)]
    """
    for start in range(0, n_samples, batch_size):
        yield start, min(start + batch_size, n_samples)


def equally(n_samples: int, batch_size: int) -> Iterator[tuple[int, int]]:
    """Yield the start and the stop of as many batches, whose sizes differ by at most one.

    Examples
    --------
    >>> list(equally(9, 4))
    [(0, 3), (3, 6), (6, 9)]
    """
    n_batches = -(-n_samples // batch_size)
    for number in range(n_batches):
        yield number * n_samples // n_batches, (number + 1) * n_samples // n_batches


class Block(NamedTuple):
    """Rows `start` to `stop` of an epoch: inputs, targets, and weights or None."""

    X: Inputs
    y: Array
    weights: Floats | None
    start: int
    stop: int


class Batches:
    """Batches of inputs, targets and weights.

    Parameters
    ----------
    X : array or sparse of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_outputs)
        Targets, encoded for the loss.
    dtype : dtype
        The dtype of the network.
    batch_size : int
        Maximum number of rows of a batch.
    weights : ndarray of shape (n,), default=None
    subset : integer ndarray of shape (n_samples,) or (n_members, n_samples), default=None
        Indices of the rows to use, for each member; all rows if None. Nothing is copied.
    n_members : int, default=1
    cut : callable, default=consecutively
        Takes the number of rows and `batch_size`, and yields the start and the stop of each batch.

    Examples
    --------
    >>> X, y = np.arange(3.0)[:, np.newaxis], np.arange(3)
    >>> batches = Batches(X, y, np.float64, batch_size=2)
    >>> batches.arrange(np.array([2, 0, 1]))
    >>> [batches.block(start, stop).y.tolist() for start, stop in batches.bounds()]
    [[2, 0], [1]]
    """

    def __init__(
        self,
        X: Any,
        y: Array,
        dtype: DTypeLike,
        batch_size: int,
        weights: Floats | None = None,
        subset: Integers | None = None,
        n_members: int = 1,
        cut: Cut = consecutively,
    ) -> None:
        self.X = rows(X, dtype)
        self.y = rows(y, y.dtype)
        self.weights = None if weights is None else rows(weights, dtype)
        self.subset = subset
        self.n_samples = len(y) if subset is None else subset.shape[-1]
        self.batch_size = min(batch_size, self.n_samples)
        self._cut = cut
        self._axes = () if n_members == 1 else (n_members,)
        # The position of each member's first row in the flattened `subset`.
        self._first = np.arange(n_members).reshape(*self._axes, 1) * self.n_samples
        self.arrange(None)

    @property
    def n_batches(self) -> int:
        """Number of batches in an epoch."""
        return -(-self.n_samples // self.batch_size)

    def arrange(self, order: Integers | None) -> None:
        """Set the order of the rows.

        Parameters
        ----------
        order : integer ndarray of shape (n_samples,) or (n_members, n_samples), or None
            A permutation for each member; None keeps the given order.
        """
        self._order = order

    def bounds(self) -> Iterator[tuple[int, int]]:
        """The start and the stop of every batch of an epoch, as an iterator."""
        return self._cut(self.n_samples, self.batch_size)

    def has_weight(self, start: int, stop: int) -> bool:
        """Whether any of the rows `start` to `stop` of the order has a non-zero weight."""
        return self.weights is None or bool(self.weights.X[self._rows(start, stop)].any())

    def block(self, start: int, stop: int) -> Block:
        """Rows `start` to `stop` of the order; valid until the next block of the same size.

        With several members, X has a leading axis of members, while y and weights hold the rows of
        the members one after another.
        """
        weights, index = None, self._rows(start, stop)
        if isinstance(index, slice):
            if self.weights is not None:
                weights = self.weights.slice(start, stop)
            return Block(self.X.slice(start, stop), self.y.slice(start, stop), weights, start, stop)
        flat = index.ravel()
        if self.weights is not None:
            weights = self.weights.take(flat)
        return Block(self.X.take(index), self.y.take(flat), weights, start, stop)

    def _rows(self, start: int, stop: int) -> slice | Integers:
        """Indices in X of the rows `start` to `stop` of the order, or a slice."""
        # Computed in each step: for a whole epoch, the indices would need an array of all rows.
        if self._order is None and self.subset is None and not self._axes:
            return slice(start, stop)
        index: Integers
        if self._order is None:
            index = np.broadcast_to(np.arange(start, stop), (*self._axes, stop - start))
        else:
            index = self._order[..., start:stop]
        if self.subset is None:
            return index
        return self.subset.ravel()[index + self._first] if self._axes else self.subset[index]
