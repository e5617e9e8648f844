"""The network: a list of layers with one flat parameter vector and one flat gradient.

The vectors hold all penalized parameters first (``W_1 ... W_L``), then all others
(``b_1 ... b_L``), then the statistics of layers, if any. Each layer has named views of its part.
An optimizer therefore needs a few passes over one array, the L2 term is one dot product, and saving
the best weights is one copy. Several networks of the same shape, the members of an ensemble, are
trained together: every parameter has a leading axis of members, and a layer computes all members in
one call. For networks of a few dozen units, this takes half the time of training them in turn.
A pickled network contains its layers without arrays: the owner of the parameters stores them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .._types import Floats, Inputs, Integers, Numbers, Parameters, Slice
from ..activations import Activation, Identity
from ..initializers import Initializer
from .batches import Rows, consecutively
from .embeddings import EmbeddingLayer
from .layers import Dense, Dropout, FeatureScale, Layer

_LAYERS = [*Layer.__subclasses__(), *EmbeddingLayer.__subclasses__()]
# The kinds of parameters, and those that are trained.
KINDS = sorted({kind for layer in _LAYERS for kind in layer.kinds.values()})
TRAINED_KINDS = sorted(
    {
        kind
        for layer in _LAYERS
        for name, kind in layer.kinds.items()
        if name not in layer.statistics
    }
)


def perceptron(
    units: Sequence[int],
    activations: Sequence[Activation],
    output_activation: Activation | None = None,
    dropout: Sequence[float | Floats] = (),
    feature_scale: bool = False,
    n_members: int = 1,
    embedding: Layer | None = None,
) -> "Network":
    """Build a multilayer perceptron.

    Parameters
    ----------
    units : sequence of int
        Number of inputs, of units of each hidden layer, and of outputs.
    activations : sequence of Activation
        One per hidden layer. The last layer is linear, since its link belongs to the loss.
    output_activation : Activation, default=None
        The activation that the initializer of the output layer assumes; linear if None.
    dropout : sequence of float or ndarray of shape (n_members,), default=()
        The dropout rate after each hidden layer, of all members or of each; no dropout if empty.
    feature_scale : bool, default=False
        Whether each input of the first dense layer is multiplied by a factor.
    n_members : int, default=1
    embedding : EmbeddingLayer, default=None
        The first layer; None for none.

    Returns
    -------
    Network
        The network without arrays; see `Network.allocate`.

    Examples
    --------
    >>> from sknumpy_mlp.activations import Tanh
    >>> perceptron([4, 3, 2], [Tanh()]).layers
    [Dense(4, 3, Tanh()), Dense(3, 2, Identity())]
    """
    layers = [] if embedding is None else [embedding]
    n_inputs = units[0] if embedding is None else embedding.width
    *hidden, last = pairwise([n_inputs, *units[1:]])
    if feature_scale:
        layers.append(FeatureScale(n_inputs))
    rates = dropout or [0.0] * len(hidden)
    for fans, activation, rate in zip(hidden, activations, rates, strict=True):
        layers.append(Dense(*fans, activation))
        if np.any(rate):
            layers.append(Dropout(fans[1], rate))
    return Network([*layers, Dense(*last, Identity(), output_activation)], n_members)


class Workspace:
    """The buffers of all layers for one batch size, and the passes that use them.

    Parameters
    ----------
    layers : list of Layer
        Must be bound to their parameters.
    rows : tuple of int
        (n_samples,), or (n_members, n_samples).
    dtype : dtype
    training : bool

    Attributes
    ----------
    scores : ndarray of shape (n_samples, n_outputs)
        The raw scores that `forward` computes; those of several members one below the other.
    """

    def __init__(
        self, layers: list[Layer], rows: tuple[int, ...], dtype: DTypeLike, training: bool
    ) -> None:
        # Scores are stored class by class: softmax reduces along a long contiguous axis, 4x faster.
        orders = ["C"] * (len(layers) - 1) + ["F"]
        buffers = [
            layer.buffers(rows, dtype, order, training) for layer, order in zip(layers, orders)
        ]
        self.stages = list(zip(layers, buffers))
        inputs = [None, *(each.A for each in buffers[:-1])]
        gradients = [None, *(each.dA for each in buffers[:-1])]
        self.output: Floats = buffers[-1].A
        self.scores: Floats = self.output.reshape(-1, self.output.shape[-1])
        self.stages_back = list(zip(layers, buffers, inputs, gradients))[::-1]

    def forward(self, X: Inputs) -> Floats:
        """Compute the raw scores of the batch `X`, in the last buffer."""
        for layer, buffers in self.stages:
            X = layer.forward(X, buffers)
        return self.scores

    def backward(self, X: Inputs, dZ: Floats) -> None:
        """Compute the gradients of all layers from `dZ`, the gradient of the raw scores of `X`."""
        dZ = dZ.reshape(self.output.shape)
        for layer, buffers, A, dA in self.stages_back:
            layer.backward(X if A is None else A, dZ, buffers, dA)
            dZ = dA

    def input_gradient(self, X: Inputs, dZ: Floats, dX: Floats) -> None:
        """Write the gradient of `X` into `dX`, from `dZ`, the gradient of its raw scores."""
        dZ = dZ.reshape(self.output.shape)
        for layer, buffers, A, dA in self.stages_back:
            into: Floats = dX if A is None else dA
            layer.input_gradient(X if A is None else A, dZ, buffers, into)
            dZ = into


class Network:
    """Layers, and the forward and backward pass through them.

    Parameters
    ----------
    layers : list of Layer
        The output of each layer is the input of the next. The last layer computes raw scores.
    n_members : int, default=1
        Number of networks of this shape that are trained together.

    Attributes
    ----------
    theta, grad : ndarray of shape (n_parameters,)
        Parameters and gradient. Present after `allocate`.
    trained : ndarray
        A view of the part of theta that training changes: all parameters except statistics.
    weights : ndarray
        A view of the penalized part of theta.

    Examples
    --------
    >>> from sknumpy_mlp.activations import Tanh
    >>> from sknumpy_mlp.initializers import GlorotUniform
    >>> network = perceptron([4, 3, 2], [Tanh()])
    >>> network.allocate(np.float64)
    >>> network.draw(GlorotUniform(), np.random.RandomState(0))
    >>> network.theta.shape, network.layers[1].W.shape
    ((23,), (3, 2))

    Three members:

    >>> network = perceptron([4, 2], [], n_members=3)
    >>> network.allocate(np.float64)
    >>> network.draw(GlorotUniform(), np.random.RandomState(0))
    >>> network.parameters()["weights"][0].shape, network.members[2].layers[0].W.shape
    ((3, 4, 2), (4, 2))
    """

    theta: Floats
    grad: Floats
    trained: Floats
    weights: Floats

    # Maximum number of elements in the largest buffer of a chunk of rows: 8 MB in float64.
    chunk_elements = 2**20

    def __init__(self, layers: list[Layer], n_members: int = 1) -> None:
        self.layers = layers
        self.n_members = n_members

    @property
    def axes(self) -> tuple[int, ...]:
        """The leading axes of every parameter; empty for a single network."""
        return () if self.n_members == 1 else (self.n_members,)

    @property
    def members(self) -> list["Network"]:
        """The members as networks that share the arrays; the network itself if it is single."""
        if self.n_members == 1:
            return [self]
        members = [
            Network([layer.unbound() for layer in self.layers]) for _ in range(self.n_members)
        ]
        for number, member in enumerate(members):
            member.bind(
                {
                    kind: [array[number] for array in arrays]
                    for kind, arrays in self.parameters().items()
                }
            )
        return members

    def slots(self) -> Iterator[tuple[Layer, str, int, int]]:
        """Yield all parameters as (layer, name, start, stop), in the order of the flat vector."""
        names = [(layer, name) for layer in self.layers for name in layer.shapes]
        stop = 0
        for layer, name in sorted(names, key=_part_of_vector):
            size = self.n_members * prod(layer.shapes[name])
            start, stop = stop, stop + size
            yield layer, name, start, stop

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return sum(stop - start for _, _, start, stop in self.slots())

    def allocate(self, dtype: DTypeLike) -> None:
        """Create `theta` and `grad`, and bind views. Layers that have values keep them."""
        self.theta = np.zeros(self.n_parameters, dtype)
        self.grad = np.zeros_like(self.theta)
        n_weights = n_trained = 0
        views: dict[int, dict[str, Floats]] = {id(layer): {} for layer in self.layers}
        for layer, name, start, stop in self.slots():
            shape = *self.axes, *_as_matrix(layer.shapes[name])
            view = self.theta[start:stop].reshape(shape)
            if hasattr(layer, name):
                view[...] = getattr(layer, name)
            views[id(layer)][name] = view
            setattr(layer, f"d{name}", self.grad[start:stop].reshape(shape))
            n_weights = stop if name in layer.penalized else n_weights
            n_trained = n_trained if name in layer.statistics else stop
        for layer in self.layers:
            layer.bind(**views[id(layer)])
        self.weights = self.theta[:n_weights]
        self.trained = self.theta[:n_trained]

    @property
    def kinds(self) -> set[str]:
        """The set of the kinds of parameters in the layers."""
        return {kind for layer in self.layers for kind in layer.kinds.values()}

    def parameters(self) -> Parameters:
        """All parameters by kind, as views without the axis of rows.

        Returns
        -------
        dict of str to list of ndarray
            One array for each layer that has this kind, with a leading axis of members if there
            are several.
        """
        found: Parameters = {}
        for layer in self.layers:
            for name, shape in layer.shapes.items():
                array = getattr(layer, name).reshape(*self.axes, *shape)
                found.setdefault(layer.kinds[name], []).append(array)
        return found

    def bind(self, parameters: Parameters) -> None:
        """Use these arrays as parameters, without copying them.

        Parameters
        ----------
        parameters : dict of str to list of ndarray
            In the format of the method `parameters`. The arrays determine the number of units.
        """
        arrays = {kind: iter(given) for kind, given in parameters.items()}
        for layer in self.layers:
            bound = {}
            for name, shape in layer.shapes.items():
                array = next(arrays[layer.kinds[name]], None)
                if array is None:
                    raise ValueError(f"{layer.kinds[name]} must have one array for each layer")
                bound[name] = array if len(shape) == 2 else array[..., np.newaxis, :]
            layer.bind(**bound)
        for kind, rest in arrays.items():
            if next(rest, None) is not None:
                raise ValueError(f"{kind} must have one array for each layer, got more")

    def draw(
        self,
        initializer: Initializer,
        random_state: np.random.RandomState,
        output_initializer: Initializer | None = None,
    ) -> None:
        """Initialize all parameters in place, member by member and layer by layer.

        Parameters
        ----------
        initializer : Initializer
        random_state : numpy.random.RandomState
        output_initializer : Initializer, default=None
            The initializer of the last layer; `initializer` if None.
        """
        for member in self.members:
            *others, last = member.layers
            for layer in others:
                layer.draw(initializer, random_state)
            last.draw(output_initializer or initializer, random_state)

    def bind_generator(self, generator: np.random.Generator | None) -> None:
        """Set the generator of all random numbers in training, such as dropout masks."""
        for layer in self.layers:
            if layer.is_random:
                layer.generator = generator

    @property
    def is_random(self) -> bool:
        """Whether any layer draws random numbers in training."""
        return any(layer.is_random for layer in self.layers)

    def parts(self, vector: Floats) -> list[list[Floats]]:
        """Views of the parts of each member in a vector with the layout of `theta`."""
        if self.n_members == 1:
            return [[vector]]
        blocks = [vector[a:b].reshape(self.n_members, -1) for _, _, a, b in self.slots()]
        return [[block[j] for block in blocks] for j in range(self.n_members)]

    def slices(self, value: Callable[[Layer, str], Numbers]) -> list[Slice]:
        """Slices of the flat vector with one value each.

        Parameters
        ----------
        value : callable
            Takes a layer and the name of a parameter, and returns the value for all members, or
            one for each.

        Returns
        -------
        list of (int, int, float)
            Start, stop and value of as few slices as possible, in order, without statistics.
        """
        slices: list[Slice] = []
        for layer, name, start, stop in self.slots():
            if name in layer.statistics:
                continue
            size = (stop - start) // self.n_members
            values = np.broadcast_to(value(layer, name), self.n_members).tolist()
            for number, each in enumerate(values):
                first = start + number * size
                stop = first + size
                if slices and slices[-1][2] == each:
                    first = slices.pop()[0]
                slices.append((first, stop, each))
        return slices

    def groups(self, factors: Mapping[str, Numbers], parametrization: str) -> list[Slice]:
        """Slices of the flat vector whose parameters share a learning-rate factor.

        Parameters
        ----------
        factors : dict of str to float or ndarray of shape (n_members,)
            Factors by kind of parameter (see `layers.Layer.kinds`); 1 for kinds not in the dict.
        parametrization : {"standard", "ntk"}

        Returns
        -------
        list of (int, int, float)
            Start, stop and factor; see `slices`.
        """

        def factor(layer: Layer, name: str) -> Numbers:
            own = np.asarray(factors.get(layer.kinds[name], 1.0))
            return own * layer.rate_factor(name, parametrization)

        return self.slices(factor)

    def penalties(self, alpha: float | Floats) -> list[Slice]:
        """Slices of the flat vector whose parameters share a factor of the L2 penalty.

        Parameters
        ----------
        alpha : float or ndarray of shape (n_members,)

        Returns
        -------
        list of (int, int, float)
            Start, stop and factor; see `slices`. Slices with factor zero are omitted.
        """
        slices = self.slices(lambda layer, name: alpha if name in layer.penalized else 0.0)
        return [each for each in slices if each[2]]

    @property
    def dense_layers(self) -> list[Dense]:
        """The layers that have weights and biases."""
        found: list[Any] = [layer for layer in self.layers if "weights" in layer.kinds.values()]
        return found

    @property
    def n_inputs(self) -> int:
        """Number of inputs; of the first dense layer if the first layer does not say."""
        return self.layers[0].n_inputs or self.dense_layers[0].fan_in

    @property
    def units(self) -> list[int]:
        """Number of inputs, of units of each hidden layer, and of outputs."""
        return [self.n_inputs, *(layer.fan_out for layer in self.dense_layers)]

    @cached_property
    def largest_layer(self) -> int:
        """Number of weights of the largest layer of a member."""
        return max(layer.fan_in * layer.fan_out for layer in self.dense_layers)

    @property
    def widest(self) -> int:
        """The largest number of elements of a buffer in a row of a batch."""
        return max(layer.largest_buffer for layer in self.layers)

    def unbound(self) -> "Network":
        """The same network without arrays."""
        return Network([layer.unbound() for layer in self.layers], self.n_members)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self.unbound())

    def workspace(self, n_samples: int, dtype: DTypeLike, training: bool = False) -> Workspace:
        """Create a `Workspace` for batches of `n_samples` rows.

        Parameters
        ----------
        n_samples : int
            Number of rows of each member.
        dtype : dtype
        training : bool, default=False
            Whether the batches are used for training.
        """
        return Workspace(self.layers, (*self.axes, n_samples), dtype, training)

    def scores(self, X: Rows, dtype: DTypeLike, index: Integers | None = None) -> Floats:
        """Raw scores of any number of rows, computed in chunks of bounded size.

        Parameters
        ----------
        X : DenseRows or SparseRows
        dtype : dtype
            The dtype of the parameters.
        index : integer ndarray, default=None
            Indices of the rows; all rows if None.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs) or (n_members, n_samples, n_outputs)
        """
        if self.n_members > 1:
            return np.stack([member.scores(X, dtype, index) for member in self.members])
        n_samples = len(X) if index is None else len(index)
        size = self._chunk(n_samples)
        raw = np.empty((n_samples, self.units[-1]), dtype)
        workspace = self.workspace(size, dtype)
        for start, stop in consecutively(n_samples, size):
            if stop - start < size:
                workspace = self.workspace(stop - start, dtype)
            chunk = X.slice(start, stop) if index is None else X.take(index[start:stop])
            raw[start:stop] = workspace.forward(chunk)
        return raw

    def _chunk(self, n_samples: int) -> int:
        """Number of rows of a chunk for so many rows."""
        return max(1, min(n_samples, self.chunk_elements // max(self.units[0], self.widest)))

    def largest_product(self, n_samples: int) -> int:
        """Number of multiplications in the largest matrix product of so many rows' scores."""
        return self._chunk(n_samples) * self.largest_layer


def _part_of_vector(slot: tuple[Layer, str]) -> int:
    """The part of the flat vector that holds a parameter: 0 penalized, 1 other, 2 statistics."""
    layer, name = slot
    return 0 if name in layer.penalized else 2 if name in layer.statistics else 1


def _as_matrix(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a parameter as a matrix; a vector becomes a row."""
    return shape if len(shape) == 2 else (1, *shape)
