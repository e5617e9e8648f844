"""What a network is made of: layers with parameters, and their forward and backward pass.

Contract: a layer says which parameters it has (`shapes`), which of them the L2 penalty and weight
decay shrink (`penalized`), and computes on the views of the network's flat vectors that it is
bound to: parameter ``W`` is ``layer.W``, its gradient ``layer.dW``. Everything that a batch needs
beyond that is in buffers made once per batch size (`buffers`).
To add one: subclass `Layer`; `network.Network` takes any list of layers.
"""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np


def multiply(X, W, out):
    """``out = X W`` in place; X may be sparse, and `out` in either memory order."""
    if type(X) is not np.ndarray:
        out[...] = X @ W
    elif out.flags.c_contiguous:
        np.dot(X, W, out=out)
    else:
        np.dot(W.T, X.T, out=out.T)


def multiply_transposed(X, dZ, out):
    """``out = X^T dZ`` in place; X may be sparse."""
    if type(X) is not np.ndarray:
        out[...] = X.T @ dZ
    else:
        np.dot(X.T, dZ, out=out)


class Layer:
    """Base class of layers.

    Attributes
    ----------
    shapes : dict of str to tuple
        Parameter names and shapes.
    penalized : tuple of str
        The parameters that the L2 penalty and weight decay shrink.
    kinds : dict of str to str
        What each parameter is, in the words of `learning_rate_factors`.
    only_in_training : bool
        Whether predictions leave the layer out.
    """

    kinds: ClassVar[dict] = {}
    shapes: ClassVar[dict] = {}
    penalized = ()
    only_in_training = False

    def draw(self, initializer, random_state):
        """Fill the parameters with starting values."""

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows: its output `A`, that one's gradient `dA`, ..."""
        raise NotImplementedError

    def forward(self, X, buffers):
        """Return the output, which lies in ``buffers.A``; `X` is left as it is."""
        raise NotImplementedError

    def backward(self, X, dA, buffers, dX=None):
        """Fill the gradients of the parameters from `dA`, and `dX` unless it is None."""
        raise NotImplementedError

    def unbound(self):
        """The same layer without arrays."""
        raise NotImplementedError

    def rate_factor(self, name, parametrization):
        """What the parametrization multiplies the learning rate of a parameter by."""
        return 1.0


class FeatureScale(Layer):
    r"""``A = X * s``: a learned factor for every input column, one at the start.

    The backward pass gives :math:`ds = \sum_i X_i \odot dA_i`. Columns that do not matter can be
    turned down by one parameter instead of a row of weights.

    Parameters
    ----------
    n_features : int

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024, section 3.

    Examples
    --------
    >>> layer = FeatureScale(2)
    >>> layer.s = np.array([1.0, 10.0])
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers(1, np.float64))
    array([[ 3., 40.]])
    """

    kinds: ClassVar[dict] = {"s": "feature_scale"}

    def __init__(self, n_features):
        self.n_features = n_features
        self.shapes = {"s": (n_features,)}

    def draw(self, initializer, random_state):
        """Fill the factors with ones."""
        self.s[...] = 1

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows: A and dA."""
        A, dA = (np.empty((n_samples, self.n_features), dtype) for _ in range(2))
        return SimpleNamespace(A=A, dA=dA)

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers."""
        return np.multiply(X, self.s, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        """Fill ``ds``, and `dX` unless it is None."""
        np.einsum("ij,ij->j", X, dA, out=self.ds)
        if dX is not None:
            np.multiply(dA, self.s, out=dX)

    def unbound(self):
        """The same layer without arrays."""
        return FeatureScale(self.n_features)

    def __repr__(self):
        return f"FeatureScale({self.n_features})"


class Dense(Layer):
    r"""``A = f(X W + b)``: every unit reads every input.

    The backward pass turns ``dA`` into :math:`dZ = dA \odot f'(Z)` and then into
    :math:`dW = X^T dZ`, :math:`db = \sum_i dZ_i`, :math:`dX = dZ\, W^T`.

    Parameters
    ----------
    fan_in, fan_out : int
        Units on either side.
    activation : Activation
    init_activation : Activation, default=None
        What the initializer is told, if not `activation`.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 5.3.

    Examples
    --------
    >>> from sknumpy_mlp.core.activations import ReLU
    >>> layer = Dense(2, 1, ReLU())
    >>> layer.W, layer.b = np.array([[1.0], [2.0]]), np.array([0.5])
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers(1, np.float64))
    array([[11.5]])
    """

    penalized = ("W",)
    kinds: ClassVar[dict] = {"W": "weights", "b": "biases"}

    def __init__(self, fan_in, fan_out, activation, init_activation=None):
        self.fan_in = fan_in
        self.fan_out = fan_out
        self.activation = activation
        self.init_activation = init_activation or activation

    @property
    def shapes(self):
        """Parameter names and shapes."""
        return {"W": (self.fan_in, self.fan_out), "b": (self.fan_out,)}

    def draw(self, initializer, random_state):
        """Fill the parameters with starting values: weights first, then biases."""
        fans = self.fan_in, self.fan_out, self.init_activation
        self.W[...] = initializer.draw(random_state, self.W.shape, *fans)
        self.b[...] = initializer.for_biases().draw(random_state, self.b.shape, *fans)

    def bind(self, W, b):
        """Compute with these arrays, which say how many units there are."""
        self.W, self.b = W, b
        self.fan_in, self.fan_out = W.shape

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows.

        Z, A (the same where f works in place) and dA; what f's derivative reads (`kept`); f's
        scratch; and a vector of ones.
        """
        shape = n_samples, self.fan_out
        Z = np.empty(shape, dtype, order)
        A = Z if self.activation.in_place else np.empty(shape, dtype, order)
        return SimpleNamespace(
            Z=Z,
            A=A,
            kept=Z if self.activation.reads == "input" else A,
            dA=np.empty(shape, dtype, order),
            scratch=self.activation.scratch(shape, dtype),
            ones=np.ones(n_samples, dtype),
        )

    def rate_factor(self, name, parametrization):
        """``1 / sqrt(fan_in)`` for weights in the neural-tangent parametrization, else 1.

        There, weights that start as N(0, 1) act divided by ``sqrt(fan_in)``; for an optimizer
        whose steps do not depend on the size of the gradient, as Adam's, that is the same as
        weights that start divided and move that much less.
        """
        return self.fan_in**-0.5 if name == "W" and parametrization == "ntk" else 1.0

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers."""
        Z, A = buffers.Z, buffers.A
        multiply(X, self.W, out=Z)
        np.add(Z, self.b, out=Z)
        self.activation.forward(Z, A, buffers.scratch)
        return A

    def backward(self, X, dA, buffers, dX=None):
        """Fill ``dW`` and ``db`` from `dA`, which becomes dZ, and `dX` unless it is None."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        multiply_transposed(X, dA, out=self.dW)
        # A product with ones sums the columns three times as fast as a reduction.
        np.dot(buffers.ones, dA, out=self.db)
        if dX is not None:
            np.dot(dA, self.W.T, out=dX)

    def unbound(self):
        """The same layer without arrays."""
        return Dense(self.fan_in, self.fan_out, self.activation, self.init_activation)

    def __repr__(self):
        return f"Dense({self.fan_in}, {self.fan_out}, {self.activation!r})"


class Dropout(Layer):
    r"""``A = X * M / (1 - rate)``: units are left out at random, others stand in for them.

    M is 0 with probability `rate` and 1 elsewhere, drawn anew for every row, unit and batch.
    This inverted form leaves expectations alone, so predictions do without the layer.

    Parameters
    ----------
    n_units : int
    rate : float in [0, 1)
        The probability of leaving a unit out.

    Attributes
    ----------
    generator : numpy.random.Generator
        What masks are drawn from; bound by `network.Network.bind_generator`.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 2014.

    Examples
    --------
    >>> layer = Dropout(4, rate=0.5)
    >>> layer.generator = np.random.default_rng(0)
    >>> layer.forward(np.ones((2, 4)), layer.buffers(2, np.float64))
    array([[2., 0., 0., 0.],
           [2., 2., 2., 2.]])
    """

    only_in_training = True

    def __init__(self, n_units, rate):
        self.n_units = n_units
        self.rate = rate

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows: A, dA, and ``M / (1 - rate)`` as `mask`."""
        shape = n_samples, self.n_units
        A, dA, mask = (np.empty(shape, dtype) for _ in range(3))
        return SimpleNamespace(A=A, dA=dA, mask=mask)

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers; `X` is left as it is."""
        mask = buffers.mask
        self.generator.random(out=mask, dtype=mask.dtype)
        np.greater_equal(mask, self.rate, out=mask)
        mask *= 1 / (1 - self.rate)
        return np.multiply(X, mask, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        """Fill `dX` from `dA`, unless it is None."""
        if dX is not None:
            np.multiply(dA, buffers.mask, out=dX)

    def unbound(self):
        """The same layer without its generator."""
        return Dropout(self.n_units, self.rate)

    def __repr__(self):
        return f"Dropout({self.n_units}, rate={self.rate})"
