"""Operations on flat vectors by BLAS, in a single pass.

NumPy computes ``y += a * x`` in two passes with a temporary array. On a small network, the single
pass saves a third of the time of an optimizer step. On large networks, NumPy is as fast.
"""

from math import isfinite
from typing import Any

from numpy.typing import NDArray
from scipy.linalg.blas import daxpy, ddot, dscal, saxpy, sdot, sscal

# OpenBLAS wakes threads for vectors of more than 10,000 elements, and SciPy and NumPy each have a
# pool of threads: with both pools awake on the same processors, a step takes 20 times as long.
PIECE = 9984

_AXPY = {"f": saxpy, "d": daxpy}
_SCAL = {"f": sscal, "d": dscal}
_DOT = {"f": sdot, "d": ddot}


def add_scaled(y: NDArray[Any], a: float, x: NDArray[Any]) -> None:
    """``y += a x`` in place, for contiguous vectors of one dtype, float32 or float64.

    Examples
    --------
    >>> y = np.array([1.0, 2.0])
    >>> add_scaled(y, 10.0, np.array([3.0, 4.0]))
    >>> y
    array([31., 42.])
    """
    axpy = _AXPY[y.dtype.char]
    if 0 < x.size <= PIECE:
        axpy(x, y, None, a)
        return
    if a == 1:
        y += x
        return
    for start in range(0, x.size, PIECE):
        axpy(x[start : start + PIECE], y[start : start + PIECE], None, a)


def scale(x: NDArray[Any], a: float) -> None:
    """``x *= a`` in place, for a contiguous vector, float32 or float64.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> scale(x, 10.0)
    >>> x
    array([10., 20.])
    """
    if 0 < x.size <= PIECE:
        _SCAL[x.dtype.char](a, x)
    else:
        x *= a


def are_surely_finite(x: NDArray[Any]) -> bool:
    """Whether all numbers of a vector are finite, and their squares do not add up to infinity.

    Takes a third of the time of ``np.isfinite(x.sum())`` for few numbers, and raises no warning.

    Examples
    --------
    >>> are_surely_finite(np.array([1.0, 2.0])), are_surely_finite(np.array([1.0, np.nan]))
    (True, False)
    """
    return isfinite(_DOT[x.dtype.char](x, x))
