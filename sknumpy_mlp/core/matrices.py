"""Matrices of a batch and products of matrices, for a single network and for several members."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy import dot, ndarray
from numpy.typing import DTypeLike

from .._types import Floats, Inputs


def transposed(X: Floats) -> Floats:
    """A transposed view of each matrix of `X`."""
    return X.T if X.ndim == 2 else X.swapaxes(-1, -2)


def by_member(X: Inputs, out: Floats) -> Iterator[tuple[Inputs, Floats]]:
    """Yield the sparse rows of each member, and the member's matrix in `out`.

    `X` holds the rows of the members one below the other, or rows that all members share.
    """
    if out.ndim == 2:
        yield X, out
        return
    n_samples = out.shape[1]
    for member, matrix in enumerate(out):
        first = member * n_samples
        yield (X if X.shape[0] == n_samples else X[first : first + n_samples]), matrix


def matrices(W: Floats) -> Iterable[Floats]:
    """The matrix of each member, or the only one."""
    return [W] if W.ndim == 2 else W


def multiply(X: Inputs, W: Floats, out: Floats) -> None:
    """``out = X W`` in place, for each member; X may be sparse, `out` may have any memory order."""
    if type(X) is not ndarray:
        for (rows, Z), each in zip(by_member(X, out), matrices(W)):
            Z[...] = rows @ each
    elif out.ndim > 2:
        np.matmul(X, W, out)
    elif out.flags.c_contiguous:
        dot(X, W, out)
    else:
        dot(W.T, X.T, out.T)


def multiply_transposed(X: Inputs, dZ: Floats, out: Floats) -> None:
    """``out = X^T dZ`` in place, for each member; X may be sparse."""
    if type(X) is not ndarray:
        for (rows, each), dW in zip(by_member(X, dZ), matrices(out)):
            dW[...] = rows.T @ each
    else:
        multiply(transposed(X), dZ, out)


def empty(rows: tuple[int, ...], n_units: int, dtype: DTypeLike, order: str = "C") -> Floats:
    """An array of shape (*rows, n_units); order "F" stores all rows of a unit together."""
    if order == "C":
        return np.empty((*rows, n_units), dtype)
    array = np.empty((n_units, *rows), dtype)
    return array.T if len(rows) == 1 else array.transpose(1, 2, 0)
