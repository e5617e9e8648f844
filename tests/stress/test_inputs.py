"""Rows and targets of every kind, shape, dtype and container, in every public method.

The same numbers in another container give the result of a dense, C-ordered, native array. Anything
else ends in a finite result or in a ValueError or TypeError that names the argument. No NumPy
warning is raised, no argument changes, and an estimator changes only by a fit that succeeds.
"""

import re
import warnings

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from sknumpy_mlp import (
    CrossFittedTargetEncoder,
    GaussianImputer,
    RobustSmoothScaler,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    make_tabular_mlp,
)

from ..common import brief, state_of
from . import cases
from .inputs import (
    COLUMNS,
    LABELS,
    LAYOUTS,
    N_COLUMNS,
    N_ROWS,
    NUMPY_ONLY,
    SEVERAL,
    SPARSE,
    TABLES,
    anything,
    picture,
    tables_of_numbers,
)

# What the documentation promises to say of odd data.
ADVICE = [
    "X should be scaled",
    "y should be scaled",
    "X may have columns that are no features",
    "A column-vector y was passed",
    "The number of unique classes is greater than 50%",
    "early_stopping splits without stratification",
    "Can't check dok sparse matrix",
    "X has feature names, but",
    "R^2 score is not well-defined",
]


def network(cls, **parameters):
    """A network of a few steps, whose activation has no kinks for rounding errors to cross."""
    return brief(cls, activation="tanh", hidden_layer_sizes=(3,), max_iter=2, **parameters)


def codes(n_rows=N_ROWS):
    return np.arange(n_rows) % 3


def numbers(n_rows=N_ROWS):
    return np.linspace(-1, 1, n_rows)


FITTED = {
    cls: network(cls).fit(np.random.RandomState(0).standard_normal((N_ROWS, N_COLUMNS)), target)
    for cls, target in ((ScratchMLPClassifier, codes()), (ScratchMLPRegressor, numbers()))
}
TRANSFORMERS = {
    cls: cls().fit(np.random.RandomState(0).standard_normal((N_ROWS, N_COLUMNS)), numbers())
    for cls in (RobustSmoothScaler, GaussianImputer)
}
METHODS = [
    *((ScratchMLPClassifier, name) for name in ("predict_proba", "predict_log_proba")),
    *((ScratchMLPClassifier, name) for name in ("decision_function", "predict", "score")),
    *((cls, name) for cls in FITTED for name in ("fit", "partial_fit", "held out")),
    *((ScratchMLPRegressor, name) for name in ("predict", "score")),
    *((RobustSmoothScaler, name) for name in ("fit", "transform", "inverse_transform")),
    *((GaussianImputer, name) for name in ("fit", "transform")),
]


# ---- what every call promises ----


def outcome(estimator, call, names, *arguments):
    """The result of a call, or None where it raises an error that names one of the arguments.

    Parameters
    ----------
    estimator : object
        It changes only if the call is a fit that succeeds.
    call : callable
        Takes no argument.
    names : str
        A regular expression of the names of the arguments.
    *arguments : tuple
        They do not change.
    """
    before, given_before = state_of(estimator), [picture(each) for each in arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Old and new versions of libraries together.
        warnings.simplefilter("ignore", DeprecationWarning)
        for message in ADVICE:
            warnings.filterwarnings("ignore", re.escape(message))
        try:
            found = call()
        except (ValueError, TypeError) as error:
            assert re.search(rf"\b({names})\b", str(error)), error
            found = None
    if found is None or found is not estimator:
        assert state_of(estimator) == before
    assert [picture(each) for each in arguments] == given_before
    return found


def run(cls, method, X, y):
    """A call of a method: the estimator, a function without arguments, and what it names."""
    fitted = FITTED[cls] if cls in FITTED else TRANSFORMERS[cls]
    if method in ("fit", "partial_fit"):
        estimator = network(cls) if cls in FITTED else clone(fitted)
        with_classes = method == "partial_fit" and cls is ScratchMLPClassifier
        known = {"classes": [0, 1, 2]} if with_classes else {}
        return estimator, lambda: getattr(estimator, method)(X, y, **known)
    if method == "held out":
        estimator = network(cls, early_stopping=True)
        rows = np.random.RandomState(0).standard_normal((N_ROWS, N_COLUMNS))
        target = codes() if cls is ScratchMLPClassifier else numbers()
        return estimator, lambda: estimator.fit(rows, target, X_val=X, y_val=y)
    if method == "score":
        return fitted, lambda: fitted.score(X, y)
    return fitted, lambda: getattr(fitted, method)(X)


def seen(found):
    """The numbers of a result: those of a fitted estimator, or what a method returned."""
    if found is None:
        return None
    if hasattr(found, "coefs_"):
        curve = found.validation_loss_curve_ or []
        return [*found.coefs_, *found.intercepts_, np.array(found.loss_curve_), np.array(curve)]
    if hasattr(found, "scale_"):
        return [vars(found).get("center_", found.scale_), found.scale_]
    return [np.asarray(found)]


# ---- the same numbers in another container ----


@settings(max_examples=cases(250, 4000), deadline=None)
@given(st.sampled_from(METHODS), tables_of_numbers(), st.sampled_from(sorted(LAYOUTS)))
def test_the_same_numbers_in_another_container_give_the_same_result(method, X, form):
    cls, name = method
    if form not in NUMPY_ONLY and X.dtype.char in "eg":
        X = X.astype(float)
    rows, plain = LAYOUTS[form](X), X.astype(np.float32 if X.dtype == np.float32 else float)
    target = codes(len(X)) if cls is ScratchMLPClassifier else numbers(len(X))
    found, expected = (
        seen(outcome(*run(cls, name, each, target), "X|y", each, target)) for each in (rows, plain)
    )
    if form in SPARSE and cls in TRANSFORMERS:
        # Dense data is required.
        assert found is None
        return
    assert (found is None) == (expected is None)
    for one, other in zip(found or [], expected or [], strict=True):
        if one.dtype.kind == "f":
            # Lists and objects do not remember that they were float32.
            tolerance = 1e-5 if X.dtype == np.float32 else 1e-11
            assert_allclose(one, other, rtol=tolerance, atol=tolerance)
        else:
            assert_array_equal(one, other)


# ---- labels ----

ROWS = np.random.RandomState(1).standard_normal((N_ROWS, N_COLUMNS))


def assert_same_network(one, other):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        assert_allclose(a, b, rtol=0, atol=1e-12)


@settings(max_examples=cases(60, 1000), deadline=None)
@given(st.sampled_from(sorted(LABELS)), st.data())
def test_labels_of_any_type_are_learned_as_their_numbers_and_predicted_as_given(name, data):
    size = st.integers(0, 2)
    drawn = np.array(data.draw(st.lists(size, min_size=N_ROWS, max_size=N_ROWS)))
    given_labels = LABELS[name](drawn)
    model = network(ScratchMLPClassifier)
    assert outcome(model, lambda: model.fit(ROWS, given_labels), "y", ROWS, given_labels) is model
    classes, numbered = np.unique(np.asarray(given_labels), return_inverse=True)
    assert model.classes_.tolist() == classes.tolist()
    assert_same_network(model, network(ScratchMLPClassifier).fit(ROWS, numbered))
    assert set(model.predict(ROWS).tolist()) <= set(classes.tolist())
    assert 0 <= model.score(ROWS, given_labels) <= 1
    # In parts: first those of a few rows, with all classes known.
    part = network(ScratchMLPClassifier)
    part.partial_fit(ROWS, given_labels, classes=classes)
    numbered_part = network(ScratchMLPClassifier)
    numbered_part.partial_fit(ROWS, numbered, classes=np.arange(len(classes)))
    assert_same_network(part, numbered_part)


@settings(max_examples=cases(40, 500), deadline=None)
@given(st.sampled_from(sorted(SEVERAL)), st.integers(0, 2**32 - 1))
def test_several_labels_in_another_container_are_the_same(name, seed):
    Y = np.random.RandomState(seed).randint(2, size=(N_ROWS, 3))
    given_labels = SEVERAL[name](Y)
    model = network(ScratchMLPClassifier)
    assert outcome(model, lambda: model.fit(ROWS, given_labels), "y", ROWS, given_labels) is model
    assert_same_network(model, network(ScratchMLPClassifier).fit(ROWS, Y))
    assert sparse.issparse(model.predict(ROWS)) == sparse.issparse(given_labels)


# ---- anything at all ----


@settings(max_examples=cases(500, 6000), deadline=None)
@given(st.sampled_from(METHODS), anything(), st.one_of(st.none(), anything()), st.booleans())
def test_anything_ends_in_a_result_or_in_an_error_that_names_the_argument(method, X, y, are_both):
    cls, name = method
    # The target of `score` is checked by scikit-learn's metrics, in their own words.
    has_target = name in ("fit", "partial_fit", "held out") and cls in FITTED
    # Either one of them is odd, or both.
    if not has_target or y is None:
        n_rows = next(iter(getattr(X, "shape", ())), N_ROWS) if name == "score" else N_ROWS
        y = codes(n_rows) if cls is ScratchMLPClassifier else numbers(n_rows)
    elif not are_both:
        X = ROWS
    estimator, call = run(cls, name, X, y)
    # Numbers that are finite and too large are the input of a fit that diverges.
    names = "X|y|X_val|y_val|classes|largest absolute input"
    if name == "score":
        names += "|inconsistent numbers of samples"
    found = outcome(estimator, call, names, X, y)
    if found is None:
        return
    for array in seen(found):
        if array.dtype.kind != "f" or name == "score":
            # R^2 of a single row is not a number.
            continue
        if name == "held out":
            # The loss of held-out targets, which training never sees, may be beyond all numbers.
            assert not np.isnan(array).any()
        elif cls in FITTED:
            assert np.isfinite(array).all()
        else:
            # Missing values stay missing in the scaler.
            assert not np.isinf(array).any()


# ---- columns of categories, and tables ----


@settings(max_examples=cases(60, 1000), deadline=None)
@given(anything(), st.one_of(st.none(), anything()), st.sampled_from(["auto", "continuous"]))
def test_any_column_is_encoded_or_refused_by_name(X, y, target_type):
    encoder = CrossFittedTargetEncoder(target_type=target_type, cv=2, random_state=0)
    y = numbers() if y is None else y
    found = outcome(encoder, lambda: encoder.fit(X, y), "X|y", X, y)
    if found is not None:
        codes_of_rows = outcome(encoder, lambda: encoder.transform(X), "X", X)
        assert np.isfinite(codes_of_rows).all()


# Fits of a pipeline take too long to look for the smallest table that fails.
@settings(max_examples=cases(25, 600), deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3),
    st.sampled_from(sorted(TABLES)),
    st.sampled_from(["classification", "regression"]),
    st.data(),
)
def test_any_table_is_learned_or_refused_by_name(kinds, form, task, data):
    table = {f"c{number}": data.draw(COLUMNS[kind]) for number, kind in enumerate(kinds)}
    X = TABLES[form](table)
    y = codes() % 2 if task == "classification" else numbers()
    model = make_tabular_mlp(task, members=1, max_iter=1, hidden_layer_sizes=(2,), random_state=0)
    with warnings.catch_warnings():
        # Of two held-out rows all may be equal.
        warnings.filterwarnings("ignore", "R")
        # A pipeline keeps the columns that were fitted before its network was.
        fitted = outcome(model["network"], lambda: model.fit(X, y)["network"], "X|y", X, y)
    if fitted is None:
        return
    predicted = outcome(model["network"], lambda: model.predict(X), "X", X)
    assert predicted.shape == (N_ROWS,) and predicted.dtype.kind in "if"
    assert np.isfinite(predicted).all()
