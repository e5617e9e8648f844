"""The elementary functions that scalar forms are written in.

A part of the network may have a scalar form beside its array form: its formula for one number,
from which compiled kernels are made. Scalar forms are plain Python in these functions, in
``+ - * /``, comparisons and ``a if condition else b``. They write numbers as floats (``1.0``),
which take the dtype of the network. Here the functions are NumPy's and SciPy's; compiled kernels
have their own (`core.compiled.elementary`).
"""

from typing import Any

from numpy import exp, expm1, log, log1p, sqrt, tanh
from scipy.special import expit as logistic
from scipy.special import ndtr

__all__ = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "logistic",
    "ndtr",
    "normal_density",
    "sqrt",
    "tanh",
    "uniform",
]


def normal_density(z: Any) -> Any:
    """``exp(-z^2 / 2) / sqrt(2 pi)``, the density of the standard normal distribution."""
    return exp(-0.5 * z * z) * 0.3989422804014327


def uniform(stream: Any) -> Any:
    """The next number in [0, 1) of a `numpy.random.Generator`."""
    return stream.random()
