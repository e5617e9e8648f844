"""What training keeps from call to call, what it forgets, and what it refuses to go on from."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.optimizers import Optimizer
from sknumpy_mlp.schedules import Schedule

from ..common import KINDS, assert_same_weights, digits, state_of

STEPPING = [name for name, member in Optimizer.named().items() if member.takes_steps]


def brief(**parameters):
    return ScratchMLPClassifier(
        **{"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 6, "n_iter_no_change": None}
        | parameters
    )


def in_parts(model, X, y, n_calls, between=lambda model: model):
    """Train by `partial_fit`, one epoch a call."""
    classes = None if y.ndim == 2 else np.unique(y)
    for _ in range(n_calls):
        model = between(model.partial_fit(X, y, classes=classes))
    return model


# ---- n calls of partial_fit are a fit of n epochs ----


@pytest.mark.parametrize("solver", STEPPING)
@pytest.mark.parametrize("learning_rate", sorted(Schedule.named()))
@pytest.mark.parametrize(
    "rows", [{"shuffle": False, "batch_size": 40}, {"batch_size": "full"}], ids=["in order", "full"]
)
def test_calls_of_partial_fit_are_the_epochs_of_a_fit(solver, learning_rate, rows):
    X, y = digits()
    settings = {"solver": solver, "learning_rate": learning_rate, "learning_rate_init": 0.01}
    whole = brief(**settings, **rows).fit(X, y)
    parts = in_parts(brief(**settings, **rows), X, y, 6)
    # In one batch the rows come in another order, which sums round differently.
    assert_same_weights(parts, whole, atol=0 if "shuffle" in rows else 1e-11)
    assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=0 if "shuffle" in rows else 1e-11)
    assert parts.t_ == whole.t_ == 6 * 150
    assert (parts.n_iter_, whole.n_iter_) == (1, 6)


@pytest.mark.parametrize("solver", STEPPING)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_partial_fit_survive_saving_in_between(solver, kind):
    X, y = digits(kind)
    settings = {"solver": solver, "learning_rate": "cosine", "shuffle": False, "batch_size": 40}
    parts = in_parts(brief(**settings), X, y, 6, lambda m: pickle.loads(pickle.dumps(m)))
    assert_same_weights(parts, brief(**settings).fit(X, y))


@pytest.mark.parametrize("n_iter_no_change", [1, 3])
def test_adaptive_rates_fall_in_partial_fit_as_in_fit(n_iter_no_change):
    X, y = digits()
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.5, "shuffle": False}
    settings |= {"n_iter_no_change": n_iter_no_change, "learning_rate_init": 0.1}
    parts = in_parts(brief(**settings), X, y, 6)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        whole = brief(**settings).fit(X, y)
    assert_same_weights(parts, whole)
    constant = in_parts(brief(**settings | {"learning_rate": "constant"}), X, y, 6)
    assert abs(parts.coefs_[0] - constant.coefs_[0]).max() > 1e-4


def test_partial_fit_trains_on_other_rows_in_each_call():
    X, y = digits(n_samples=300)
    model = in_parts(brief(), X[:150], y[:150], 1)
    model.partial_fit(X[150:], y[150:])
    again = in_parts(brief(), X[:150], y[:150], 2)
    assert abs(model.coefs_[0] - again.coefs_[0]).max() > 1e-5
    assert model.t_ == again.t_ == 300


def test_partial_fit_goes_on_from_fit_with_a_new_optimizer():
    X, y = digits()
    model = brief(shuffle=False).fit(X, y)
    other = copy.deepcopy(model).set_params(warm_start=True, max_iter=1).fit(X, y)
    kept = brief(shuffle=False, warm_start=True).fit(X, y).partial_fit(X, y)
    model.partial_fit(X, y)
    assert_same_weights(model, other)
    # With its moments Adam takes another step.
    assert abs(kept.coefs_[0] - model.coefs_[0]).max() > 1e-5
    assert len(model.loss_curve_) == 7


@pytest.mark.parametrize("solver", STEPPING)
@pytest.mark.parametrize("other", STEPPING)
def test_a_changed_solver_goes_on_from_the_weights_alone(solver, other):
    X, y = digits()
    model = in_parts(brief(solver=solver, shuffle=False), X, y, 2)
    anew = copy.deepcopy(model).set_params(solver=other, warm_start=True, max_iter=1).fit(X, y)
    model.set_params(solver=other).partial_fit(X, y)
    if solver != other:
        # One epoch of a new optimizer from these weights: the other's moments mean nothing to it.
        assert_same_weights(model, anew)
    else:
        assert abs(model.coefs_[0] - anew.coefs_[0]).max() > 1e-6


# ---- the random stream ----


def order_of_rows(model):
    """Each epoch's first row, told by which feature moves first."""
    X, y = np.eye(30), np.arange(30) % 2
    firsts = []
    for _ in range(6):
        before = model.coefs_[0].copy() if hasattr(model, "coefs_") else None
        model.partial_fit(X, y, classes=[0, 1])
        if before is not None:
            # The rate is spent on the first step alone; only its row's weights move.
            firsts.append(int(abs(model.coefs_[0] - before).sum(axis=1).argmax()))
    return firsts


def test_repeated_partial_fit_takes_the_rows_in_ever_new_orders():
    class OnlyFirstStep:
        """A rate for the first of each epoch's thirty steps."""

        calls = 0

        def __call__(self, t):
            self.calls += 1
            return 1.0 if self.calls % 30 == 1 else 0.0

    settings = {"solver": "sgd", "momentum": 0, "nesterovs_momentum": False, "alpha": 0}
    settings |= {"batch_size": 1, "hidden_layer_sizes": (), "learning_rate_init": 1.0}
    firsts = order_of_rows(brief(**settings, learning_rate=OnlyFirstStep()))
    assert len(set(firsts)) >= 4
    assert firsts == order_of_rows(brief(**settings, learning_rate=OnlyFirstStep()))
    unshuffled = brief(**settings, learning_rate=OnlyFirstStep(), shuffle=False)
    assert order_of_rows(unshuffled) == [0] * 5


def test_partial_fit_does_not_read_the_seed_again():
    X, y = digits()
    model = in_parts(brief(batch_size=30), X, y, 2)
    other = in_parts(brief(batch_size=30), X, y, 1).set_params(random_state=99)
    assert_same_weights(in_parts(other, X, y, 1), model)


# ---- fit forgets, warm starts remember ----


def test_fit_frees_the_moments_and_a_warm_one_keeps_them():
    X, y = digits()
    weights = sum(a.nbytes for a in brief().fit(X, y).coefs_)
    sizes = {
        warm: len(pickle.dumps(brief(warm_start=warm, hidden_layer_sizes=(300,)).fit(X, y)))
        for warm in (False, True)
    }
    weights = 8 * (64 * 300 + 300 * 10)
    assert sizes[False] < 1.1 * weights + 8192
    # Adam keeps two numbers for each weight.
    assert sizes[True] > 2.9 * weights


def test_a_warm_fit_keeps_weights_and_adds_to_the_curve():
    X, y = digits()
    model = brief(warm_start=True).fit(X, y)
    first = model.loss_curve_
    model.fit(X, y)
    assert model.loss_curve_[:6] == first
    assert len(model.loss_curve_) == 12
    assert model.n_iter_ == 6
    assert model.t_ == 12 * 150
    assert model.loss_curve_[6] < first[0]
    assert model.best_loss_ == min(model.loss_curve_)
    cold = brief().fit(X, y).fit(X, y)
    assert cold.loss_curve_ == first
    assert cold.t_ == 6 * 150


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_fit_has_all_its_patience(early_stopping):
    X, y = digits()
    settings = {"early_stopping": early_stopping, "validation_fraction": 0.3, "warm_start": True}
    # Nothing improves at this rate: patience of two is spent after four epochs, in every fit.
    model = brief(**settings, n_iter_no_change=2, learning_rate_init=1e-12, max_iter=20)
    model.fit(X, y)
    epochs = model.n_iter_
    assert 3 <= epochs <= 4
    for number in range(2, 5):
        model.fit(X, y)
        assert model.n_iter_ == epochs
        assert len(model.loss_curve_) == number * epochs
        if early_stopping:
            assert len(model.validation_scores_) == number * epochs
            assert model.best_validation_score_ == max(model.validation_scores_[-epochs:])


def test_a_warm_fit_keeps_the_dtype_of_its_network():
    X, y = digits(dtype=np.float32)
    model = brief(warm_start=True).fit(X, y)
    assert model.fit(X.astype(float), y).coefs_[0].dtype == np.float32


@pytest.mark.parametrize(
    "change",
    [{"hidden_layer_sizes": (7,)}, {"hidden_layer_sizes": (6, 6)}, {"hidden_layer_sizes": ()}],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_going_on_with_another_shape_names_both(change, method):
    X, y = digits()
    model = brief(warm_start=True).fit(X, y).set_params(**change)
    units = [64, *change["hidden_layer_sizes"], 10]
    with pytest.raises(ValueError) as error:
        getattr(model, method)(X, y)
    assert "hidden_layer_sizes" in str(error.value)
    assert "[64, 6, 10]" in str(error.value)
    assert str(units) in str(error.value)


@pytest.mark.parametrize("warm_start", [False, True])
def test_partial_fit_takes_rows_that_lack_a_class(warm_start):
    X, y = digits()
    few = y < 4
    model = brief(warm_start=warm_start).fit(X, y)
    model.partial_fit(X[few], y[few])
    assert_array_equal(model.classes_, np.arange(10))
    first = brief(warm_start=warm_start).partial_fit(X[few], y[few], classes=np.arange(10))
    assert first.partial_fit(X, y).predict_proba(X).shape == (150, 10)


def test_prediction_and_scoring_leave_the_state_alone():
    X, y = digits()
    model = in_parts(brief(), X, y, 2)
    before = state_of(model)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        getattr(model, method)(X)
    model.score(X, y)
    model.summary()
    assert state_of(model) == before


def test_training_leaves_its_input_alone():
    X, y = digits()
    weights = np.linspace(1, 2, 150)
    copies = X.copy(), y.copy(), weights.copy()
    for solver in (*STEPPING, "lbfgs"):
        model = brief(solver=solver).fit(X, y, sample_weight=weights)
        model.predict_proba(X)
    for array, copied in zip((X, y, weights), copies, strict=True):
        assert_array_equal(array, copied)


# ---- the feature scale ----


@pytest.mark.parametrize("between", [lambda m: m, lambda m: pickle.loads(pickle.dumps(m))])
def test_the_scale_goes_on_in_partial_fit_and_through_a_pickle(between):
    X, y = digits()
    settings = {"feature_scale": True, "shuffle": False}
    parts = brief(**settings)
    for _ in range(6):
        parts = between(parts.partial_fit(X, y, classes=np.arange(10)))
    whole = brief(**settings).fit(X, y)
    assert_same_weights(parts, whole)
    assert_array_equal(parts.feature_scale_, whole.feature_scale_)
    assert "feature scale" in whole.summary()


def test_a_refit_without_scale_forgets_it():
    X, y = digits()
    model = brief(feature_scale=True).fit(X, y)
    model.set_params(feature_scale=False).fit(X, y)
    assert not hasattr(model, "feature_scale_")
    assert_same_weights(model, brief().fit(X, y))


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_the_scale_cannot_come_or_go_while_training_goes_on(before, method):
    X, y = digits()
    model = brief(feature_scale=before, warm_start=True).fit(X, y)
    model.set_params(feature_scale=not before)
    held = state_of(model)
    with pytest.raises(ValueError, match=f"feature_scale must be {before}, as in .*, got"):
        getattr(model, method)(X, y)
    assert state_of(model) == held
