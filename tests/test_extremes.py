"""No overflow, no nan: inputs, scores and weights at the limits of their numbers."""

import re

import numpy as np
import pytest
from scipy import sparse

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.core import engines
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import Optimizer

from .common import KINDS, assert_same_weights, brief, digits, refusal, state_of

SOLVERS = sorted(Optimizer.named())
ACTIVATIONS = sorted(Activation.named())
LOSSES = Loss.serving("multiclass")


def assert_sound(model, X):
    """Everything that the model says is a number, and probabilities are some."""
    assert np.isfinite(model.loss_)
    assert all(np.isfinite(array).all() for array in model.coefs_ + model.intercepts_)
    P = model.predict_proba(X)
    assert P.min() >= 0 and P.max() <= 1
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert np.isfinite(model.decision_function(X)).all()
    assert set(np.ravel(model.predict(X))) <= {*model.classes_.tolist(), 0, 1}


# ---- hard inputs; warnings are errors in this test run ----


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_of_ten_thousand_give_numbers(activation, loss, kind, dtype):
    X, y = digits(kind, dtype=dtype)
    X = 2e4 * X - 1e4
    model = brief(activation=activation, loss=loss).fit(X, y)
    assert_sound(model, X)
    assert_sound(model.partial_fit(-X, y), X)


@pytest.mark.parametrize("solver", [s for s in SOLVERS if s not in ("sgd", "momentum")])
@pytest.mark.parametrize("learning_rate", ["constant", "cosine"])
def test_every_scaling_solver_trains_on_inputs_of_ten_thousand(solver, learning_rate):
    if solver == "lbfgs":
        # It chooses its own step lengths; schedules of steps are refused.
        learning_rate = "constant"
    X, y = digits()
    model = brief(solver=solver, learning_rate=learning_rate).fit(1e4 * X, y)
    assert_sound(model, 1e4 * X)


EDGES = {
    "equal columns": (np.full((12, 3), 1e4), np.arange(12) % 3),
    "zeros": (np.zeros((12, 3)), np.arange(12) % 3),
    "tiny numbers": (np.full((12, 3), 1e-310), np.arange(12) % 2),
    "one row": (np.array([[1.0, -2.0]]), np.array([1])),
    "one feature": (np.linspace(-1e4, 1e4, 12)[:, None], np.arange(12) % 2),
    "one row and feature": (np.array([[3.0]]), np.array([0])),
    "one class": (np.eye(12), np.ones(12, int)),
    "one label for all": (np.eye(12), np.ones((12, 3), int)),
    "no label at all": (np.eye(12), np.vstack([np.eye(3, dtype=int), np.zeros((9, 3), int)])),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_data_at_the_edge_gives_numbers(edge, solver, container):
    X, y = EDGES[edge]
    if solver in ("sgd", "momentum"):
        # Their steps grow with the inputs: at 1e4 they may diverge, which is told in words.
        X = X / max(1, abs(X).max())
    for loss in LOSSES:
        for hidden in ((6,), ()):
            model = brief(solver=solver, loss=loss, hidden_layer_sizes=hidden)
            assert_sound(model.fit(container(X), y), container(X))


# scikit-learn wonders whether a target of so many classes is meant for regression.
@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize("loss", LOSSES)
def test_ten_thousand_classes_give_numbers(loss):
    y = np.arange(0, 10_000, 20)
    X = np.random.RandomState(0).randn(500, 2)
    model = brief(loss=loss, hidden_layer_sizes=(2,)).partial_fit(X, y, classes=np.arange(10_000))
    P = model.predict_proba(X[:20])
    assert P.shape == (20, 10_000)
    # Ten thousand terms, each rounded to some 1e-16 of itself.
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert np.isfinite(model.loss_)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_of_a_million_give_numbers(loss, kind):
    X, y = digits(kind)
    model = brief(loss=loss).fit(X, y)
    model.coefs_[-1] = 1e6 * model.coefs_[-1]
    P = model.predict_proba(X)
    assert P.min() >= 0 and P.max() <= 1
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert np.isfinite(model.partial_fit(X, y).loss_)


# ---- divergence ----


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("options", [{}, {"shuffle": False}, {"learning_rate": "cosine"}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_divergence_is_told_at_the_end_of_its_epoch(container, early_stopping, options, dtype):
    X, y = digits(dtype=dtype)
    model = brief(solver="sgd", learning_rate_init=1e30, activation="identity", batch_size=20)
    model.set_params(max_iter=100, early_stopping=early_stopping, validation_fraction=0.3)
    model.set_params(**options)
    with pytest.raises(ValueError) as error:
        model.fit(container(-2.5 * X), y)
    message = str(error.value)
    assert message.startswith("Solver produced non-finite parameter weights. It happened ")
    # Six steps an epoch, each multiplies the weights by some 1e30: past 1e308 within two epochs.
    assert re.search(r"in epoch [12] at a learning rate of (1e\+30|9\.99\d*e\+29)", message)
    assert "the largest absolute input is 2.5" in message
    # Inputs of 2.5 need no scale.
    assert message.endswith(". Lower learning_rate_init, or start from smaller weights (init).")


def test_divergence_names_its_epoch_and_the_rate_that_was():
    X, y = digits()

    def rate(t):
        # Eight epochs are planned; the fourth begins when three eighths are done.
        return 1e300 if t >= 3 / 8 else 1e-3

    model = brief(solver="sgd", learning_rate=rate, learning_rate_init=0.5, max_iter=8)
    with pytest.raises(ValueError, match=r"in epoch 4 at a learning rate of 5e\+299;"):
        model.set_params(batch_size=20).fit(X, y)


def test_lbfgs_tells_divergence_too():
    X, y = digits()
    model = brief(solver="lbfgs", activation="identity", hidden_layer_sizes=(5, 5, 5), alpha=1e308)
    model.set_params(warm_start=True)
    try:
        model.fit(1e150 * X, y)
    except ValueError as error:
        assert str(error).startswith("Solver produced non-finite parameter weights.")
    else:
        assert all(np.isfinite(W).all() for W in model.coefs_)


# ---- data at the edge, and divergence ----


def test_lbfgs_that_diverges_says_so():
    X, y = digits()
    clf = ScratchMLPClassifier((5,), solver="lbfgs", random_state=0)
    with pytest.raises(ValueError, match=r"^Solver produced non-finite .* iterations of lbfgs"):
        clf.fit(X * 1e200, y)


def test_an_infinite_loss_is_divergence_though_weights_are_finite():
    X, y = digits()
    clf = brief(learning_rate_init=1e-30)
    with pytest.raises(ValueError, match="non-finite"):
        clf.fit(X * 1e307, y)


# ---- predictions that overflow ----

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.fixture(params=["installed", "numpy"])
def engine(request, monkeypatch):
    """The engine of predictions: the compiled one where it is installed, and NumPy."""
    if request.param == "numpy":
        monkeypatch.setattr(engines, "missing", lambda network, loss: "NumPy is wanted")


def with_a_huge_row(X, row, size):
    """The rows, one of which overflows in a sum of several columns."""
    X = X.copy()
    X[row] = size * np.where(np.arange(X.shape[1]) % 2, 1.0, -0.5)
    return X


@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array])
@pytest.mark.parametrize("options", [{}, {"members": 2}, {"loss": "binary_log_loss"}])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype, size", [(np.float32, 3e38), (np.float64, 1.5e308)])
def test_predictions_that_overflow_name_their_first_row(
    engine, dtype, size, kind, options, container
):
    X, y = digits(kind, dtype=dtype)
    model = brief(activation="identity", **options).fit(X, y)
    huge = container(with_a_huge_row(with_a_huge_row(X, 90, size), 7, size))
    expected = (
        "X must hold rows whose predictions are finite, but that of row 7 overflows; its largest "
        f"absolute input is {size:g}. Scale X as in fit (StandardScaler, MinMaxScaler)."
    )
    before = state_of(model)
    for name in METHODS:
        # Also where the user wants an exception for each overflow of NumPy's.
        with np.errstate(all="raise"):
            assert refusal(lambda name=name: getattr(model, name)(huge)) == expected
    assert state_of(model) == before
    assert_sound(model, X)


def test_rows_are_counted_from_the_first_of_all_chunks(engine):
    X, y = digits()
    model = brief(activation="identity").fit(X, y)
    many = np.tile(X, (200, 1))
    assert "that of row 29000 overflows" in refusal(
        lambda: model.predict(with_a_huge_row(many, 29_000, 1.5e308))
    )


def test_counts_beyond_the_largest_number_are_refused(engine):
    X = np.array([[-1.0], [0.0], [1.0]])
    model = ScratchMLPRegressor.from_weights([[[300.0]]], [[0.0]], loss="poisson")
    np.testing.assert_allclose(model.predict(2 * X).ravel(), np.exp([-600, 0, 600]))
    message = refusal(lambda: model.predict(3 * X))
    assert "that of row 2 overflows; its largest absolute input is 3." in message
    with np.errstate(all="raise"):
        assert model.predict(-3 * X[2:]).tolist() == [0.0]


def test_inputs_without_an_end_are_predicted_where_activations_have_one(engine):
    X, y = digits()
    X -= X.mean(axis=0)
    model = brief(activation="tanh").fit(X, y)
    for name in METHODS:
        with np.errstate(all="raise"):
            answer = getattr(model, name)
            np.testing.assert_array_equal(answer(1e305 * X), answer(1e10 * X))


def test_logarithms_beyond_the_largest_number_are_refused(engine):
    """Scores of 1e308 and -1e308 are numbers, but their difference is none."""
    weights = [[[1.0, -1.0, 0.0]]]
    model = ScratchMLPClassifier.from_weights(weights, [[0.0] * 3], [0, 1, 2])
    X = np.array([[1.0], [1e308]])
    assert model.predict(X).tolist() == [0, 0]
    assert model.predict_proba(X)[1].tolist() == [1, 0, 0]
    assert "that of row 1 overflows" in refusal(lambda: model.predict_log_proba(X))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_replaced_weights_that_are_not_finite_are_named(engine, value):
    X, y = digits()
    model = brief().fit(X, y)
    model.coefs_[0][3] = value
    assert "weights of the network must be finite" in refusal(lambda: model.predict(X))


@pytest.mark.parametrize("engine_of_fits", ["numpy", "auto"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_user_s_own_error_state_ends_no_fit(engine_of_fits, activation):
    X, y = digits(n_samples=60)
    X = 60 * X - 30
    fits = []
    for state in ("warn", "raise"):
        with np.errstate(all=state, under="ignore" if state == "warn" else "raise"):
            model = brief(activation=activation, engine=engine_of_fits, early_stopping=True)
            model.set_params(temperature_scaling=True, validation_fraction=0.3)
            fits.append(model.fit(X, y % 2))
            assert_sound(model, X)
    assert_same_weights(*fits)
