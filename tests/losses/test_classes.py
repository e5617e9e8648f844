"""Losses of classes and labels: special cases, scikit-learn's metrics, label smoothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from sknumpy_mlp import ScratchMLPClassifier, losses
from sknumpy_mlp.losses import LogLoss, Loss

from ..common import KINDS, assert_same_weights, brief, digits
from .cases import CONCRETE, N_CLASSES, n_outputs, targets, value_and_gradient


def loss_curves(model, X, y):
    return model.fit(X, y).loss_curve_


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
        (),
        solver="lbfgs",
        loss=loss,
        label_smoothing=smoothing,
        alpha=0,
        tol=1e-10,
        random_state=0,
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


# ---- special cases ----


@pytest.mark.parametrize(
    "loss", [loss for loss in CONCRETE if isinstance(loss.coding, losses.Columns)], ids=repr
)
def test_gradient_matches_finite_differences_for_targets_between_0_and_1(loss):
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((20, n_outputs(loss))), rng.uniform(size=(20, n_outputs(loss)))
    _, dZ = value_and_gradient(loss, Z, y)
    h = 1e-5
    for k in range(Z.shape[1]):
        shift = h * np.eye(Z.shape[1])[k]
        up, down = (value_and_gradient(loss, Z + sign * shift, y)[0] for sign in (1, -1))
        np.testing.assert_allclose(dZ[:, k], (up - down) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_log_loss_is_scikit_learn_s(kind):
    loss = Loss.resolve("log_loss", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (50, loss.link.n_outputs(n_classes)))
    codes = rng.randint(n_classes, size=50)
    values, _ = value_and_gradient(loss, Z, loss.encode_target(codes, Z.dtype))
    expected = log_loss(codes, loss.link.probabilities(Z.copy()))
    np.testing.assert_allclose(values.mean(), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_binary_log_loss_is_the_sum_of_scikit_learn_s_over_the_outputs(kind):
    loss = Loss.resolve("binary_log_loss", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    rng = np.random.RandomState(0)
    Z = rng.normal(0, 2, (50, n_classes))
    y, Y = targets(loss, 50, n_classes)
    values, _ = value_and_gradient(loss, Z, y)
    p = 1 / (1 + np.exp(-Z))
    expected = sum(log_loss(Y[:, k], p[:, k], labels=[0, 1]) for k in range(n_classes))
    np.testing.assert_allclose(values.mean(), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_squared_error_is_half_the_squared_distance(kind):
    loss = Loss.resolve("squared_error", "loss").for_target(kind)
    n_classes = 2 if kind == "binary" else N_CLASSES
    Z = np.random.RandomState(0).normal(0, 2, (50, n_classes))
    y, Y = targets(loss, 50, n_classes)
    values, _ = value_and_gradient(loss, Z, y)
    expected = 0.5 * np.sum((1 / (1 + np.exp(-Z)) - Y) ** 2, axis=1)
    np.testing.assert_allclose(values, expected, rtol=1e-13)
