"""Dropout, label smoothing, gradient clipping and weight decay: what they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Identity
from sknumpy_mlp.core.layers import Dropout
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.losses import LogLoss
from sknumpy_mlp.optimizers import AdamW

from .common import KINDS, assert_same_weights, brief, digits, state_of

ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


def loss_curves(model, X, y):
    return model.fit(X, y).loss_curve_


# ---- dropout ----


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_leaves_expectations_alone(rate, dtype):
    layer = Dropout(40, rate)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((5000,), dtype, training=True)
    A = layer.forward(np.ones((5000, 40), dtype), buffers)
    assert A.dtype == dtype
    kept = A != 0
    assert_allclose(A[kept], 1 / (1 - rate), rtol=1e-6)
    # 200,000 draws: five standard errors of a share, then of the mean of each unit.
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / kept.size)
    assert abs(A.mean(axis=0) - 1).max() < 5 * np.sqrt(rate / (1 - rate) / 5000)
    # Rows and units are left out independently of each other.
    assert abs(np.corrcoef(kept[:, :5].T) - np.eye(5)).max() < 5 / np.sqrt(5000)


def test_what_is_left_out_has_no_gradient():
    layer = Dropout(6, 0.5)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((8,), np.float64, training=True)
    X = np.random.RandomState(0).standard_normal((8, 6))
    before = X.copy()
    A = layer.forward(X, buffers)
    assert_array_equal(X, before)
    dX = np.empty_like(X)
    layer.backward(X, np.ones_like(A), buffers, dX)
    assert_allclose(dX * X, A, rtol=1e-15)
    assert (dX == 0).any()


def test_every_batch_has_another_mask():
    layer = Dropout(50, 0.5)
    layer.generator = np.random.default_rng(0)
    buffers = layer.buffers((4,), np.float64, training=True)
    one = layer.forward(np.ones((4, 50)), buffers).copy()
    assert (layer.forward(np.ones((4, 50)), buffers) != one).any()


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("rates", [0.5, [0.5, 0.0], [0.25, 0.75]])
def test_predictions_use_all_units(cls, rates):
    X, y = digits()
    model = brief(cls, hidden_layer_sizes=(20, 10), dropout=rates).fit(X, y)
    once, twice = model.predict(X), model.predict(X)
    assert_array_equal(once, twice)
    bare = cls.from_weights(
        model.coefs_,
        model.intercepts_,
        **({"classes": model.classes_} if cls is ScratchMLPClassifier else {}),
    )
    assert_array_equal(bare.predict(X), once)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_dropout_is_repeatable_and_of_the_seed(cls):
    X, y = digits()
    one, same = (brief(cls, dropout=0.5).fit(X, y) for _ in range(2))
    assert_same_weights(one, same)
    other = brief(cls, dropout=0.5, random_state=1).fit(X, y)
    assert abs(one.coefs_[0] - other.coefs_[0]).max() > 1e-3


@pytest.mark.parametrize("rates", [0.0, 0, [0.0], (0,)])
def test_a_rate_of_zero_is_no_dropout(rates):
    X, y = digits()
    assert_same_weights(brief(dropout=rates).fit(X, y), brief().fit(X, y))


def test_dropout_draws_one_number_from_the_stream_after_the_weights():
    X, y = digits()
    stream = np.random.RandomState(0)
    brief(dropout=0.5, shuffle=False, random_state=stream).fit(X, y)
    expected = np.random.RandomState(0)
    for size in [(64, 8), 8, (8, 10), 10]:
        expected.uniform(size=size)
    expected.randint(2**31)
    assert stream.uniform() == expected.uniform()


def test_units_are_left_out_in_training():
    """With one linear unit a layer, an epoch of one row and rate 1/2 changes all or nothing."""
    changed = []
    for seed in range(40):
        model = ScratchMLPRegressor(
            hidden_layer_sizes=(1,),
            activation="identity",
            solver="sgd",
            alpha=0,
            max_iter=1,
            n_iter_no_change=None,
            dropout=0.5,
            random_state=seed,
        )
        start = np.random.RandomState(seed).uniform(-np.sqrt(3), np.sqrt(3), (1, 1))
        model.fit([[1.0]], [5.0])
        changed.append(abs(model.coefs_[0] - start).max() > 1e-9)
    assert 8 <= sum(changed) <= 32


def test_partial_fit_goes_on_with_the_masks_of_a_fit():
    X, y = digits()
    settings = {"dropout": 0.5, "shuffle": False}
    parts = brief(**settings)
    for _ in range(4):
        parts.partial_fit(X, y, classes=np.arange(10))
    assert_same_weights(parts, brief(**settings).fit(X, y))


def test_dropout_follows_every_hidden_layer_that_has_a_rate():
    network = perceptron([4, 3, 2, 2], [Identity()] * 2, dropout=[0.5, 0.0])
    names = [type(layer).__name__ for layer in network.layers]
    assert names == ["Dense", "Dropout", "Dense", "Dense"]


def test_a_fit_with_much_dropout_learns_and_fits_less():
    X, y = digits(n_samples=150)
    settings = {"hidden_layer_sizes": (64,), "max_iter": 60}
    free, dropped = (brief(dropout=rate, **settings).fit(X, y) for rate in (0.0, 0.6))
    assert dropped.score(X, y) > 0.9
    assert dropped.loss_ > 2 * free.loss_


# ---- label smoothing ----


@pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_smoothing_is_the_plain_loss(loss, kind):
    X, y = digits(kind)
    plain, zero = brief(loss=loss), brief(loss=loss, label_smoothing=0)
    assert loss_curves(plain, X, y) == loss_curves(zero, X, y)


def test_the_smoothed_loss_is_the_cross_entropy_of_smoothed_targets():
    X, y = digits()
    model = brief(label_smoothing=0.2, max_iter=30).fit(X, y, X_val=X, y_val=y)
    log_p = log_softmax(model.decision_function(X), axis=1)
    targets = 0.8 * np.eye(10)[y] + 0.02
    assert_allclose(model.validation_loss_curve_[-1], -(targets * log_p).sum(axis=1).mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss"])
def test_smoothed_targets_are_where_training_ends(loss, kind):
    """Without information about the rows, the optimum is the mean of the smoothed targets."""
    X, y = (
        np.zeros((12, 1)),
        {
            "binary": np.repeat([0, 1], [3, 9]),
            "multiclass": np.repeat([0, 1, 2], [2, 4, 6]),
            "multilabel": np.column_stack([np.repeat([0, 1], [3, 9]), np.repeat([1, 0], [2, 10])]),
        }[kind],
    )
    smoothing = 0.4
    model = ScratchMLPClassifier(
        (), solver="lbfgs", loss=loss, label_smoothing=smoothing, alpha=0, tol=1e-10
    ).fit(X, y)
    shares = y.mean(axis=0) if y.ndim == 2 else np.bincount(y) / 12
    softmax = loss == "log_loss" and kind == "multiclass"
    expected = (1 - smoothing) * shares + smoothing / (3 if softmax else 2)
    if kind != "multilabel":
        expected = expected / expected.sum()
    assert_allclose(model.predict_proba(X)[0], expected, atol=1e-5)


def test_an_object_brings_its_own_smoothing():
    X, y = digits()
    by_name = brief(label_smoothing=0.2).fit(X, y)
    by_object = brief(loss=LogLoss(label_smoothing=0.2)).fit(X, y)
    assert_same_weights(by_name, by_object)


def test_a_loss_without_smoothing_refuses_it():
    X, y = digits()
    with pytest.raises(ValueError, match="label_smoothing must be 0 with loss='squared_error'"):
        brief(loss="squared_error", label_smoothing=0.1).fit(X, y)


# ---- clipping ----


def test_a_long_gradient_is_scaled_down_to_the_norm():
    """A step of gradient descent is then as long as the rate times the norm."""
    X, y = digits()
    settings = {"solver": "sgd", "momentum": 0.0, "batch_size": "full", "max_iter": 1, "alpha": 0}
    start = brief(**settings, learning_rate_init=1e-300).fit(X, y)
    lengths = {}
    for clip_norm in (None, 1e-3, 0.1, 1e6):
        model = brief(**settings, learning_rate_init=1.0, clip_norm=clip_norm).fit(X, y)
        moves = [
            (a - b).ravel()
            for a, b in zip(model.coefs_ + model.intercepts_, start.coefs_ + start.intercepts_)
        ]
        lengths[clip_norm] = np.linalg.norm(np.concatenate(moves))
    assert_allclose(lengths[1e-3], 1e-3, rtol=1e-10)
    assert_allclose(lengths[0.1], 0.1, rtol=1e-10)
    assert lengths[None] == lengths[1e6] > 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_saves_a_fit_that_would_diverge(dtype):
    X, y = digits(dtype=dtype)
    y = 1e4 * y.astype(dtype)
    settings = {"solver": "sgd", "learning_rate_init": 1.0, "activation": "identity"}
    settings |= {"hidden_layer_sizes": (20,), "max_iter": 5}
    with pytest.raises(ValueError, match="non-finite"):
        brief(ScratchMLPRegressor, **settings).fit(X, y)
    model = brief(ScratchMLPRegressor, **settings, clip_norm=1.0).fit(X, y)
    assert np.isfinite(model.loss_)


def test_a_gradient_whose_squares_overflow_is_clipped_to_the_norm():
    X, y = np.full((4, 1), 1e15, np.float32), np.full(4, 1e15, np.float32)
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=0.0,
        init="zeros",
        alpha=0,
        max_iter=1,
        n_iter_no_change=None,
        learning_rate_init=1.0,
        clip_norm=0.5,
    ).fit(X, y)
    assert_allclose(abs(model.coefs_[0]), 0.5, rtol=1e-6)


# ---- decay ----


@pytest.mark.parametrize("batch_size", [10, 50, 150])
def test_adamw_decays_by_the_step_not_by_the_batch(batch_size):
    """With a gradient of zero, n steps leave (1 - rate * decay)^n of the weights."""
    X, y = np.zeros((150, 3)), np.zeros(150)
    model = ScratchMLPRegressor(
        hidden_layer_sizes=(),
        solver=AdamW(weight_decay=0.5),
        alpha=0,
        batch_size=batch_size,
        learning_rate_init=0.1,
        max_iter=2,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    start = np.random.RandomState(0).uniform(-np.sqrt(6 / 4), np.sqrt(6 / 4), (3, 1))
    n_steps = 2 * 150 // batch_size
    assert_allclose(model.coefs_[0], start * (1 - 0.1 * 0.5) ** n_steps, rtol=1e-12)


# ---- what is refused ----


WRONG = [
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("dropout", [0.1, 0.2]),
    ("dropout", [1.5]),
    ("dropout", "0.1"),
    ("clip_norm", 0.0),
    ("clip_norm", -1),
    ("clip_norm", "1"),
    ("restore_best", "yes"),
    ("best_of_ties", "middle"),
    ("label_smoothing", 1.0),
    ("label_smoothing", -0.5),
]


@pytest.mark.parametrize(
    ("cls", "name", "wrong"),
    [(cls, *each) for cls in ESTIMATORS for each in WRONG if each[0] in cls().get_params()],
)
def test_a_wrong_value_is_told_and_changes_nothing(cls, name, wrong):
    X, y = digits()
    model = brief(cls, **{name: wrong})
    before = state_of(model)
    with pytest.raises(ValueError, match=rf"{name}\b.* must be ") as error:
        model.fit(X, y)
    assert repr(wrong).strip("[]") in str(error.value)
    assert state_of(model) == before


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "unfit", [{"dropout": 0.5}, {"dropout": [0.5]}, {"clip_norm": 1.0}], ids=str
)
def test_lbfgs_refuses_what_only_steps_can_do(cls, unfit):
    X, y = digits()
    (name,) = unfit
    with pytest.raises(ValueError, match=f"{name} must be .* with solver='lbfgs'"):
        brief(cls, solver="lbfgs", **unfit).fit(X, y)
    plain = brief(cls, solver="lbfgs", dropout=[0.0], max_iter=3)
    with pytest.warns(UserWarning, match="lbfgs stopped"):
        plain.set_params(n_iter_no_change=10).fit(X, y)
