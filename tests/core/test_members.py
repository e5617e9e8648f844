"""Several members in one network: they compute what each computes by itself."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from sknumpy_mlp.activations import Activation, Tanh
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.initializers import Auto

from ..families import default, members

K, N_ROWS, UNITS = 3, 7, [4, 5, 2]
ACTIVATIONS = [default(cls) for cls in members(Activation)]
FORMS = {
    "each its own": lambda X: X,
    "one for all": lambda X: X[0],
    "each its own, sparse": lambda X: sparse.csr_array(X.reshape(-1, X.shape[-1])),
    "one for all, sparse": lambda X: sparse.csr_array(X[0]),
}


def several(activation=None, dtype=np.float64, **options):
    network = perceptron(UNITS, [activation or Tanh()], n_members=K, **options)
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


def inputs(dtype=np.float64):
    X = np.random.RandomState(2).normal(size=(K, N_ROWS, UNITS[0])).astype(dtype)
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
    X = inputs(dtype)
    own = [X[0]] * K if "one for all" in form else X
    given = FORMS[form](X)
    workspace = network.workspace(N_ROWS, dtype, training=True)
    scores = workspace.forward(given).copy()
    assert scores.shape == (K * N_ROWS, UNITS[-1])
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
    assert sizes == [perceptron(UNITS, [Tanh()], feature_scale=True).n_parameters] * K


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
    workspace.forward(inputs())
    layer, buffers = workspace.stages[1]
    assert layer.is_random
    assert not np.array_equal(buffers.mask[0], buffers.mask[1])
    assert set(np.unique(buffers.mask)) == {0.0, 2.0}


def test_penalty_and_groups_lie_as_in_one_network():
    network = several(feature_scale=True)
    assert network.weights.size == K * sum(a * b for a, b in pairwise(UNITS))
    groups = network.groups({"biases": 0.1, "feature_scale": 6.0}, "ntk")
    alone = perceptron(UNITS, [Tanh()], feature_scale=True).groups(
        {"biases": 0.1, "feature_scale": 6.0}, "ntk"
    )
    assert groups == [(K * start, K * stop, factor) for start, stop, factor in alone]


def test_a_pickled_network_holds_no_arrays():
    network = pickle.loads(pickle.dumps(several(dropout=[0.5], feature_scale=True)))
    assert not hasattr(network, "theta")
    assert not any(hasattr(layer, "W") for layer in network.layers)
    assert (network.n_members, network.units) == (K, UNITS)
