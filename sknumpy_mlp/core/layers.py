"""What a network is made of: layers with parameters, and their forward and backward pass.

Contract: a layer says which parameters it has (`shapes`), which of them the L2 penalty and weight
decay shrink (`penalized`), and computes on the views of the network's flat vectors that it is
bound to: parameter ``W`` is ``layer.W``, its gradient ``layer.dW``. Everything that a batch needs
beyond that is in buffers made once per batch size (`buffers`).
To add one: write a class with the methods of `Dense`; `network.Network` takes any list of layers.
"""

from types import SimpleNamespace

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


class Dense:
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
