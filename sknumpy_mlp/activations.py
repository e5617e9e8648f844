r"""Activation functions ``A = f(Z)`` of the hidden layers, and their derivatives.

Contract: ``forward`` writes ``f(Z)`` into `out`. ``backward`` turns the gradient with respect to
the output, ``dA``, into the gradient with respect to the input, ``dZ = dA * f'(Z)``, in place.
`reads` defines whether the derivative is computed from the layer's input ``Z`` or its output ``A``.
`in_place` defines whether ``out`` may be ``Z``, so that a cheap activation needs only one buffer.
To add an activation: subclass `Activation` here and give the class a `name`; the tests find it.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit, ndtr

from ._family import Family, real


class Activation(Family):
    """Base class of activation functions.

    Attributes
    ----------
    reads : {"input", "output"}
        The array that `backward` receives as `kept`.
    in_place : bool
        Whether `forward` may be called with ``out is Z``.
    glorot_factor : float
        The factor c in the bound ``sqrt(c / (fan_in + fan_out))`` of `initializers.Auto`.
    """

    reads = "output"
    in_place = True
    glorot_factor = 6.0

    def forward(self, Z, out, scratch=None):
        """Write ``f(Z)`` into `out`; `Z` may be overwritten unless `reads` is ``"input"``.

        Parameters
        ----------
        Z, out : ndarray of shape (n_samples, n_units), of one float dtype
        scratch : object, default=None
            Buffers from the method `scratch`; optional here.
        """
        raise NotImplementedError

    def backward(self, kept, dA, scratch):
        """Multiply `dA` by ``f'(Z)`` in place; `kept` may be overwritten.

        Parameters
        ----------
        kept : ndarray of shape (n_samples, n_units)
            ``Z`` or ``A``, depending on `reads`.
        dA : ndarray of shape (n_samples, n_units)
        scratch : object
            Buffers from the method `scratch`, reused in every batch.
        """
        raise NotImplementedError

    def scratch(self, shape, dtype):
        """Create the buffers of the activation; one array of this shape unless overridden."""
        return np.empty(shape, dtype)


class Identity(Activation):
    """``f(z) = z``, for a linear layer.

    Examples
    --------
    >>> Z = np.array([[-1.0, 2.0]])
    >>> Identity().forward(Z, out=Z)
    >>> Z
    array([[-1.,  2.]])
    """

    name = "identity"
    known_as = ("linear", "none")

    def forward(self, Z, out, scratch=None):
        if out is not Z:
            np.copyto(out, Z)

    def backward(self, kept, dA, scratch):
        pass


class Logistic(Activation):
    """``f(z) = 1 / (1 + exp(-z))``, with ``f' = a (1 - a)``, also known as "sigmoid".

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

    def forward(self, Z, out, scratch=None):
        expit(Z, out=out)

    def backward(self, kept, dA, scratch):
        dA *= kept
        np.subtract(1, kept, out=kept)
        dA *= kept


class Tanh(Activation):
    """``f(z) = tanh(z)``, with ``f' = 1 - a^2``.

    Examples
    --------
    >>> Z = np.array([[0.0, 1000.0]])
    >>> Tanh().forward(Z, out=Z)
    >>> Z
    array([[0., 1.]])
    """

    name = "tanh"

    def forward(self, Z, out, scratch=None):
        np.tanh(Z, out=out)

    def backward(self, kept, dA, scratch):
        kept *= kept
        np.subtract(1, kept, out=kept)
        dA *= kept


class ReLU(Activation):
    """``f(z) = max(0, z)``, with ``f' = 1`` where ``z > 0`` and 0 elsewhere.

    References
    ----------
    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.

    Examples
    --------
    >>> Z = np.array([[-1.0, 2.0]])
    >>> ReLU().forward(Z, out=Z)
    >>> Z
    array([[0., 2.]])
    """

    name = "relu"
    known_as = ("rectifier",)

    def scratch(self, shape, dtype):
        return SimpleNamespace(zeros=np.zeros(shape, dtype), is_positive=np.empty(shape, bool))

    def forward(self, Z, out, scratch=None):
        # NumPy vectorizes the maximum with an array of zeros, but not with the number 0: 3x faster.
        np.maximum(Z, 0 if scratch is None else scratch.zeros, out=out)

    def backward(self, kept, dA, scratch):
        np.greater(kept, 0, out=scratch.is_positive)
        np.multiply(dA, scratch.is_positive, out=dA)


class LeakyReLU(Activation):
    """``f(z) = max(z, s z)``, whose gradient never vanishes, so that no unit dies.

    Parameters
    ----------
    negative_slope : float in [0, 1], default=0.01
        The slope s for negative inputs.

    References
    ----------
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Examples
    --------
    >>> Z, A = np.array([[-1.0, 2.0]]), np.empty((1, 2))
    >>> LeakyReLU(negative_slope=0.1).forward(Z, out=A)
    >>> A
    array([[-0.1,  2. ]])
    """

    name = "leaky_relu"
    known_as = ("leakyrelu", "lrelu")
    reads = "input"
    in_place = False
    rules = {"negative_slope": real(0, 1)}

    def __init__(self, *, negative_slope=0.01):
        self.negative_slope = negative_slope

    def forward(self, Z, out, scratch=None):
        np.multiply(Z, self.negative_slope, out=out)
        np.maximum(Z, out, out=out)

    def backward(self, kept, dA, scratch):
        # A comparison and a product are 12 times as fast as np.heaviside.
        np.multiply(kept > 0, kept.dtype.type(1 - self.negative_slope), out=kept)
        kept += self.negative_slope
        dA *= kept


class ELU(Activation):
    """``f(z) = z`` for ``z > 0``, ``alpha (exp(z) - 1)`` elsewhere.

    Parameters
    ----------
    alpha : float > 0, default=1.0
        Minus the limit for large negative inputs.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by
    exponential linear units", ICLR 2016.

    Examples
    --------
    >>> Z, A = np.array([[-1000.0, 2.0]]), np.empty((1, 2))
    >>> ELU().forward(Z, out=A)
    >>> A
    array([[-1.,  2.]])
    """

    name = "elu"
    reads = "output"
    in_place = False
    rules = {"alpha": real(0, closed="neither")}
    scale = 1.0

    def __init__(self, *, alpha=1.0):
        self.alpha = alpha

    def scratch(self, shape, dtype):
        slope, zeros = np.empty(shape, dtype), np.zeros(shape, dtype)
        return SimpleNamespace(slope=slope, zeros=zeros, is_positive=np.empty(shape, bool))

    def forward(self, Z, out, scratch=None):
        # As in ReLU: three times as fast as the number 0 in float32, a quarter of the whole pass.
        zeros = 0 if scratch is None else scratch.zeros
        # exp(min(z, 0)) cannot overflow; the positive part is added afterwards.
        np.minimum(Z, zeros, out=out)
        np.expm1(out, out=out)
        out *= self.scale * self.alpha
        np.maximum(Z, zeros, out=Z)
        if self.scale != 1:
            Z *= self.scale
        out += Z

    def backward(self, kept, dA, scratch):
        # f' = scale where a > 0 and a + scale alpha elsewhere.
        limit = self.scale * self.alpha
        np.greater(kept, scratch.zeros, out=scratch.is_positive)
        step = kept.dtype.type(self.scale - limit)
        np.multiply(scratch.is_positive, step, out=scratch.slope)
        np.minimum(kept, scratch.zeros, out=kept)
        kept += limit
        kept += scratch.slope
        dA *= kept


class SELU(ELU):
    """``f(z) = l z`` for ``z > 0``, ``l a (exp(z) - 1)`` elsewhere, l = 1.0507..., a = 1.6733...

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", NIPS 2017.

    Examples
    --------
    >>> Z, A = np.array([[-1000.0, 1.0]]), np.empty((1, 2))
    >>> SELU().forward(Z, out=A)
    >>> A.round(4)
    array([[-1.7581,  1.0507]])
    """

    name = "selu"
    rules = {}
    scale = 1.0507009873554805
    alpha = 1.6732632423543772

    def __init__(self):
        pass


class GELU(Activation):
    r"""``f(z) = z Phi(z)``, where Phi is the normal distribution function, without approximation.

    ``f' = Phi(z) + z phi(z)``. PyTorch's default (``approximate="none"``) is the same function.

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

    def forward(self, Z, out, scratch=None):
        ndtr(Z, out=out)
        out *= Z

    def backward(self, kept, dA, scratch):
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


class SiLU(Activation):
    """``f(z) = z s(z)``, where s is the logistic function, also known as "swish".

    ``f' = s(z) (1 + z (1 - s(z)))``.

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

    def forward(self, Z, out, scratch=None):
        expit(Z, out=out)
        out *= Z

    def backward(self, kept, dA, scratch):
        expit(kept, out=scratch)
        dA *= scratch
        scratch *= kept
        kept -= scratch
        kept += 1
        dA *= kept


class Mish(Activation):
    r"""``f(z) = z tanh(log(1 + exp(z)))``, smooth and slightly below zero for negative z.

    With ``e = exp(z)`` and ``d = e (e + 2) + 2``, the function equals ``z (1 - 2 / d)``, and
    ``f' = e (4 (z + 1) + 4 e^2 + e^3 + e (4 z + 6)) / d^2``.

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

    def scratch(self, shape, dtype):
        return np.empty((2, *shape), dtype)

    def forward(self, Z, out, scratch=None):
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

    def backward(self, kept, dA, scratch):
        e, slope = scratch
        # Below -800, exp is 0, even in float64; the bound keeps 4 z finite.
        np.clip(kept, -800, 20, out=kept)
        np.exp(kept, out=e)
        kept *= 4
        np.add(e, 4, out=slope)
        slope *= e
        slope += kept
        slope += 6
        slope *= e
        slope += kept
        slope += 4
        slope *= e
        # Overwrite 4 z with d.
        np.add(e, 2, out=kept)
        kept *= e
        kept += 2
        slope /= kept
        slope /= kept
        dA *= slope


class Softplus(Activation):
    """``f(z) = log(1 + exp(z))``, a smooth ReLU, with ``f' = 1 - exp(-a)``.

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

    def forward(self, Z, out, scratch=None):
        np.logaddexp(0, Z, out=out)

    def backward(self, kept, dA, scratch):
        np.negative(kept, out=kept)
        np.expm1(kept, out=kept)
        np.negative(kept, out=kept)
        dA *= kept
