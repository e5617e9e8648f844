"""members={...}: each is the network of an ensemble whose members all have its values."""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss

from sknumpy_mlp import ScratchMLPRegressor

from .common import assert_same_weights, digits
from .test_members import K, brief, singles

# The least rate: it omits no unit, but draws as other rates do.
NO_DROPOUT = 5e-324
OWN = {
    "alpha": [0, 0.1, 1.0],
    "dropout": [0.2, NO_DROPOUT, [0.3, 0.5]],
    "learning_rate_factors": [None, {"biases": 0.1}, {"weights": 0.5}],
    "learning_rate_init": [0.01, 0.03, 0.002],
}


def assert_members_are_of_separate_ensembles(train, own=OWN, dtype=np.float64, **parameters):
    """Member j has the weights of member j where all members have the j-th values."""
    X, y = digits(dtype=dtype)
    settings = {"hidden_layer_sizes": (12, 9)} | parameters
    stack = brief(members=own, **settings)
    train(stack, X, y)
    assert [W.shape[0] for W in stack.coefs_] == [K] * 3
    for j in range(K):
        separate = brief(**settings | {name: values[j] for name, values in own.items()})
        train(separate, X, y)
        for one, other in zip(
            stack.coefs_ + stack.intercepts_, separate.coefs_ + separate.intercepts_
        ):
            # Rates are multiplied in another order, and vectors are cut elsewhere.
            assert_allclose(one[j], other[j], rtol=0, atol=1e6 * np.finfo(dtype).eps)
        if stack.early_stopping:
            assert stack.best_iter_[j] == separate.best_iter_[j]
            assert stack.best_validation_scores_[j] == separate.best_validation_scores_[j]


def fit(model, X, y):
    model.fit(X, y)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": True},
        {"clip_norm": 0.1},
        {"parametrization": "ntk", "feature_scale": True},
        {"solver": "sgd", "batch_size": "full", "learning_rate": "cosine"},
        {"solver": "adamw"},
    ],
    ids=str,
)
def test_members_that_differ_are_those_of_separate_ensembles(parameters, dtype, engine):
    assert_members_are_of_separate_ensembles(fit, dtype=dtype, engine=engine, **parameters)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("name", sorted(OWN))
def test_any_one_parameter_may_differ(name, engine):
    own = {name: OWN[name]}
    assert_members_are_of_separate_ensembles(fit, own, engine=engine, alpha=0.01)


@pytest.mark.parametrize("name", sorted(OWN))
def test_training_continues_with_what_each_member_has(name):
    def in_parts(model, X, y):
        for _ in range(3):
            model.partial_fit(X, y, classes=np.unique(y))

    def warmly(model, X, y):
        model.set_params(warm_start=True, max_iter=2).fit(X, y).fit(X, y)

    assert_members_are_of_separate_ensembles(in_parts, {name: OWN[name]})
    assert_members_are_of_separate_ensembles(warmly, {name: OWN[name]})


def test_equal_values_give_the_ensemble_of_a_number():
    X, y = digits()
    own = {"alpha": [0.1] * K, "dropout": np.full(K, 0.2), "learning_rate_init": (0.02,) * K}
    values = {"alpha": 0.1, "dropout": 0.2, "learning_rate_init": 0.02}
    assert_same_weights(brief(members=own).fit(X, y), brief(**values).fit(X, y))
    single = brief(members={"alpha": [0.1]}).fit(X, y)
    assert_same_weights(single, brief(members=1, alpha=0.1).fit(X, y))


def test_members_that_differ_are_cloned_pickled_and_set():
    X, y = digits()
    model = brief(members=OWN, hidden_layer_sizes=(12, 9)).fit(X, y)
    assert model.get_params()["members"] is OWN
    assert_same_weights(clone(model).fit(X, y), model)
    again = pickle.loads(pickle.dumps(model))
    assert_same_weights(again.partial_fit(X, y), model.partial_fit(X, y))
    model.set_params(members=2).fit(X, y)
    assert len(model.coefs_[0]) == 2


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_the_loss_is_the_mean_with_the_penalty_of_each_member(engine):
    X, y = digits()
    alphas = [0.0, 3.0, 50.0]
    # A rate too small to change a weight.
    still = {"learning_rate_init": 1e-300, "solver": "sgd", "batch_size": "full", "max_iter": 1}
    model = brief(members={"alpha": alphas}, engine=engine, **still).fit(X, y)
    losses = [log_loss(y, single.predict_proba(X)) for single in singles(model)]
    squares = [sum((W[j] ** 2).sum() for W in model.coefs_) for j in range(K)]
    expected = np.mean(losses) + np.mean(np.multiply(alphas, squares)) / (2 * len(y))
    assert_allclose(model.loss_, expected, rtol=1e-12)


def test_adaptive_rates_fall_until_the_largest_is_small():
    X, y = digits()
    settings = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 1e9}
    settings |= {"max_iter": 50, "members": 2}
    rates = [1e-6, 1e-4]
    model = brief(**settings | {"members": {"learning_rate_init": rates}}).fit(X, y)
    of_each = [brief(**settings, learning_rate_init=rate).fit(X, y).n_iter_ for rate in rates]
    assert model.n_iter_ == max(of_each) > min(of_each)


def test_the_best_score_of_each_member_is_published():
    X, y = digits()
    options = {"X_val": X[120:], "y_val": y[120:]}
    model = brief(members=OWN, hidden_layer_sizes=(12, 9), early_stopping=True)
    model.fit(X[:120], y[:120], **options)
    own = [single.score(X[120:], y[120:]) for single in singles(model)]
    assert_array_equal(model.best_validation_scores_, own)
    assert model.best_validation_score_ == np.mean(own)
    # Without held-out rows, and with a single network, there is none.
    model.set_params(early_stopping=False).partial_fit(X, y)
    assert not hasattr(model, "best_validation_scores_")
    model.set_params(members=1).fit(X, y, **options)
    assert not hasattr(model, "best_validation_scores_")


@pytest.mark.parametrize(
    "own",
    [{}, {"tol": [1, 2]}, {"alpha": []}, {"alpha": 0.1}, {"alpha": [0, 1], "dropout": [0.1]}],
    ids=str,
)
def test_members_must_be_lists_of_one_length_under_known_names(own):
    X, y = digits()
    words = r"members must be an integer >= 1 or a dict from some of \['alpha', .* >= 1, got \{"
    with pytest.raises(ValueError, match=words):
        brief(members=own).fit(X, y)


@pytest.mark.parametrize(
    "own, words",
    [
        ({"alpha": [0, -1]}, r'members["alpha"][1] must be a number in [0, inf), got -1'),
        ({"learning_rate_init": [0, 1]}, 'members["learning_rate_init"][0] must be a number in (0'),
        ({"learning_rate_factors": [{"biases": 1}, {"bias": 1}]}, '_factors"][1] must be None or'),
        ({"dropout": [0.1, 1.0]}, 'members["dropout"][1] must be a number in [0, 1), got 1.0'),
        ({"dropout": [[0.1, 0.2], 0.1]}, 'members["dropout"][0] must be one rate for all hidden'),
        ({"dropout": [[2.0], 0.1]}, 'each rate of members["dropout"][0] must be a number in'),
    ],
    ids=str,
)
def test_a_wrong_value_of_one_member_is_named(own, words):
    X, y = digits()
    with pytest.raises(ValueError, match=re.escape(words)):
        brief(members=own).fit(X, y)


def test_members_that_differ_are_refused_where_several_are():
    X, y = digits()
    with pytest.raises(ValueError, match="members must be 1 with solver='lbfgs'"):
        brief(solver="lbfgs", members={"alpha": [0, 1]}).fit(X, y)
    with pytest.raises(ValueError, match="members must be 1 for given weights, got 2"):
        ScratchMLPRegressor.from_weights([[[2.0]]], [[0.5]], members={"alpha": [0, 1]})
