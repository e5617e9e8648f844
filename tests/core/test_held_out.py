"""Held-out rows: the loss and the score by which an epoch is judged."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    log_loss,
    make_scorer,
    mean_poisson_deviance,
    r2_score,
)
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from ..common import brief, halves, state_of


def numbers():
    X, y, X_val, y_val = halves()
    return X, y / 9 - 0.5, X_val, y_val / 9 - 0.5


def test_the_validation_loss_is_the_log_loss_without_penalty():
    X, y, X_val, y_val = halves()
    weights = np.linspace(0, 2, len(y_val))
    for given in (None, weights):
        model = brief(alpha=10.0).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=given)
        expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=given)
        assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-12)
        expected = model.score(X_val, y_val, sample_weight=given)
        assert_allclose(model.validation_scores_[-1], expected, rtol=1e-14)


def test_a_regressor_scores_given_rows_by_r2():
    X, y, X_val, y_val = numbers()
    model = brief(ScratchMLPRegressor).fit(X, y, X_val=X_val, y_val=y_val)
    predicted = model.predict(X_val)
    assert_allclose(model.validation_scores_[-1], r2_score(y_val, predicted), rtol=1e-13)
    squares = ((predicted - y_val) ** 2).mean() / 2
    assert_allclose(model.validation_loss_curve_[-1], squares, rtol=1e-12)


def test_a_score_does_not_change_the_scores_that_the_loss_is_computed_of():
    """A link may overwrite raw scores by predictions, as exp does."""
    X, y, X_val, y_val = halves()
    model = brief(ScratchMLPRegressor, loss="poisson").fit(X, y, X_val=X_val, y_val=y_val)
    deviance = mean_poisson_deviance(y_val, model.predict(X_val)) / 2
    assert_allclose(model.validation_loss_curve_[-1], deviance, rtol=1e-12)
    by_loss = brief(ScratchMLPRegressor, loss="poisson", scoring="loss")
    by_loss.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.validation_loss_curve_ == by_loss.validation_loss_curve_


SCORINGS = [
    ("neg_log_loss", lambda model, X, y: -log_loss(y, model.predict_proba(X))),
    ("balanced_accuracy", lambda model, X, y: balanced_accuracy_score(y, model.predict(X))),
    (make_scorer(accuracy_score), lambda model, X, y: model.score(X, y)),
    (lambda estimator, X, y: -len(estimator.coefs_), lambda model, X, y: -2),
]


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize(("scoring", "expected"), SCORINGS, ids=range(len(SCORINGS)))
@pytest.mark.parametrize("names", [False, True], ids=["labels", "strings"])
def test_any_scorer_scores_the_network_as_it_is(scoring, expected, names):
    X, y, X_val, y_val = halves()
    if names:
        y, y_val = (np.array(list("abcdefghij"))[each] for each in (y, y_val))
    model = brief(scoring=scoring).fit(X, y, X_val=X_val, y_val=y_val)
    for epochs in (1, 4):
        same = brief(max_iter=epochs).fit(X, y)
        assert_allclose(model.validation_scores_[epochs - 1], expected(same, X_val, y_val))


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_scoring_by_loss_is_the_loss_with_its_sign_turned(cls):
    X, y, _, _ = halves() if cls is ScratchMLPClassifier else numbers()
    model = brief(cls, scoring="loss", early_stopping=True).fit(X, y)
    assert model.validation_scores_ == [-loss for loss in model.validation_loss_curve_]


def test_a_split_is_scored_by_a_scorer_on_the_rows_held_out():
    X, y, _, _ = halves()
    seen = []

    def score(estimator, X, y):
        seen.append((X.copy(), y.copy()))
        return estimator.score(X, y)

    settings = {"early_stopping": True, "validation_fraction": 0.25}
    model = brief(**settings, scoring=score).fit(X, y)
    plain = brief(**settings).fit(X, y)
    assert_allclose(model.validation_scores_, plain.validation_scores_)
    held_out, labels = seen[0]
    # The split comes after the starting weights in the random stream.
    stream = np.random.RandomState(0)
    for shape in [(64, 8), 8, (8, 10), 10]:
        stream.uniform(size=shape)
    _, rows = train_test_split(np.arange(200), test_size=0.25, random_state=stream, stratify=y)
    assert_array_equal(held_out, X[rows])
    assert_array_equal(labels, y[rows])


def test_a_scorer_with_column_names_is_called_without_a_warning():
    pandas = pytest.importorskip("pandas")
    X, y, X_val, y_val = halves()
    X, X_val = (pandas.DataFrame(each, columns=[f"p{n}" for n in range(64)]) for each in (X, X_val))
    model = brief(scoring="accuracy", early_stopping=True).fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(model.feature_names_in_, X.columns)


def test_a_scorer_that_fails_leaves_the_estimator_as_it_was():
    X, y, _, _ = halves()

    def fails(estimator, X, y):
        raise RuntimeError("no score today")

    model = brief(scoring=fails, early_stopping=True)
    before = state_of(model)
    with pytest.raises(RuntimeError, match="no score today"):
        model.fit(X, y)
    assert state_of(model) == before


@pytest.mark.parametrize("wrong", [None, "0.5", np.array([0.5]), 10**400, 1j], ids=repr)
def test_a_score_must_be_a_number(wrong):
    X, y, X_val, y_val = halves()
    model = brief(scoring=lambda estimator, X, y: wrong)
    with pytest.raises(ValueError, match="scoring must return a number, got"):
        model.fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("held_out", ["given", "split"])
def test_a_scorer_of_the_users_is_called_with_the_weights_of_the_rows(held_out):
    X, y, X_val, y_val = halves()
    weights = np.linspace(0.01, 4, len(y))
    scorer = make_scorer(accuracy_score)
    if held_out == "given":
        model = brief(scoring=scorer)
        model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=weights[: len(y_val)])
        expected = accuracy_score(y_val, model.predict(X_val), sample_weight=weights[: len(y_val)])
        assert_allclose(model.validation_scores_[-1], expected, rtol=1e-14)
        assert expected != accuracy_score(y_val, model.predict(X_val))
    else:
        seen = []

        def score(estimator, X, y, sample_weight=None):
            seen.append(sample_weight)
            return 0.0

        brief(scoring=score, early_stopping=True, max_iter=1).fit(X, y, sample_weight=weights)
        # Those of a tenth of the rows, as they were given.
        assert len(seen[0]) == len(y) // 10 and set(seen[0]) <= set(weights)
