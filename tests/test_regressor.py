"""`ScratchMLPRegressor` against closed forms, other models, and what people build around it."""

import inspect
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import brentq
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import PoissonRegressor, QuantileRegressor, Ridge
from sklearn.metrics import mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.losses import Huber, Loss, Pinball
from sknumpy_mlp.optimizers import Optimizer

from .common import NONSENSE, assert_same_weights, state_of

LOSSES = Loss.serving("continuous")
SOLVERS = sorted(Optimizer.named())


def brief(loss="squared_error", hidden_layer_sizes=(8,), max_iter=4, **parameters):
    """A small network that trains all its epochs and never warns that they were few."""
    settings = {"learning_rate_init": 0.01, "n_iter_no_change": None, "random_state": 0}
    return ScratchMLPRegressor(loss, hidden_layer_sizes, max_iter=max_iter, **settings | parameters)


def numbers(n_samples=150, n_outputs=1, seed=0):
    """Inputs of size one, and positive numbers that depend on them."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 4))
    y = np.exp(0.3 * X @ rng.standard_normal((4, n_outputs)) + 0.1 * rng.standard_normal())
    return X, y[:, 0] if n_outputs == 1 else y


# ---- closed forms: a network that sees nothing predicts one number ----


def huber_center(y, delta):
    return brentq(lambda z: np.clip(z - y, -delta, delta).sum(), y.min(), y.max(), xtol=1e-14)


CENTERS = {
    "squared_error": np.mean,
    "poisson": np.mean,
    "absolute_error": np.median,
    "huber": lambda y: huber_center(y, 1.0),
    "pinball": np.median,
    Huber(delta=0.3): lambda y: huber_center(y, 0.3),
    Pinball(quantile=0.25): lambda y: np.quantile(y, 0.25),
    Pinball(quantile=0.9): lambda y: np.quantile(y, 0.9),
}


@pytest.mark.parametrize("loss", CENTERS, ids=str)
def test_without_information_the_prediction_is_the_center_that_the_loss_stands_for(loss):
    y = np.random.RandomState(0).exponential(2, 101)
    # The rate falls to zero, so that signs of residuals come to rest.
    model = brief(loss, (), 1500, learning_rate="cosine", learning_rate_init=0.1)
    model.set_params(batch_size="full").fit(np.zeros((101, 1)), y)
    # The last steps of the 1500 are some 1e-4 long.
    assert_allclose(model.predict([[0.0]]), CENTERS[loss](y), rtol=0, atol=1e-3)


def test_every_loss_has_its_closed_form_above():
    assert set(LOSSES) <= set(CENTERS)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "huber"])
def test_lbfgs_finds_the_center_of_smooth_losses_exactly(loss):
    y = np.random.RandomState(0).exponential(2, 101)
    model = brief(loss, (), 500, solver="lbfgs", tol=1e-9).fit(np.zeros((101, 1)), y)
    # lbfgs stops when the loss falls by less than 2e-9 of itself: its root away from the bottom.
    assert_allclose(model.predict([[0.0]]), CENTERS[loss](y), rtol=1e-4)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_center_of_weighted_rows_is_that_of_repeated_rows(n_outputs):
    y = np.random.RandomState(0).exponential(2, (31, n_outputs))
    times = np.random.RandomState(1).randint(0, 5, 31)
    for loss in LOSSES:
        model = brief(loss, (), 60, batch_size="full", shuffle=False)
        weighted = clone(model).fit(np.zeros((31, 1)), y.squeeze(), sample_weight=times)
        rows = np.repeat(np.arange(31), times)
        repeated = model.fit(np.zeros((len(rows), 1)), y[rows].squeeze())
        assert_same_weights(weighted, repeated, atol=1e-10)


# ---- other models ----


def test_no_hidden_layer_is_ridge_regression():
    X, y = numbers()
    model = brief("squared_error", (), 1000, solver="lbfgs", alpha=3.0, tol=1e-10).fit(X, y)
    reference = Ridge(alpha=3.0).fit(X, y)
    # Some 1e-9 of the loss above the bottom of a bowl of curvature one.
    assert_allclose(model.coefs_[0][:, 0], reference.coef_, atol=1e-4)
    assert_allclose(model.predict(X), reference.predict(X), atol=1e-3)


def test_several_columns_are_ridge_regression_too():
    """With lbfgs, value and gradient must belong together; D14 is where they do not."""
    X, y = numbers(n_outputs=3)
    model = brief("squared_error", (), 1000, solver="lbfgs", alpha=3.0, tol=1e-10).fit(X, y)
    assert_allclose(model.predict(X), Ridge(alpha=3.0).fit(X, y).predict(X), atol=1e-3)


def test_no_hidden_layer_is_poisson_regression():
    X, y = numbers()
    y = np.floor(3 * y)
    model = brief("poisson", (), 1000, solver="lbfgs", alpha=1.0, tol=1e-10).fit(X, y)
    reference = PoissonRegressor(alpha=1.0 / len(X), tol=1e-10, max_iter=1000).fit(X, y)
    assert_allclose(model.predict(X), reference.predict(X), rtol=1e-3)


@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.8])
def test_no_hidden_layer_is_quantile_regression(quantile):
    X, y = numbers()
    model = brief(
        Pinball(quantile=quantile), (), 1500, learning_rate="cosine", alpha=0, batch_size="full"
    )
    model.set_params(learning_rate_init=0.05).fit(X, y)
    reference = QuantileRegressor(quantile=quantile, alpha=0).fit(X, y)
    least = mean_pinball_loss(y, reference.predict(X), alpha=quantile)
    # A linear program finds the least loss; steps end within a thousandth of it.
    assert least * (1 - 1e-9) <= mean_pinball_loss(y, model.predict(X), alpha=quantile)
    assert mean_pinball_loss(y, model.predict(X), alpha=quantile) <= 1.001 * least


# ---- what the losses are for ----


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_a_quantile_covers_its_share_of_new_rows(quantile):
    """Where the spread depends on the input, which one shifted line cannot follow."""
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (4000, 1))
    y = np.sin(3 * X[:, 0]) + (1.2 + X[:, 0]) * rng.standard_normal(4000)
    model = brief(Pinball(quantile=quantile), (20,), 60, learning_rate="cosine")
    model.fit(X[:2000], y[:2000])
    new, covered = X[2000:, 0], y[2000:] <= model.predict(X[2000:])
    # Four standard errors of 1000 new rows, and as much for those that were learnt from.
    margin = 8 * np.sqrt(quantile * (1 - quantile) / 1000)
    for part in (new < 0, new >= 0):
        assert abs(covered[part].mean() - quantile) < margin


def test_outliers_pull_the_squared_error_only():
    X, y = numbers(200)
    outliers = np.where(np.arange(200) % 20 == 0, 100.0, y)
    errors = {
        loss: abs(
            brief(loss, max_iter=300, learning_rate_init=0.02).fit(X, outliers).predict(X) - y
        )
        for loss in ("squared_error", "huber", "absolute_error")
    }
    robust = max(np.median(errors["huber"]), np.median(errors["absolute_error"]))
    assert robust < 0.3 < 1 < np.median(errors["squared_error"])


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_diabetes(loss):
    X, y = load_diabetes(return_X_y=True)
    y = y / y.std()
    model = brief(loss, (16,), 25, batch_size=32, alpha=1.0).fit(scale(X)[:300], y[:300])
    # A linear model has 0.5 there; the mean has 0.
    assert model.score(scale(X)[300:], y[300:]) > 0.35


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_learns_with_every_loss(loss, solver):
    X, y = numbers()
    model = brief(loss, max_iter=60, solver=solver).fit(X, y)
    assert model.loss_ < 0.8 * first_loss(loss, X, y)


def first_loss(loss, X, y):
    """The loss of the weights that a fit starts with."""
    model = brief(loss, max_iter=1, learning_rate_init=1e-20, batch_size="full", alpha=0)
    return model.fit(X, y).loss_


def test_loss_of_several_columns_is_the_sum_of_half_squares():
    X, y = numbers(n_outputs=3)
    # The rate is too small to move a weight: the loss is that of the weights that come out.
    model = brief(max_iter=1, learning_rate_init=1e-20, batch_size="full", alpha=0).fit(X, y)
    expected = 0.5 * ((model.predict(X) - y) ** 2).sum(axis=1).mean()
    assert_allclose(model.loss_, expected, rtol=1e-12)


# ---- shapes and number types ----


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_input_decides_the_dtype_and_the_target_the_shape(loss, dtype, n_outputs):
    X, y = numbers(n_outputs=n_outputs)
    for target in (y, y.astype(np.float32), (9 * y).astype(np.uint8)):
        model = brief(loss).fit(X.astype(dtype), target)
        predicted = model.predict(X)
        assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
        assert predicted.dtype == dtype
        assert predicted.shape == y.shape
        assert model.n_outputs_ == n_outputs
        assert model.out_activation_ == ("exp" if loss == "poisson" else "identity")
        assert_allclose(model.score(X, target), r2_score(target, predicted), rtol=1e-12)


def test_predictions_are_those_of_the_formula():
    X, y = numbers(n_outputs=2)
    for loss, link in (("huber", lambda z: z), ("poisson", np.exp)):
        model = brief(loss, activation="tanh").fit(X, y)
        (W1, W2), (b1, b2) = model.coefs_, model.intercepts_
        assert_allclose(model.predict(X), link(np.tanh(X @ W1 + b1) @ W2 + b2), rtol=1e-13)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("loss", LOSSES)
def test_sparse_input_gives_the_model_of_dense(container, loss):
    X, y = numbers()
    X[abs(X) < 1] = 0
    model, dense = brief(loss).fit(container(X), y), brief(loss).fit(X, y)
    assert_same_weights(model, dense, atol=1e-10)
    assert_allclose(model.predict(container(X)), dense.predict(X), atol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_float32_gives_the_model_of_float64_but_for_rounding(loss):
    X, y = numbers()
    single = brief(loss, epsilon=0.01).fit(X.astype(np.float32), y)
    double = brief(loss, epsilon=0.01).fit(X, y)
    # Rounding of 6e-8 may turn the sign of a residual, one row in a batch of 150.
    assert_allclose(single.predict(X), double.predict(X), atol=1e-3)


# ---- going on ----


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_calls_of_partial_fit_are_the_epochs_of_a_fit(loss, n_outputs):
    X, y = numbers(n_outputs=n_outputs)
    settings = {"shuffle": False, "batch_size": 40}
    parts = brief(loss, **settings)
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y)))
    whole = brief(loss, **settings).fit(X, y)
    assert_same_weights(parts, whole)
    assert parts.loss_curve_ == whole.loss_curve_


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(brief(solver="lbfgs"), "partial_fit")


def test_an_unfitted_regressor_says_so():
    with pytest.raises(NotFittedError, match="not fitted yet"):
        brief().predict([[0.0]])


def test_a_fitted_model_is_hardly_larger_than_its_weights():
    X, y = numbers()
    model = brief("huber", (300, 100)).fit(X, y)
    weights = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
    assert len(pickle.dumps(model)) <= 1.1 * weights + 8192
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_same_seed_gives_the_same_bits(loss):
    X, y = numbers()
    one, other = (brief(loss, early_stopping=True).fit(X, y) for _ in range(2))
    assert state_of(one) == state_of(other)
    assert state_of(one.fit(X, y)) == state_of(other)


# ---- what is refused, and how it is told ----


@pytest.mark.parametrize("name", inspect.signature(ScratchMLPRegressor).parameters)
def test_a_wrong_value_is_told_with_parameter_rule_and_value(name):
    X, y = numbers(60)
    for value in NONSENSE:
        message = refusal(brief(**{name: value}), X, y)
        assert message.startswith(f"{name} must be ") and repr(value) in message


def refusal(model, X, y, method="fit"):
    """The message of a refusal, which must leave the estimator as it was."""
    before = state_of(model)
    with pytest.raises(ValueError) as error:
        getattr(model, method)(X, y)
    assert state_of(model) == before
    return str(error.value)


REFUSED = {
    "strings": (lambda y: np.array(["a"] * len(y)), "y must hold numbers, got dtype <U1"),
    "dates": (
        lambda y: np.full(len(y), "2020-01-01", "datetime64[D]"),
        "y must hold numbers, got dtype datetime64[D]",
    ),
    "complex": (lambda y: y + 1j, "Complex data not supported"),
    "words as objects": (lambda y: np.array(["a"] * len(y), object), "could not convert string"),
    "nan": (lambda y: np.where(y > 1, np.nan, y), "Input y contains NaN"),
    "infinity": (lambda y: np.where(y > 1, np.inf, y), "Input y contains infinity"),
    "too few": (lambda y: y[1:], "inconsistent numbers of samples"),
    "sparse": (lambda y: sparse.csr_matrix(np.c_[y, y]), "y must be a dense array, got csr_matrix"),
    "three dimensions": (lambda y: y[:, None, None], "dim 3"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("fitted", [False, True])
def test_a_target_that_is_not_of_numbers_is_refused(case, fitted):
    X, y = numbers()
    change, message = REFUSED[case]
    model = brief().fit(X, y) if fitted else brief()
    for method in ("fit", "partial_fit"):
        assert message in refusal(model, X, change(y), method)


def test_counts_below_zero_are_refused_by_poisson_only():
    X, y = numbers()
    y[7] = -0.25
    assert "y must be >= 0 with the loss Poisson(), got -0.25" in refusal(brief("poisson"), X, y)
    brief("squared_error").fit(X, y)


def test_losses_of_classes_are_refused_with_those_of_numbers():
    X, y = numbers()
    message = refusal(brief("log_loss"), X, y)
    assert f"loss must support continuous targets, as {LOSSES} do, got LogLoss(" in message
    message = refusal(brief("quantile"), X, y)
    assert "loss must be a Loss or one of" in message and "'pinball'" in message


@pytest.mark.parametrize(
    "wrong",
    [Huber(delta=0.0), Huber(delta=np.inf), Pinball(quantile=0.0), Pinball(quantile=1.0)],
    ids=repr,
)
def test_parameters_of_a_loss_obey_its_rule(wrong):
    X, y = numbers()
    (name,) = wrong.get_params()
    assert f"{name} of {type(wrong).__name__} must be a number in (0, " in refusal(
        brief(wrong), X, y
    )


def test_another_number_of_columns_is_refused_with_both_shapes():
    X, y = numbers(n_outputs=3)
    model = brief(warm_start=True).fit(X, y)
    for method in ("fit", "partial_fit"):
        for fewer in (y[:, :2], y[:, 0]):
            n_columns = fewer.shape[1] if fewer.ndim == 2 else 1
            message = refusal(model, X, fewer, method)
            assert "[4, 8, 3]" in message and f"[4, 8, {n_columns}]" in message


def test_a_target_too_large_for_float32_is_told_in_words():
    X, y = numbers()
    message = refusal(brief(), X.astype(np.float32), 1e39 * y)
    assert "y must hold no value too large for float32, the dtype of the network, got" in message


@pytest.mark.parametrize("dtype, huge", [(np.float32, 1e30), (np.float64, 1e200)])
def test_a_target_whose_square_overflows_is_named_as_what_diverged(dtype, huge):
    X, y = numbers()
    y[3] = -huge
    message = refusal(brief(), X.astype(dtype), y)
    assert message.startswith("Solver produced non-finite parameter weights.")
    assert f"the largest absolute target {huge:g}. Scale the target (" in message


def test_an_exponential_that_overflows_on_rows_held_out_is_the_worst_score():
    """Seeds differ in the rows that they hold out; one of those is made to overflow."""
    for seed in range(10):
        stream = np.random.RandomState(seed)
        # What a fit draws first: one weight between two bounds, and one bias.
        weight, _ = stream.uniform(-1, 1, size=2)
        _, held_out = train_test_split(np.arange(40), test_size=0.1, random_state=stream)
        X = np.random.RandomState(0).standard_normal((40, 1))
        X[held_out[0]] = 1e6 * np.sign(weight)
        model = brief("poisson", (), early_stopping=True, random_state=seed)
        assert model.fit(X, np.ones(40)).validation_scores_[0] == -np.inf
        assert np.isfinite(model.loss_)


# ---- inside what people build around it ----


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def scaled(**parameters):
    """The usual surroundings: input and target scaled."""
    network = make_pipeline(StandardScaler(), brief(max_iter=20, **parameters))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


class TestComposition:
    def test_scaled_targets_come_back_in_their_units(self, diabetes):
        X, y = diabetes
        assert cross_val_score(scaled(), X, y, cv=3).min() > 0.35
        by_hand = brief(max_iter=20).fit(scale(X), scale(y))
        predicted = by_hand.predict(scale(X)) * y.std() + y.mean()
        assert_allclose(scaled().fit(X, y).predict(X), predicted, rtol=1e-10)

    def test_nested_names_reach_the_loss(self, diabetes):
        X, y = diabetes
        grid = {"loss__quantile": [0.01, 0.5, 0.99]}
        search = GridSearchCV(brief(Pinball(), max_iter=20), grid, cv=3, error_score="raise")
        search.fit(scale(X), scale(y))
        assert search.best_params_ == {"loss__quantile": 0.5}
        assert search.best_estimator_.loss.quantile == 0.5

    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_workers_find_what_one_process_finds(self, diabetes, backend):
        X, y = diabetes
        grid = {
            "regressor__scratchmlpregressor__loss": ["huber", Huber(delta=0.1), "absolute_error"]
        }
        alone = GridSearchCV(scaled(), grid, cv=2).fit(X, y)
        with joblib.parallel_backend(backend, n_jobs=2):
            parallel = GridSearchCV(scaled(), grid, cv=2, n_jobs=2).fit(X, y)
        name = "mean_test_score"
        assert_array_equal(parallel.cv_results_[name], alone.cv_results_[name])

    def test_one_network_for_each_column_is_the_column_alone(self):
        X, y = numbers(n_outputs=3)
        several = MultiOutputRegressor(brief("huber")).fit(X, y)
        for k in range(3):
            assert_array_equal(several.predict(X)[:, k], brief("huber").fit(X, y[:, k]).predict(X))
        parts = MultiOutputRegressor(brief("huber"))
        for _ in range(2):
            parts.partial_fit(X, y)
        assert parts.predict(X).shape == (150, 3)

    def test_ensembles_train_with_weights_and_without(self, diabetes):
        X, y = scale(diabetes[0]), scale(diabetes[1])
        for ensemble in (BaggingRegressor, AdaBoostRegressor):
            model = ensemble(brief(max_iter=20), n_estimators=3, random_state=0)
            assert model.fit(X, y).score(X, y) > 0.35

    @pytest.mark.parametrize("as_frame", [pd.Series, lambda y: pd.DataFrame({"a": y, "b": 2 * y})])
    def test_frames_are_arrays_with_names(self, as_frame):
        X, y = numbers()
        frame = pd.DataFrame(X, columns=list("abcd"))
        model = brief().fit(frame, as_frame(y))
        assert model.feature_names_in_.tolist() == list("abcd")
        plain = brief().fit(X, np.asarray(as_frame(y)))
        assert_array_equal(model.predict(frame), plain.predict(X))

    def test_the_loss_is_shown_where_it_is_not_the_default(self):
        assert re.search(r"loss=Pinball\(quantile=0.9\)", repr(brief(Pinball(quantile=0.9))))
