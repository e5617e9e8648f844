"""Embeddings of columns, from the parameter to the predictions."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import SplineTransformer
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.embeddings import PiecewiseLinear

from .common import assert_same_weights, state_of

# Whatever the machine has: the engines are compared elsewhere.
SETTINGS = {
    "hidden_layer_sizes": (8,),
    "max_iter": 5,
    "n_iter_no_change": None,
    "random_state": 0,
}


def steps(n_samples=400):
    """A target that jumps between the integers of one column, beside two columns of noise."""
    rng = np.random.RandomState(0)
    codes = rng.randint(12, size=n_samples)
    X = np.column_stack([codes, rng.standard_normal(n_samples), rng.rand(n_samples) < 0.5])
    return X, np.array([0, 5, 1, 4, 0, 3, 5, 1, 0, 2, 5, 0])[codes].astype(float)


def test_without_hidden_layers_it_is_the_regression_on_linear_splines():
    X, y = steps()
    X, y = X[:, :1], y + X[:, 1] / 10
    knots = np.unique(X)[:, np.newaxis]
    splines = SplineTransformer(degree=1, knots=knots, include_bias=True).fit_transform(X)
    expected = splines @ np.linalg.lstsq(splines, y, rcond=None)[0]
    reg = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        embedding=PiecewiseLinear(n_bins=30, size=1),
        solver="lbfgs",
        alpha=0.0,
        max_iter=5000,
        max_fun=10**6,
        tol=1e-12,
        random_state=0,
    ).fit(X, y)
    assert_allclose(reg.predict(X), expected, atol=1e-3)


def test_it_learns_jumps_of_one_column_sooner():
    X, y = steps()
    settings = SETTINGS | {"hidden_layer_sizes": (32,), "max_iter": 40, "learning_rate_init": 0.01}
    scores = [
        ScratchMLPRegressor(**settings, embedding=embedding)
        .fit(X[:300], y[:300] - 2)
        .score(X[300:], y[300:] - 2)
        for embedding in (None, "piecewise_linear")
    ]
    assert scores[1] > 0.95 > scores[0]


@pytest.mark.parametrize("members", [1, 3])
def test_a_saved_and_a_copied_model_are_the_same(members):
    X, y = steps()
    settings = SETTINGS | {"embedding": PiecewiseLinear(n_bins=5, size=2), "members": members}
    model = ScratchMLPRegressor(**settings).fit(X, y)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert_same_weights(clone(model).fit(X, y), model)
    shape = (members,) if members > 1 else ()
    assert model.embedding_.shape == (*shape, 10, 2)
    assert model.embedding_edges_.shape == (*shape, 2, 6)
    assert model.embedding_columns_.shape == (*shape, 2)
    warm = ScratchMLPRegressor(**settings | {"max_iter": 2, "warm_start": True})
    before = warm.fit(X, y).embedding_edges_.copy()
    warm.fit(X * 2, y)
    # The edges belong to the fitted network.
    assert_array_equal(warm.embedding_edges_, before)


def repeatable(weights, n_samples=120):
    """Columns with jumps, and the same rows as often as their weights say."""
    X, y = steps(n_samples)
    return (X, y), [np.repeat(each, weights, axis=0) for each in (X, y)]


# alpha is divided by the mean weight: the penalty is that of the repeated rows.
FULL = SETTINGS | {"batch_size": "full", "shuffle": False, "alpha": 1.0, "max_iter": 10}


@pytest.mark.parametrize(
    ("solver", "members"), [("sgd", 1), ("adam", 1), ("lbfgs", 1), ("sgd", 2), ("adam", 2)]
)
@pytest.mark.parametrize("cls", [ScratchMLPRegressor, ScratchMLPClassifier])
def test_integer_weights_are_repetitions_in_the_knots_and_in_the_fit(cls, members, solver):
    weights = np.random.RandomState(1).randint(0, 4, 120)
    given, repeated = repeatable(weights)
    embedding = PiecewiseLinear(n_bins=7, size=2)
    model = cls(**FULL | {"embedding": embedding, "solver": solver, "members": members})
    weighted = clone(model).fit(*given, sample_weight=weights)
    expected = clone(model).fit(*repeated)
    assert_allclose(weighted.embedding_edges_, expected.embedding_edges_, rtol=1e-14)
    unweighted = clone(model).fit(*given).embedding_edges_
    assert abs(unweighted - expected.embedding_edges_).max() > 1e-3
    # Sums of other lengths round differently; L-BFGS magnifies that over its ten steps.
    assert_same_weights(weighted, expected, atol=1e-6)
    assert_allclose(weighted.embedding_, expected.embedding_, atol=1e-6)


def test_class_weights_count_in_the_knots_as_sample_weights_do():
    X, codes = steps()
    y = codes > 2
    classifier = ScratchMLPClassifier(**FULL, embedding=PiecewiseLinear(n_bins=7, size=2))
    by_class = clone(classifier).set_params(class_weight={True: 3.0}).fit(X, y)
    by_row = classifier.fit(X, y, sample_weight=np.where(y, 3.0, 1.0))
    assert_array_equal(by_class.embedding_edges_, by_row.embedding_edges_)


def test_equal_weights_change_no_bit_and_zeros_alone_are_refused():
    X, y = steps()
    reg = ScratchMLPRegressor(**SETTINGS | {"embedding": "piecewise_linear", "alpha": 0.0})
    plain = clone(reg).fit(X, y)
    assert_same_weights(clone(reg).fit(X, y, sample_weight=4.0), plain)
    with pytest.raises(ValueError, match=r"sample_weight must hold a weight .* got only zeros"):
        reg.fit(X, y, sample_weight=np.zeros(len(y)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("cls", [ScratchMLPRegressor, ScratchMLPClassifier])
def test_scikit_learn_s_check_of_sample_weights_passes(cls, solver):
    model = cls(solver=solver, embedding="piecewise_linear", max_iter=50)
    check_sample_weight_equivalence_on_dense_data(cls.__name__, model)


def test_partial_fit_keeps_the_edges_of_its_first_rows():
    X, y = steps()
    reg = ScratchMLPRegressor(**SETTINGS, embedding=PiecewiseLinear(n_bins=5, size=2))
    edges = reg.partial_fit(X[:200], y[:200]).embedding_edges_.copy()
    before = reg.embedding_.copy()
    reg.partial_fit(X[200:], y[200:])
    assert_array_equal(reg.embedding_edges_, edges)
    assert not np.array_equal(reg.embedding_, before)


def test_the_factor_of_its_rate_is_by_kind():
    X, y = steps()
    fixed = ScratchMLPRegressor(
        **SETTINGS, embedding="piecewise_linear", learning_rate_factors={"embedding": 0.0}
    ).fit(X, y)
    assert not fixed.embedding_.any()
    with pytest.raises(ValueError, match="learning_rate_factors must be"):
        fixed.set_params(learning_rate_factors={"embedding_edges": 1.0}).fit(X, y)


def test_sparse_rows_are_refused_before_anything_changes():
    X, y = steps()
    model = ScratchMLPRegressor(**SETTINGS, embedding="piecewise_linear")
    before = state_of(model)
    message = "X must be dense with the parameter embedding, got a sparse csr"
    with pytest.raises(ValueError, match=message):
        model.fit(sparse.csr_array(X), y)
    assert state_of(model) == before
    model.fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.predict(sparse.csr_array(X))


def test_what_a_fitted_network_has_cannot_change():
    X, y = steps()
    model = ScratchMLPRegressor(**SETTINGS, embedding="piecewise_linear", warm_start=True).fit(X, y)
    with pytest.raises(
        ValueError, match="embedding must be False, as in the fitted network, got T"
    ):
        clone(model).set_params(embedding=None).fit(X, y).set_params(
            embedding="piecewise_linear"
        ).fit(X, y)
    with pytest.raises(ValueError, match="embedding must be None for given weights"):
        ScratchMLPClassifier.from_weights(
            [[[2.0], [-1.0]]], [[0.5]], ["no", "yes"], embedding="piecewise_linear"
        )


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        ("periodic", "embedding must be an Embedding or one of"),
        (PiecewiseLinear, "embedding must be an Embedding"),
        (PiecewiseLinear(n_bins=1), "n_bins of PiecewiseLinear must be an integer >= 2, got 1"),
        (PiecewiseLinear(size=0), "size of PiecewiseLinear must be an integer >= 1, got 0"),
    ],
)
def test_mistakes_are_named(embedding, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPRegressor(embedding=embedding).fit(*steps(50))


def test_columns_of_two_values_alone_make_an_embedding_of_nothing():
    rng = np.random.RandomState(0)
    X = (rng.rand(60, 3) < 0.5).astype(float)
    y = X[:, 0] != X[:, 1]
    plain, embedded = (
        ScratchMLPClassifier(**SETTINGS, embedding=embedding).fit(X, y)
        for embedding in (None, "piecewise_linear")
    )
    assert embedded.embedding_.shape == (0, 4)
    assert_allclose(embedded.predict_proba(X), plain.predict_proba(X), atol=1e-12)
