"""Gradients of scores by inputs: finite differences, layers of every kind, members."""

import numpy as np
import pytest

from sknumpy_mlp.activations import Activation, Tanh
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.sensitivity import Sensitivity, attributions
from sknumpy_mlp.initializers import GlorotUniform
from sknumpy_mlp.losses import links

from ..families import default


def drawn(*args, **options):
    """A network with random weights and biases."""
    network = perceptron(*args, **options)
    network.allocate(np.float64)
    stream = np.random.RandomState(0)
    network.draw(GlorotUniform(), stream)
    network.theta += 0.1 * stream.standard_normal(network.theta.shape)
    return network


def assert_gradients_match(sensitivity, X, dS):
    got = sensitivity.gradients(X, dS)
    h = 1e-6
    for j in range(X.shape[1]):
        shift = h * np.eye(X.shape[1])[j]
        up, down = ((dS * sensitivity.scores(X + s * shift)).sum(axis=1) for s in (1, -1))
        # Rounding of scores over h.
        np.testing.assert_allclose(got[:, j], (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


X = np.random.RandomState(1).standard_normal((7, 4))
dS = np.random.RandomState(2).standard_normal((7, 3))


@pytest.mark.parametrize("cls", Activation.named().values(), ids=lambda cls: cls.__name__)
def test_gradients_match_finite_differences_for_every_activation(cls):
    network = drawn([4, 6, 5, 3], [default(cls)] * 2)
    assert_gradients_match(Sensitivity(network, links.Softmax()), X, dS)


@pytest.mark.parametrize(
    "link",
    [links.Softmax(), links.OneVersusRest(), links.Identity(), links.Exponential()],
    ids=repr,
)
@pytest.mark.parametrize("options", [{}, {"feature_scale": True}, {"dropout": [0.5]}], ids=str)
def test_gradients_of_members_match_finite_differences(link, options):
    network = drawn([4, 6, 3], [Tanh()], n_members=3, **options)
    assert_gradients_match(Sensitivity(network, link, [1.0, 0.5, 2.0]), X, dS)


def test_rows_in_chunks_are_the_same(monkeypatch):
    network = drawn([4, 6, 3], [Tanh()], n_members=2)
    whole = Sensitivity(network, links.Softmax())
    monkeypatch.setattr(Sensitivity, "chunk_elements", 18)
    parts = Sensitivity(network, links.Softmax())
    np.testing.assert_allclose(parts.gradients(X, dS), whole.gradients(X, dS), rtol=1e-12)
    np.testing.assert_allclose(parts.scores(X), whole.scores(X), rtol=1e-12)


def test_the_network_is_not_changed():
    network = drawn([4, 6, 3], [Tanh()])
    before = network.theta.copy(), network.grad.copy()
    Sensitivity(network, links.Softmax()).gradients(X, dS)
    np.testing.assert_array_equal(network.theta, before[0])
    np.testing.assert_array_equal(network.grad, before[1])


def test_attributions_are_the_differences_of_separate_functions():
    """The midpoint rule is exact for slopes of degree one, and of second order beyond."""
    x, start = np.array([[2.0, -1.0]]), np.array([0.5, 0.5])
    fractions = (np.arange(1000) + 0.5) / 1000
    found = attributions(lambda X: 3 * X**2, x, [start] * 1000, fractions)
    np.testing.assert_allclose(found, x**3 - start**3, rtol=1e-6)
    exact = attributions(lambda X: 2 * X, x, [start], [0.5])
    np.testing.assert_allclose(exact, x**2 - start**2, rtol=1e-15)
