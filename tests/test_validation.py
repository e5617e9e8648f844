"""Validation rows: given or split off, scored by anything, and the epoch that they choose."""

import inspect
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, make_scorer, r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from .common import KINDS, assert_same_weights, digits, state_of

CURVES = ["validation_loss_curve_", "validation_scores_"]


def brief(cls=ScratchMLPClassifier, **parameters):
    settings = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0}
    return cls(**settings | {"n_iter_no_change": None, "learning_rate_init": 0.01} | parameters)


def halves(kind="multiclass", dtype=np.float64):
    X, y = digits(kind, 300, dtype)
    return X[:200], y[:200], X[200:], y[200:]


def numbers():
    X, y, X_val, y_val = halves()
    return X, y / 9 - 0.5, X_val, y_val / 9 - 0.5


# ---- rows of one's own ----


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, np.asfortranarray])
@pytest.mark.parametrize("kind", KINDS)
def test_given_rows_are_recorded_and_change_nothing(kind, form):
    X, y, X_val, y_val = halves(kind)
    model = brief().fit(X, y, X_val=form(X_val), y_val=y_val)
    plain = brief().fit(X, y)
    assert_same_weights(model, plain)
    assert model.loss_curve_ == plain.loss_curve_
    assert model.best_loss_ == plain.best_loss_
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 8
    assert_allclose(model.validation_scores_[-1], model.score(X_val, y_val), rtol=1e-14)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_iter_ == 1 + int(np.argmax(model.validation_scores_))
    for name in [*CURVES, "best_validation_score_", "best_iter_"]:
        assert getattr(plain, name) is None


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


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_given_rows_decide_when_to_stop_and_nothing_is_split_off(cls):
    X, y, X_val, y_val = halves() if cls is ScratchMLPClassifier else numbers()
    settings = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 300}
    model = brief(cls, **settings).fit(X, y, X_val=X_val, y_val=y_val)
    scores = model.validation_scores_
    assert model.n_iter_ == len(scores) < 300
    # tol counts against the best so far; three epochs without, and one more, end the fit.
    assert max(scores[-4:]) < max(scores[:-4]) + 1e-4
    assert model.t_ == model.n_iter_ * len(y)
    assert_allclose(model.score(X_val, y_val), max(scores), rtol=1e-13)
    stopped = brief(cls, max_iter=model.best_iter_).fit(X, y)
    assert_same_weights(model, stopped)


def test_class_weights_weigh_given_rows_too():
    X, y, X_val, y_val = halves("binary")
    model = brief(class_weight={0: 4.0}).fit(X, y, X_val=X_val, y_val=y_val)
    weights = np.where(y_val == 0, 4.0, 1.0)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=weights)
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-12)
    expected = accuracy_score(y_val, model.predict(X_val), sample_weight=weights)
    assert_allclose(model.validation_scores_[-1], expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_given_rows_of_any_number_type_are_taken(dtype):
    X, y, X_val, y_val = halves()
    model = brief().fit(16 * X, y, X_val=(16 * X_val).astype(dtype), y_val=y_val)
    plain = brief().fit(16 * X, y, X_val=16 * X_val, y_val=y_val)
    assert model.validation_scores_ == plain.validation_scores_


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": 0}, "X_val and y_val must be given together, got y_val=None"),
        ({"y_val": 0}, "X_val and y_val must be given together, got X_val=None"),
        ({"sample_weight_val": 0}, "sample_weight_val must come with X_val and y_val"),
        ({"X_val": 1, "y_val": 0}, "X_val and y_val must be as X and y are: X has 63 features"),
        ({"X_val": 0, "y_val": 1}, "has classes not in"),
        ({"X_val": 0, "y_val": 2}, "inconsistent numbers of samples"),
        ({"X_val": 0, "y_val": 0, "sample_weight_val": 1}, "sample_weight_val must have one"),
        ({"X_val": 0, "y_val": 0, "sample_weight_val": 2}, "sample_weight_val must not be neg"),
        ({"X_val": 0, "y_val": 0, "sample_weight_val": 3}, "sample_weight_val must hold a weight"),
        ({"X_val": 2, "y_val": 0}, "contains NaN"),
    ],
)
def test_wrong_validation_rows_are_told_and_change_nothing(given, message):
    X, y, X_val, y_val = halves()
    missing = X_val.copy()
    missing[0, 0] = np.nan
    n = len(y_val)
    values = {
        "X_val": [X_val, X_val[:, 1:], missing],
        "y_val": [y_val, np.where(y_val == 3, 77, y_val), y_val[1:]],
        "sample_weight_val": [np.ones(n), np.ones(n - 1), np.full(n, -1.0), np.zeros(n)],
    }
    model = brief(warm_start=True).fit(X, y)
    before = state_of(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, **{name: values[name][number] for name, number in given.items()})
    assert state_of(model) == before


def test_several_columns_must_be_as_many_as_in_y():
    X, y, X_val, y_val = numbers()
    Y = np.column_stack([y, y])
    with pytest.raises(ValueError, match="y_val must have as many columns as y, 2, got 1"):
        brief(ScratchMLPRegressor).fit(X, Y, X_val=X_val, y_val=y_val)


def test_lbfgs_has_no_epochs_to_validate_after():
    X, y, X_val, y_val = halves()
    with pytest.raises(ValueError, match="X_val must be None with solver='lbfgs'"):
        brief(solver="lbfgs").fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_rows_arrive_scaled_through_a_pipeline(early_stopping):
    X, y, X_val, y_val = halves()
    with config_context(enable_metadata_routing=True):
        network = brief(early_stopping=early_stopping).set_fit_request(X_val=True, y_val=True)
        steps = [("scale", StandardScaler()), ("network", network)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    by_hand = brief(early_stopping=early_stopping).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    for name in CURVES:
        assert getattr(pipeline[-1], name) == getattr(by_hand, name)
    assert_same_weights(pipeline[-1], by_hand)


def test_rows_arrive_in_a_grid_search():
    X, y, X_val, y_val = halves()
    with config_context(enable_metadata_routing=True):
        network = brief().set_fit_request(X_val=True, y_val=True)
        search = GridSearchCV(network, {"alpha": [1e-4, 1.0]}, cv=2)
        search.fit(X, y, X_val=X_val, y_val=y_val)
    best = search.best_estimator_
    assert_allclose(best.validation_scores_[-1], best.score(X_val, y_val))


def test_the_arguments_are_those_of_gradient_boosting():
    ours, theirs = (
        [(p.name, p.kind, p.default) for p in inspect.signature(cls.fit).parameters.values()]
        for cls in (ScratchMLPClassifier, HistGradientBoostingClassifier)
    )
    assert ours[: len(theirs)] == theirs


# ---- scores ----


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
    for epochs in (1, 8):
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


@pytest.mark.parametrize("wrong", ["accuracies", 1, ["accuracy"]])
def test_a_wrong_scoring_is_told(wrong):
    X, y, _, _ = halves()
    with pytest.raises(ValueError, match=re.escape(f"got {wrong!r}")):
        brief(scoring=wrong, early_stopping=True).fit(X, y)


def test_a_scorer_that_fails_leaves_the_estimator_as_it_was():
    X, y, _, _ = halves()

    def fails(estimator, X, y):
        raise RuntimeError("no score today")

    model = brief(scoring=fails, early_stopping=True)
    before = state_of(model)
    with pytest.raises(RuntimeError, match="no score today"):
        model.fit(X, y)
    assert state_of(model) == before


# ---- the best epoch ----


def scripted(scores):
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
        scoring=scripted(scores),
        best_of_ties=best_of_ties,
        restore_best=restore_best,
    ).fit(X, y, X_val=X_val, y_val=y_val)
    assert model.validation_scores_ == scores
    assert (model.best_iter_, model.best_validation_score_) == (best, 0.9)
    assert_same_weights(model, brief(max_iter=best if restore_best else 5).fit(X, y))


def test_the_best_weights_are_kept_by_value():
    """Training on does not change what an earlier fit of a copy returned."""
    X, y, X_val, y_val = halves()
    model = brief(early_stopping=True, warm_start=True, scoring=scripted([0.9] + [0.1] * 15))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    kept = model.coefs_[0].copy()
    alias = model.coefs_[0]
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert_array_equal(alias, kept)
    assert abs(model.coefs_[0] - kept).max() > 1e-4


def test_a_score_that_is_no_number_is_never_best():
    X, y, X_val, y_val = halves()
    scores = [np.nan, 0.5, np.nan, 0.4, np.nan]
    model = brief(max_iter=5, early_stopping=True, scoring=scripted(scores))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.best_iter_ == 2
    assert_same_weights(model, brief(max_iter=2).fit(X, y))


@pytest.mark.parametrize("nothing", [np.nan, -np.inf])
def test_where_no_epoch_has_a_score_the_first_is_best(nothing):
    X, y, X_val, y_val = halves()
    model = brief(max_iter=3, early_stopping=True, scoring=scripted([nothing] * 3))
    model.fit(X, y, X_val=X_val, y_val=y_val)
    assert model.best_iter_ == 1
    assert_same_weights(model, brief(max_iter=1).fit(X, y))


@pytest.mark.parametrize("wrong", [None, "0.5", np.array([0.5])], ids=repr)
def test_a_score_must_be_a_number(wrong):
    X, y, X_val, y_val = halves()
    model = brief(scoring=lambda estimator, X, y: wrong)
    with pytest.raises(ValueError, match="scoring must return a number, got"):
        model.fit(X, y, X_val=X_val, y_val=y_val)


def test_warm_starts_lengthen_the_curves_and_count_epochs_anew():
    X, y, X_val, y_val = halves()
    model = brief(warm_start=True, max_iter=3)
    for number in (1, 2):
        model.fit(X, y, X_val=X_val, y_val=y_val)
        assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 3 * number
    assert model.n_iter_ == 3
    assert 1 <= model.best_iter_ <= 3
    assert model.best_validation_score_ == max(model.validation_scores_[3:])


def test_the_convergence_warning_names_the_score_and_what_to_do():
    X, y, X_val, y_val = halves()
    with pytest.warns(ConvergenceWarning) as caught:
        brief(early_stopping=True, max_iter=2, n_iter_no_change=10).fit(
            100 * X, y, X_val=100 * X_val, y_val=y_val
        )
    message = str(caught[0].message)
    assert "the validation score went from" in message
    for part in ("Raise max_iter", "n_iter_no_change=None", "largest absolute input is 100"):
        assert part in message
    with pytest.warns(ConvergenceWarning) as caught:
        brief(max_iter=2, n_iter_no_change=10).fit(X, y)
    message = str(caught[0].message)
    assert "the training loss went from" in message
    assert "largest absolute input" not in message
