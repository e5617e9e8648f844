"""An optimizer at work: learning rates by kind of parameter, weight decay, blocks."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.activations import Tanh
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.stepper import Stepper, Steps
from sknumpy_mlp.initializers import LecunNormal, Normal
from sknumpy_mlp.optimizers import SGD, Adam, AdamW, Optimizer

from ..common import assert_same_weights, brief, digits

STEPPING = sorted(name for name, member in Optimizer.named().items() if member.takes_steps)


def moves(model, start):
    """How far each weight matrix and each bias vector has moved."""
    return [
        [np.linalg.norm(a - b) for a, b in zip(getattr(model, name), getattr(start, name))]
        for name in ("coefs_", "intercepts_")
    ]


# ---- learning-rate factors ----


@pytest.mark.parametrize("solver", STEPPING)
def test_a_factor_is_a_learning_rate_of_its_own(solver):
    """With one step a parameter moves by its rate alone: each kind as with that rate for all."""
    X, y = digits()
    settings = {"solver": solver, "max_iter": 1, "batch_size": "full", "alpha": 0}
    # Such steps leave the start where it is.
    start = brief(**settings | {"learning_rate_init": 1e-300}).fit(X, y)
    rates = {"weights": 0.5, "biases": 2.0}
    model = brief(**settings, learning_rate_factors=rates).fit(X, y)
    for kind, (name, factor) in enumerate(zip(["coefs_", "intercepts_"], rates.values())):
        same = brief(**settings | {"learning_rate_init": 0.01 * factor}).fit(X, y)
        for mine, his in zip(getattr(model, name), getattr(same, name)):
            assert_allclose(mine, his, rtol=1e-12, atol=1e-14)
        assert min(moves(model, start)[kind]) > 0


def test_a_factor_of_zero_freezes():
    X, y = digits()
    start = brief(learning_rate_init=1e-300).fit(X, y)
    model = brief(learning_rate_factors={"weights": 0.0}).fit(X, y)
    assert moves(model, start)[0] == [0, 0]
    assert min(moves(model, start)[1]) > 0


def test_decay_follows_the_factor_of_the_weights():
    X, y = np.zeros((50, 3)), np.zeros(50)
    settings = {"hidden_layer_sizes": (), "solver": AdamW(weight_decay=0.5), "alpha": 0}
    settings |= {"learning_rate_init": 0.1, "max_iter": 1, "batch_size": "full"}
    start = np.random.RandomState(0).uniform(-np.sqrt(1.5), np.sqrt(1.5), (3, 1))
    model = brief(ScratchMLPRegressor, **settings, learning_rate_factors={"weights": 0.25})
    assert_allclose(model.fit(X, y).coefs_[0], start * (1 - 0.1 * 0.25 * 0.5), rtol=1e-13)


def test_blocks_of_the_optimizer_end_where_groups_do(monkeypatch):
    X, y = digits()
    settings = {"parametrization": "ntk", "learning_rate_factors": {"biases": 0.1}}
    whole = brief(**settings).fit(X, y)
    monkeypatch.setattr(Stepper, "block_size", 7)
    # Some versions of NumPy round the ends of vectors otherwise than their middles.
    assert_same_weights(brief(**settings).fit(X, y), whole, atol=1e-15)


# ---- the neural-tangent parametrization ----


def test_ntk_is_weights_of_size_one_that_act_divided_by_the_root_of_their_inputs():
    """Adam by hand on U, where the layer computes X U / sqrt(n_in) + b."""
    rng = np.random.RandomState(1)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    solver, rate = Adam(beta_1=0.5, beta_2=0.75, epsilon=1e-30), 0.1
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        parametrization="ntk",
        init=LecunNormal(biases=Normal(scale=1.0)),
        solver=solver,
        alpha=0,
        batch_size="full",
        shuffle=False,
        max_iter=5,
        n_iter_no_change=None,
        learning_rate_init=rate,
        random_state=0,
    ).fit(X, y.ravel())
    stream = np.random.RandomState(0)
    U, b = stream.standard_normal((3, 1)), stream.standard_normal(1)
    m, v = [np.zeros((3, 1)), np.zeros(1)], [np.zeros((3, 1)), np.zeros(1)]
    for t in range(1, 6):
        dZ = (X @ U / np.sqrt(3) + b - y) / 20
        gradients = [X.T @ dZ / np.sqrt(3), dZ.sum(axis=0)]
        for theta, g, m_, v_ in zip([U, b], gradients, m, v):
            m_[...] = 0.5 * m_ + 0.5 * g
            v_[...] = 0.75 * v_ + 0.25 * g * g
            theta -= rate * (m_ / (1 - 0.5**t)) / np.sqrt(v_ / (1 - 0.75**t))
    assert_allclose(model.coefs_[0], U / np.sqrt(3), rtol=1e-10)
    assert_allclose(model.intercepts_[0], b, rtol=1e-10)


# ---- weight decay ----


@pytest.mark.parametrize("batch_size", [10, 50, 150])
def test_adamw_decays_by_the_step_not_by_the_batch(batch_size):
    """With a gradient of zero, n steps leave (1 - rate * decay)^n of the weights."""
    X, y = np.zeros((150, 3)), np.zeros(150)
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        solver=AdamW(weight_decay=0.5),
        alpha=0,
        batch_size=batch_size,
        learning_rate_init=0.1,
        max_iter=2,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    start = np.random.RandomState(0).uniform(-np.sqrt(6 / 4), np.sqrt(6 / 4), (3, 1))
    n_steps = 2 * 150 // batch_size
    assert_allclose(model.coefs_[0], start * (1 - 0.1 * 0.5) ** n_steps, rtol=1e-12)


# ---- alone: slices with rates of their own, members with norms of their own ----


def test_each_slice_of_the_vector_moves_at_its_own_rate():
    theta, grad = np.zeros(6), np.array([1.0, -2.0, 3.0, 4.0, -5.0, 6.0])
    sgd = SGD(momentum=0.0)
    groups = [(0, 2, 1.0), (2, 5, 0.1), (5, 6, 0.0)]
    Stepper(sgd, theta, grad.copy(), 0, sgd.start(theta), groups).step(0.5)
    assert_allclose(theta, -0.5 * grad * [1, 1, 0.1, 0.1, 0.1, 0], rtol=1e-15)


def test_the_gradient_of_each_member_is_clipped_by_its_own_norm():
    network = perceptron([3, 4, 2], [Tanh()], n_members=3)
    network.allocate(np.float64)
    rng = np.random.RandomState(0)
    grad = rng.standard_normal(network.grad.size)
    clip_norm, norms = 1.0, {}

    def evaluate(start, stop):
        network.grad[:] = grad
        for size, parts in zip([0.1, 2.0, 50.0], network.parts(network.grad)):
            norms[size] = np.linalg.norm(np.concatenate(parts))
            for part in parts:
                part *= size / norms[size]
        return 0.0

    objective = SimpleNamespace(
        network=network,
        batches=SimpleNamespace(bounds=lambda: [(0, 1)]),
        skips=lambda start, stop: False,
        evaluate=evaluate,
    )
    sgd = SGD(momentum=0.0)
    network.theta[:] = 0
    stepper = Stepper(sgd, network.theta, network.grad, 0, sgd.start(network.theta))
    Steps(objective, stepper, clip_norm).make(np.array([1.0]))
    moved = [np.linalg.norm(np.concatenate(parts)) for parts in network.parts(network.theta)]
    assert_allclose(moved, [0.1, 1.0, 1.0], rtol=1e-12)
