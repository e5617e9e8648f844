"""Activation functions with one smooth formula."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.special import expit

from .._elementary import exp, expm1, log1p, logistic, ndtr, normal_density, tanh
from .base import Activation


class Logistic(Activation):
    """``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``, also known as "sigmoid".

    The output is between 0 and 1. Far from zero, the gradient almost vanishes.

    See Also
    --------
    Tanh : The same curve, between -1 and 1.

    Examples
    --------
    >>> Z = np.array([[0.0, 1000.0]])
    >>> Logistic().forward(Z, out=Z)
    >>> Z
    array([[0.5, 1. ]])
    """

    name = "logistic"
    known_as = ("sigmoid", "expit")
    glorot_factor = 2.0

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        expit(Z, out=out)

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        dA *= kept
        np.subtract(1, kept, out=kept)
        dA *= kept

    @staticmethod
    def value(z: Any) -> Any:
        return logistic(z)

    @staticmethod
    def slope(a: Any) -> Any:
        return a * (1.0 - a)


class Tanh(Activation):
    """``f(z) = tanh(z)``, with ``f' = 1 - a^2``.

    The output is between -1 and 1, with a mean near 0. Here a is the output, ``a = f(z)``.

    See Also
    --------
    Logistic : The same curve, between 0 and 1.

    Examples
    --------
    >>> Z = np.array([[0.0, 1000.0]])
    >>> Tanh().forward(Z, out=Z)
    >>> Z
    array([[0., 1.]])
    """

    name = "tanh"

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        np.tanh(Z, out=out)

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        kept *= kept
        np.subtract(1, kept, out=kept)
        dA *= kept

    @staticmethod
    def value(z: Any) -> Any:
        return tanh(z)

    @staticmethod
    def slope(a: Any) -> Any:
        return 1.0 - a * a


class GELU(Activation):
    r"""``f(z) = z Phi(z)``, where Phi is the normal distribution function, without approximation.

    ``f' = Phi(z) + z phi(z)``. PyTorch's default (``approximate="none"``) is the same function.

    See Also
    --------
    SiLU : A similar curve from the logistic function.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units", arXiv:1606.08415.

    Examples
    --------
    >>> Z, A = np.array([[-1.0, 2.0]]), np.empty((1, 2))
    >>> GELU().forward(Z, out=A)
    >>> A.round(4)
    array([[-0.1587,  1.9545]])
    """

    name = "gelu"
    reads = "input"
    in_place = False

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        ndtr(Z, out=out)
        out *= Z

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        # phi(z) underflows to 0 beyond |z| = 40; the bound keeps z^2 finite.
        np.clip(kept, -40, 40, out=scratch)
        np.multiply(scratch, scratch, out=scratch)
        scratch *= -0.5
        np.exp(scratch, out=scratch)
        scratch *= 1 / np.sqrt(2 * np.pi)
        scratch *= kept
        ndtr(kept, out=kept)
        kept += scratch
        dA *= kept

    @staticmethod
    def value(z: Any) -> Any:
        return z * ndtr(z)

    @staticmethod
    def slope(z: Any, a: Any) -> Any:
        # Phi(z) from the activation: a division takes a fifth of the time of ndtr.
        p = a / z if z != 0.0 else 0.5
        return p + z * normal_density(z)


class SiLU(Activation):
    """``f(z) = z s(z)``, where s is the logistic function, also known as "swish".

    ``f' = s(z) (1 + z (1 - s(z)))``.

    See Also
    --------
    GELU : A similar curve from the normal distribution.
    Mish : A similar curve from tanh and softplus.

    References
    ----------
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", arXiv:1702.03118.

    Examples
    --------
    >>> Z, A = np.array([[-1.0, 2.0]]), np.empty((1, 2))
    >>> SiLU().forward(Z, out=A)
    >>> A.round(4)
    array([[-0.2689,  1.7616]])
    """

    name = "silu"
    known_as = ("swish",)
    reads = "input"
    in_place = False

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        expit(Z, out=out)
        out *= Z

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        expit(kept, out=scratch)
        dA *= scratch
        scratch *= kept
        kept -= scratch
        kept += 1
        dA *= kept

    @staticmethod
    def value(z: Any) -> Any:
        return z * logistic(z)

    @staticmethod
    def slope(z: Any) -> Any:
        s = logistic(z)
        return s * (1.0 + z * (1.0 - s))


class Mish(Activation):
    r"""``f(z) = z tanh(log(1 + exp(z)))``, smooth and slightly below zero for negative z.

    With ``e = exp(z)`` and ``d = e (e + 2) + 2``, the function equals ``z (1 - 2 / d)``, and
    ``f' = e (4 (z + 1) + 4 e^2 + e^3 + e (4 z + 6)) / d^2``.

    See Also
    --------
    SiLU : A similar curve that is faster to compute.

    References
    ----------
    Misra, "Mish: A self regularized non-monotonic activation function", BMVC 2020.

    Examples
    --------
    >>> Z, A = np.array([[-1.0, 2.0]]), np.empty((1, 2))
    >>> Mish().forward(Z, out=A)
    >>> A.round(4)
    array([[-0.3034,  1.944 ]])
    """

    name = "mish"
    reads = "input"
    in_place = False

    def scratch(self, shape: tuple[int, ...], dtype: DTypeLike) -> Any:
        return np.empty((2, *shape), dtype)

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        e, n = (out, np.empty_like(out)) if scratch is None else scratch
        # Beyond 20, the factor of z rounds to 1, even in float64, and e^4 stays finite in float32.
        np.minimum(Z, 20, out=e)
        np.exp(e, out=e)
        # n / (n + 2) with n = e (e + 2) stays accurate for small e, unlike 1 - 2 / d.
        np.add(e, 2, out=n)
        n *= e
        np.add(n, 2, out=e)
        n /= e
        np.multiply(Z, n, out=out)

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        e, slope = scratch
        # Below -800, exp is 0, even in float64; the bound keeps 4 z finite.
        np.clip(kept, -800, 20, out=kept)
        np.exp(kept, out=e)  # e = exp(z)
        kept *= 4  # 4 z
        # Horner's rule, from the inside: e (4 (z + 1) + e (4 z + 6 + e (4 + e))).
        np.add(e, 4, out=slope)  # 4 + e
        slope *= e
        slope += kept
        slope += 6  # 4 z + 6 + e (4 + e)
        slope *= e
        slope += kept
        slope += 4  # 4 (z + 1) + e (...)
        slope *= e  # the numerator
        # Overwrite 4 z with d.
        np.add(e, 2, out=kept)
        kept *= e
        kept += 2  # d = e (e + 2) + 2
        slope /= kept
        slope /= kept  # f' = numerator / d^2
        dA *= slope  # dZ = dA f'

    @staticmethod
    def value(z: Any) -> Any:
        # Beyond 20 the factor of z rounds to 1, in float64 too, and e^4 stays finite in float32.
        e = exp(20.0 if z > 20.0 else z)
        n = e * (e + 2.0)
        return z * (n / (n + 2.0))

    @staticmethod
    def slope(z: Any) -> Any:
        # Below -800 exp is 0, in float64 too; the bound keeps 4 z finite.
        z = 20.0 if z > 20.0 else (-800.0 if z < -800.0 else z)
        e = exp(z)
        d = e * (e + 2.0) + 2.0
        return e * (4.0 * z + 4.0 + e * (4.0 * z + 6.0 + e * (4.0 + e))) / d / d


class Softplus(Activation):
    """``f(z) = log(1 + exp(z))``, a smooth ReLU, with ``f' = 1 - exp(-a)``.

    Here a is the output, ``a = f(z)``, which is always positive.

    See Also
    --------
    ReLU : Its limit for large inputs.

    References
    ----------
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing",
    NIPS 2000.

    Examples
    --------
    >>> Z = np.array([[0.0, 1000.0]])
    >>> Softplus().forward(Z, out=Z)
    >>> Z.round(4)
    array([[6.931e-01, 1.000e+03]])
    """

    name = "softplus"

    def forward(self, Z: NDArray[Any], out: NDArray[Any], scratch: Any = None) -> None:
        np.logaddexp(0, Z, out=out)

    def backward(self, kept: NDArray[Any], dA: NDArray[Any], scratch: Any) -> None:
        np.negative(kept, out=kept)
        np.expm1(kept, out=kept)
        np.negative(kept, out=kept)
        dA *= kept

    @staticmethod
    def value(z: Any) -> Any:
        return log1p(exp(-z if z > 0.0 else z)) + (z if z > 0.0 else 0.0)

    @staticmethod
    def slope(a: Any) -> Any:
        return -expm1(-a)
