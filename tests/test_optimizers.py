import inspect

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from sknumpy_mlp.core.stepper import Stepper
from sknumpy_mlp.optimizers import LBFGS, SGD, Adam, AdamW, Momentum, Optimizer

from .families import all_examples, default

STEPPING = [each for each in all_examples(Optimizer, named=True) if each.takes_steps]
DEFAULTS = [default(cls) for cls in Optimizer.named().values() if cls.takes_steps]
RATES = [0.1, 0.1, 0.02, 0.3, 0.0, 0.05, 0.001, 0.1]
N_WEIGHTS = 5


# The textbook, one step after another in plain NumPy: (theta, weights mask) from all gradients.
def sgd(p, theta, steps, is_weight):
    v = 0
    for rate, g in steps:
        v = p["momentum"] * v - rate * g
        theta = theta + (p["momentum"] * v - rate * g if p["nesterovs_momentum"] else v)
    return theta


def momentum(p, theta, steps, is_weight):
    v, beta = 0, p["momentum"]
    for rate, g in steps:
        v = beta * v + (1 - beta) * g
        theta = theta - rate * v
    return theta


def rmsprop(p, theta, steps, is_weight):
    s = 0
    for rate, g in steps:
        s = p["rho"] * s + (1 - p["rho"]) * g**2
        theta = theta - rate * g / (np.sqrt(s) + p["epsilon"])
    return theta


def adagrad(p, theta, steps, is_weight):
    s = 0
    for rate, g in steps:
        s = s + g**2
        theta = theta - rate * g / (np.sqrt(s) + p["epsilon"])
    return theta


def adam(p, theta, steps, is_weight):
    m = v = 0
    for t, (rate, g) in enumerate(steps, start=1):
        theta = theta - rate * p.get("weight_decay", 0) * np.where(is_weight, theta, 0)
        m = p["beta_1"] * m + (1 - p["beta_1"]) * g
        v = p["beta_2"] * v + (1 - p["beta_2"]) * g**2
        m_hat, v_hat = m / (1 - p["beta_1"] ** t), v / (1 - p["beta_2"] ** t)
        # epsilon stands beside the root of the uncorrected v, as in scikit-learn.
        epsilon = p["epsilon"] / np.sqrt(1 - p["beta_2"] ** t)
        theta = theta - rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return theta


# A new optimizer needs its formula here.
TEXTBOOK = {
    "sgd": sgd,
    "momentum": momentum,
    "rmsprop": rmsprop,
    "adagrad": adagrad,
    "adam": adam,
    "adamw": adam,
}


def problem(n=12, dtype=np.float64):
    """Starting parameters, and rates with gradients of several sizes, one of them zero."""
    rng = np.random.RandomState(0)
    sizes = 10.0 ** rng.randint(-3, 3, size=n)
    gradients = [(sizes * rng.standard_normal(n)).astype(dtype) for _ in RATES]
    for g in gradients:
        g[0] = 0
    return rng.standard_normal(n).astype(dtype), list(zip(RATES, gradients))


def run(optimizer, theta, steps, n_weights=N_WEIGHTS):
    """Take the steps; return parameters and state."""
    theta, grad = theta.copy(), np.empty_like(theta)
    state = optimizer.start(theta)
    stepper = Stepper(optimizer, theta, grad, n_weights, state)
    for rate, g in steps:
        grad[:] = g
        stepper.step(rate)
    return theta, state


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_steps_are_those_of_the_textbook(optimizer):
    theta, steps = problem()
    is_weight = np.arange(len(theta)) < N_WEIGHTS
    expected = TEXTBOOK[optimizer.name](optimizer.get_params(), theta, steps, is_weight)
    # Roundings of eight steps.
    np.testing.assert_allclose(run(optimizer, theta, steps)[0], expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("optimizer", DEFAULTS, ids=repr)
def test_a_long_vector_moves_as_each_of_its_pieces(optimizer):
    # Longer than any block that fits a cache, and no multiple of one.
    theta, steps = problem(n=100_003)
    whole, state = run(optimizer, theta, steps, n_weights=70_000)
    for piece in (slice(0, 10), slice(16_380, 16_390), slice(60_000, 70_000), slice(99_990, None)):
        n_weights = max(0, min(len(theta[piece]), 70_000 - piece.start))
        pieces = [(rate, g[piece]) for rate, g in steps]
        part, part_state = run(optimizer, theta[piece], pieces, n_weights)
        # BLAS may round a multiply-add once within a vector and twice at its end: a few units in
        # the last place in each of the steps.
        close = {"rtol": 1e-13, "atol": 1e-15}
        np.testing.assert_allclose(part, whole[piece], **close)
        for name in optimizer.moments:
            np.testing.assert_allclose(part_state[name], state[name][piece], **close)


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
@pytest.mark.parametrize("rate_type", [float, np.float64])
def test_float32_stays_float32_and_close_to_float64(optimizer, rate_type):
    theta, steps = problem(dtype=np.float32)
    moved, state = run(optimizer, theta, [(rate_type(rate), g) for rate, g in steps])
    assert moved.dtype == np.float32
    assert [state[name].dtype for name in optimizer.moments] == [np.float32] * len(
        optimizer.moments
    )
    exact, _ = run(optimizer, theta.astype(float), [(rate, g.astype(float)) for rate, g in steps])
    # Roundings of eight steps, relative to the size of the steps.
    scale = max(1, np.abs(exact).max())
    np.testing.assert_allclose(moved, exact, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("optimizer", DEFAULTS, ids=repr)
def test_state_holds_a_vector_of_zeros_for_each_moment_that_update_takes(optimizer):
    theta = np.ones(3, np.float32)
    state = optimizer.start(theta)
    assert set(state) == {"t", *optimizer.moments}
    assert state["t"] == 0
    for name in optimizer.moments:
        assert state[name].dtype == theta.dtype
        np.testing.assert_array_equal(state[name], np.zeros(3))
        assert not np.shares_memory(state[name], theta)
    taken = list(inspect.signature(optimizer.update).parameters)
    assert tuple(taken[-len(optimizer.moments) :]) == optimizer.moments


@pytest.mark.parametrize("optimizer", DEFAULTS, ids=repr)
def test_a_state_goes_on_where_it_was_left(optimizer):
    theta, steps = problem()
    expected, expected_state = run(optimizer, theta, steps)
    moved, state = run(optimizer, theta, steps[:3])
    grad = np.empty_like(theta)
    stepper = Stepper(optimizer, moved, grad, N_WEIGHTS, state)
    for rate, g in steps[3:]:
        grad[:] = g
        stepper.step(rate)
    np.testing.assert_array_equal(moved, expected)
    assert state["t"] == expected_state["t"] == len(steps)


@pytest.mark.parametrize("optimizer", STEPPING, ids=repr)
def test_the_object_that_the_user_wrote_never_changes(optimizer):
    before = {**vars(optimizer)}
    run(optimizer, *problem())
    assert vars(optimizer) == before


@pytest.mark.parametrize("optimizer", DEFAULTS, ids=repr)
def test_a_gradient_of_zero_moves_nothing_but_decayed_weights(optimizer):
    theta = np.linspace(1, 2, 12)
    moved, _ = run(optimizer, theta, [(0.1, np.zeros(12))] * 3)
    shrinking = getattr(optimizer, "weight_decay", 0)
    np.testing.assert_array_equal(moved[N_WEIGHTS:], theta[N_WEIGHTS:])
    expected = theta[:N_WEIGHTS] * (1 - 0.1 * shrinking) ** 3
    np.testing.assert_allclose(moved[:N_WEIGHTS], expected, rtol=1e-15)


def test_adamw_shrinks_weights_only_and_by_rate_times_decay():
    theta = np.ones(8)
    moved, _ = run(AdamW(weight_decay=0.25), theta, [(0.5, np.zeros(8))], n_weights=3)
    np.testing.assert_array_equal(moved, [0.875] * 3 + [1.0] * 5)


def test_adamw_without_decay_is_adam():
    theta, steps = problem()
    adamw, adam = (run(each, theta, steps)[0] for each in (AdamW(weight_decay=0.0), Adam()))
    np.testing.assert_array_equal(adamw, adam)


def test_the_first_step_of_adam_is_the_rate_times_the_sign():
    # With epsilon far below the gradient, whatever the gradient's size.
    g = np.array([-1e3, -1.0, 1e-3, 1e6])
    moved, _ = run(Adam(epsilon=1e-20), np.zeros(4), [(0.1, g)])
    np.testing.assert_allclose(moved, -0.1 * np.sign(g), rtol=1e-14)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_averaged_momentum_is_sgd_at_a_rate_smaller_by_one_minus_beta(beta):
    theta, steps = problem()
    steps = [(0.1, g) for _, g in steps]
    averaged, _ = run(Momentum(momentum=beta), theta, steps)
    summed, _ = run(
        SGD(momentum=beta, nesterovs_momentum=False),
        theta,
        [((1 - beta) * rate, g) for rate, g in steps],
    )
    np.testing.assert_allclose(averaged, summed, rtol=1e-12)


def test_sgd_without_momentum_is_gradient_descent():
    theta, steps = problem()
    for nesterov in (True, False):
        moved, _ = run(SGD(momentum=0.0, nesterovs_momentum=nesterov), theta, steps)
        expected = theta - sum(rate * g for rate, g in steps)
        np.testing.assert_allclose(moved, expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", DEFAULTS, ids=repr)
def test_steps_go_downhill_to_the_minimum_of_a_parabola(optimizer):
    theta = np.array([3.0, -2.0])
    grad, state = np.empty_like(theta), optimizer.start(theta)
    stepper = Stepper(optimizer, theta, grad, 0, state)
    for step in range(2000):
        grad[:] = theta - 1
        stepper.step(0.5 * 0.995**step)
    np.testing.assert_allclose(theta, 1, atol=1e-2)


def rosenbrock(theta):
    return rosen(theta), rosen_der(theta)


def test_lbfgs_finds_the_minimum_of_rosenbrock_s_function_as_scipy_does():
    start = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
    result = LBFGS().minimize(rosenbrock, start, max_iter=500, tol=1e-8)
    # SciPy stops once the value falls by less than 2e-9: an error of the root of that.
    np.testing.assert_allclose(result.x, 1, atol=1e-3)
    options = {"maxiter": 500, "maxfun": 15000, "gtol": 1e-8}
    scipy_s = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options=options)
    np.testing.assert_array_equal(result.x, scipy_s.x)
    assert result.nit == scipy_s.nit


def test_lbfgs_stops_at_its_limits():
    start = np.array([-1.2, 1.0])
    few = LBFGS().minimize(rosenbrock, start, max_iter=3, tol=1e-8)
    assert few.status != 0
    assert few.nit <= 4
    calls = []

    def counted(theta):
        calls.append(theta)
        return rosenbrock(theta)

    LBFGS(max_fun=5).minimize(counted, start, max_iter=500, tol=1e-8)
    # SciPy ends the line search that it is in: at most 20 evaluations more.
    assert 5 <= len(calls) <= 25


def test_lbfgs_alone_takes_no_steps():
    assert [n for n, cls in Optimizer.named().items() if not cls.takes_steps] == ["lbfgs"]


def test_adam_and_lbfgs_alone_ignore_scikit_learn_s_schedules():
    ignoring = {name for name, cls in Optimizer.named().items() if not cls.follows_sgd_schedules}
    assert ignoring == {"adam", "lbfgs"}
