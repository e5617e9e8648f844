import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.state import TrainingState
from sknumpy_mlp.optimizers import LBFGS, SGD, Adam, Optimizer
from sknumpy_mlp.schedules import Adaptive, Constant, Schedule

from ..common import brief, digits
from ..families import all_examples, default
from .runs import PLAIN, crossentropy, data, logistic, prepare

STEPPING = [default(cls) for cls in Optimizer.named().values() if cls.takes_steps]


# ---- one step ----


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_one_step_of_logistic_regression_is_the_closed_form(alpha):
    X, y = data()
    training = prepare(X, y, alpha=alpha, learning_rate_init=0.25, max_iter=1)
    (w,), (b,) = training.network.layers[0].W.T.copy(), training.network.layers[0].b[0].copy()
    outcome = training.train(PLAIN)
    z, n = X @ w + b, len(y)
    np.testing.assert_allclose(
        outcome.loss, crossentropy(z, y).mean() + alpha / (2 * n) * w @ w, rtol=1e-13
    )
    residual = (logistic(z) - y) / n
    layer = training.network.layers[0]
    np.testing.assert_allclose(
        layer.W[:, 0], w - 0.25 * (X.T @ residual + alpha / n * w), rtol=1e-12
    )
    # Biases are not penalized.
    np.testing.assert_allclose(layer.b[0], b - 0.25 * residual.sum(), rtol=1e-12)


def test_the_loss_of_an_epoch_is_the_mean_over_rows_each_before_its_own_step():
    X, y = data(10)
    training = prepare(
        X, y, batch_size=4, alpha=2.0, learning_rate_init=0.5, shuffle=False, max_iter=1
    )
    w, b = training.network.layers[0].W[:, 0].copy(), training.network.layers[0].b[0, 0]
    total = 0.0
    for rows in (slice(0, 4), slice(4, 8), slice(8, 10)):
        z, n = X[rows] @ w + b, len(y[rows])
        total += crossentropy(z, y[rows]).sum() + w @ w
        residual = (logistic(z) - y[rows]) / n
        w, b = w - 0.5 * (X[rows].T @ residual + 2 / n * w), b - 0.5 * residual.sum()
    outcome = training.train(PLAIN)
    np.testing.assert_allclose(outcome.loss, total / 10, rtol=1e-13)
    np.testing.assert_allclose(training.network.layers[0].W[:, 0], w, rtol=1e-12)


# ---- the optimum ----


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.csc_array])
def test_lbfgs_without_hidden_layers_is_scikit_learn_s_logistic_regression(
    form, n_classes, weighted
):
    X, y = data(200, 5, n_classes)
    weights = np.random.RandomState(2).uniform(0, 40, len(y)) if weighted else None
    alpha = 3.0
    training = prepare(form(X), y, weights=weights, alpha=alpha, max_iter=1000, tol=1e-9)
    outcome = training.train(LBFGS())
    assert outcome.converged
    assert outcome.loss_curve is None
    # Its penalty stands beside the sum over rows, weighted as they are given: so does ours.
    theirs = LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=10000)
    theirs.fit(X, y, sample_weight=weights)
    W, b = training.network.layers[0].W, training.network.layers[0].b[0]
    # Both stop when the loss falls by less than about 1e-9: an error of the root of that.
    np.testing.assert_allclose(W.T, theirs.coef_, rtol=0, atol=1e-3)
    got, expected = b - b.mean() * (n_classes > 2), theirs.intercept_
    np.testing.assert_allclose(got, expected - expected.mean() * (n_classes > 2), atol=1e-3)


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_every_optimizer_trains_a_network_with_a_hidden_layer(optimizer):
    # Exclusive or: no network without a hidden layer fits it.
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    training = prepare(
        X, np.array([0, 1, 1, 0]), hidden=(16,), max_iter=2000, learning_rate_init=0.05
    )
    outcome = training.train(optimizer)
    assert outcome.loss < 0.1 < np.log(2)
    assert len(outcome.loss_curve) == outcome.n_iter == 2000


@pytest.mark.parametrize("optimizer", [*STEPPING, LBFGS()], ids=repr)
def test_training_changes_neither_the_data_nor_the_optimizer(optimizer):
    X, y = data()
    weights = np.linspace(0.5, 2, len(y))
    before, words = (X.copy(), y.copy(), weights.copy()), repr(optimizer)
    batch_size = 16 if optimizer.takes_steps else len(y)
    prepare(X, y, (4,), batch_size, weights, max_iter=3, alpha=0.1).train(optimizer)
    for now, then in zip((X, y, weights), before):
        np.testing.assert_array_equal(now, then)
    assert repr(optimizer) == words


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_float32_networks_stay_float32(optimizer):
    X, y = data()
    training = prepare(X, y, (4,), 16, np.ones(len(y)), dtype=np.float32, max_iter=2, alpha=0.1)
    outcome = training.train(optimizer)
    assert training.network.theta.dtype == np.float32
    for name in optimizer.moments:
        assert training.state.moments[name].dtype == np.float32
    assert isinstance(outcome.loss, float)


# ---- epochs, rate, order ----


def test_the_schedule_sees_steps_done_over_steps_planned():
    X, y = data(10)
    seen = []

    def recorded(t):
        seen.append(t)
        return 1.0

    training = prepare(
        X, y, batch_size=4, schedule=Schedule.resolve(recorded, "learning_rate"), max_iter=5
    )
    training.train(PLAIN)
    np.testing.assert_allclose(seen, np.arange(15) / 15, rtol=1e-15)
    seen.clear()
    # Beyond the plan training is done: t stays at 1.
    training.train(PLAIN, n_epochs=1)
    assert seen == [1.0] * 3


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_the_rate_is_learning_rate_init_times_the_factor(optimizer):
    X, y = data()
    runs = []
    for rate, schedule in [(0.2, lambda t: 0.25), (0.05, "constant")]:
        schedule = Schedule.resolve(schedule, "learning_rate")
        training = prepare(
            X, y, batch_size=16, schedule=schedule, learning_rate_init=rate, max_iter=3
        )
        training.train(optimizer)
        runs.append(training.network.theta)
    np.testing.assert_array_equal(*runs)


@pytest.mark.parametrize("schedule", all_examples(Schedule, named=True), ids=repr)
@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_every_schedule_drives_every_optimizer_but_adam_ignores_those_of_sgd(optimizer, schedule):
    X, y = data()

    def trained(schedule):
        training = prepare(
            X, y, batch_size=16, schedule=schedule, max_iter=4, learning_rate_init=0.05
        )
        training.train(optimizer)
        assert np.isfinite(training.network.theta).all()
        return training.network.theta

    # An adaptive factor waits for a plateau; these runs see none.
    inert = isinstance(schedule, (Constant, Adaptive)) or getattr(schedule, "power_t", 1) == 0
    inert |= getattr(schedule, "final", 0) == 1 and schedule.name in ("cosine", "exponential")
    ignored = schedule.sgd_only and not optimizer.follows_sgd_schedules
    same = np.array_equal(trained(schedule), trained(Constant()))
    assert same == bool(inert or ignored)


@pytest.mark.parametrize("seed", [0, 1])
def test_rows_are_shuffled_anew_in_every_epoch_by_the_composed_permutations(monkeypatch, seed):
    X, y = data()
    orders, arrange = [], Batches.arrange

    def recorded(self, order):
        orders.append(order.copy())
        arrange(self, order)

    state = TrainingState(np.random.RandomState(seed))
    training = prepare(X, y, batch_size=8, state=state, max_iter=3)
    monkeypatch.setattr(Batches, "arrange", recorded)
    training.train(PLAIN)
    # scikit-learn shuffles the rows of the epoch before; one draw of the stream each.
    stream, expected = np.random.RandomState(seed), np.arange(len(y))
    assert len(orders) == 3
    for order in orders:
        index = np.arange(len(y))
        stream.shuffle(index)
        expected = expected[index]
        np.testing.assert_array_equal(order, expected)


def test_without_shuffle_rows_come_as_they_are_and_the_stream_is_untouched():
    X, y = data()
    curves = []
    for seed in (1, 2):
        state = TrainingState(np.random.RandomState(seed))
        training = prepare(X, y, batch_size=8, state=state, shuffle=False, max_iter=3)
        curves.append(training.train(PLAIN).loss_curve)
        assert state.random_state.uniform() == np.random.RandomState(seed).uniform()
    assert curves[0] == curves[1]


def test_epochs_one_by_one_equal_epochs_in_a_row():
    X, y = data()
    together = prepare(X, y, (4,), 8, shuffle=False, max_iter=6, alpha=0.1)
    together.train(Adam())
    apart = prepare(X, y, (4,), 8, shuffle=False, max_iter=6, alpha=0.1)
    for _ in range(6):
        apart.train(Adam(), n_epochs=1)
    np.testing.assert_array_equal(apart.network.theta, together.network.theta)
    assert apart.state.samples_seen == together.state.samples_seen == 6 * len(y)
    assert apart.state.clock == together.state.clock


def test_a_subset_trains_as_its_rows_alone():
    X, y = data()
    subset = np.array([3, 17, 5, 30, 11, 2, 39])
    weights = np.linspace(1, 3, len(y))
    part = prepare(X, y, (4,), 3, weights, subset, max_iter=3)
    alone = prepare(X[subset], y[subset], (4,), 3, weights[subset], max_iter=3)
    curves = [training.train(Adam()).loss_curve for training in (part, alone)]
    np.testing.assert_array_equal(*curves)
    np.testing.assert_array_equal(part.network.theta, alone.network.theta)


# ---- weights ----


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_a_batch_of_zero_weights_moves_neither_parameters_nor_moments(optimizer):
    X, y = data(12)
    weights = np.r_[np.full(4, 2.0), np.zeros(4), np.ones(4)]
    given = {"batch_size": 4, "shuffle": False, "max_iter": 3, "alpha": 0.5}
    whole = prepare(X, y, (4,), weights=weights, **given)
    outcome = whole.train(optimizer)
    kept = weights > 0
    # The same mean weight over twelve rows, so that only the empty batch differs.
    state = TrainingState(np.random.RandomState(1), n_rows_weighted=4)
    without = prepare(X[kept], y[kept], (4,), weights=weights[kept], state=state, **given)
    expected = without.train(optimizer)
    np.testing.assert_array_equal(whole.network.theta, without.network.theta)
    for name in ("t", *optimizer.moments):
        np.testing.assert_array_equal(whole.state.moments[name], without.state.moments[name])
    # The mean loss is over all rows.
    np.testing.assert_allclose(outcome.loss, expected.loss * 8 / 12, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-3, 7.0])
def test_only_the_ratio_of_weights_to_their_mean_counts_for_the_data(scale):
    X, y = data()
    weights = np.random.RandomState(3).uniform(0.1, 3, len(y))
    curves = [
        prepare(X, y, (4,), 8, factor * weights, max_iter=5).train(Adam()).loss_curve
        for factor in (1, scale)
    ]
    np.testing.assert_allclose(*curves, rtol=1e-10)


def test_equal_weights_are_no_weights():
    X, y = data()
    curves = [
        prepare(X, y, (4,), 8, weights, max_iter=5).train(Adam()).loss_curve
        for weights in (None, np.full(len(y), 3.0))
    ]
    np.testing.assert_allclose(*curves, rtol=1e-12)


def test_the_penalty_follows_the_scale_of_the_weights():
    # J = sum w l + alpha / 2 |W|^2, over the sum of the weights: twice the weights, half the term.
    X, y = data()
    for factor in (0.5, 4.0):
        weighted = prepare(X, y, weights=np.full(len(y), factor), alpha=2.0, max_iter=3)
        plain = prepare(X, y, alpha=2.0 / factor, max_iter=3)
        curves = [training.train(PLAIN).loss_curve for training in (weighted, plain)]
        np.testing.assert_allclose(*curves, rtol=1e-13)


def test_an_integer_weight_is_a_repetition_of_the_row():
    X, y = data(10)
    weights = np.array([1, 2, 3, 1, 1, 2, 1, 4, 1, 1])
    weighted = prepare(X, y, weights=weights, alpha=2.0, max_iter=500, tol=1e-10)
    repeated = prepare(
        np.repeat(X, weights, axis=0), np.repeat(y, weights), alpha=2.0, max_iter=500, tol=1e-10
    )
    for training in (weighted, repeated):
        training.train(LBFGS())
    # Each stops when the loss falls by less than 2e-9: an error of the root of that.
    np.testing.assert_allclose(weighted.network.theta, repeated.network.theta, atol=1e-3)


# ---- what is printed ----


def test_progress_is_printed_only_when_asked_for(capsys):
    X, y = data()
    prepare(X, y, max_iter=2).train(PLAIN)
    assert capsys.readouterr().out == ""
    outcome = prepare(X, y, max_iter=2, verbose=True).train(PLAIN)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"Iteration {number}, loss = {loss:.8f}"
        for number, loss in enumerate(outcome.loss_curve, start=1)
    ]


def test_a_stall_is_printed_in_scikit_learn_s_words(capsys):
    X, y = data()
    given = {"learning_rate_init": 1e-5, "n_iter_no_change": 1, "max_iter": 50, "verbose": True}
    prepare(X, y, schedule=Adaptive(), **given).train(SGD())
    out = capsys.readouterr().out
    assert re.search(
        r"Training loss did not improve more than tol=0.000100 for 1 consecutive epochs. "
        r"Setting learning rate to 0.000002\n",
        out,
    )
    assert "for 1 consecutive epochs. Stopping." in out


def test_lbfgs_reports_how_it_ended_and_counts_at_most_max_iter(monkeypatch):
    X, y = data(200, 5, 4)
    minimize = LBFGS.minimize

    def counting_one_more(self, *args, **kwargs):
        # As some versions of SciPy do.
        result = minimize(self, *args, **kwargs)
        result.nit += 1
        return result

    monkeypatch.setattr(LBFGS, "minimize", counting_one_more)
    outcome = prepare(X, y, (8,), max_iter=3).train(LBFGS())
    assert not outcome.converged
    assert outcome.n_iter == 3
    assert outcome.message.startswith("lbfgs stopped after ")


# ---- clipping ----


def test_a_long_gradient_is_scaled_down_to_the_norm():
    """A step of gradient descent is then as long as the rate times the norm."""
    X, y = digits()
    settings = {"solver": "sgd", "momentum": 0.0, "batch_size": "full", "max_iter": 1, "alpha": 0}
    start = brief(**settings, learning_rate_init=1e-300).fit(X, y)
    lengths = {}
    for clip_norm in (None, 1e-3, 0.1, 1e6):
        model = brief(**settings, learning_rate_init=1.0, clip_norm=clip_norm).fit(X, y)
        moves = [
            (a - b).ravel()
            for a, b in zip(model.coefs_ + model.intercepts_, start.coefs_ + start.intercepts_)
        ]
        lengths[clip_norm] = np.linalg.norm(np.concatenate(moves))
    assert_allclose(lengths[1e-3], 1e-3, rtol=1e-10)
    assert_allclose(lengths[0.1], 0.1, rtol=1e-10)
    assert lengths[None] == lengths[1e6] > 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_saves_a_fit_that_would_diverge(dtype):
    X, y = digits(dtype=dtype)
    y = 1e4 * y.astype(dtype)
    settings = {"solver": "sgd", "learning_rate_init": 1.0, "activation": "identity"}
    settings |= {"hidden_layer_sizes": (20,), "max_iter": 5}
    with pytest.raises(ValueError, match="non-finite"):
        brief(ScratchMLPRegressor, **settings).fit(X, y)
    model = brief(ScratchMLPRegressor, **settings, clip_norm=1.0).fit(X, y)
    assert np.isfinite(model.loss_)


def test_a_gradient_whose_squares_overflow_is_clipped_to_the_norm():
    X, y = np.full((4, 1), 1e15, np.float32), np.full(4, 1e15, np.float32)
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        init="zeros",
        alpha=0,
        max_iter=1,
        n_iter_no_change=None,
        learning_rate_init=1.0,
        clip_norm=0.5,
    ).fit(X, y)
    assert_allclose(abs(model.coefs_[0]), 0.5, rtol=1e-6)
