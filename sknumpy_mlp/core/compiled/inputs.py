"""The rows of a batch as kernels read them: gathered into buffers, or sparse in their place."""

from typing import Any

import numpy as np
from scipy import sparse

from ..._types import Array, Integers
from ..batches import Rows
from . import kernels
from .program import Program

# Number types that a kernel gathers rows from.
GATHERED = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)


class Inputs:
    """The inputs of the rows of a batch, for each member.

    Parameters
    ----------
    X : DenseRows or SparseRows
    dtype : dtype
        The dtype of the network.
    n_members : int
        Number of orders of the rows.
    n_rows : int
        Maximum number of rows of a batch.

    Attributes
    ----------
    rows : ndarray of int64 of shape (n_members, n_rows)
        The indices of the rows in `X`, which a kernel writes.
    buffers : ndarray of shape (n_members, n_rows, n_features)
        The inputs; without features if they are sparse.
    are_gathered : bool
        Whether kernels read `X`. If not, the caller fills the buffers with rows of another type,
        such as float16.
    """

    def __init__(self, X: Rows, dtype: np.dtype[Any], n_members: int, n_rows: int) -> None:
        self.rows = np.empty((n_members, n_rows), np.int64)
        self.is_sparse = sparse.issparse(X.X)
        width = 0 if self.is_sparse else X.X.shape[1]
        self.buffers = np.empty((n_members, n_rows, width), dtype)
        self.are_gathered = self.is_sparse or _is_gathered(X.X)
        self._order: Integers | None = None
        self._X = X.X
        self._index_calls: list[Array] = []

    def add(self, program: Program, number: int, subset: Integers | None = None) -> None:
        """Add the calls that gather the rows of a member, which are in `subset` if it is given."""
        dtype, rows = self.buffers.dtype, self.rows[number]
        kernel = kernels.common(dtype)["index"]
        self._index_calls.append(program.add(kernel, [0, 0 if subset is None else subset, rows]))
        if self.are_gathered and not self.is_sparse:
            X, buffer = self._X, self.buffers[number]
            steps = [stride // X.itemsize for stride in X.strides]
            program.add(kernels.gather(X.dtype, dtype), [X, *steps, rows, buffer, X.shape[1]])

    def arrange(self, order: Integers | None) -> None:
        """Read the rows in this order, one row of int64 per member; None keeps theirs."""
        for number, words in enumerate(self._index_calls):
            words[0] = 0 if order is None else order[number].ctypes.data
        # The kernel reads it by its address.
        self._order = order

    def of_sparse(self, number: int) -> dict[str, Array]:
        """The arguments of a sparse form, by name; none if the inputs are dense."""
        if not self.is_sparse:
            return {}
        X = self._X
        vectors = {name: getattr(X, name) for name in ("data", "indices", "indptr")}
        # SciPy may hold views with steps, for example the real parts of complex numbers.
        vectors = {name: np.ascontiguousarray(vector) for name, vector in vectors.items()}
        return vectors | {"rows": self.rows[number]}


def _is_gathered(X: Array) -> bool:
    """Whether a kernel can gather the rows of a dense array: native numbers, at whole steps."""
    is_known = X.dtype.name in GATHERED and X.dtype.isnative
    return is_known and X.strides[1] >= 0 and not any(step % X.itemsize for step in X.strides)
