"""members=k: each is a network as a single fit makes it, and what is predicted is their mean."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.rows import check_some_weight
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.losses import LogLoss, Loss
from sknumpy_mlp.losses.links import Link
from sknumpy_mlp.optimizers import Optimizer

from .common import KINDS, assert_same_weights, digits, state_of

K = 3
STEPPING = sorted(name for name, cls in Optimizer.named().items() if cls.takes_steps)


def brief(cls=ScratchMLPClassifier, **parameters):
    settings = {"hidden_layer_sizes": (12,), "max_iter": 4, "random_state": 0, "members": K}
    settings |= {"n_iter_no_change": None, "learning_rate_init": 0.01, "batch_size": 20}
    return cls(**settings | parameters)


def singles(model, **parameters):
    """Each member as a fitted estimator of its own, without temperature."""
    parameters = model.get_params() | {"members": 1} | parameters
    names = ()
    if hasattr(model, "classes_"):
        names, parameters["temperature_scaling"] = (model.classes_,), False
    return [
        type(model).from_weights(
            [W[j] for W in model.coefs_], [b[j] for b in model.intercepts_], *names, **parameters
        )
        for j in range(K)
    ]


def numbers(n_columns=1):
    X, y = digits()
    return X, y.astype(float) if n_columns == 1 else np.column_stack([y, X[:, 3]])


# ---- what is predicted ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", sorted(Loss.serving("multiclass")))
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_probabilities_are_the_mean_of_the_members(kind, loss, dtype):
    X, y = digits(kind)
    X = X.astype(dtype)
    model = brief(loss=loss).fit(X, y)
    expected = np.mean([single.predict_proba(X) for single in singles(model)], axis=0)
    proba = model.predict_proba(X)
    assert proba.dtype == dtype
    assert_allclose(proba, expected, rtol=0, atol=50 * np.finfo(dtype).eps)
    assert_allclose(np.exp(model.predict_log_proba(X)), proba, atol=50 * np.finfo(dtype).eps)
    assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])


def test_probabilities_of_labels_are_the_mean_of_the_members():
    X, y = digits("multilabel")
    model = brief().fit(X, y)
    parameters = {"multilabel": True}
    expected = np.mean([each.predict_proba(X) for each in singles(model, **parameters)], axis=0)
    assert_allclose(model.predict_proba(X), expected, atol=1e-12)
    assert_array_equal(model.predict(X), expected > 0.5)


@pytest.mark.parametrize("loss", sorted(Loss.serving("continuous")))
@pytest.mark.parametrize("n_columns", [1, 2])
def test_predicted_numbers_are_the_mean_of_the_members(n_columns, loss):
    X, y = numbers(n_columns)
    model = brief(ScratchMLPRegressor, loss=loss).fit(X, y)
    expected = np.mean([single.predict(X) for single in singles(model)], axis=0)
    assert_allclose(model.predict(X), expected, rtol=1e-12)


def test_scores_far_from_zero_stay_numbers():
    X = np.array([[-1e3], [1e3]])
    for loss in Loss.serving("binary"):
        model = brief(loss=loss, hidden_layer_sizes=(), batch_size="full").fit(X, [0, 1])
        model.coefs_ = [1e3 * W for W in model.coefs_]
        assert np.isfinite(model.decision_function(X)).all()
        assert_allclose(model.predict_proba(X).sum(axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", sorted(Loss.serving("multiclass")))
def test_sure_members_keep_the_order_of_rows(loss, dtype):
    z = np.linspace(1, 80, 300)
    model = brief(loss=loss, hidden_layer_sizes=(), init="zeros", batch_size="full", max_iter=1)
    model.fit(z[:, np.newaxis].astype(dtype), np.arange(300) % 3)
    # All members say (z, -z, -z).
    model.coefs_ = [np.tile(np.array([[1.0, -1.0, -1.0]], dtype), (K, 1, 1))]
    model.intercepts_ = [np.zeros((K, 3), dtype)]
    alone = singles(model)[0]
    pooled = np.diff(model.predict_log_proba(z[:, np.newaxis].astype(dtype))[:, ::-1], axis=1)
    expected = np.diff(alone.predict_log_proba(z[:, np.newaxis].astype(dtype))[:, ::-1], axis=1)
    assert_allclose(pooled, expected, rtol=20 * np.finfo(dtype).eps, atol=1e-5)
    first = model.decision_function(z[:, np.newaxis].astype(dtype))[:, 0]
    assert (np.diff(first) >= 0).all()
    assert len(np.unique(first)) > 290 or loss == "log_loss"


def test_a_loss_of_one_s_own_must_say_how_it_pools():
    class Unpooled(LogLoss):
        """A link that nobody knows."""

        def for_target(self, kind):
            loss = super().for_target(kind)
            link = type("Unknown", (type(loss.link),), {"pool": Link.pool})()
            other = type("Other", (type(loss),), {"link": link})
            return other()

    X, y = digits()
    with pytest.raises(ValueError, match=r"members must be 1 with the loss Other\(.*, got 3"):
        brief(loss=Unpooled()).fit(X, y)
    brief(loss=Unpooled(), members=1).fit(X, y)


def test_many_rows_are_pooled_in_parts(monkeypatch):
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    whole = model.predict_proba(X)
    monkeypatch.setattr(ScratchMLPClassifier, "_pooled_rows", 7)
    for form in (np.asarray, sparse.csr_array, np.asfortranarray):
        assert_allclose(model.predict_proba(form(X)), whole, atol=1e-12)


# ---- each member is a single fit ----


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"clip_norm": 0.1},
        {"feature_scale": True, "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0}},
        {"parametrization": "ntk", "alpha": 0.1},
        {"label_smoothing": 0.1, "class_weight": {0: 3.0}},
        {"batch_size": "full"},
        {"activation": "selu", "hidden_layer_sizes": (9, 7)},
    ],
    ids=str,
)
@pytest.mark.parametrize("solver", STEPPING)
def test_training_of_each_member_is_that_of_a_single_network(solver, parameters):
    X, y = digits()
    settings = parameters | {"solver": solver, "shuffle": False, "warm_start": True}
    started = brief(max_iter=1, **settings).fit(X, y)
    alone = []
    for j in range(K):
        # Started as a fit of its own, then given the weights of the member.
        single = brief(members=1, max_iter=1, **settings).fit(X, y)
        single.coefs_ = [W[j].copy() for W in started.coefs_]
        single.intercepts_ = [b[j].copy() for b in started.intercepts_]
        if "feature_scale" in parameters:
            single.feature_scale_ = started.feature_scale_[j].copy()
        alone.append(single.set_params(max_iter=4).fit(X, y))
    together = started.set_params(max_iter=4).fit(X, y)
    for j, single in enumerate(alone):
        for W, expected in zip(together.coefs_, single.coefs_):
            assert_allclose(W[j], expected, rtol=1e-7, atol=1e-9)
        for b, expected in zip(together.intercepts_, single.intercepts_):
            assert_allclose(b[j], expected, rtol=1e-7, atol=1e-9)
    curves = np.mean([single.loss_curve_ for single in alone], axis=0)
    assert_allclose(together.loss_curve_[1:], curves[1:], rtol=1e-9)


def test_rows_come_to_each_member_in_an_order_of_its_own():
    X, y = digits()
    model = brief(init="zeros", hidden_layer_sizes=(), solver="sgd", max_iter=1).fit(X, y)
    assert not np.allclose(model.coefs_[0][0], model.coefs_[0][1], atol=1e-6)
    # Full batches see no order.
    whole = clone(model).set_params(batch_size="full").fit(X, y)
    assert_allclose(whole.coefs_[0][0], whole.coefs_[0][1], atol=1e-12)


def test_memory_of_batches_is_bounded_for_all_members_together(monkeypatch):
    X, y = digits()
    # Kernels stream in the same blocks, but by another method.
    full = {"batch_size": "full", "engine": "numpy"}
    whole = brief(**full).fit(X, y)
    monkeypatch.setattr(Objective, "block_elements", 64 * K * 7)
    monkeypatch.setattr(Objective, "shortest_block", 1)
    rows, evaluate = [], Objective._add_block

    def spied(self, start, stop, batch_size):
        rows.append(stop - start)
        evaluate(self, start, stop, batch_size)

    monkeypatch.setattr(Objective, "_add_block", spied)
    assert_allclose(brief(**full).fit(X, y).coefs_[0], whole.coefs_[0], atol=1e-9)
    assert max(rows) == 7


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_batches_of_wide_rows_are_not_cut_short_for_many_members(form, monkeypatch):
    X, y = digits()
    X = form(np.tile(X, (1, 40)))
    rows, evaluate = [], Objective._add_block

    def spied(self, start, stop, batch_size):
        rows.append((stop - start, batch_size))
        evaluate(self, start, stop, batch_size)

    monkeypatch.setattr(Objective, "_add_block", spied)
    brief(members=20, batch_size=75, max_iter=1, engine="numpy").fit(X, y)
    assert rows
    assert all(n_rows == batch_size for n_rows, batch_size in rows)


# ---- validation ----


def test_each_member_is_kept_at_its_own_best_epoch():
    X, y = digits()
    options = {"X_val": X[120:], "y_val": y[120:]}
    model = brief(early_stopping=True, max_iter=15, learning_rate_init=0.1).fit(
        X[:120], y[:120], **options
    )
    assert model.best_iter_.shape == (K,)
    own = [single.score(X[120:], y[120:]) for single in singles(model)]
    assert_allclose(model.best_validation_score_, np.mean(own), rtol=1e-12)
    assert model.best_validation_score_ >= max(model.validation_scores_)


def test_members_hold_out_rows_of_their_own():
    _, y = digits()
    # A column for every row tells which rows a member was trained on: its weights moved.
    seen = brief(
        early_stopping=True, validation_fraction=0.3, hidden_layer_sizes=(), init="zeros", alpha=0
    )
    seen.set_params(restore_best=False).fit(np.eye(len(y)), y)
    held_out = [set(np.flatnonzero(~W.any(axis=1))) for W in seen.coefs_[0]]
    assert [len(rows) for rows in held_out] == [int(np.ceil(0.3 * len(y)))] * K
    assert len(set(map(frozenset, held_out))) == K


def test_training_goes_on_while_any_member_improves():
    X, y = digits()
    calls = []

    def score(estimator, X, y):
        """The first member never has a score, the second gets worse, the third better."""
        calls.append(0)
        epoch, member = divmod(len(calls) - 1, K)
        return [np.nan, -epoch, min(epoch, 5)][member]

    model = brief(early_stopping=True, scoring=score, n_iter_no_change=3, max_iter=50).fit(X, y)
    assert model.n_iter_ == 6 + 3 + 1
    assert model.best_iter_.tolist() == [1, 1, 6]


def test_rows_that_weigh_nothing_for_one_member_are_refused():
    X, y = digits()
    weights = np.zeros(len(y))
    weights[0] = 1
    with pytest.raises(ValueError, match="sample_weight must hold a weight"):
        brief(early_stopping=True, validation_fraction=0.5).fit(X, y, weights)


def test_every_member_must_train_on_a_row_with_weight():
    weights = np.zeros(9)
    weights[3] = 1
    with pytest.raises(ValueError, match="among the rows trained on"):
        check_some_weight(weights, "trained on", np.array([[3, 5], [6, 7]]))
    check_some_weight(weights, "trained on", np.array([[3, 5], [6, 3]]))


def test_each_member_has_a_temperature_of_its_own():
    X, y = digits()
    options = {"X_val": X[100:], "y_val": y[100:]}
    model = brief(temperature_scaling=True, max_iter=30).fit(X[:100], y[:100], **options)
    assert model.temperature_.shape == (K,)
    for single, temperature in zip(singles(model), model.temperature_):
        W, b = single.coefs_[-1], single.intercepts_[-1]
        improbable = []
        for T in (temperature, 0.99 * temperature, 1.01 * temperature):
            single.coefs_[-1], single.intercepts_[-1] = W / T, b / T
            likelihood = log_loss(y[100:], single.predict_proba(X[100:]), normalize=False)
            improbable.append(likelihood + np.log(T) ** 2 / 2)
        assert improbable[0] == min(improbable)


def test_predictions_are_means_of_members_at_their_own_temperatures():
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    model.temperature_ = np.array([0.1, 1.0, 8.0])
    alone = [
        softmax(single.decision_function(X) / T, axis=1)
        for single, T in zip(singles(model), model.temperature_)
    ]
    assert_allclose(model.predict_proba(X), np.mean(alone, axis=0), rtol=1e-9)


@pytest.mark.parametrize("members", [1, K])
def test_a_temperature_leaves_float32_alone(members):
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True, members=members)
    assert model.fit(X.astype(np.float32), y).predict_proba(X).dtype == np.float32


def test_a_scorer_sees_one_member_at_a_time():
    X, y = digits()
    shapes = []

    def score(estimator, X, y):
        shapes.append(estimator.coefs_[0].shape)
        return estimator.score(X, y)

    model = brief(early_stopping=True, scoring=score).fit(X, y)
    assert shapes == [(X.shape[1], 12)] * (K * model.n_iter_)


# ---- life of the estimator ----


def test_the_arrays_say_how_many_members_there_are():
    X, y = digits()
    model = brief().fit(X, y)
    alone = [single.predict_proba(X) for single in singles(model)]
    model.coefs_ = [W[:2] for W in model.coefs_]
    model.intercepts_ = [b[:2] for b in model.intercepts_]
    assert_allclose(model.predict_proba(X), np.mean(alone[:2], axis=0), atol=1e-12)
    model.coefs_ = [W[0] for W in model.coefs_]
    model.intercepts_ = [b[0] for b in model.intercepts_]
    assert_allclose(model.predict_proba(X), alone[0], atol=1e-12)


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_arrays_have_an_axis_of_members_in_front(cls):
    X, y = digits()
    model = brief(cls, feature_scale=True).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(K, 64, 12), (K, 12, model.n_outputs_)]
    assert [b.shape for b in model.intercepts_] == [(K, 12), (K, model.n_outputs_)]
    assert model.feature_scale_.shape == (K, 64)
    total = K * sum(W[0].size + b[0].size for W, b in zip(model.coefs_, model.intercepts_))
    *_, hidden, _, _, last = model.summary().splitlines()
    assert hidden.split()[-1] == f"{64 * 12 + 12:,}"
    assert last.split() == ["total,", str(K), "members", f"{total + K * 64:,}"]


@pytest.mark.parametrize("kind", KINDS)
def test_repeated_pickled_and_cloned(kind):
    X, y = digits(kind)
    model = brief(early_stopping=True, dropout=0.2).fit(X, y)
    assert_same_weights(clone(model).fit(X, y), model)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, np.asfortranarray])
@pytest.mark.parametrize("shuffle", [True, False])
def test_forms_of_input(form, shuffle):
    X, y = digits()
    expected = brief(shuffle=shuffle).fit(X, y)
    model = brief(shuffle=shuffle).fit(form(X), y)
    assert_allclose(model.predict_proba(form(X)), expected.predict_proba(X), atol=1e-9)


def test_integers_are_converted_batch_by_batch():
    X, y = digits()
    X = np.round(16 * X)
    expected = brief(early_stopping=True).fit(X, y)
    assert_same_weights(brief(early_stopping=True).fit(X.astype(np.uint8), y), expected)


def test_partial_fit_goes_on():
    X, y = digits()
    model = brief()
    for _ in range(2):
        model.partial_fit(X, y, classes=np.unique(y))
    assert model.coefs_[0].shape[0] == K
    assert model._training.moments["t"] == 2 * -(-len(y) // 20)


def test_members_are_searched_as_any_parameter():
    X, y = digits()
    search = GridSearchCV(brief(), {"members": [1, 2]}, cv=2).fit(X, y)
    assert search.best_estimator_.score(X, y) > 0.5


def test_wrong_numbers_are_refused():
    X, y = digits()
    with pytest.raises(ValueError, match="members must be an integer >= 1"):
        brief(members=0).fit(X, y)
    with pytest.raises(ValueError, match="members must be 1 with solver='lbfgs'"):
        brief(solver="lbfgs").fit(X, y)
    with pytest.raises(ValueError, match="members must be 1 for given weights, got 3"):
        ScratchMLPRegressor.from_weights([[[2.0]]], [[0.5]], members=3)
    with pytest.raises(ValueError, match="coefs must be the matrices of one network"):
        ScratchMLPRegressor.from_weights([[[[2.0]]]], [[[0.5]]])


@pytest.mark.parametrize("other", [1, K + 1])
def test_a_warm_start_keeps_the_members(other):
    X, y = digits()
    model = brief(warm_start=True).fit(X, y)
    before = state_of(model)
    model.members = other
    with pytest.raises(ValueError, match=f"members must be {K}, as in the fitted network"):
        model.fit(X, y)
    model.members = K
    assert str(state_of(model)) == str(before)
