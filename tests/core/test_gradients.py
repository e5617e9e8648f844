"""Gradients of whole networks: every activation x loss x layer kind, found by themselves."""

import inspect
from itertools import product

import numpy as np
import pytest
from scipy import sparse

from sknumpy_mlp import losses
from sknumpy_mlp.activations import Activation, Identity, Tanh
from sknumpy_mlp.core import layers
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.embeddings import EmbeddingLayer
from sknumpy_mlp.core.layers import Dense
from sknumpy_mlp.core.network import Network, perceptron
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.initializers import Normal
from sknumpy_mlp.losses import Loss

from ..families import all_examples, default, members

ACTIVATIONS = all_examples(Activation, named=True)
FORMULAS = [cls for cls in members(Loss) if cls.value_and_gradient is not Loss.value_and_gradient]
LOSSES = [
    *map(default, FORMULAS),
    *(cls(label_smoothing=0.25) for cls in FORMULAS if "label_smoothing" in cls.rules),
]
LAYERS = [
    cls
    for cls in [*vars(layers).values(), *EmbeddingLayer.__subclasses__()]
    if inspect.isclass(cls) and issubclass(cls, layers.Layer) and cls is not layers.Layer
]
N_ROWS, N_FEATURES, N_CLASSES = 9, 4, 3


def layer(kind, fan_in, fan_out, activation):
    """A layer of any kind; a new kind's own required parameters get a value here."""
    given = {"fan_in": fan_in, "fan_out": fan_out, "activation": activation, "n_features": fan_in}
    given |= {"n_units": fan_in, "rate": 0.3}
    edges = np.tile(np.linspace(-1.0, 1.0, 4), (fan_in, 1))
    given |= {"columns": np.arange(fan_in), "edges": edges, "size": 1}
    required = [p.name for p in inspect.signature(kind).parameters.values() if p.default is p.empty]
    return kind(**{name: given[name] for name in required})


def data(loss, n_outputs, *, weighted, as_sparse):
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_ROWS, N_FEATURES)) * (rng.uniform(size=(N_ROWS, N_FEATURES)) < 0.7)
    if isinstance(loss.coding, losses.ClassNumbers):
        codes = rng.randint(n_outputs, size=N_ROWS)
    elif "continuous" in loss.kinds:
        codes = rng.uniform(0, 3, size=(N_ROWS, loss.link.n_columns(n_outputs)))
    else:
        codes = rng.randint(2, size=(N_ROWS, n_outputs))
    weights = np.r_[0.0, rng.uniform(0.5, 3, N_ROWS - 1)] if weighted else None
    X = sparse.csr_array(X) if as_sparse else X
    return Batches(X, loss.encode_target(codes, X.dtype), np.float64, N_ROWS, weights)


def assert_gradient_is_that_of_the_value(network, loss, batches, alpha):
    network.allocate(np.float64)
    network.draw(Normal(scale=0.7, biases="same"), np.random.RandomState(1))
    objective = Objective(network, loss, alpha, batches)
    theta = network.theta

    def value():
        # The same units are left out each time.
        network.bind_generator(np.random.default_rng(2))
        penalty = objective.evaluate(0, N_ROWS)
        return (objective.losses.sum() + penalty) / N_ROWS

    value()
    grad = network.grad.copy()
    numeric = np.empty_like(grad)
    # Small, so that hardly a unit of a kinked activation crosses its kink.
    h = 1e-6
    for k, middle in enumerate(theta.copy()):
        theta[k] = middle + h
        up = value()
        theta[k] = middle - h
        numeric[k] = (up - value()) / (2 * h)
        theta[k] = middle
    # The value's rounding over h is 1e-10 of its size; 1e-6 is what the project promises.
    scale = np.abs(grad).max()
    assert scale > 1e-3
    np.testing.assert_allclose(numeric, grad, rtol=0, atol=1e-6 * scale)


def n_outputs(loss):
    return loss.link.n_outputs(N_CLASSES)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
@pytest.mark.parametrize("n_hidden", [1, 2])
def test_gradient_matches_finite_differences(activation, loss, kind, n_hidden):
    # The first of two hidden layers is of the kind, then the second.
    places = [[True], [True, False], [False, True]]
    for place in [place for place in places if len(place) == n_hidden]:
        stack, width = [], N_FEATURES
        for fan_out, chosen in zip((5, 3), place):
            stack.append(layer(kind if chosen else Dense, width, fan_out, activation))
            width = stack[-1].width
        stack.append(Dense(width, n_outputs(loss), Identity()))
        batch = data(loss, n_outputs(loss), weighted=False, as_sparse=False)
        assert_gradient_is_that_of_the_value(Network(stack), loss, batch, alpha=0.3)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("n_members", [1, 2])
def test_the_gradient_of_the_input_alone_is_that_of_the_backward_pass(kind, n_members):
    first = layer(kind, N_FEATURES, 5, Tanh())
    network = Network([first, Dense(first.width, 2, Identity())], n_members)
    network.allocate(np.float64)
    network.draw(Normal(scale=0.7), np.random.RandomState(1))
    network.theta[:] += 0.1
    stream = np.random.RandomState(0)
    X = stream.standard_normal((*network.axes, N_ROWS, N_FEATURES))
    dA = stream.standard_normal((*network.axes, N_ROWS, first.width))
    buffers = first.buffers((*network.axes, N_ROWS), np.float64, training=True)
    whole, alone = np.empty_like(X), np.empty_like(X)
    for compute, dX in [(first.input_gradient, alone), (first.backward, whole)]:
        # What was left out was not computed.
        assert not network.grad.any()
        # The backward pass may overwrite what the forward pass left.
        network.bind_generator(np.random.default_rng(2))
        first.forward(X, buffers)
        compute(X, dA.copy(), buffers, dX)
    np.testing.assert_array_equal(alone, whole)
    assert np.abs(whole).max() > 0.1


@pytest.mark.parametrize(
    ("weighted", "as_sparse", "alpha"), list(product([False, True], [False, True], [0.0, 2.5]))
)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("hidden", [[], [5], [5, 3]])
def test_gradient_matches_with_weights_sparse_input_and_penalty(
    hidden, loss, weighted, as_sparse, alpha
):
    network = perceptron([N_FEATURES, *hidden, n_outputs(loss)], [Tanh()] * len(hidden))
    batch = data(loss, n_outputs(loss), weighted=weighted, as_sparse=as_sparse)
    assert_gradient_is_that_of_the_value(network, loss, batch, alpha)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_float32_gradient_is_close_to_that_of_float64(activation, as_sparse):
    loss, _ = (loss for loss in LOSSES if loss.link.out_activation == "softmax")
    given = data(loss, N_CLASSES, weighted=False, as_sparse=as_sparse)
    grads = []
    for dtype in (np.float64, np.float32):
        network = perceptron([N_FEATURES, 5, N_CLASSES], [activation])
        network.allocate(dtype)
        network.draw(Normal(scale=0.7), np.random.RandomState(1))
        batches = Batches(given.X.X, given.y.X, dtype, N_ROWS)
        Objective(network, loss, 0.3, batches).evaluate(0, N_ROWS)
        assert network.grad.dtype == dtype
        grads.append(network.grad)
    # Some ten roundings of float32 of numbers of size one.
    np.testing.assert_allclose(grads[1], grads[0], rtol=0, atol=2e-6)
