"""Rows that are given: checked, held out by the user or by early stopping."""

import copy
import inspect
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from ..common import KINDS, assert_same_weights, brief, digits, halves, refusal, state_of

CURVES = ["validation_loss_curve_", "validation_scores_"]


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
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 4
    assert_allclose(model.validation_scores_[-1], model.score(X_val, y_val), rtol=1e-14)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.best_iter_ == 1 + int(np.argmax(model.validation_scores_))
    for name in [*CURVES, "best_validation_score_", "best_iter_"]:
        assert getattr(plain, name) is None


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


# ---- rows of one's own in partial_fit ----


def watched(cls, X, y, calls=4, **given):
    """A network after several calls of `partial_fit`, each with the same rows held out."""
    classes = {"classes": np.unique(y)} if cls is ScratchMLPClassifier else {}
    model = brief(cls, scoring=given.pop("scoring", None), members=given.pop("members", 1))
    for _ in range(calls):
        yield model.partial_fit(X, y, **classes, **given)


@pytest.mark.parametrize("scoring", [None, "loss", "neg_root_mean_squared_error"])
@pytest.mark.parametrize("members", [1, 3])
def test_each_call_of_partial_fit_appends_the_loss_and_score_of_its_weights(scoring, members):
    X, y, X_val, y_val = numbers()
    weights = 1.0 + np.arange(len(y_val)) % 3
    given = {"X_val": X_val, "y_val": y_val, "sample_weight_val": weights}
    scores, losses = [], []
    for model in watched(ScratchMLPRegressor, X, y, scoring=scoring, members=members, **given):
        assert len(model.validation_scores_) == len(model.validation_loss_curve_) == len(scores) + 1
        assert model.validation_scores_[:-1] == scores
        scores, losses = model.validation_scores_, model.validation_loss_curve_
        # The call is one epoch: its own is the best.
        assert_allclose(model.best_validation_score_, scores[-1], rtol=1e-15)
        assert np.unique(model.best_iter_) == [1] and np.size(model.best_iter_) == members
        if members == 1:
            errors = (model.predict(X_val) - y_val) ** 2
            assert_allclose(losses[-1], np.average(errors, weights=weights) / 2, rtol=1e-12)
            by_name = {
                None: model.score(X_val, y_val, weights),
                "loss": -losses[-1],
                "neg_root_mean_squared_error": -np.sqrt(np.average(errors, weights=weights)),
            }
            assert_allclose(scores[-1], by_name[scoring], rtol=1e-12)
        else:
            assert len(model.best_validation_scores_) == members
    # Four calls with four different results.
    assert len(set(scores)) == len(set(losses)) == 4


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_rows_held_out_in_partial_fit_change_nothing_else(cls):
    X, y, X_val, y_val = halves() if cls is ScratchMLPClassifier else numbers()
    *_, model = watched(cls, X, y, X_val=X_val, y_val=y_val)
    *_, plain = watched(cls, X, y)
    assert_same_weights(model, plain)
    assert model.loss_curve_ == plain.loss_curve_ and model.t_ == plain.t_
    assert len(model.validation_scores_) == 4 and plain.validation_scores_ is None


def test_a_call_without_rows_held_out_ends_the_curves():
    X, y, X_val, y_val = halves()
    *_, model = watched(ScratchMLPClassifier, X, y, X_val=X_val, y_val=y_val)
    model.partial_fit(X, y)
    assert model.validation_scores_ is None and model.validation_loss_curve_ is None
    model.partial_fit(X, y, X_val=X_val, y_val=y_val)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == 1


def test_class_weights_and_classes_of_partial_fit_hold_for_held_out_rows():
    X, y, X_val, y_val = halves("binary")
    model = brief(class_weight={0: 4.0})
    # The first rows lack a class that the held-out rows have.
    model.partial_fit(X[y == 0], y[y == 0], classes=[0, 1], X_val=X_val, y_val=y_val)
    weights = np.where(y_val == 0, 4.0, 1.0)
    expected = log_loss(y_val, model.predict_proba(X_val), sample_weight=weights)
    assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-12)


@pytest.mark.parametrize("is_first", [True, False])
def test_wrong_held_out_rows_in_partial_fit_change_nothing(is_first):
    X, y, X_val, y_val = halves()
    model = brief()
    if not is_first:
        model.partial_fit(X, y, classes=np.arange(10))
    before = state_of(model)
    for given, message in [
        ({"X_val": X_val}, "X_val and y_val must be given together, got y_val=None"),
        ({"X_val": X_val, "y_val": y_val + 90}, "has classes not in"),
        ({"X_val": X_val[:, 1:], "y_val": y_val}, "X has 63 features"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, classes=np.arange(10), **given)
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


# ---- sparse rows ----


def test_sparse_columns_have_no_scale():
    X, y = digits()
    model = brief(feature_scale=True)
    before = state_of(model)
    with pytest.raises(ValueError, match="X must be dense with the parameter feature_scale"):
        model.fit(sparse.csr_array(X), y)
    assert state_of(model) == before


def test_predictions_of_sparse_rows_need_a_network_without_scale():
    X, y = digits()
    model = brief(feature_scale=True).fit(X, y)
    with pytest.raises(ValueError, match="X must be dense with the parameter feature_scale"):
        model.predict(sparse.csr_array(X))
    with pytest.raises(ValueError, match="X_val must be dense with the parameter feature_scale"):
        model.fit(X, y, X_val=sparse.csr_array(X), y_val=y)


# ---- rows split off by early stopping ----


@pytest.mark.parametrize("seed", range(5))
def test_early_stopping_splits_by_class(seed):
    # Without information every row is predicted alike: accuracy is the share of one class.
    y = np.repeat(["a", "b", "c"], 20)
    model = brief(early_stopping=True, random_state=seed).fit(np.zeros((60, 1)), y)
    assert_allclose(model.validation_scores_, 1 / 3)


@pytest.mark.parametrize("others", [["a"], ["a", "b"]])
def test_early_stopping_names_the_class_that_cannot_be_split(others):
    y = np.array(["rare", *(others * 40)])
    X = np.random.RandomState(0).randn(len(y), 3)
    with pytest.warns(UserWarning, match=r"without stratification.*\['rare'\]"):
        model = brief(early_stopping=True).fit(X, y)
    assert set(model.classes_) == {*others, "rare"}


@pytest.mark.parametrize("fraction", [0.1, 0.9])
def test_early_stopping_splits_plainly_where_a_part_cannot_hold_all_classes(fraction):
    X, y = np.random.RandomState(0).randn(20, 3), np.arange(20) % 4
    with pytest.warns(UserWarning, match="2 rows cannot hold all 4 classes"):
        model = brief(early_stopping=True, validation_fraction=fraction).fit(X, y)
    assert len(model.validation_scores_) == 4


def test_early_stopping_refuses_a_single_row_to_validate_on():
    X, y = digits(n_samples=10)
    with pytest.raises(ValueError, match=r"too small.*validation_fraction=0.1, n_samples=10"):
        brief(early_stopping=True).fit(X, y)


def test_early_stopping_leaves_rows_to_train_on():
    X, y = digits(n_samples=10)
    with pytest.raises(ValueError, match=r"validation_fraction must leave rows .* got 0.95 of 10"):
        brief(early_stopping=True, validation_fraction=0.95).fit(X, y)


def test_early_stopping_needs_weight_on_both_sides_of_the_split():
    X, y = digits("binary")
    for seed in range(10):
        weights = np.zeros(len(y))
        weights[3] = 1
        with pytest.raises(
            ValueError, match=r"sample_weight must.*among the rows (trained on|held out)"
        ):
            brief(early_stopping=True, random_state=seed).fit(X, y, sample_weight=weights)


# ---- dates ----


@pytest.mark.parametrize("dtype", ["M8[s]", "m8[s]"])
def test_dates_are_no_numbers(dtype):
    X, y = digits()
    dates = (100 * X).astype("i8").astype(dtype)
    with pytest.raises((TypeError, ValueError)):
        brief().fit(dates, y)
    with pytest.raises((TypeError, ValueError)):
        brief().fit(X, y).predict(dates)


# ---- the structure of sparse rows ----


def spoiled(form, what):
    """A sparse matrix with a wrong index, as a broken file or a slip may leave it."""
    X = sparse.random(60, 12, density=0.4, format=form, random_state=0)
    if form == "bsr":
        X = X.tobsr(blocksize=(2, 3))
    if form == "lil":
        X.rows[3] = [10**6 if what == "too large" else -5, *X.rows[3][1:]]
    elif form == "coo":
        (X.col if what == "column" else X.row)[7] = -3 if what == "negative" else 10**6
    elif what == "too large":
        X.indices[7] = 10**6
    elif what == "negative":
        X.indices[7] = -3
    elif what == "too few":
        X.data = X.data[:2]
    elif what == "disorder":
        X.indptr[3:5] = X.indptr[[4, 3]] + [5, -5]
    elif what == "beyond":
        X.indptr[-1] = 10**6
    elif what == "start":
        X.indptr[0] = -2
    elif what == "short":
        X.indptr = X.indptr[:-1]
    return X


SPOILED = [
    *((form, what) for form in ("csr", "csc", "bsr") for what in ("too large", "negative")),
    *((form, what) for form in ("csr", "csc", "bsr") for what in ("too few", "disorder", "beyond")),
    *((form, what) for form in ("csr", "csc", "bsr") for what in ("start", "short")),
    *(("coo", what) for what in ("too large", "negative", "column")),
    *(("lil", what) for what in ("too large", "negative")),
]


@pytest.mark.parametrize("form, what", SPOILED)
def test_wrong_indices_of_sparse_rows_are_refused_before_they_are_followed(form, what):
    """SciPy reads and writes wherever they point: the process would end, or a number be wrong."""
    X = np.random.RandomState(0).standard_normal((60, 12))
    y = np.arange(60) % 3
    model = brief().fit(X, y)
    before = state_of(model)
    for name in ("fit", "partial_fit", "predict", "predict_proba", "decision_function", "score"):
        arguments = () if name.startswith(("predict", "decision")) else (y,)
        message = refusal(
            lambda name=name, rest=arguments: getattr(model, name)(spoiled(form, what), *rest)
        )
        assert message.startswith("X must be a valid sparse matrix")
        assert state_of(model) == before
    message = refusal(lambda: model.fit(X, y, X_val=spoiled(form, what), y_val=y))
    assert "X_val and y_val must be as X and y are: X must be a valid sparse matrix" in message
    several = spoiled(form, what)
    assert "y must be a valid sparse matrix" in refusal(lambda: brief().fit(X, several))
    assert state_of(model) == before


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
def test_a_check_of_the_structure_changes_nothing(form):
    """Unsorted indices, twice the same, 64 bits, stored zeros, and more values than are used."""
    X = sparse.random(60, 12, density=0.4, format="coo", random_state=0)
    row, column = np.r_[X.row, X.row[:5]], np.r_[X.col, X.col[:5]]
    X = sparse.coo_matrix((np.r_[X.data, np.zeros(2), np.ones(3)], (row, column)), X.shape)
    X = X.asformat(form)
    if form in ("csr", "csc", "bsr"):
        X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    y = np.arange(60) % 3
    before = copy.deepcopy(X)
    model = brief().fit(X, y)
    assert_same_weights(model, brief().fit(before.tocsr(), y), atol=1e-12)
    assert_allclose(model.predict_proba(X), model.predict_proba(before.toarray()), atol=1e-12)
    for name, value in vars(before).items():
        if isinstance(value, np.ndarray):
            assert vars(X)[name].dtype == value.dtype
            np.testing.assert_array_equal(vars(X)[name], value)


# ---- weights ----

N = 150
NO_WEIGHTS = {
    "text": ["a"] * N,
    "objects": [object()] * N,
    "complex": [1j] * N,
    "a complex array": np.full(N, 1j),
    "None": [None] * N,
    "nan": [np.nan] * N,
    "too large": [10**400] * N,
    "one that is too large": 10**400,
    "longdouble": np.full(N, np.longdouble(np.finfo(float).max)) * 2,
    "three axes": np.ones((N, 1, 1)),
    "two axes": np.ones((N, 1)),
    "ragged": [[1, 2], [3]] * (N // 2),
    "no rows": [],
    "dates": np.zeros(N, "M8[s]"),
    "durations": np.ones(N, "m8[s]"),
    "a field": np.ones(N, [("a", float)]),
    "masked": np.ma.masked_array(np.ones(N), np.arange(N) == 3),
    "sparse": sparse.csr_array(np.ones((N, 1))),
    "a dict": {},
    "an object": object(),
    "a text": "balanced",
    "a complex number": 1j,
    "infinite": [np.inf] * N,
    "negative": -1,
}


@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
@pytest.mark.parametrize("wrong", NO_WEIGHTS.values(), ids=NO_WEIGHTS.keys())
def test_what_are_no_weights_is_refused_by_name(name, wrong):
    X, y = digits()
    model = brief(warm_start=True).fit(X, y)
    before = state_of(model)
    held_out = {"X_val": X, "y_val": y} if name == "sample_weight_val" else {}
    with pytest.raises(ValueError, match=f"^{name} must (hold|have|not)"):
        model.fit(X, y, **{name: wrong}, **held_out)
    assert state_of(model) == before


@pytest.mark.parametrize("number", [int, Decimal, np.float16, np.longdouble, np.uint8])
def test_weights_of_any_number_type_are_those_numbers(number):
    X, y = digits()
    weights = (np.arange(N) % 3 + 1).tolist()
    model = brief().fit(X, y, sample_weight=[number(weight) for weight in weights])
    assert_same_weights(model, brief().fit(X, y, sample_weight=np.array(weights, float)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_said_of_sparse_rows_adds_up_none_of_their_duplicates(dtype):
    """SciPy does so in place where it is asked for the largest value or another dtype."""
    data = np.array([20, 30, 40, 50, 60, 70, 80], dtype)
    X = sparse.csr_matrix((data, [2, 0, 0, 1, 1, 2, 0], [0, 3, 5, 7]), (3, 3))
    before = copy.deepcopy(X)
    y = [0, 1, 2]
    model = ScratchMLPClassifier((3,), max_iter=2).fit(X, y)
    model.predict(X)
    refusal(lambda: brief(solver="sgd", learning_rate_init=1e300).fit(X, y))
    refusal(lambda: model.set_params(activation="identity").fit(X, [0, 1]))
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(X, name), getattr(before, name))
        assert getattr(X, name).dtype == getattr(before, name).dtype
