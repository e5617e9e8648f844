import copy
import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp.activations import Activation, ReLU, Tanh
from sknumpy_mlp.core.batches import rows
from sknumpy_mlp.core.network import Network, perceptron
from sknumpy_mlp.initializers import Auto, Normal

from ..families import default

UNITS = [4, 5, 3, 2]


def started(dtype=np.float64, units=UNITS, activation=None):
    network = perceptron(units, [activation or Tanh()] * (len(units) - 2))
    network.allocate(dtype)
    network.draw(Normal(scale=1.0, biases="same"), np.random.RandomState(0))
    return network


def inputs(n_rows=50, dtype=np.float64, n_features=UNITS[0]):
    return np.random.RandomState(1).standard_normal((n_rows, n_features)).astype(dtype)


def holds_arrays(thing):
    if isinstance(thing, list):
        return any(map(holds_arrays, thing))
    return isinstance(thing, np.ndarray) or holds_arrays(
        list(getattr(thing, "__dict__", {}).values())
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_flat_vector_holds_all_weights_then_all_biases_layer_by_layer(dtype):
    network = started(dtype)
    assert network.theta.dtype == network.grad.dtype == dtype
    assert network.theta.shape == network.grad.shape == (network.n_parameters,)
    assert network.n_parameters == 4 * 5 + 5 * 3 + 3 * 2 + 5 + 3 + 2
    parts = [layer.W.ravel() for layer in network.layers] + [
        layer.b.ravel() for layer in network.layers
    ]
    np.testing.assert_array_equal(network.theta, np.concatenate(parts))
    np.testing.assert_array_equal(network.weights, np.concatenate(parts[:3]))


def test_parameters_and_gradients_of_layers_are_views_of_the_flat_vectors():
    network = started()
    network.theta[:] = np.arange(network.n_parameters)
    network.grad[:] = -np.arange(network.n_parameters)
    assert network.layers[0].W[0, 1] == 1
    assert network.layers[-1].b[0, -1] == network.n_parameters - 1
    for layer in network.layers:
        np.testing.assert_array_equal(layer.dW, -layer.W)
        np.testing.assert_array_equal(layer.db, -layer.b)
        layer.W[...] = layer.dW[...] = 7
        layer.b[...] = layer.db[...] = 8
    n_weights = network.weights.size
    for vector in (network.theta, network.grad):
        np.testing.assert_array_equal(vector[:n_weights], 7)
        np.testing.assert_array_equal(vector[n_weights:], 8)
    network.weights[...] = network.weights_grad[...] = 1
    assert (network.layers[1].W == 1).all()
    assert (network.layers[1].dW == 1).all()


def test_parameters_by_kind_are_the_arrays_of_the_layers():
    network = started()
    parameters = network.parameters()
    assert parameters.keys() == network.kinds == {"weights", "biases"}
    assert [W.shape for W in parameters["weights"]] == [(4, 5), (5, 3), (3, 2)]
    assert [b.shape for b in parameters["biases"]] == [(5,), (3,), (2,)]
    for array in [*parameters["weights"], *parameters["biases"]]:
        assert np.shares_memory(array, network.theta)
    assert network.units == UNITS


def test_allocate_keeps_the_values_that_layers_are_bound_to_and_copies_them():
    source, network = started(), perceptron(UNITS, [Tanh()] * 2)
    network.bind(source.parameters())
    network.allocate(np.float64)
    np.testing.assert_array_equal(network.theta, source.theta)
    network.theta += 1
    assert not np.shares_memory(network.theta, source.theta)
    assert not np.array_equal(network.layers[0].W, source.layers[0].W)


def test_without_values_a_network_starts_at_zero():
    network = perceptron(UNITS, [Tanh()] * 2)
    network.allocate(np.float32)
    assert not network.theta.any()
    assert not network.grad.any()


def test_bind_copies_nothing():
    source, network = started(), perceptron(UNITS, [Tanh()] * 2)
    network.bind(source.parameters())
    for layer, same in zip(network.layers, source.layers):
        assert np.shares_memory(layer.W, same.W)
        assert np.shares_memory(layer.b, same.b)
    X = inputs()
    got = network.scores(rows(X, X.dtype), X.dtype)
    np.testing.assert_array_equal(got, source.scores(rows(X, X.dtype), X.dtype))


@pytest.mark.parametrize(
    "twin", [Network.unbound, lambda n: pickle.loads(pickle.dumps(n)), copy.deepcopy]
)
def test_an_unbound_or_pickled_network_is_its_layers_without_arrays(twin):
    network = started()
    assert holds_arrays(network)
    bare = twin(network)
    assert not holds_arrays(bare)
    assert [repr(layer) for layer in bare.layers] == [repr(layer) for layer in network.layers]
    # The network that was copied is still bound.
    assert np.shares_memory(network.layers[0].W, network.theta)
    bare.bind(network.parameters())
    X = inputs()
    expected = network.scores(rows(X, X.dtype), X.dtype)
    np.testing.assert_array_equal(bare.scores(rows(X, X.dtype), X.dtype), expected)


def test_a_pickle_is_small_whatever_the_number_of_parameters():
    network = started(units=[300, 200, 10])
    assert len(pickle.dumps(network)) < 2000


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [[], [5], [5, 3]])
def test_scores_are_those_of_scikit_learn_s_network(hidden, activation):
    f = default(Activation.named()[activation])
    network = started(units=[4, *hidden, 3], activation=f)
    X = inputs()
    y = np.arange(len(X)) % 3
    theirs = MLPClassifier(hidden, activation=activation)
    theirs.partial_fit(X, y, classes=[0, 1, 2])
    parameters = network.parameters()
    theirs.coefs_, theirs.intercepts_ = parameters["weights"], parameters["biases"]
    log_p = theirs.predict_log_proba(X)
    raw = network.scores(rows(X, X.dtype), X.dtype)
    # The softmax forgets a shift of all scores of a row.
    expected = log_p - log_p[:, :1]
    np.testing.assert_allclose(raw - raw[:, :1], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("form", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scores_in_chunks_equal_scores_at_once(monkeypatch, form, dtype):
    network, X = started(dtype), inputs(50, dtype)
    given = rows(form(X), dtype)
    at_once = network.scores(given, dtype)
    index = np.random.RandomState(2).permutation(50)[:23]
    for n_rows in (1, 7, 25, 49):
        monkeypatch.setattr(Network, "chunk_elements", n_rows * max(UNITS))
        # The matrix product may add up in another order for another number of rows.
        close = {"rtol": 0, "atol": 50 * np.finfo(dtype).eps}
        np.testing.assert_allclose(network.scores(given, dtype), at_once, **close)
        np.testing.assert_allclose(network.scores(given, dtype, index), at_once[index], **close)
    assert at_once.dtype == dtype
    assert at_once.shape == (50, UNITS[-1])


def test_chunks_are_bounded_by_the_widest_layer(monkeypatch):
    seen = []
    workspace = Network.workspace

    def recorded(self, n_samples, *args, **kwargs):
        seen.append(n_samples)
        return workspace(self, n_samples, *args, **kwargs)

    monkeypatch.setattr(Network, "workspace", recorded)
    monkeypatch.setattr(Network, "chunk_elements", 100)
    network, X = started(units=[4, 20, 2]), inputs(12)
    network.scores(rows(X, X.dtype), X.dtype)
    assert max(seen) == 5


def test_one_row_and_no_row_have_scores():
    network, X = started(), inputs(1)
    assert network.scores(rows(X, X.dtype), X.dtype).shape == (1, 2)
    assert network.scores(rows(X, X.dtype), X.dtype, np.arange(0)).shape == (0, 2)


def test_scores_do_not_write_to_the_data():
    network, X = started(units=[4, 2]), inputs()
    before = X.copy()
    network.scores(rows(X, X.dtype), X.dtype)
    np.testing.assert_array_equal(X, before)


def test_scores_are_a_new_array_at_every_call():
    network, X = started(), inputs()
    first = network.scores(rows(X, X.dtype), X.dtype)
    kept = first.copy()
    network.scores(rows(2 * X, X.dtype), X.dtype)
    np.testing.assert_array_equal(first, kept)


def test_a_perceptron_wants_one_activation_for_each_hidden_layer():
    with pytest.raises(ValueError, match="zip"):
        perceptron([4, 3, 2], [ReLU(), ReLU()])


def test_the_output_layer_is_linear_and_may_start_as_if_it_were_not():
    network = perceptron([4, 3, 2], [ReLU()], output_activation=Tanh())
    last = network.layers[-1]
    assert repr(last.activation) == "Identity()"
    assert repr(last.init_activation) == "Tanh()"
    network.allocate(np.float64)
    network.draw(Auto(), np.random.RandomState(0))
    assert np.abs(last.W).max() <= np.sqrt(6 / 5)
