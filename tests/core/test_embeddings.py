"""The layers of embeddings, against the authors' encoding, interpolation and the other engine."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknumpy_mlp.activations import Identity, Tanh
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.embeddings import (
    EmbeddingLayer,
    PiecewiseLinearLayer,
    columns_and_edges,
    layer_class,
)
from sknumpy_mlp.core.layers import Dense
from sknumpy_mlp.core.network import Network
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.embeddings import Embedding, PiecewiseLinear
from sknumpy_mlp.initializers import Normal
from sknumpy_mlp.losses import ContinuousSquaredError

from ..families import members

# Printed by PiecewiseLinearEncoding of rtdl_num_embeddings, the authors' package, in float32.
THEIR_EDGES = [[-1.0, 0.0, 0.5, 2.0], [0.0, 3.0]]
THEIR_INPUTS = [[-1.5, 0.0], [0.25, 1.0], [0.5, 2.0], [1.5, 2.5], [2.0, 3.0], [9.0, 7.0]]
THEIR_ENCODING = [
    [-0.5, 0.0, 0.0, 0.0],
    [1.0, 0.5, 0.0, 0.33333334],
    [1.0, 1.0, 0.0, 0.66666669],
    [1.0, 1.0, 0.66666669, 0.83333336],
    [1.0, 1.0, 1.00000003, 1.00000003],
    [1.0, 1.0, 5.66666684, 2.3333334],
]


def layer(X, n_bins=6, size=2, seed=0):
    """A layer for these columns, with functions drawn at random."""
    found = PiecewiseLinearLayer.of(PiecewiseLinear(n_bins=n_bins, size=size), X)
    rng = np.random.RandomState(seed)
    found.V = rng.standard_normal(found.shapes["V"]).astype(X.dtype)
    return found


def table(n_samples=50, dtype=np.float64):
    """A column of noise, one of a few integers, one of two values and one that is constant."""
    rng = np.random.RandomState(0)
    columns = rng.standard_normal(n_samples), rng.randint(4, size=n_samples), rng.rand(n_samples)
    return np.column_stack([*columns[:2], columns[2] < 0.5, np.ones(n_samples)]).astype(dtype)


def test_the_encoding_is_that_of_the_authors():
    edges = np.array([row + row[-1:] * (4 - len(row)) for row in THEIR_EDGES])
    found = PiecewiseLinearLayer(2, np.array([0, 1]), edges, size=1)
    X = np.array(THEIR_INPUTS)
    E = found.encode(X, found.buffers((len(X),), np.float64))
    assert_allclose(np.column_stack([*E[0].T, E[1, :, 0]]), THEIR_ENCODING, atol=1e-6)
    # A column with fewer bins has no more numbers.
    assert not E[1, :, 1:].any()


def test_the_functions_interpolate_the_sums_of_v_between_the_edges():
    X = table()
    found = layer(X)
    A = found.forward(X, found.buffers((len(X),), X.dtype))
    assert_array_equal(A[:, :4], X)
    for row, (column, edges) in enumerate(zip([0, 1], found.edges)):
        V = found.V.reshape(2, -1, 2)[row]
        knots = np.vstack([np.zeros(2), np.cumsum(V, axis=0)])
        n = len(np.unique(edges))
        for q in range(2):
            expected = np.interp(X[:, column], edges[:n], knots[:n, q])
            assert_allclose(A[:, 4 + 2 * row + q], expected, atol=1e-12)


def test_columns_of_at_most_two_values_are_left_alone():
    columns, edges = columns_and_edges(table(), 6)
    assert columns.tolist() == [0, 1]
    assert_array_equal(edges[1], [0, 1, 2, 3, 3, 3, 3])


def test_edges_are_distinct_quantiles_of_which_narrow_bins_are_dropped():
    x = np.r_[np.zeros(60), 1e-9, np.linspace(1, 2, 39)]
    _, (edges,) = columns_and_edges(x[:, np.newaxis], 10)
    quantiles = np.unique(np.quantile(x, np.linspace(0, 1, 11)))
    # The second is 4e-10.
    assert_array_equal(edges[: len(quantiles) - 1], np.delete(quantiles, 1))
    spike = np.r_[0.0, 1e-9, 2e-9, 1.0][:, np.newaxis]
    _, (edges,) = columns_and_edges(spike, 3)
    assert_array_equal(edges, [0.0, 1.0, 1.0, 1.0])


def test_a_range_that_overflows_is_refused():
    X = np.array([[-1.5e308], [0.0], [1.5e308]])
    with pytest.raises(ValueError, match=r"whose range is finite in float64.*columns \[0\]"):
        columns_and_edges(X, 4)


def test_an_embedding_that_no_layer_computes_is_refused_by_name():
    class Periodic(Embedding):
        pass

    with pytest.raises(ValueError, match=r"embedding must be .*'PiecewiseLinear'.*got Periodic"):
        layer_class(Periodic())


def test_training_starts_from_the_network_without_an_embedding():
    X = table()
    network = Network([layer(X), Dense(8, 1, Identity())], n_members=2)
    del network.layers[0].V
    network.allocate(np.float64)
    network.draw(Normal(), np.random.RandomState(0))
    assert not network.layers[0].V.any()
    assert_array_equal(network.layers[0].edges[0], network.layers[0].edges[1])


@pytest.mark.parametrize("n_members", [1, 3])
def test_gradients_are_those_of_the_value_also_behind_another_layer(n_members):
    X, y = table(12), np.random.RandomState(1).standard_normal((12, 1))
    inner = layer(np.tanh(table(12)[:, :2] @ np.ones((2, 3))), n_bins=3)
    for layers in (
        [layer(X, n_bins=3), Dense(8, 1, Identity())],
        [Dense(4, 3, Tanh()), inner, Dense(inner.width, 1, Identity())],
    ):
        network = Network(layers, n_members)
        network.allocate(np.float64)
        network.draw(Normal(), np.random.RandomState(0))
        V = next(each.V for each in layers if isinstance(each, EmbeddingLayer))
        V[...] = np.random.RandomState(2).standard_normal(V.shape)
        batches = Batches(X, y, np.float64, 12, n_members=n_members)
        objective = Objective(network, ContinuousSquaredError(), 0.0, batches)
        objective.evaluate(0, 12)
        grad, h = network.grad[: network.trained.size].copy(), 1e-6
        for i, middle in enumerate(network.trained.copy()):
            found = []
            for network.trained[i] in (middle + h, middle - h):
                objective.evaluate(0, 12)
                found.append(objective.losses.sum() / 12)
            network.trained[i] = middle
            assert abs((found[0] - found[1]) / (2 * h) - grad[i]) < 1e-5 * max(1, abs(grad).max())


def test_every_embedding_has_a_layer():
    layers = {cls.embeds for cls in EmbeddingLayer.__subclasses__()}
    assert layers == set(members(Embedding))
