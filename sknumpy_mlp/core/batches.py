"""Rows gathered into reused buffers: dense, sparse, memory-mapped, of any number type.

Contract: ``rows(X, dtype)`` gives an object whose ``slice(start, stop)`` and ``take(index)``
return rows as the network wants them, dense in its dtype or CSR. What ``take`` returns is
overwritten by the next ``take`` of as many rows. No input is ever converted as a whole, except
sparse ones, whose stored values are few, and small ones that lie column by column.
"""

from collections import namedtuple

import numpy as np
from scipy import sparse


def rows(X, dtype):
    """An accessor to the rows of `X`, an array of one or two dimensions, or sparse."""
    return SparseRows(X, dtype) if sparse.issparse(X) else DenseRows(X, dtype)


class DenseRows:
    """Rows of an array, cast to `dtype` batch by batch.

    Examples
    --------
    >>> DenseRows(np.arange(6, dtype=np.uint8).reshape(3, 2), np.float32).take(np.array([2, 0]))
    array([[4., 5.],
           [0., 1.]], dtype=float32)
    """

    # An array up to this size that lies column by column, as data frames do, is copied once, since
    # rows are gathered several times as fast from one that lies row by row.
    copied_bytes = 2**26

    def __init__(self, X, dtype):
        self.X = np.asarray(X)
        self.dtype = np.dtype(dtype)
        self._gathered = {}
        self._cast = {}

    def __len__(self):
        return len(self.X)

    @property
    def width(self):
        """Numbers of a row that are in a buffer."""
        return self.X[0].size

    def _buffer(self, buffers, shape, dtype):
        buffer = buffers.get(shape)
        if buffer is None:
            buffer = buffers[shape] = np.empty((*shape, *self.X.shape[1:]), dtype)
        return buffer

    def _as_dtype(self, part):
        if part.dtype == self.dtype:
            return part
        n_axes = part.ndim - self.X.ndim + 1
        buffer = self._buffer(self._cast, part.shape[:n_axes], self.dtype)
        buffer[...] = part
        return buffer

    def slice(self, start, stop):
        """Rows `start` to `stop`: a view where the dtype allows it."""
        return self._as_dtype(self.X[start:stop])

    def take(self, index):
        """The rows of an integer array of any shape, in a buffer."""
        buffer = self._buffer(self._gathered, index.shape, self.X.dtype)
        if not self.X.flags.c_contiguous:
            if self.X.nbytes > self.copied_bytes:
                buffer[...] = self.X[index]
                return self._as_dtype(buffer)
            # ndarray.take would copy it at every call.
            self.X = np.ascontiguousarray(self.X)
        # mode="clip" writes straight into the buffer; the default goes through a copy.
        self.X.take(index, 0, buffer, "clip")
        return self._as_dtype(buffer)


class SparseRows:
    """Rows of a sparse matrix or array, as CSR.

    Examples
    --------
    >>> X = sparse.csc_array(np.eye(3))
    >>> SparseRows(X, np.float64).take(np.array([2])).toarray()
    array([[0., 0., 1.]])
    """

    def __init__(self, X, dtype):
        self.X = X.tocsr().astype(dtype, copy=False)
        self.dtype = self.X.dtype

    # A batch of them is as small as what is stored.
    width = 1

    def __len__(self):
        return self.X.shape[0]

    def slice(self, start, stop):
        """Rows `start` to `stop`."""
        return self.X[start:stop]

    def take(self, index):
        """The rows of an integer array of any shape, one after another."""
        return self.X[index.ravel()]


Block = namedtuple("Block", "X y weights start stop")
Block.__doc__ = """Rows `start` to `stop` of an epoch: inputs, targets, and weights or None."""


class Batches:
    """Inputs, targets and weights, handed out batch after batch.

    Parameters
    ----------
    X : array or sparse of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_outputs)
        Encoded for the loss.
    dtype : dtype
        Of the network.
    batch_size : int
    weights : ndarray of shape (n,), default=None
    subset : integer ndarray of shape (n_samples,) or (n_members, n_samples), default=None
        The rows to use, for each member; all rows if None. Nothing is copied.
    n_members : int, default=1

    Examples
    --------
    >>> X, y = np.arange(3.0)[:, np.newaxis], np.arange(3)
    >>> batches = Batches(X, y, np.float64, batch_size=2)
    >>> batches.arrange(np.array([2, 0, 1]))
    >>> [batches.block(start, stop).y.tolist() for start, stop in batches.bounds()]
    [[2, 0], [1]]
    """

    def __init__(self, X, y, dtype, batch_size, weights=None, subset=None, n_members=1):
        self.X = rows(X, dtype)
        self.y = rows(y, y.dtype)
        self.weights = None if weights is None else rows(weights, dtype)
        self.subset = subset
        self.n_samples = len(y) if subset is None else subset.shape[-1]
        self.batch_size = min(batch_size, self.n_samples)
        self._axes = () if n_members == 1 else (n_members,)
        # Where the rows of each member begin in `subset`, laid out flat.
        self._first = np.arange(n_members).reshape(*self._axes, 1) * self.n_samples
        self.arrange(None)

    @property
    def n_batches(self):
        """Number of batches in an epoch; the last may be short."""
        return -(-self.n_samples // self.batch_size)

    def arrange(self, order):
        """Set the order of the rows.

        Parameters
        ----------
        order : integer ndarray of shape (n_samples,) or (n_members, n_samples), or None
            A permutation, for each member; None keeps the given order.
        """
        self._order = order

    def bounds(self):
        """Yield the first row and the row after the last of every batch of an epoch."""
        for start in range(0, self.n_samples, self.batch_size):
            yield start, min(start + self.batch_size, self.n_samples)

    def has_weight(self, start, stop):
        """Whether any of the rows `start` to `stop` of the order has a weight that is not zero."""
        return bool(self.weights.X[self._rows(start, stop)].any())

    def block(self, start, stop):
        """Rows `start` to `stop` of the order; valid until the next block of as many rows.

        With members, X has an axis of members in front; in y and weights the rows of a member
        follow those of the member before.
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

    def _rows(self, start, stop):
        """Row numbers in X of rows `start` to `stop` of the order, or a slice."""
        # Composed in each step: for a whole epoch it would be another array as long as the rows.
        if self._order is None and self.subset is None and not self._axes:
            return slice(start, stop)
        if self._order is None:
            index = np.broadcast_to(np.arange(start, stop), (*self._axes, stop - start))
        else:
            index = self._order[..., start:stop]
        if self.subset is None:
            return index
        return self.subset.ravel()[index + self._first] if self._axes else self.subset[index]
