import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp.activations import Activation, ReLU, Tanh
from sknumpy_mlp.core.batches import rows
from sknumpy_mlp.core.network import Network, perceptron
from sknumpy_mlp.initializers import Auto, Normal

from ..families import default, members

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
    network.weights[...] = network.grad[: network.weights.size] = 1
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


# ---- several members ----


K, N_ROWS, MEMBER_UNITS = 3, 7, [4, 5, 2]
ACTIVATIONS = [default(cls) for cls in members(Activation)]
FORMS = {
    "each its own": lambda X: X,
    "one for all": lambda X: X[0],
    "each its own, sparse": lambda X: sparse.csr_array(X.reshape(-1, X.shape[-1])),
    "one for all, sparse": lambda X: sparse.csr_array(X[0]),
}


def several(activation=None, dtype=np.float64, **options):
    network = perceptron(MEMBER_UNITS, [activation or Tanh()], n_members=K, **options)
    network.allocate(dtype)
    network.draw(Auto(), np.random.RandomState(0))
    network.theta += np.random.RandomState(1).normal(size=network.theta.size) / 10
    return network


def bound_twins(network):
    """Each member with parameters and gradients of its own."""
    twins = [member.unbound() for member in network.members]
    for twin, member in zip(twins, network.members):
        twin.bind(member.parameters())
        twin.allocate(network.theta.dtype)
    return twins


def rows_of_members(dtype=np.float64):
    X = np.random.RandomState(2).normal(size=(K, N_ROWS, MEMBER_UNITS[0])).astype(dtype)
    X[X < -0.5] = 0
    return X


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("form", "feature_scale"),
    # Factors of columns are refused for sparse inputs.
    [*((form, False) for form in FORMS), ("each its own", True), ("one for all", True)],
)
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=repr)
def test_forward_and_backward_are_those_of_each_member(activation, form, feature_scale, dtype):
    network = several(activation, dtype, feature_scale=feature_scale)
    X = rows_of_members(dtype)
    own = [X[0]] * K if "one for all" in form else X
    given = FORMS[form](X)
    workspace = network.workspace(N_ROWS, dtype, training=True)
    scores = workspace.forward(given).copy()
    assert scores.shape == (K * N_ROWS, MEMBER_UNITS[-1])
    assert scores.dtype == dtype
    dZ = np.random.RandomState(3).normal(size=scores.shape).astype(dtype)
    workspace.forward(given)
    workspace.scores[...] = dZ
    workspace.backward(given, workspace.scores)
    close = {"rtol": 0, "atol": 100 * np.finfo(dtype).eps}
    gradients = network.parts(network.grad)
    for j, twin in enumerate(bound_twins(network)):
        alone = twin.workspace(N_ROWS, dtype, training=True)
        rows = slice(j * N_ROWS, (j + 1) * N_ROWS)
        np.testing.assert_allclose(scores[rows], alone.forward(own[j]), **close)
        alone.backward(own[j], dZ[rows].copy())
        np.testing.assert_allclose(np.concatenate(gradients[j]), twin.grad, **close)


def test_parts_are_views_that_together_are_the_vector():
    network = several(feature_scale=True)
    vector = np.zeros_like(network.theta)
    for number, parts in enumerate(network.parts(vector), 1):
        for part in parts:
            part += number
    sizes = [int((vector == number).sum()) for number in range(1, K + 1)]
    assert sizes == [perceptron(MEMBER_UNITS, [Tanh()], feature_scale=True).n_parameters] * K


def test_members_compute_with_the_network_s_own_arrays():
    network = several()
    for member in network.members:
        for W in member.parameters()["weights"]:
            assert np.shares_memory(W, network.theta)
    network.theta += 1
    for j, member in enumerate(network.members):
        np.testing.assert_array_equal(member.layers[0].W, network.layers[0].W[j])


def test_members_start_differently():
    first, second, _ = several().layers[0].W
    assert not np.array_equal(first, second)


def test_dropout_omits_other_units_in_each_member():
    network = several(dropout=[0.5])
    network.bind_generator(np.random.default_rng(0))
    workspace = network.workspace(N_ROWS, np.float64, training=True)
    workspace.forward(rows_of_members())
    layer, buffers = workspace.stages[1]
    assert layer.is_random
    assert not np.array_equal(buffers.mask[0], buffers.mask[1])
    assert set(np.unique(buffers.mask)) == {0.0, 2.0}


def test_penalty_and_groups_lie_as_in_one_network():
    network = several(feature_scale=True)
    assert network.weights.size == K * sum(a * b for a, b in pairwise(MEMBER_UNITS))
    groups = network.groups({"biases": 0.1, "feature_scale": 6.0}, "ntk")
    alone = perceptron(MEMBER_UNITS, [Tanh()], feature_scale=True).groups(
        {"biases": 0.1, "feature_scale": 6.0}, "ntk"
    )
    assert groups == [(K * start, K * stop, factor) for start, stop, factor in alone]


def test_slices_of_members_that_differ():
    network = perceptron([4, 3, 2], [Tanh()], n_members=K)
    network.allocate(np.float64)
    own = np.array([0.5, 1.0, 1.0])
    # W of 12 and 6 numbers a member, then b of 3 and 2.
    expected = [(0, 12, 0.5), (12, 36, 1.0), (36, 42, 0.5), (42, network.n_parameters, 1.0)]
    assert network.groups({"weights": own}, "standard") == expected
    halved = [*expected[:3], (42, 54, 1.0), (54, 69, 2.0)]
    assert network.groups({"weights": own, "biases": 2.0}, "standard") == halved
    decays = np.array([0.0, 0.1, 0.0])
    assert network.penalties(decays) == [(12, 24, 0.1), (42, 48, 0.1)]
    assert network.penalties(np.full(K, 0.1)) == network.penalties(0.1) == [(0, 54, 0.1)]
    assert network.penalties(0.0) == []
    for start, stop, _ in network.penalties(decays):
        network.theta[start:stop] = 7
    assert [(W == 7).all(axis=(1, 2)).tolist() for W in network.parameters()["weights"]] == [
        [False, True, False]
    ] * 2


def test_a_pickled_network_holds_no_arrays():
    network = pickle.loads(pickle.dumps(several(dropout=[0.5], feature_scale=True)))
    assert not hasattr(network, "theta")
    assert not any(hasattr(layer, "W") for layer in network.layers)
    assert (network.n_members, network.units) == (K, MEMBER_UNITS)


# ---- learning-rate factors ----


def test_groups_cover_the_vector_in_order_and_are_as_few_as_possible():
    network = perceptron([4, 3, 2], [Tanh()], feature_scale=True)
    network.allocate(np.float64)
    n = network.n_parameters
    assert network.groups({}, "standard") == [(0, n, 1.0)]
    assert network.groups({"biases": 0.5}, "standard") == [(0, 22, 1.0), (22, n, 0.5)]
    groups = network.groups({"biases": 0.1, "feature_scale": 6.0}, "ntk")
    assert [(start, stop) for start, stop, _ in groups] == [(0, 12), (12, 18), (18, 22), (22, n)]
    assert_allclose([factor for *_, factor in groups], [4**-0.5, 3**-0.5, 6.0, 0.1])
