"""Rows gathered into reused buffers: dense, sparse, memory-mapped, of any number type.

Contract: ``rows(X, dtype)`` gives an object whose ``slice(start, stop)`` and ``take(index)``
return rows as the network wants them, dense in its dtype or CSR. What ``take`` returns is
overwritten by the next ``take`` of as many rows. No input is ever converted as a whole, except
sparse ones, whose stored values are few.
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

    def __init__(self, X, dtype):
        self.X = np.asarray(X)
        self.dtype = np.dtype(dtype)
        self._buffers = {}

    def __len__(self):
        return len(self.X)

    def _buffer(self, n_rows, dtype):
        key = n_rows, dtype
        if key not in self._buffers:
            self._buffers[key] = np.empty((n_rows, *self.X.shape[1:]), dtype)
        return self._buffers[key]

    def _cast(self, part):
        if part.dtype == self.dtype:
            return part
        buffer = self._buffer(len(part), self.dtype)
        buffer[...] = part
        return buffer

    def slice(self, start, stop):
        """Rows `start` to `stop`: a view where the dtype allows it."""
        return self._cast(self.X[start:stop])

    def take(self, index):
        """The rows of an integer array, in a buffer."""
        if not self.X.flags.c_contiguous:
            # np.take would copy the whole array at every call.
            self.X = np.ascontiguousarray(self.X)
        buffer = self._buffer(len(index), self.X.dtype)
        # mode="clip" writes straight into the buffer; the default goes through a copy.
        np.take(self.X, index, axis=0, out=buffer, mode="clip")
        return self._cast(buffer)


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

    def __len__(self):
        return self.X.shape[0]

    def slice(self, start, stop):
        """Rows `start` to `stop`."""
        return self.X[start:stop]

    def take(self, index):
        """The rows of an integer array."""
        return self.X[index]


Batch = namedtuple("Batch", "X y weights start stop")
Batch.__doc__ = """Rows `start` to `stop` of an epoch: inputs, targets, and weights or None."""


class Batches:
    """Inputs, targets and weights, handed out batch after batch.

    Parameters
    ----------
    X : array or sparse of shape (n, n_features)
    y : ndarray of shape (n,) or (n, n_outputs)
        Coded as the loss wants it.
    dtype : dtype
        Of the network.
    batch_size : int
    weights : ndarray of shape (n,), default=None
    subset : integer ndarray, default=None
        The rows to use; all, if None. Nothing is copied.
    """

    def __init__(self, X, y, dtype, batch_size, weights=None, subset=None):
        self.X = rows(X, dtype)
        self.y = rows(y, y.dtype)
        self.weights = None if weights is None else rows(weights, dtype)
        self.subset = subset
        self.n_samples = len(y) if subset is None else len(subset)
        self.batch_size = min(batch_size, self.n_samples)

    @property
    def n_batches(self):
        """Batches in an epoch; the last may be short."""
        return -(-self.n_samples // self.batch_size)

    def epoch(self, order=None):
        """Yield the batches of one epoch.

        Parameters
        ----------
        order : integer ndarray of shape (n_samples,), default=None
            A permutation of the rows; None takes them as they come.
        """
        index = order
        if self.subset is not None:
            index = self.subset if order is None else self.subset[order]
        for start in range(0, self.n_samples, self.batch_size):
            stop = min(start + self.batch_size, self.n_samples)
            if index is None:
                parts = [
                    part and part.slice(start, stop) for part in (self.X, self.y, self.weights)
                ]
            else:
                chosen = index[start:stop]
                parts = [part and part.take(chosen) for part in (self.X, self.y, self.weights)]
            yield Batch(*parts, start, stop)
