"""Labels of any kind go in, and come out as they do from MLPClassifier."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp import ScratchMLPClassifier

from ..common import assert_same_weights, brief, digits

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
