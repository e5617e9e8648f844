r"""Several networks of one shape, the members of an ensemble, trained as one network.

Member by member nothing is new: `layers` has the mathematics. Here every array has one more axis
in front, that of the members: inputs are (k, n, fan_in), weights (k, fan_in, fan_out), and a layer
computes all of them in one call. For networks of a few dozen units that takes half the time of
one after another; for those of 256 and more, where products take most of it, no less.
"""

from types import SimpleNamespace

import numpy as np
from scipy import sparse

from .layers import Dense, Dropout, FeatureScale, Layer
from .network import Network


def transposed(X):
    """The matrix of each member, transposed."""
    return X.swapaxes(-1, -2)


def by_member(X, n_members, n_samples):
    """The rows of each member in a sparse matrix: its own, stacked, or the same for all."""
    if X.shape[0] == n_samples:
        return [X] * n_members
    return [X[j * n_samples : (j + 1) * n_samples] for j in range(n_members)]


class StackedLayer(Layer):
    """Base class of a layer that k members have.

    Parameters
    ----------
    plain : Layer
        That of one member, without arrays.
    n_members : int

    Attributes
    ----------
    of : type
        The class of layer that it stacks.
    """

    of = None

    def __init__(self, plain, n_members):
        self.plain = plain
        self.n_members = n_members
        self.kinds = plain.kinds
        self.penalized = plain.penalized
        self.only_in_training = plain.only_in_training

    @property
    def shapes(self):
        """Parameter names and shapes, (k, ...)."""
        return {name: (self.n_members, *shape) for name, shape in self.plain.shapes.items()}

    def empty(self, n_samples, n_units, dtype, order="C"):
        """An array of shape (k, n_samples, n_units); class by class in Fortran order."""
        if order == "C":
            return np.empty((self.n_members, n_samples, n_units), dtype)
        return np.empty((n_units, self.n_members, n_samples), dtype).transpose(1, 2, 0)

    def rate_factor(self, name, parametrization):
        """As that of one member."""
        return self.plain.rate_factor(name, parametrization)

    def unbound(self):
        """The same layer without arrays."""
        return type(self)(self.plain.unbound(), self.n_members)

    def __repr__(self):
        return f"{type(self).__name__}({self.plain!r}, {self.n_members})"


class StackedFeatureScale(StackedLayer):
    """k layers `FeatureScale`: factors s of shape (k, n_features).

    Examples
    --------
    >>> layer = StackedFeatureScale(FeatureScale(2), 2)
    >>> layer.s = np.array([[1.0, 10.0], [0.0, 1.0]])
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers(1, np.float64)).tolist()
    [[[3.0, 40.0]], [[0.0, 4.0]]]
    """

    of = FeatureScale

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows a member: A and dA."""
        A, dA = (self.empty(n_samples, self.plain.n_features, dtype) for _ in range(2))
        return SimpleNamespace(A=A, dA=dA)

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers."""
        return np.multiply(X, self.s[:, np.newaxis], out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        """Fill ``ds``, and `dX` unless it is None."""
        np.einsum("kij,kij->kj", np.broadcast_to(X, dA.shape), dA, out=self.ds)
        if dX is not None:
            np.multiply(dA, self.s[:, np.newaxis], out=dX)


class StackedDense(StackedLayer):
    """k layers `Dense`: weights W of shape (k, fan_in, fan_out), biases b of (k, fan_out).

    Examples
    --------
    >>> from sknumpy_mlp.core.activations import ReLU
    >>> layer = StackedDense(Dense(2, 1, ReLU()), 2)
    >>> layer.W, layer.b = np.array([[[1.0], [2.0]], [[1.0], [0.0]]]), np.array([[0.5], [0.0]])
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers(1, np.float64)).ravel()
    array([11.5,  3. ])
    """

    of = Dense

    @property
    def fan_in(self):
        """Inputs of one member."""
        return self.plain.fan_in

    @property
    def fan_out(self):
        """Units of one member."""
        return self.plain.fan_out

    @property
    def activation(self):
        """That of every member."""
        return self.plain.activation

    def bind(self, W, b):
        """Compute with these arrays, (k, fan_in, fan_out) and (k, fan_out)."""
        self.W, self.b = W, b
        self.plain.fan_in, self.plain.fan_out = W.shape[1:]

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows a member, as those of `Dense`."""
        Z, A, dA = (self.empty(n_samples, self.fan_out, dtype, order) for _ in range(3))
        A = Z if self.activation.in_place else A
        return SimpleNamespace(
            Z=Z,
            A=A,
            kept=Z if self.activation.reads == "input" else A,
            dA=dA,
            scratch=self.activation.scratch(Z.shape, dtype),
            ones=np.ones((1, n_samples), dtype),
        )

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers; `X` of two axes is the same for all members."""
        Z, A = buffers.Z, buffers.A
        if sparse.issparse(X):
            for rows, W, out in zip(by_member(X, *Z.shape[:2]), self.W, Z):
                out[...] = rows @ W
        else:
            np.matmul(X, self.W, out=Z)
        np.add(Z, self.b[:, np.newaxis], out=Z)
        self.activation.forward(Z, A, buffers.scratch)
        return A

    def backward(self, X, dA, buffers, dX=None):
        """Fill ``dW`` and ``db`` from `dA`, which becomes dZ, and `dX` unless it is None."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        if sparse.issparse(X):
            for rows, dZ, out in zip(by_member(X, *dA.shape[:2]), dA, self.dW):
                out[...] = rows.T @ dZ
        else:
            np.matmul(transposed(X), dA, out=self.dW)
        np.matmul(buffers.ones, dA, out=self.db[:, np.newaxis])
        if dX is not None:
            np.matmul(dA, transposed(self.W), out=dX)


class StackedDropout(StackedLayer):
    """k layers `Dropout`, each with masks of its own.

    Examples
    --------
    >>> layer = StackedDropout(Dropout(4, rate=0.5), 2)
    >>> layer.generator = np.random.default_rng(0)
    >>> layer.forward(np.ones((2, 1, 4)), layer.buffers(1, np.float64)).tolist()
    [[[2.0, 0.0, 0.0, 0.0]], [[2.0, 2.0, 2.0, 2.0]]]
    """

    of = Dropout

    def buffers(self, n_samples, dtype, order="C"):
        """Arrays for batches of `n_samples` rows a member: A, dA and the mask."""
        A, dA, mask = (self.empty(n_samples, self.plain.n_units, dtype) for _ in range(3))
        return SimpleNamespace(A=A, dA=dA, mask=mask)

    def forward(self, X, buffers):
        """Return ``A``, which lies in the buffers; `X` is left as it is."""
        # A mask is drawn and multiplied by element, whatever the number of axes.
        self.plain.generator = self.generator
        return self.plain.forward(X, buffers)

    def backward(self, X, dA, buffers, dX=None):
        """Fill `dX` from `dA`, unless it is None."""
        self.plain.backward(X, dA, buffers, dX)


STACKED = {layer.of: layer for layer in StackedLayer.__subclasses__()}


class StackedNetwork(Network):
    """k networks of one shape, the members, trained as one.

    Parameters
    ----------
    plain : Network
        That of one member, without arrays.
    n_members : int

    Examples
    --------
    >>> from sknumpy_mlp.core.initializers import GlorotUniform
    >>> network = StackedNetwork(Network.dense([4, 2], []), 3)
    >>> network.allocate(np.float64)
    >>> network.draw(GlorotUniform(), np.random.RandomState(0))
    >>> network.coefs[0].shape, network.members[2].coefs[0].shape
    ((3, 4, 2), (4, 2))
    """

    def __init__(self, plain, n_members):
        super().__init__([STACKED[type(layer)](layer, n_members) for layer in plain.layers])
        self.plain = plain
        self.n_members = n_members

    @property
    def members(self):
        """The members as networks, on views of the same arrays."""
        members = [self.plain.unbound() for _ in range(self.n_members)]
        scales = self.n_members * [None] if self.feature_scale is None else self.feature_scale
        for j, (member, scale) in enumerate(zip(members, scales)):
            member.bind([W[j] for W in self.coefs], [b[j] for b in self.intercepts], scale)
        return members

    def parts(self, vector):
        """Views of what belongs to each member in a vector that lies as `theta` does."""
        blocks = [vector[a:b].reshape(self.n_members, -1) for _, _, a, b in self.slots()]
        return [[block[j] for block in blocks] for j in range(self.n_members)]

    def draw(self, initializer, random_state, output_initializer=None):
        """Fill all parameters with starting values, member by member."""
        for member in self.members:
            member.draw(initializer, random_state, output_initializer)

    def scores(self, X, dtype, index=None):
        """Raw scores of every member, (k, n_samples, n_outputs)."""
        return np.stack([member.scores(X, dtype, index) for member in self.members])

    def unbound(self):
        """The same network without arrays."""
        return StackedNetwork(self.plain.unbound(), self.n_members)
