"""When training ends, and which epoch's parameters it ends with."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp.core.state import TrainingState
from sknumpy_mlp.core.stopping import Patience
from sknumpy_mlp.optimizers import SGD, Adam
from sknumpy_mlp.schedules import Adaptive, Warmup

from ..common import KINDS, assert_same_weights, brief, digits, halves
from .runs import data, prepare


@pytest.mark.parametrize("n_iter_no_change", [1, 3])
def test_patience_ends_training_when_scikit_learn_s_does(n_iter_no_change):
    X, y = data()
    # At this rate no epoch improves the loss by tol.
    given = {"learning_rate_init": 1e-12, "n_iter_no_change": n_iter_no_change, "max_iter": 50}
    outcome = prepare(X, y, **given).train(SGD())
    theirs = MLPClassifier((), solver="sgd", **given).fit(X, y)
    assert outcome.converged
    # One epoch to set the mark, then one more than n_iter_no_change without improvement.
    assert outcome.n_iter == theirs.n_iter_ == n_iter_no_change + 2


@pytest.mark.parametrize("n_iter_no_change", [None, np.inf])
def test_without_patience_training_runs_all_epochs(n_iter_no_change):
    X, y = data()
    training = prepare(
        X, y, learning_rate_init=1e-12, n_iter_no_change=n_iter_no_change, max_iter=30
    )
    outcome = training.train(SGD())
    assert outcome.n_iter == 30
    assert not outcome.converged
    assert "Maximum iterations (30) reached" in outcome.message


def test_adaptive_goes_on_at_a_fifth_of_the_rate_until_it_is_a_millionth():
    X, y = data()
    given = {"learning_rate_init": 1e-4, "n_iter_no_change": 2, "max_iter": 200, "tol": 1.0}
    training = prepare(X, y, schedule=Adaptive(), **given)
    outcome = training.train(SGD())
    # 1e-4, 2e-5, 4e-6 go on; 8e-7 ends it.
    assert training.state.clock.plateaus == 3
    theirs = MLPClassifier((), solver="sgd", learning_rate="adaptive", **given).fit(X, y)
    assert outcome.converged
    assert outcome.n_iter == theirs.n_iter_


def scripted(scores):
    """A score that follows a script and keeps the network that each entry belongs to."""
    left, kept = list(scores), []

    def score(raw):
        kept.append(score.training.network.theta.copy())
        return left.pop(0)

    return score, kept


def scored(scores, **settings):
    X, y = data()
    score, kept = scripted(scores)
    training = prepare(
        X, y, (4,), 8, score=score, max_iter=len(scores), **{"early_stopping": True} | settings
    )
    score.training = training
    return training, training.train(Adam()), kept


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.1, 0.9, 0.5, 0.7], 1), ([0.1, 0.2, 0.3, 0.4], 3), ([0.5, 0.5, 0.5], 0), ([0.0, -1.0], 0)],
)
def test_the_first_best_network_by_score_is_kept(scores, best):
    training, outcome, kept = scored(scores)
    assert outcome.scores == scores
    np.testing.assert_array_equal(training.network.theta, kept[best])
    for earlier, later in pairwise(kept):
        assert not np.array_equal(earlier, later)


def test_the_best_network_is_kept_by_value_on_the_same_views():
    training, _, kept = scored([0.9, 0.5, 0.1])
    network = training.network
    assert np.shares_memory(network.layers[0].W, network.theta)
    np.testing.assert_array_equal(network.theta, kept[0])
    # Training on goes on from the best network, with no second owner of its array.
    training.fit.held_out = []
    training.train(Adam(), n_epochs=1)
    assert not np.array_equal(network.theta, kept[0])


def test_patience_counts_epochs_whose_score_does_not_improve():
    _, outcome, _ = scored([0.5, 0.6, 0.6, 0.6, 0.6, 0.6], n_iter_no_change=2, tol=1e-4)
    assert outcome.n_iter == 5
    assert outcome.converged


def test_one_member_that_improves_is_enough_to_go_on():
    fit = SimpleNamespace(
        plan=SimpleNamespace(tol=0.1, n_iter_no_change=1), state=TrainingState(None)
    )
    patience = Patience(fit, "score")
    scores = [(0.5, 0.5), (0.7, 0.1), (0.1, 0.8), (0.75, 0.85), (0.79, 0.89), (0.9, 0.0)]
    # Less than tol above the best of its own counts as no improvement; two of these end it.
    assert [patience.runs_out(each) for each in scores] == [False] * 4 + [True, False]
    assert fit.state.best == [0.9, 0.89]


def test_warmup_around_adaptive_survives_plateaus():
    X, y = data()
    given = {"learning_rate_init": 1e-5, "n_iter_no_change": 1, "max_iter": 100}
    training = prepare(X, y, schedule=Warmup(fraction=0.1, then="adaptive"), **given)
    training.train(SGD())
    assert training.state.clock.plateaus >= 1


# ---- the best epoch of an estimator ----


def scripted_scorer(scores):
    left = list(scores)
    return lambda estimator, X, y: left.pop(0)


@pytest.mark.parametrize(
    ("best_of_ties", "best"), [("first", 2), ("last", 4)], ids=["first", "last"]
)
@pytest.mark.parametrize("restore_best", [True, False])
def test_the_best_epoch_is_kept_unless_told_otherwise(best_of_ties, best, restore_best):
    X, y, X_val, y_val = halves()
    scores = [0.1, 0.9, 0.5, 0.9, 0.2]
    model = brief(
        max_iter=5,
        early_stopping=True,
        scoring=scripted_scorer(scores),
        best_of_ties=best_of_ties,
        restore_best=restore_best,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.validation_scores_ == scores
    assert (model.best_iter_, model.best_validation_score_) == (best, 0.9)
    assert_same_weights(model, brief(max_iter=best if restore_best else 5).fit(X, y))


def test_the_best_weights_are_kept_by_value():
    """Training on does not change what an earlier fit of a copy returned."""
    X, y, X_val, y_val = halves()
    model = brief(early_stopping=True, warm_start=True, scoring=scripted_scorer([0.9] + [0.1] * 15))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    kept = model.coefs_[0].copy()
    alias = model.coefs_[0]
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(alias, kept)
    assert abs(model.coefs_[0] - kept).max() > 1e-4


def test_a_score_that_is_no_number_is_never_best():
    X, y, X_val, y_val = halves()
    scores = [np.nan, 0.5, np.nan, 0.4, np.nan]
    model = brief(max_iter=5, early_stopping=True, scoring=scripted_scorer(scores))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.best_iter_ == 2
    assert_same_weights(model, brief(max_iter=2).fit(X, y))


@pytest.mark.parametrize("nothing", [np.nan, -np.inf])
def test_where_no_epoch_has_a_score_the_first_is_best(nothing):
    X, y, X_val, y_val = halves()
    model = brief(max_iter=3, early_stopping=True, scoring=scripted_scorer([nothing] * 3))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.best_iter_ == 1
    assert_same_weights(model, brief(max_iter=1).fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_early_stopping_keeps_the_best_weights(kind):
    X, y = digits(kind)
    settings = {"early_stopping": True, "validation_fraction": 0.3, "learning_rate_init": 0.1}
    model = brief(max_iter=30, **settings).fit(X, y)
    best = int(np.argmax(model.validation_scores_))
    assert best < 29
    assert model.best_validation_score_ == model.validation_scores_[best]
    assert model.best_loss_ is None
    assert_same_weights(model, brief(max_iter=best + 1, **settings).fit(X, y))


def test_early_stopping_ends_when_the_score_stalls():
    X, y = digits()
    model = brief(max_iter=200, early_stopping=True, n_iter_no_change=3).fit(X, y.astype(str))
    scores = model.validation_scores_
    assert model.n_iter_ == len(scores) < 200
    assert max(scores[-4:]) < max(scores[:-4]) + 1e-4
    assert model.classes_.dtype.kind == "U"


def test_a_new_criterion_forgets_the_best_of_the_old_one():
    X, y = digits()
    clf = brief(warm_start=True, early_stopping=True, solver="sgd").fit(X, y)
    clf.set_params(early_stopping=False).partial_fit(X, y)
    # An accuracy, which is positive, would never be reached by minus a loss.
    assert clf._training.best == [-clf.loss_]
