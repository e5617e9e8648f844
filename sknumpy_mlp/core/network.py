"""The network: a list of layers on one flat parameter vector, with one flat gradient.

The vectors hold all penalized parameters first (``W_1 ... W_L``) and all others behind
(``b_1 ... b_L``); layers see views of them, by name. So an optimizer is a few passes over one
array, the L2 term is one dot product, and best weights are one copy.
A pickled network is its layers without any array: whoever owns the parameters stores them.
"""

from itertools import pairwise

import numpy as np

from .activations import Identity
from .layers import Dense, Dropout, FeatureScale


class Workspace:
    """The buffers of all layers for one batch size, and the passes that use them.

    Parameters
    ----------
    layers : list of layers
        Bound to their parameters.
    n_samples : int
        Rows in a batch.
    dtype : dtype

    Attributes
    ----------
    scores : ndarray of shape (n_samples, n_outputs)
        Where `forward` leaves the raw scores; those of one member of an ensemble after another.
    """

    def __init__(self, layers, n_samples, dtype):
        # Scores lie class by class: a softmax reduces along a long contiguous axis, 4x as fast.
        orders = ["C"] * (len(layers) - 1) + ["F"]
        buffers = [layer.buffers(n_samples, dtype, order) for layer, order in zip(layers, orders)]
        self.stages = list(zip(layers, buffers))
        inputs = [None, *(each.A for each in buffers[:-1])]
        gradients = [None, *(each.dA for each in buffers[:-1])]
        self.output = buffers[-1].A
        self.scores = self.output.reshape(-1, self.output.shape[-1])
        self.stages_back = list(zip(layers, buffers, inputs, gradients))[::-1]

    def forward(self, X):
        """Raw scores of the batch `X`, in the last buffer."""
        for layer, buffers in self.stages:
            X = layer.forward(X, buffers)
        return self.scores

    def backward(self, X, dZ):
        """Fill the layers' gradients from `dZ`, that of the raw scores of the batch `X`."""
        dZ = dZ.reshape(self.output.shape)
        for layer, buffers, A, dA in self.stages_back:
            layer.backward(X if A is None else A, dZ, buffers, dA)
            dZ = dA


class Network:
    """Layers, and the forward and backward pass through them.

    Parameters
    ----------
    layers : list of layers
        The output of each is the input of the next; the last gives raw scores.

    Attributes
    ----------
    n_members : int
        1; `stacked.StackedNetwork` has several.
    members : list of Network
        Itself.
    theta, grad : ndarray of shape (n_parameters,)
        Parameters and gradient; present after `allocate`.
    weights, weights_grad : ndarray
        The penalized part of both, as views.

    Examples
    --------
    >>> from sknumpy_mlp.core.activations import Tanh
    >>> from sknumpy_mlp.core.initializers import GlorotUniform
    >>> network = Network.dense([4, 3, 2], [Tanh()])
    >>> network.allocate(np.float64)
    >>> network.draw(GlorotUniform(), np.random.RandomState(0))
    >>> network.theta.shape, network.layers[1].W.shape
    ((23,), (3, 2))
    """

    # The largest buffer of a chunk of rows has this many elements: 8 MB in float64.
    chunk_elements = 2**20
    n_members = 1

    def __init__(self, layers):
        self.layers = layers

    @classmethod
    def dense(cls, units, activations, output_activation=None, dropout=(), feature_scale=False):
        """A multilayer perceptron.

        Parameters
        ----------
        units : sequence of int
            Inputs, units of each hidden layer, outputs.
        activations : sequence of Activation
            One per hidden layer; the last layer is linear, its link belongs to the loss.
        output_activation : Activation, default=None
            What the initializer of the output layer is told, if not that it is linear.
        dropout : sequence of float, default=()
            The rate behind each hidden layer; no dropout at all if empty.
        feature_scale : bool, default=False
            Whether a factor for each input column comes first.
        """
        *hidden, last = pairwise(units)
        layers = [FeatureScale(units[0])] if feature_scale else []
        rates = dropout or [0.0] * len(hidden)
        for fans, activation, rate in zip(hidden, activations, rates, strict=True):
            layers.append(Dense(*fans, activation))
            if rate:
                layers.append(Dropout(fans[1], rate))
        return cls([*layers, Dense(*last, Identity(), output_activation)])

    @property
    def members(self):
        """The networks that it is made of."""
        return [self]

    def parts(self, vector):
        """Views of what belongs to each member in a vector that lies as `theta` does."""
        return [[vector]]

    def slots(self):
        """Yield all parameters as (layer, name, start, stop), in the order of the flat vector."""
        names = [(layer, name) for layer in self.layers for name in layer.shapes]
        stop = 0
        for layer, name in sorted(names, key=lambda slot: slot[1] not in slot[0].penalized):
            start, stop = stop, stop + int(np.prod(layer.shapes[name]))
            yield layer, name, start, stop

    @property
    def n_parameters(self):
        """Number of all parameters."""
        return sum(stop - start for _, _, start, stop in self.slots())

    def allocate(self, dtype):
        """Make `theta` and `grad`, keeping the values of layers that have some, and bind views."""
        self.theta = np.zeros(self.n_parameters, dtype)
        self.grad = np.zeros_like(self.theta)
        n_weights = 0
        for layer, name, start, stop in self.slots():
            shape = layer.shapes[name]
            view = self.theta[start:stop].reshape(shape)
            if hasattr(layer, name):
                view[...] = getattr(layer, name)
            setattr(layer, name, view)
            setattr(layer, "d" + name, self.grad[start:stop].reshape(shape))
            if name in layer.penalized:
                n_weights = stop
        self.weights, self.weights_grad = self.theta[:n_weights], self.grad[:n_weights]

    def draw(self, initializer, random_state, output_initializer=None):
        """Fill all parameters with starting values, layer by layer.

        Parameters
        ----------
        initializer : Initializer
        random_state : numpy.random.RandomState
        output_initializer : Initializer, default=None
            Of the last layer; the same as that of the others if None.
        """
        *others, last = self.layers
        for layer in others:
            layer.draw(initializer, random_state)
        last.draw(output_initializer or initializer, random_state)

    def groups(self, factors, parametrization):
        """Slices of the flat vector whose parameters share a learning-rate factor.

        Parameters
        ----------
        factors : dict of str to float
            By kind of parameter, as `layers.Layer.kinds` names them; 1 for the others.
        parametrization : {"standard", "ntk"}

        Returns
        -------
        list of (int, int, float)
            Start, stop and factor, in order; as few as possible.
        """
        groups = []
        for layer, name, start, stop in self.slots():
            factor = factors.get(layer.kinds.get(name), 1.0)
            factor *= layer.rate_factor(name, parametrization)
            if groups and groups[-1][2] == factor:
                start = groups.pop()[0]
            groups.append((start, stop, factor))
        return groups

    @property
    def dense_layers(self):
        """The layers that have weights and biases."""
        return [layer for layer in self.layers if "W" in layer.shapes]

    @property
    def coefs(self):
        """The weight matrices, as a list of views."""
        return [layer.W for layer in self.dense_layers]

    @property
    def intercepts(self):
        """The bias vectors, as a list of views."""
        return [layer.b for layer in self.dense_layers]

    @property
    def feature_scale(self):
        """The factors of the input columns, as a view; None without such a layer."""
        first = self.layers[0]
        return first.s if "s" in first.shapes else None

    def bind(self, coefs, intercepts, feature_scale=None):
        """Compute with these arrays from now on; nothing is copied."""
        if feature_scale is not None:
            self.layers[0].s = feature_scale
        for layer, W, b in zip(self.dense_layers, coefs, intercepts, strict=True):
            layer.bind(W, b)

    def bind_generator(self, generator):
        """Draw what training draws at random, the masks of dropout, from this generator."""
        for layer in self.layers:
            if layer.only_in_training:
                layer.generator = generator

    @property
    def units(self):
        """Inputs, units of each hidden layer, outputs."""
        layers = self.dense_layers
        return [layers[0].fan_in, *(layer.fan_out for layer in layers)]

    def unbound(self):
        """The same network without arrays."""
        return Network([layer.unbound() for layer in self.layers])

    def __getstate__(self):
        return vars(self.unbound())

    def workspace(self, n_samples, dtype, training=False):
        """Buffers for batches of `n_samples` rows, and the passes through them.

        Parameters
        ----------
        n_samples : int
        dtype : dtype
        training : bool, default=False
            Whether layers that act in training only take part.
        """
        layers = [layer for layer in self.layers if training or not layer.only_in_training]
        return Workspace(layers, n_samples, dtype)

    def scores(self, X, dtype, index=None):
        """Raw scores of any number of rows, computed in chunks of bounded size.

        Parameters
        ----------
        X : DenseRows or SparseRows
        dtype : dtype
            Of the parameters.
        index : integer ndarray, default=None
            The rows to take; all if None.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs)
        """
        n_samples = len(X) if index is None else len(index)
        size = max(1, min(n_samples, self.chunk_elements // max(self.units)))
        raw = np.empty((n_samples, self.units[-1]), dtype)
        workspace = self.workspace(size, dtype)
        for start in range(0, n_samples, size):
            stop = min(start + size, n_samples)
            if stop - start < size:
                workspace = self.workspace(stop - start, dtype)
            chunk = X.slice(start, stop) if index is None else X.take(index[start:stop])
            raw[start:stop] = workspace.forward(chunk)
        return raw
