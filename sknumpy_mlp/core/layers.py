"""The layers of a network: their parameters, and their forward and backward pass.

Contract: a layer defines the shapes of its parameters (`shapes`), their kinds (`kinds`), and which
of them the L2 penalty and weight decay shrink (`penalized`). It computes on views of the network's
flat vectors: parameter ``W`` is ``layer.W``, its gradient ``layer.dW``. Buffers are created once
per batch size. Layers compute in the last two axes: the rows of a batch and the units of the layer.
The members of an ensemble have one more axis in front, and use the same code.
To add a layer: subclass `Layer`. `network.Network` accepts any list of layers.
"""

from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
from numpy import dot
from numpy.typing import DTypeLike

from .._elementary import uniform
from .._types import Floats, Form, Inputs, Integers
from ..activations import Activation
from ..initializers import Initializer
from .matrices import empty, multiply, multiply_transposed, transposed


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

    kinds: ClassVar[dict[str, str]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    n_inputs: int | None = None
    width: int
    penalized: ClassVar[tuple[str, ...]] = ()
    statistics: ClassVar[tuple[str, ...]] = ()
    takes_sparse = False
    is_random = False
    generator: np.random.Generator | None = None
    forward_rows: ClassVar[Form | None] = None
    predict_rows: ClassVar[Form | None] = None
    backward_rows: ClassVar[Form | None] = None
    input_gradient_rows: ClassVar[Form | None] = None
    sparse_forward_rows: ClassVar[Form | None] = None
    sparse_backward_rows: ClassVar[Form | None] = None
    _bound: ClassVar[tuple[str, ...]]

    @property
    def largest_buffer(self) -> int:
        """The largest number of elements of a buffer in a row of the batch."""
        return self.width

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._bound = ("generator", *cls.kinds, *(f"d{name}" for name in cls.kinds))
        if "backward" in vars(cls) and "input_gradient" not in vars(cls):
            # That of a class above belongs to another backward pass.
            cls.input_gradient = Layer.input_gradient  # type: ignore[method-assign]

    def draw(self, initializer: Initializer, random_state: np.random.RandomState) -> None:
        """Initialize the parameters in place."""

    def bind(self, **parameters: Floats) -> None:
        """Use these arrays as parameters, without copying them."""
        vars(self).update(parameters)

    def buffers(
        self, rows: tuple[int, ...], dtype: DTypeLike, order: str = "C", training: bool = False
    ) -> SimpleNamespace:
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

    def forward(self, X: Inputs, buffers: SimpleNamespace) -> Inputs:
        """Return the output, without changing `X`.

        In training, and in the last layer, the output must be in ``buffers.A``.
        """
        raise NotImplementedError

    def backward(
        self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats | None = None
    ) -> None:
        """Compute the gradients of the parameters from `dA`, and `dX` unless it is None."""
        raise NotImplementedError

    def input_gradient(self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats) -> None:
        """Compute `dX` from `dA`; layers may write this, without gradients of parameters."""
        self.backward(X, dA, buffers, dX)

    def unbound(self) -> Self:
        """A copy of the layer without its arrays and its generator."""
        # copy.copy takes three times as long, which matters when predicting a single row.
        twin = object.__new__(type(self))
        held = vars(twin)
        held.update(vars(self))
        for name in self._bound:
            held.pop(name, None)
        return twin

    def rate_factor(self, name: str, parametrization: str) -> float:
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

    kinds: ClassVar[dict[str, str]] = {"s": "feature_scale"}
    s: Floats
    ds: Floats

    def __init__(self, n_features: int) -> None:
        self.n_inputs = self.width = n_features
        self.shapes = {"s": (n_features,)}

    def draw(self, initializer: Initializer, random_state: np.random.RandomState) -> None:
        """Initialize the factors to one."""
        self.s[...] = 1

    def buffers(
        self, rows: tuple[int, ...], dtype: DTypeLike, order: str = "C", training: bool = False
    ) -> SimpleNamespace:
        """Create the arrays for one batch size: A and dA."""
        return SimpleNamespace(
            A=empty(rows, self.width, dtype, order), dA=empty(rows, self.width, dtype, order)
        )

    def forward(self, X: Inputs, buffers: SimpleNamespace) -> Inputs:
        """Return ``A``, which is in the buffers."""
        return np.multiply(X, self.s, out=buffers.A)

    def backward(
        self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats | None = None
    ) -> None:
        """Compute ``ds``, and `dX` unless it is None."""
        np.einsum("...ij,...ij->...j", X, dA, out=self.ds[..., 0, :])
        if dX is not None:
            self.input_gradient(X, dA, buffers, dX)

    def input_gradient(self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats) -> None:
        """Compute `dX` alone."""
        np.multiply(dA, self.s, out=dX)

    @staticmethod
    def forward_rows(X: Floats, s: Floats, A: Floats) -> None:
        for i in range(len(X)):
            for j in range(X.shape[1]):
                A[i, j] = X[i, j] * s[0, j]

    @staticmethod
    def backward_rows(X: Floats, dA: Floats, ds: Floats) -> None:
        ds[0, :] = 0.0
        for i in range(len(X)):
            for j in range(X.shape[1]):
                ds[0, j] += X[i, j] * dA[i, j]

    @staticmethod
    def input_gradient_rows(dA: Floats, s: Floats, dX: Floats) -> None:
        for i in range(len(dA)):
            for j in range(dA.shape[1]):
                dX[i, j] = dA[i, j] * s[0, j]

    def __repr__(self) -> str:
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
    kinds: ClassVar[dict[str, str]] = {"W": "weights", "b": "biases"}
    takes_sparse = True
    W: Floats
    b: Floats
    dW: Floats
    db: Floats

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        activation: Activation,
        init_activation: Activation | None = None,
    ) -> None:
        self.fan_in = fan_in
        self.fan_out = fan_out
        self.activation = activation
        self.init_activation = init_activation or activation

    # They follow from the arrays, and nobody sets them.

    @property
    def n_inputs(self) -> int:  # type: ignore[override]
        """Number of inputs."""
        return self.fan_in

    @property
    def width(self) -> int:  # type: ignore[override]
        """Number of units."""
        return self.fan_out

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """Names and shapes of the parameters."""
        return {"W": (self.fan_in, self.fan_out), "b": (self.fan_out,)}

    def draw(self, initializer: Initializer, random_state: np.random.RandomState) -> None:
        """Initialize the parameters in place: weights first, then biases."""
        fans = self.fan_in, self.fan_out, self.init_activation
        initializer.fill(self.W, random_state, self.shapes["W"], *fans)
        initializer.for_biases().fill(self.b, random_state, self.shapes["b"], *fans)

    def bind(self, W: Floats, b: Floats) -> None:  # type: ignore[override]  # By their names.
        """Use these arrays as parameters; their shapes determine `fan_in` and `fan_out`."""
        self.W, self.b = W, b
        self.fan_in, self.fan_out = W.shape[-2:]

    def buffers(
        self, rows: tuple[int, ...], dtype: DTypeLike, order: str = "C", training: bool = False
    ) -> SimpleNamespace:
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

    def rate_factor(self, name: str, parametrization: str) -> float:
        """``1 / sqrt(fan_in)`` for weights in the neural tangent parametrization, otherwise 1.

        That parametrization initializes weights from N(0, 1) and divides them by ``sqrt(fan_in)``
        in the forward pass. For an optimizer whose steps do not depend on the size of the gradient,
        such as Adam, this is equivalent to dividing the initial weights and the learning rate by
        ``sqrt(fan_in)``.
        """
        return self.fan_in**-0.5 if name == "W" and parametrization == "ntk" else 1.0

    def forward(self, X: Inputs, buffers: SimpleNamespace) -> Inputs:
        """Return ``A``, which is in the buffers."""
        multiply(X, self.W, out=buffers.Z)
        np.add(buffers.Z, self.b, out=buffers.Z)
        self.activation.forward(buffers.Z, buffers.A, buffers.scratch)
        return buffers.A

    def backward(
        self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats | None = None
    ) -> None:
        """Compute ``dW``, ``db`` and, unless it is None, `dX`; overwrites `dA` with dZ."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        multiply_transposed(X, dA, out=self.dW)
        # A matrix product with ones sums the rows three times as fast as a reduction.
        multiply(buffers.ones, dA, out=self.db)
        if dX is not None:
            multiply(dA, transposed(self.W), out=dX)

    def input_gradient(self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats) -> None:
        """Compute `dX` alone; overwrites `dA` with dZ."""
        self.activation.backward(buffers.kept, dA, buffers.scratch)
        multiply(dA, transposed(self.W), out=dX)

    # The compiled form of the affine map: biases and activation are fused by the engine.

    @staticmethod
    def forward_rows(X: Floats, W: Floats, A: Floats) -> None:
        dot(X, W, A)

    @staticmethod
    def backward_rows(X: Floats, dA: Floats, dW: Floats) -> None:
        dot(X.T, dA, dW)

    @staticmethod
    def input_gradient_rows(dA: Floats, W: Floats, dX: Floats) -> None:
        dot(dA, W.T, dX)

    @staticmethod
    def sparse_forward_rows(
        data: Floats, indices: Integers, indptr: Integers, rows: Integers, W: Floats, A: Floats
    ) -> None:
        for i in range(len(rows)):
            for j in range(A.shape[1]):
                A[i, j] = 0.0
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                value, column = data[p], W[indices[p]]
                for j in range(A.shape[1]):
                    A[i, j] += value * column[j]

    @staticmethod
    def sparse_backward_rows(
        data: Floats, indices: Integers, indptr: Integers, rows: Integers, dA: Floats, dW: Floats
    ) -> None:
        dW[:, :] = 0.0
        for i in range(len(rows)):
            for p in range(indptr[rows[i]], indptr[rows[i] + 1]):
                value, column = data[p], dW[indices[p]]
                for j in range(dA.shape[1]):
                    column[j] += value * dA[i, j]

    def __repr__(self) -> str:
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
    generator: np.random.Generator

    def __init__(self, n_units: int, rate: float | Floats) -> None:
        self.n_inputs = self.width = n_units
        self.rate = rate

    def buffers(
        self, rows: tuple[int, ...], dtype: DTypeLike, order: str = "C", training: bool = False
    ) -> SimpleNamespace:
        """Create A, dA and `mask`, which is ``M / (1 - rate)``; None unless `training`."""
        names = ("A", "dA", "mask")
        if not training:
            return SimpleNamespace(**dict.fromkeys(names))
        return SimpleNamespace(**{name: empty(rows, self.width, dtype) for name in names})

    def forward(self, X: Inputs, buffers: SimpleNamespace) -> Inputs:
        """Return ``A``, which is in the buffers; in prediction, return `X` itself."""
        mask = buffers.mask
        if mask is None:
            return X
        self.generator.random(out=mask, dtype=mask.dtype)
        rate = np.asarray(self.rate)[..., np.newaxis, np.newaxis]
        np.greater_equal(mask, rate.astype(mask.dtype), out=mask)
        mask *= (1 / (1 - rate)).astype(mask.dtype)
        return np.multiply(X, mask, out=buffers.A)

    def backward(
        self, X: Inputs, dA: Floats, buffers: SimpleNamespace, dX: Floats | None = None
    ) -> None:
        """Compute `dX` from `dA`, unless `dX` is None."""
        if dX is not None:
            np.multiply(dA, buffers.mask, out=dX)

    @staticmethod
    def forward_rows(X: Floats, A: Floats, mask: Floats, rate: float, stream: Any) -> None:
        for i in range(len(X)):
            for j in range(X.shape[1]):
                mask[i, j] = 1.0 / (1.0 - rate) if uniform(stream) >= rate else 0.0
                A[i, j] = X[i, j] * mask[i, j]

    @staticmethod
    def input_gradient_rows(dA: Floats, mask: Floats, dX: Floats) -> None:
        for i in range(len(dA)):
            for j in range(dA.shape[1]):
                dX[i, j] = dA[i, j] * mask[i, j]

    def __repr__(self) -> str:
        return f"Dropout({self.width}, rate={self.rate})"
