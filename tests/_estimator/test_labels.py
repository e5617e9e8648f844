"""Labels of any kind go in, and come out as they do from MLPClassifier."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp import ScratchMLPClassifier

from ..common import assert_same_weights, brief, digits, refusal, state_of

SETTINGS = {
    "hidden_layer_sizes": (5,),
    "random_state": 0,
    "max_iter": 3,
    "n_iter_no_change": np.inf,
}
NAMES = np.array(["one", "two", "three", "four"])

# From class numbers 0 ... 3 to labels of a kind.
VECTORS = {
    "str": lambda codes: NAMES[codes],
    "object": lambda codes: NAMES.astype(object)[codes],
    "list of str": lambda codes: NAMES[codes].tolist(),
    "int64": lambda codes: codes * 3 - 5,
    "uint8": lambda codes: (codes * 50).astype(np.uint8),
    "float64": lambda codes: codes * 2.0,
    "float32": lambda codes: (codes - 1).astype(np.float32),
    "pandas Series": lambda codes: pd.Series(NAMES[codes], index=codes),
    "pandas Categorical": lambda codes: pd.Series(pd.Categorical(NAMES[codes], NAMES)),
    "pandas nullable int": lambda codes: pd.Series(codes, dtype="Int64"),
    "pandas object": lambda codes: pd.Series(NAMES[codes], dtype=object),
    "polars Series": lambda codes: pl.Series(NAMES[codes].tolist()),
    "polars int": lambda codes: pl.Series(codes),
}


def ours(**parameters):
    return ScratchMLPClassifier(**SETTINGS | {"n_iter_no_change": None} | parameters)


def theirs():
    return MLPClassifier(**SETTINGS)


@pytest.fixture(autouse=True)
def reference_may_warn():
    """The reference tells that three epochs are few."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stochastic Optimizer", category=UserWarning)
        yield


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("n_classes", [1, 2, 4])
def test_labels_come_out_as_from_scikit_learn(name, n_classes):
    X, y = digits()
    codes = y % n_classes
    labels = VECTORS[name](codes)
    model, reference = ours().fit(X, labels), theirs().fit(X, labels)
    assert_array_equal(model.classes_, reference.classes_)
    assert model.classes_.dtype == reference.classes_.dtype
    predicted = model.predict(X)
    assert_array_equal(predicted, reference.predict(X))
    assert predicted.dtype == reference.predict(X).dtype
    assert 0 <= model.score(X, labels) <= 1


@pytest.mark.parametrize("name", VECTORS)
def test_labels_do_not_change_the_network_beyond_their_order(name):
    X, y = digits()
    labels = VECTORS[name](y % 4)
    model = ours().fit(X, labels)
    codes = np.searchsorted(model.classes_, np.asarray(labels))
    assert_same_weights(model, ours().fit(X, codes))


@pytest.mark.parametrize("name", VECTORS)
def test_partial_fit_takes_labels_of_any_kind_in_parts(name):
    X, y = digits()
    labels = VECTORS[name](y % 4)
    classes = list(dict.fromkeys(np.asarray(labels).tolist()))[::-1]
    model = ours().partial_fit(X[:2], labels[:2], classes=classes)
    model.partial_fit(X, labels).partial_fit(X, labels, classes=classes)
    assert len(model.classes_) == 4
    assert set(model.predict(X).tolist()) <= set(np.asarray(labels).tolist())


def test_booleans_come_out_as_booleans():
    X, y = digits("binary")
    for labels in (y > 0, pd.Series(y > 0), pl.Series(y > 0), (y > 0).tolist()):
        model = ours().fit(X, labels)
        assert model.classes_.tolist() == [False, True]
        assert model.classes_.dtype == theirs().fit(X, labels).classes_.dtype
        assert model.predict(X).dtype == bool


def test_a_column_of_labels_is_taken_as_a_vector_with_a_warning():
    X, y = digits()
    with pytest.warns(UserWarning, match="column-vector y was passed"):
        column = ours().fit(X, y[:, np.newaxis])
    assert_same_weights(column, ours().fit(X, y))
    assert column.predict(X).shape == (150,)


MATRICES = {
    "int": lambda Y: Y,
    "bool": lambda Y: Y.astype(bool),
    "float": lambda Y: Y.astype(float),
    "lists": lambda Y: Y.tolist(),
    "DataFrame": lambda Y: pd.DataFrame(Y, columns=["a", "b", "c"]),
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
    "coo_matrix": sparse.coo_matrix,
}


@pytest.mark.parametrize("name", MATRICES)
def test_multilabel_targets_come_out_as_from_scikit_learn(name):
    X, Y = digits("multilabel")
    labels = MATRICES[name](Y)
    model, reference = ours().fit(X, labels), theirs().fit(X, labels)
    assert_array_equal(model.classes_, reference.classes_)
    predicted, expected = model.predict(X), reference.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(expected) == sparse.issparse(labels)
    if sparse.issparse(predicted):
        predicted, expected = predicted.toarray(), expected.toarray()
    assert_array_equal(predicted, expected)
    assert 0 <= model.score(X, labels) <= 1
    assert_same_weights(model, ours().fit(X, Y))


@pytest.mark.parametrize("name", MATRICES)
def test_partial_fit_needs_no_classes_for_several_labels(name):
    X, Y = digits("multilabel")
    model = ours().partial_fit(X, MATRICES[name](Y)).partial_fit(X, MATRICES[name](Y))
    assert_same_weights(model, ours().partial_fit(X, Y).partial_fit(X, Y))


def test_one_class_trains_and_is_always_predicted():
    X, _ = digits()
    for solver in ("adam", "sgd", "lbfgs"):
        for hidden in ((5,), ()):
            model = ours(solver=solver, hidden_layer_sizes=hidden).fit(X, ["only"] * len(X))
            assert model.classes_.tolist() == ["only"]
            assert set(model.predict(X)) == {"only"}


def test_unsorted_and_repeated_classes_are_sorted_once():
    X, y = digits()
    model = ours().partial_fit(X, y, classes=[*range(9, -1, -1), 3])
    assert_array_equal(model.classes_, np.arange(10))


class TestRefused:
    def test_first_partial_fit_without_classes(self):
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            ours().partial_fit(*digits())

    def test_other_classes_in_a_later_call(self):
        X, y = digits("binary")
        model = ours().partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"classes must be the same.*got \[0, 1, 2\]"):
            model.partial_fit(X, y, classes=[0, 1, 2])

    def test_a_class_that_is_new(self):
        X, y = digits()
        with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
            ours().partial_fit(X, y, classes=[0, 1])
        model = ours(warm_start=True).fit(X, np.minimum(y, 5))
        with pytest.raises(ValueError, match="same classes as in the previous"):
            model.fit(X, y)

    @pytest.mark.parametrize(
        "kind, other", [("binary", "multilabel"), ("multiclass", "multilabel")]
    )
    def test_a_matrix_where_there_was_a_vector(self, kind, other):
        X, y = digits(kind)
        Y = digits(other)[1]
        with pytest.raises(ValueError, match="y must be a vector of the classes"):
            ours().fit(X, y).partial_fit(X, Y[:, :2])

    def test_a_vector_or_other_columns_where_there_was_a_matrix(self):
        X, Y = digits("multilabel")
        for wrong in (Y[:, 0], Y[:, :2], np.hstack([Y, Y])):
            with pytest.raises(ValueError, match="y must have 3 columns of 0 and 1"):
                ours().fit(X, Y).partial_fit(X, wrong)


def test_several_labels_are_coded_by_0_and_1():
    X, y = digits()
    Y = np.column_stack([y % 2, y > 4]).astype(int)
    with pytest.raises(ValueError, match=r"y must be a matrix of 0 and 1 .* got \[-1  1\]"):
        brief().fit(X, 2 * Y - 1)


# ---- labels of other types than the classes, and beyond the integers ----

HASHES = np.array([2**62, 2**62 + 1, 2**62 + 2])


def test_integers_of_another_type_are_compared_to_the_last_bit():
    """As float64 all of these are one number."""
    X, y = digits()
    labels = HASHES[y % 3]
    model = ours().partial_fit(X, labels.astype(np.uint64), classes=HASHES)
    assert_same_weights(model, ours().partial_fit(X, y % 3, classes=[0, 1, 2]))
    assert set(model.predict(X)) <= set(HASHES)
    model.partial_fit(X, labels, classes=HASHES.astype(np.uint64))
    before = state_of(model)
    for wrong in (
        {"y": (labels + 1).astype(np.uint64)},
        {"classes": (HASHES + 1).astype(np.uint64)},
    ):
        message = refusal(lambda wrong=wrong: model.partial_fit(X, **{"y": labels} | wrong))
        assert "classes" in message
        assert state_of(model) == before


@pytest.mark.parametrize(
    "classes, others",
    [
        ([0, 1, 2], [0.0, 1.0, 2.0]),
        ([0.0, 1.0, 2.0], np.array([0, 1, 2], "u1")),
        (["a", "b", "c"], np.array(["a", "b", "c"], object)),
        (np.array(["a", "b", "c"], object), ["a", "b", "c"]),
        (np.array(["2020", "2021", "2022"], "M8[D]"), np.array(["2020", "2021", "2022"], "M8[ns]")),
    ],
)
def test_equal_labels_of_other_types_are_the_same_classes(classes, others):
    X, y = digits()
    model = ours().partial_fit(X, np.asarray(others)[y % 3], classes=classes)
    assert_same_weights(model, ours().partial_fit(X, y % 3, classes=[0, 1, 2]))
    model.partial_fit(X, np.asarray(classes)[y % 3], classes=others)


@pytest.mark.parametrize(
    "labels", [["0", "1"], [b"0", b"1"], np.array([0, 1], "m8[s]"), np.array([0, 1], "M8[ns]")]
)
def test_labels_that_are_equal_to_no_class_are_refused(labels):
    X, y = digits("binary")
    model = ours().partial_fit(X, y, classes=[0, 1])
    before = state_of(model)
    message = refusal(lambda: model.partial_fit(X, np.asarray(labels)[y]), ValueError, TypeError)
    assert "y" in message and state_of(model) == before


@pytest.mark.parametrize("value", [1e30, 2**63, np.inf, -(2**70), 1e300])
def test_labels_beyond_integers_are_refused_without_a_warning(value):
    X, y = digits("binary")
    with np.errstate(all="raise"):
        message = refusal(lambda: ours().partial_fit(X, y, classes=[0, 1, value]))
        assert message.startswith("classes is invalid: ")
        message = refusal(lambda: ours().fit(X, np.where(y == 0, 0.0, float(value))))
        assert "Input y" in message or message.startswith("y is invalid: Unknown label type")


def test_labels_of_uint64_come_out_as_they_went_in():
    X, y = digits("binary")
    labels = np.array([0, 2**63 + 1], np.uint64)[y]
    model = ours().fit(X, labels)
    assert model.classes_.tolist() == [0, 2**63 + 1]
    assert_same_weights(model, ours().fit(X, y))


def test_dates_that_are_missing_are_refused_among_the_classes():
    X, y = digits("binary")
    days = np.array(["2026-01-01", "2026-01-02", "NaT"], "M8[D]")
    message = refusal(lambda: ours().partial_fit(X, days[y], classes=days))
    assert message == "classes must have no missing values, got 1; the first is NaT in row 2"


@pytest.mark.parametrize(
    "y, words",
    [
        (np.zeros((150, 2, 2)), "Found array with dim 3"),
        ([1j] * 150, "Complex data not supported"),
        ([object()] * 150, "Unknown label type"),
        ([[1], [1, 2]] * 75, "inhomogeneous|sequence|legacy multi-label"),
        ([], "Found array with 0 sample"),
    ],
)
def test_errors_of_scikit_learn_name_the_target(y, words):
    X, known = digits()
    model = ours()
    message = refusal(lambda: model.fit(X, y), ValueError, TypeError)
    assert message.startswith("y is invalid: ")
    assert re.search(words, message)
    message = refusal(lambda: model.fit(X, known, X_val=X, y_val=y), ValueError, TypeError)
    assert message.startswith("X_val and y_val must be as X and y are: y is invalid: ")
    assert not hasattr(model, "coefs_")
