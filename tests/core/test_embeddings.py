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
    quantiles,
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


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_bins", [2, 7, 48, 200])
@pytest.mark.parametrize("seed", range(5))
def test_an_integer_weight_is_a_repetition_and_zero_a_removal(seed, n_bins, dtype):
    X = table(60, dtype)
    # Two columns of the table lose a value where the rows with others have no weight.
    X[:, 3] = np.arange(60) < 30
    weights = np.random.RandomState(seed).randint(0, 5, 60).astype(float)
    columns, edges = columns_and_edges(X, n_bins, weights)
    expected = columns_and_edges(np.repeat(X, weights.astype(int), axis=0), n_bins)
    assert_array_equal(columns, expected[0])
    assert_allclose(edges, expected[1], rtol=4 * np.finfo(dtype).eps)


def test_a_column_that_only_rows_without_weight_vary_is_left_alone():
    x = np.r_[np.arange(10.0), np.zeros(5), np.ones(5)][:, np.newaxis]
    columns, edges = columns_and_edges(x, 4, (np.arange(20) >= 10).astype(float))
    assert columns.size == edges.size == 0


@pytest.mark.parametrize("constant", [0.3, 1.0, 7.0])
def test_equal_weights_give_the_same_bits_as_none(constant):
    X = table()
    found = columns_and_edges(X, 6, np.full(50, constant))
    for each, expected in zip(found, columns_and_edges(X, 6)):
        assert_array_equal(each, expected)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_quantiles_of_fractional_weights_are_between_those_of_the_cumulated_weight(scale):
    """Weighted quantiles by `inverted_cdf`, an oracle that NumPy's has no interpolation in."""
    rng = np.random.RandomState(0)
    values, weights = rng.standard_normal(400), scale * rng.uniform(0.1, 3, 400)
    levels = np.linspace(0, 1, 49)
    order = np.argsort(values)
    shares = np.cumsum(weights[order]) / weights.sum()
    found = quantiles(values, levels, weights)
    assert (np.diff(found) > 0).all()
    assert found[0] == values.min()
    assert found[-1] == values.max()
    # One row of 400, with at most twice the mean weight, is what definitions differ by.
    assert_allclose(np.interp(found, values[order], shares), levels, atol=2 / 400)


def test_quantiles_of_weights_of_any_size_are_finite():
    values = np.array([3.0, -1e300, 1e300, 0.0])
    for weights in ([1e-320, 1e300, 1.0, 2.0], [1e-300, 1e-300, 2e-300, 1e-300], [1e307] * 3 + [1]):
        found = quantiles(values, np.linspace(0, 1, 9), np.array(weights, float))
        assert found.min() == -1e300
        assert np.isfinite(found).all()
        assert (np.diff(found) >= 0).all()


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
