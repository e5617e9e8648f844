"""Weights of rows and of classes, from `fit` to the step: on mini-batches as on the whole."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.estimator_checks import (
    check_class_weight_classifiers,
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
)

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.initializers import Normal
from sknumpy_mlp.optimizers import Optimizer

from .common import KINDS, assert_same_weights, brief, digits, state_of

STEPPING = sorted(name for name, member in Optimizer.named().items() if member.takes_steps)


def unbalanced(kind="multiclass"):
    X, y = digits(kind)
    keep = np.r_[np.flatnonzero(y == 0), np.flatnonzero(y != 0)[:40]]
    return X[keep], y[keep]


@pytest.mark.parametrize("solver", [*STEPPING, "lbfgs"])
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 5.0, 3: 0.25}])
def test_a_class_weight_is_the_sample_weight_of_its_rows(solver, early_stopping, class_weight):
    X, y = unbalanced()
    settings = {"solver": solver, "early_stopping": early_stopping, "validation_fraction": 0.2}
    weighted = brief(class_weight=class_weight, **settings).fit(X, y)
    rows = compute_sample_weight(class_weight, y)
    # The two weights differ by rounding, which lbfgs makes visible.
    by_hand = brief(**settings).fit(X, y, sample_weight=rows)
    assert_same_weights(weighted, by_hand, atol=1e-7)
    assert abs(weighted.coefs_[0] - brief(**settings).fit(X, y).coefs_[0]).max() > 1e-6


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_labels_of_strings_are_named_in_the_dict(kind):
    X, y = digits(kind)
    names = np.array([f"class {number}" for number in range(10)])
    plain = brief(class_weight={0: 3.0}).fit(X, y)
    named = brief(class_weight={"class 0": 3.0}).fit(X, names[y])
    assert_same_weights(named, plain)


def test_class_and_sample_weights_multiply():
    X, y = unbalanced()
    given = np.linspace(0.5, 2, len(y))
    both = brief(class_weight={0: 0.5}).fit(X, y, sample_weight=given)
    product = brief().fit(X, y, sample_weight=given * np.where(y == 0, 0.5, 1.0))
    assert_same_weights(both, product, atol=1e-14)


def test_balanced_counts_rows_by_their_weight():
    """An integer weight is the same as repeating the row, for the balance as for the loss."""
    X, y = unbalanced("binary")
    repeats = 1 + np.arange(len(y)) % 3
    settings = {"class_weight": "balanced", "batch_size": "full", "shuffle": False}
    weighted = brief(**settings).fit(X, y, sample_weight=repeats)
    repeated = brief(**settings).fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    assert_same_weights(weighted, repeated, atol=1e-9)


def test_weights_act_between_mini_batches_as_on_the_whole():
    """Two classes in batches of their own: with weights normalised by batch they would cancel."""
    X = np.repeat([[0.0, 1.0], [1.0, 0.0]], 100, axis=0)
    y = np.repeat([0, 1], 100)
    settings = {
        "hidden_layer_sizes": (),
        "solver": "sgd",
        "momentum": 0.0,
        "shuffle": False,
        "batch_size": 100,
        "max_iter": 1,
        "alpha": 0,
        "init": "zeros",
        "learning_rate_init": 1.0,
    }
    plain = ScratchMLPClassifier(**settings, n_iter_no_change=None).fit(X, y)
    heavy = ScratchMLPClassifier(**settings, n_iter_no_change=None, class_weight={0: 3.0})
    heavy.fit(X, y)
    # The first batch's gradient at zero is (p - y) x = x / 2, times 3 over the mean weight of 2.
    assert_allclose(plain.coefs_[0][1], -0.5)
    assert_allclose(heavy.coefs_[0][1], -0.5 * 3 / 2)


def test_a_weight_of_zero_leaves_a_class_out():
    """The same sum over the rows that are left; the penalty is divided by the mean weight."""
    X, y = digits("binary")
    settings = {"batch_size": "full", "shuffle": False, "alpha": 0}
    without = brief(**settings, class_weight={1: 0.0}).fit(X, y)
    alone = brief(**settings).fit(X, y, sample_weight=(y == 0).astype(float))
    assert_same_weights(without, alone)


def test_partial_fit_takes_a_dict_and_goes_on_as_fit():
    X, y = digits()
    settings = {"class_weight": {0: 3.0, 7: 0.5}, "shuffle": False}
    parts = brief(**settings)
    for _ in range(4):
        parts.partial_fit(X, y, classes=np.arange(10))
    assert_same_weights(parts, brief(**settings).fit(X, y))


def test_partial_fit_refuses_balanced_and_says_why():
    X, y = digits()
    model = brief(class_weight="balanced")
    before = state_of(model)
    with pytest.raises(ValueError, match=r"class_weight must be a dict or None for partial_fit.*"):
        model.partial_fit(X, y, classes=np.arange(10))
    assert state_of(model) == before


@pytest.mark.parametrize(
    "wrong", ["balance", {0: -1.0}, {0: np.nan}, {0: np.inf}, {0: "1"}, [1.0], 2.0, {11: 1.0}]
)
def test_a_wrong_class_weight_is_told(wrong):
    X, y = digits()
    with pytest.raises(ValueError, match=re.escape(f"got {wrong!r}")) as error:
        brief(class_weight=wrong).fit(X, y)
    assert str(error.value).startswith("class_weight must be")


def test_several_labels_have_no_class_weights():
    X, Y = digits("multilabel")
    with pytest.raises(ValueError, match="class_weight must be None for a multilabel target"):
        brief(class_weight="balanced").fit(X, Y)


def test_weights_that_leave_no_row_are_refused():
    X, y = digits("binary")
    with pytest.raises(ValueError, match=r"not zero among the rows trained on"):
        brief(class_weight={0: 0.0, 1: 0.0}).fit(X, y)


def test_balanced_leaves_out_a_class_whose_rows_weigh_nothing():
    X, y = digits()
    rows = (y != 3).astype(float)
    model = brief(class_weight="balanced").fit(X, y, sample_weight=rows)
    assert np.isfinite(model.loss_)


def test_predictions_move_towards_the_heavy_class():
    rng = np.random.RandomState(0)
    X, y = rng.standard_normal((400, 2)), np.r_[np.zeros(380), np.ones(20)]
    X[380:] += 1
    settings = {"hidden_layer_sizes": (8,), "max_iter": 60, "learning_rate_init": 0.01}
    recalls = []
    for class_weight in (None, "balanced"):
        model = brief(**settings, class_weight=class_weight).fit(X, y)
        recalls.append(model.predict(X[380:]).mean())
    assert recalls[0] < 0.5 < recalls[1]
    weights = compute_class_weight("balanced", classes=np.array([0.0, 1.0]), y=y)
    as_dict = brief(**settings, class_weight=dict(zip([0.0, 1.0], weights))).fit(X, y)
    assert_same_weights(as_dict, model)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "sgd"])
@pytest.mark.parametrize(
    "check",
    [
        check_class_weight_classifiers,
        check_sample_weight_equivalence_on_dense_data,
        check_sample_weight_equivalence_on_sparse_data,
    ],
)
def test_scikit_learn_s_checks_of_weights_pass(check, solver):
    rate = {"learning_rate_init": 0.01} if solver != "lbfgs" else {}
    check(
        "ScratchMLPClassifier",
        ScratchMLPClassifier(solver=solver, class_weight="balanced", max_iter=50, **rate),
    )


# ---- sample weights ----


SOLVERS = sorted(Optimizer.named())


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_integer_weights_in_one_batch_are_repetitions(solver, kind):
    X, y = digits(kind)
    weights = np.random.RandomState(0).randint(0, 4, len(X))
    settings = {"solver": solver, "batch_size": "full", "alpha": 1.0, "shuffle": False}
    weighted = brief(max_iter=10, **settings).fit(X, y, sample_weight=weights)
    repeated = brief(max_iter=10, **settings).fit(
        np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0)
    )
    # Sums of other lengths round differently; L-BFGS magnifies that over its ten steps.
    assert_same_weights(weighted, repeated, atol=1e-7)
    assert_allclose(weighted.loss_, repeated.loss_, rtol=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("constant", [4.0, np.full(150, 0.25)])
def test_constant_weights_change_nothing(solver, constant):
    X, y = digits()
    settings = {"solver": solver, "batch_size": 40, "alpha": 0}
    # Powers of two: their mean, and the ratio to it, are exact.
    weighted = brief(**settings).fit(X, y, sample_weight=constant)
    assert_same_weights(weighted, brief(**settings).fit(X, y))


def gradient_descent(X, y, relative_weights, rate, batch_size, n_epochs):
    """Logistic regression from zero, by hand: the weighted mean is over the batch's rows."""
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(n_epochs):
        for start in range(0, len(X), batch_size):
            batch = slice(start, start + batch_size)
            error = relative_weights[batch] * (expit(X[batch] @ w + b) - y[batch]) / batch_size
            w, b = w - rate * X[batch].T @ error, b - rate * error.sum()
    return w, b


LINEAR = {
    "hidden_layer_sizes": (),
    "solver": "sgd",
    "momentum": 0,
    "nesterovs_momentum": False,
    "init": "zeros",
    "shuffle": False,
    "batch_size": 100,
    "alpha": 0,
}


def test_weights_that_are_constant_within_a_batch_still_count():
    X, y = digits("binary", n_samples=1000)
    weights = np.where(np.arange(1000) < 800, 1000.0, 1.0)
    weighted = brief(**LINEAR).fit(X, y, sample_weight=weights)
    w, b = gradient_descent(X, y, weights / weights.mean(), 0.01, 100, 4)
    # Forty steps, each rounded to some 1e-16.
    assert_allclose(weighted.coefs_[0][:, 0], w, atol=1e-13)
    assert_allclose(weighted.intercepts_[0], [b], atol=1e-13)
    plain = brief(**LINEAR).fit(X, y)
    assert abs(plain.coefs_[0] - weighted.coefs_[0]).max() > 1e-3


def test_batches_without_weight_are_passed_over():
    X, y = digits("binary", n_samples=1000)
    weights = np.where(np.arange(1000) < 400, 0.0, 1.0)
    model = brief(**LINEAR).fit(X, y, sample_weight=weights)
    w, b = gradient_descent(X[400:], y[400:], np.full(600, 1 / 0.6), 0.01, 100, 4)
    assert_allclose(model.coefs_[0][:, 0], w, atol=1e-13)
    assert_allclose(model.intercepts_[0], [b], atol=1e-13)
    assert np.isfinite(model.loss_curve_).all()


def test_batches_without_weight_make_no_step():
    X, y = digits(n_samples=1000)
    weights = np.where(np.arange(1000) < 400, 0.0, 1.0)
    settings = {"shuffle": False, "batch_size": 100, "alpha": 1.0, "epsilon": 1e-30}
    model = brief(**settings).fit(X, y, sample_weight=weights)
    # Without epsilon, Adam does not see that loss and penalty are both divided by a mean of 0.6;
    # its division of small numbers magnifies rounding.
    assert_same_weights(model, brief(**settings).fit(X[400:], y[400:]), atol=1e-8)


def test_partial_fit_divides_weights_by_their_running_mean():
    X, y = digits("binary", n_samples=200)
    model = brief(**LINEAR)
    model.partial_fit(X[:100], y[:100], np.full(100, 1.0), classes=[0, 1])
    model.partial_fit(X[100:], y[100:], np.full(100, 3.0))
    # The means are 1, then (1 + 3) / 2.
    relative = np.repeat([1.0, 1.5], 100)
    w, b = gradient_descent(X, y, relative, 0.01, 100, 1)
    assert_allclose(model.coefs_[0][:, 0], w, atol=1e-14)
    assert_allclose(model.intercepts_[0], [b], atol=1e-14)


def test_alpha_is_divided_by_the_mean_weight_of_all_calls():
    X, y = digits(n_samples=100)
    settings = {"solver": "sgd", "alpha": 100.0, "learning_rate_init": 0.1, "momentum": 0.0}

    def norm_after(weights):
        clf = brief(**settings, batch_size="full")
        for weight in weights:
            given = None if weight is None else np.full(len(y), weight)
            clf.partial_fit(X, y, sample_weight=given, classes=np.arange(10))
        return np.linalg.norm(clf.coefs_[0])

    # A weight of one is no weight.
    assert norm_after([1.0] * 10) == pytest.approx(norm_after([None] * 10), rel=1e-12)
    # Weights of a thousand leave little of alpha; calls without weights bring it back.
    assert norm_after([1000.0] * 10) > 2 * norm_after([None] * 10)
    assert norm_after([3.0] + [None] * 30) < norm_after([3.0] * 31)


def test_rows_without_weight_weigh_one_in_the_running_mean():
    X, y = digits()
    both = brief().partial_fit(X, y, classes=np.arange(10))
    both.partial_fit(X, y, sample_weight=np.full(len(y), 3.0))
    assert both._training.mean_weight == 2.0
    both.partial_fit(X, y)
    assert both._training.mean_weight == pytest.approx(5 / 3)


FIRST = np.r_[1.0, np.zeros(149)]


@pytest.mark.parametrize(
    ("class_weight", "sample_weight"),
    [
        ({0: 1e308, 1: 1e308}, None),
        ({0: 1e200, 1: 1e200}, 1e200),
        ({0: 5e-324, 1: 0}, None),
        (None, 5e-324 * FIRST),
        (None, 5e-324),
    ],
    ids=str,
)
def test_weights_whose_mean_training_cannot_use_are_refused(class_weight, sample_weight):
    X, y = digits("binary")
    model = brief(class_weight=class_weight)
    before = state_of(model)
    with pytest.raises(ValueError, match=r"sample_weight \(times class_weight.* must have a "):
        model.fit(X, y, sample_weight=sample_weight)
    assert state_of(model) == before


def test_a_running_sum_of_weights_that_overflows_is_refused():
    X, y = digits("binary")
    model = brief().partial_fit(X, y, classes=[0, 1], sample_weight=1e306)
    before = state_of(model)
    with pytest.raises(ValueError, match=r"over all calls of partial_fit.* must have a finite sum"):
        model.partial_fit(X, y, sample_weight=1e306)
    assert state_of(model) == before
    # Others are taken, and the weights move.
    model.partial_fit(X, y, sample_weight=1e305)
    assert state_of(model) != before


def test_held_out_weights_whose_sum_overflows_are_refused():
    X, y = digits("binary")
    model = brief(class_weight={0: 1e200, 1: 1.0})
    before = state_of(model)
    with pytest.raises(ValueError, match=r"finite sum over the rows held out"):
        model.fit(X, y, X_val=X, y_val=y, sample_weight_val=1e200)
    assert state_of(model) == before


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e300, 1e305])
@pytest.mark.parametrize("scoring", [None, "loss", "calibrated_loss"])
def test_only_the_ratios_of_held_out_weights_count_at_any_scale(scoring, scale):
    X, y = digits("binary")
    weights = np.ldexp(1.0, np.arange(len(y)) % 3)
    # The losses are larger than one: their products with the weights overflow.
    settings = {"scoring": scoring, "temperature_scaling": True, "init": Normal(scale=30.0)}
    given = {"X_val": X, "y_val": y}
    expected = brief(**settings).fit(X, y, sample_weight_val=weights, **given)
    model = brief(**settings).fit(X, y, sample_weight_val=scale * weights, **given)
    # Products with the scale are rounded.
    assert_allclose(model.validation_loss_curve_, expected.validation_loss_curve_, rtol=1e-12)
    assert_allclose(model.validation_scores_, expected.validation_scores_, rtol=1e-12)
    assert_allclose(model.temperature_, expected.temperature_, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e305])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0}])
def test_only_the_ratios_of_weights_count_at_any_scale(class_weight, scale):
    X, y = digits("binary")
    weights = 1.0 + np.arange(len(y)) % 3
    settings = {"alpha": 0.0, "class_weight": class_weight}
    expected = brief(**settings).fit(X, y, sample_weight=weights)
    model = brief(**settings).fit(X, y, sample_weight=scale * weights)
    # Products with the scale are rounded.
    assert_same_weights(model, expected, atol=1e-8)
