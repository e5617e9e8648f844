"""Embeddings of columns, from the parameter to the predictions."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import SplineTransformer

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
    with pytest.raises(ValueError, match="X must be dense with the parameter embedding, got a sp"):
        model.fit(sparse.csr_array(X), y)
    assert state_of(model) == before
    model.fit(X, y)
    with pytest.raises(ValueError, match="X must be dense with the parameter embedding, got a sp"):
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
