"""The layers of a network: their parameters, and their forward and backward pass.

Contract: a layer defines the shapes of its parameters (`shapes`), their kinds (`kinds`), and which
of them the L2 penalty and weight decay shrink (`penalized`). It computes on views of the network's
flat vectors: parameter ``W`` is ``layer.W``, its gradient ``layer.dW``. Buffers are created once
per batch size. Layers compute in the last two axes: the rows of a batch and the units of the layer.
The members of an ensemble have one more axis in front, and use the same code.
To add a layer: subclass `Layer`. `network.Network` accepts any list of layers.
"""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
from numpy import dot, ndarray

from .._elementary import uniform


def transposed(X):
    """A transposed view of each matrix of `X`."""
    return X.T if X.ndim == 2 else X.swapaxes(-1, -2)


def by_member(X, out):
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


def matrices(W):
    """The matrix of each member, or the only one."""
    return [W] if W.ndim == 2 else W


def multiply(X, W, out):
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


def multiply_transposed(X, dZ, out):
    """``out = X^T dZ`` in place, for each member; X may be sparse."""
    if type(X) is not ndarray:
        for (rows, each), dW in zip(by_member(X, dZ), matrices(out)):
            dW[...] = rows.T @ each
    else:
        multiply(transposed(X), dZ, out)


def empty(rows, n_units, dtype, order="C"):
    """An array of shape (*rows, n_units); order "F" stores all rows of a unit together."""
    if order == "C":
        return np.empty((*rows, n_units), dtype)
    array = np.empty((n_units, *rows), dtype)
    return array.T if len(rows) == 1 else array.transpose(1, 2, 0)


class Layer:
    """Base class of layers.

    Parameters are bound as matrices: ``layer.W`` has shape (..., fan_in, fan_out). A vector such as
    ``layer.b`` is a row of shape (..., 1, fan_out), which broadcasts over the rows of a batch.

    Attributes
    ----------
    kinds : dict of str to str
        The kind of each parameter. `learning_rate_factors` and fitted attributes refer to
        parameters by kind: a kind other than "weights" and "biases" is stored in the attribute
        ``<kind>_``, and occurs only once in a network.
    shapes : dict of str to tuple
        The shape of each parameter of a single network: a matrix or a vector.
    penalized : tuple of str
        The parameters that the L2 penalty and weight decay shrink.
    statistics : tuple of str
        The parameters that are kept and copied with the others, but not trained: a layer updates
        them in training and uses them in prediction.
    n_inputs : int or None
        Number of inputs; None if it is that of the first dense layer.
    width : int
        Number of output units.
    largest_buffer : int
        The largest number of elements of a buffer in a row of the batch.
    takes_sparse : bool
        Whether the input may be sparse.
    is_random : bool
        Whether the layer draws random numbers in training.
    generator : numpy.random.Generator or None
        Generator of the random numbers, for a layer that `is_random`.
    forward_rows, backward_rows, input_gradient_rows : function or None
        The compiled form of the passes of one member, in plain Python on matrices. Arguments are
        ``X``, ``A``, ``dA``, ``dX``, parameters, their gradients, buffers and attributes by name.
    predict_rows : function or None
        The compiled form of the forward pass in prediction; `forward_rows` if None.
    sparse_forward_rows, sparse_backward_rows : function or None
        The forms for sparse inputs, by ``data``, ``indices`` and ``indptr`` of a CSR matrix and the
        ``rows`` of the batch.
    """

    kinds: ClassVar[dict] = {}
    shapes: ClassVar[dict] = {}
    n_inputs = None
    penalized = ()
    statistics = ()
    takes_sparse = False
    is_random = False
    generator = None
    forward_rows = None
    predict_rows = None
    backward_rows = None
    input_gradient_rows = None
    sparse_forward_rows = None
    sparse_backward_rows = None

    @property
    def largest_buffer(self):
        """The largest number of elements of a buffer in a row of the batch."""
        return self.width

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls._bound = ("generator", *cls.kinds, *(f"d{name}" for name in cls.kinds))
        if "backward" in vars(cls) and "input_gradient" not in vars(cls):
            # That of a class above belongs to another backward pass.
            cls.input_gradient = Layer.input_gradient

    def draw(self, initializer, random_state):
        """Initialize the parameters in place."""

    def bind(self, **parameters):
        """Use these arrays as parameters, without copying them."""
        vars(self).update(parameters)

    def buffers(self, rows, dtype, order="C", training=False):
        """Create the arrays for one batch size: the output `A`, its gradient `dA`, and others.

        Parameters
        ----------
        rows : tuple of int
            (n_samples,), or (n_members, n_samples).
        dtype : dtype
        order : {"C", "F"}, default="C"
            Memory order of the output: row by row, or unit by unit.
        training : bool, default=False
            Whether the batches are used for training.

        Returns
        -------
        SimpleNamespace
        """
        raise NotImplementedError

    def forward(self, X, buffers):
        """Return the output, without changing `X`.

        In training, and in the last layer, the output must be in ``buffers.A``.
        """
        raise NotImplementedError

    def backward(self, X, dA, buffers, dX=None):
        """Compute the gradients of the parameters from `dA`, and `dX` unless it is None."""
        raise NotImplementedError

    def input_gradient(self, X, dA, buffers, dX):
        """Compute `dX` from `dA`; layers may write this, without gradients of parameters."""
        self.backward(X, dA, buffers, dX)

    def unbound(self):
        """A copy of the layer without its arrays and its generator."""
        # copy.copy takes three times as long, which matters when predicting a single row.
        twin = object.__new__(type(self))
        held = vars(twin)
        held.update(vars(self))
        for name in self._bound:
            held.pop(name, None)
        return twin

    def rate_factor(self, name, parametrization):
        """The factor of a parameter's learning rate in this parametrization."""
        return 1.0


class FeatureScale(Layer):
    r"""``A = X * s``: a learned factor for every feature, initialized to one.

    The backward pass computes :math:`ds = \sum_i X_i \odot dA_i`. The network can reduce the
    influence of an irrelevant feature with one parameter instead of a row of weights.

    Parameters
    ----------
    n_features : int

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024, section 3.

    Examples
    --------
    >>> layer = FeatureScale(2)
    >>> layer.bind(s=np.array([[1.0, 10.0]]))
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers((1,), np.float64))
    array([[ 3., 40.]])
    """

    kinds: ClassVar[dict] = {"s": "feature_scale"}

    def __init__(self, n_features):
        self.n_inputs = self.width = n_features
        self.shapes = {"s": (n_features,)}

    def draw(self, initializer, random_state):
        """Initialize the factors to one."""
        self.s[...] = 1

    def buffers(self, rows, dtype, order="C", training=False):
        """Create the arrays for one batch size: A and dA."""
        return SimpleNamespace(
            A=empty(rows, self.width, dtype, order), dA=empty(rows, self.width, dtype, order)
        )

    def forward(self, X, buffers):
        """Return ``A``, which is in the buffers."""
        return np.multiply(X, self.s, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        """Compute ``ds``, and `dX` unless it is None."""
        np.einsum("...ij,...ij->...j", X, dA, out=self.ds[..., 0, :])
        if dX is not None:
            self.input_gradient(X, dA, buffers, dX)

    def input_gradient(self, X, dA, buffers, dX):
        """Compute `dX` alone."""
        np.multiply(dA, self.s, out=dX)

    @staticmethod
    def forward_rows(X, s, A):
        for i in range(len(X)):
            for j in range(X.shape[1]):
                A[i, j] = X[i, j] * s[0, j]

    @staticmethod
    def backward_rows(X, dA, ds):
        ds[0, :] = 0.0
        for i in range(len(X)):
            for j in range(X.shape[1]):
                ds[0, j] += X[i, j] * dA[i, j]

    @staticmethod
    def input_gradient_rows(dA, s, dX):
        for i in range(len(dA)):
            for j in range(dA.shape[1]):
                dX[i, j] = dA[i, j] * s[0, j]

    def __repr__(self):
        return f"FeatureScale({self.width})"


class Dense(Layer):
    r"""``A = f(X W + b)``: every unit is connected to every input.

    The backward pass turns ``dA`` into :math:`dZ = dA \odot f'(Z)` and then into
    :math:`dW = X^T dZ`, :math:`db = \sum_i dZ_i`, :math:`dX = dZ\, W^T`.

    Parameters
    ----------
    fan_in, fan_out : int
        Number of inputs and of units.
    activation : Activation
    init_activation : Activation, default=None
        The activation that the initializer assumes; `activation` if None.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", section 5.3.

    Examples
    --------
    >>> from sknumpy_mlp.activations import ReLU
    >>> layer = Dense(2, 1, ReLU())
    >>> layer.bind(W=np.array([[1.0], [2.0]]), b=np.array([[0.5]]))
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers((1,), np.float64))
    array([[11.5]])

    Two members with different weights:

    >>> layer.bind(W=np.array([[[1.0], [2.0]], [[1.0], [0.0]]]), b=np.array([[[0.5]], [[0.0]]]))
    >>> layer.forward(np.array([[3.0, 4.0]]), layer.buffers((2, 1), np.float64)).tolist()
    [[[11.5]], [[3.0]]]
    """

    penalized = ("W",)
    kinds: ClassVar[dict] = {"W": "weights", "b": "biases"}
    takes_sparse = True

    def __init__(self, fan_in, fan_out, activation, init_activation=None):
        self.fan_in = fan_in
        self.fan_out = fan_out
        self.activation = activation
        self.init_activation = init_activation or activation

    @property
    def n_inputs(self):
        """Number of inputs."""
        return self.fan_in

    @property
    def width(self):
        """Number of units."""
        return self.fan_out

    @property
    def shapes(self):
        """Names and shapes of the parameters."""
        return {"W": (self.fan_in, self.fan_out), "b": (self.fan_out,)}

    def draw(self, initializer, random_state):
        """Initialize the parameters in place: weights first, then biases."""
        fans = self.fan_in, self.fan_out, self.init_activation
        initializer.fill(self.W, random_state, self.shapes["W"], *fans)
        initializer.for_biases().fill(self.b, random_state, self.shapes["b"], *fans)

    def bind(self, W, b):
        """Use these arrays as parameters; their shapes determine `fan_in` and `fan_out`."""
        self.W, self.b = W, b
        self.fan_in, self.fan_out = W.shape[-2:]

    def buffers(self, rows, dtype, order="C", training=False):
        """Create the arrays for one batch size.

        These are Z and A (the same array if f works in place), the array that the derivative of f
        reads (`kept`), the scratch arrays of f and, in training, dA and a row of ones.
        """
        Z = empty(rows, self.fan_out, dtype, order)
        A = Z if self.activation.in_place else empty(rows, self.fan_out, dtype, order)
        return SimpleNamespace(
            Z=Z,
            A=A,
            kept=Z if self.activation.reads == "input" else A,
            scratch=self.activation.scratch(Z.shape, dtype),
            dA=empty(rows, self.fan_out, dtype, order) if training else None,
            ones=np.ones((1, rows[-1]), dtype) if training else None,
        )

    def rate_factor(self, name, parametrization):
        """``1 / sqrt(fan_in)`` for weights in the neural tangent parametrization, otherwise 1.

        That parametrization initializes weights from N(0, 1) and divides them by ``sqrt(fan_in)``
        in the forward pass. For an optimizer whose steps do not depend on the size of the gradient,
        such as Adam, this is equivalent to dividing the initial weights and the learning rate by
        ``sqrt(fan_in)``.
        """
        return self.fan_in**-0.5 if name == "W" and parametrization == "ntk" else 1.0

    def forward(self, X, buffers):
        """Return ``A``, which is in the buffers."""
        multiply(X, self.W, out=buffers.Z)
        np.add(buffers.Z, self.b, out=buffers.Z)
        self.activation.forward(buffers.Z, buffers.A, buffers.scratch)
        return buffers.A

    def backward(self, X, dA, buffers, dX=None):
        """Compute ``dW``, ``db`` and, unless it is None, `dX`; overwrites `dA` with dZ."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        multiply_transposed(X, dA, out=self.dW)
        # A matrix product with ones sums the rows three times as fast as a reduction.
        multiply(buffers.ones, dA, out=self.db)
        if dX is not None:
            multiply(dA, transposed(self.W), out=dX)

    def input_gradient(self, X, dA, buffers, dX):
        """Compute `dX` alone; overwrites `dA` with dZ."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        multiply(dA, transposed(self.W), out=dX)

    # The compiled form of the affine map: biases and activation are fused by the engine.

    @staticmethod
    def forward_rows(X, W, A):
        dot(X, W, A)

    @staticmethod
    def backward_rows(X, dA, dW):
        dot(X.T, dA, dW)

    @staticmethod
    def input_gradient_rows(dA, W, dX):
        dot(dA, W.T, dX)

    @staticmethod
    def sparse_forward_rows(data, indices, indptr, rows, W, A):
        for i in range(len(rows)):
            for j in range(A.shape[1]):
                A[i, j] = 0.0
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                value, column = data[p], W[indices[p]]
                for j in range(A.shape[1]):
                    A[i, j] += value * column[j]

    @staticmethod
    def sparse_backward_rows(data, indices, indptr, rows, dA, dW):
        dW[:, :] = 0.0
        for i in range(len(rows)):
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                value, column = data[p], dW[indices[p]]
                for j in range(dA.shape[1]):
                    column[j] += value * dA[i, j]

    def __repr__(self):
        return f"Dense({self.fan_in}, {self.fan_out}, {self.activation!r})"


class Dropout(Layer):
    r"""``A = X * M / (1 - rate)``: units are omitted at random in training.

    M is 0 with probability `rate` and 1 otherwise, drawn independently for every row, unit and
    batch. This inverted form does not change expectations, so predictions use all units with A = X.

    Parameters
    ----------
    n_units : int
    rate : float in [0, 1) or ndarray of shape (n_members,)
        The probability of omitting a unit; one for each member if they differ.

    References
    ----------
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR 2014.

    Examples
    --------
    >>> layer = Dropout(4, rate=0.5)
    >>> layer.generator = np.random.default_rng(0)
    >>> layer.forward(np.ones((2, 4)), layer.buffers((2,), np.float64, training=True))
    array([[2., 0., 0., 0.],
           [2., 2., 2., 2.]])
    >>> layer.forward(np.ones((1, 4)), layer.buffers((1,), np.float64))
    array([[1., 1., 1., 1.]])
    """

    is_random = True

    def __init__(self, n_units, rate):
        self.n_inputs = self.width = n_units
        self.rate = rate

    def buffers(self, rows, dtype, order="C", training=False):
        """Create A, dA and `mask`, which is ``M / (1 - rate)``; None unless `training`."""
        names = ("A", "dA", "mask")
        if not training:
            return SimpleNamespace(**dict.fromkeys(names))
        return SimpleNamespace(**{name: empty(rows, self.width, dtype) for name in names})

    def forward(self, X, buffers):
        """Return ``A``, which is in the buffers; in prediction, return `X` itself."""
        mask = buffers.mask
        if mask is None:
            return X
        self.generator.random(out=mask, dtype=mask.dtype)
        rate = np.asarray(self.rate)[..., np.newaxis, np.newaxis]
        np.greater_equal(mask, rate.astype(mask.dtype), out=mask)
        mask *= (1 / (1 - rate)).astype(mask.dtype)
        return np.multiply(X, mask, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        """Compute `dX` from `dA`, unless `dX` is None."""
        if dX is not None:
            np.multiply(dA, buffers.mask, out=dX)

    @staticmethod
    def forward_rows(X, A, mask, rate, stream):
        for i in range(len(X)):
            for j in range(X.shape[1]):
                mask[i, j] = 1.0 / (1.0 - rate) if uniform(stream) >= rate else 0.0
                A[i, j] = X[i, j] * mask[i, j]

    @staticmethod
    def input_gradient_rows(dA, mask, dX):
        for i in range(len(dA)):
            for j in range(dA.shape[1]):
                dX[i, j] = dA[i, j] * mask[i, j]

    def __repr__(self):
        return f"Dropout({self.width}, rate={self.rate})"
