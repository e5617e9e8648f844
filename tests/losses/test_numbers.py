"""Losses of numbers: special cases and scikit-learn's metrics."""

import re

import numpy as np
import pytest
from sklearn.metrics import (
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknumpy_mlp import losses

from ..common import label
from .cases import CONTINUOUS, value_and_gradient

# With one score for each column.
COLUMNWISE = [loss for loss in CONTINUOUS if loss.link.n_columns(3) == 3]


@pytest.mark.parametrize("loss", COLUMNWISE, ids=repr)
def test_a_perfect_score_costs_nothing_and_pulls_only_where_a_quantile_is_wanted(loss):
    y = np.array([[0.5, 2.0, 100.0]])
    values, dZ = value_and_gradient(loss, np.log(y) if loss.link.out_activation == "exp" else y, y)
    # exp(log(y)) rounds, and so does y (log(y) - log(y)).
    assert abs(values[0]) <= 100 * 8 * np.finfo(float).eps
    # The middle of all slopes that touch a kink; 0 but for a quantile that is not the median.
    expected = 0.5 - getattr(loss, "quantile", 0.5)
    np.testing.assert_allclose(dZ, expected, rtol=0, atol=100 * 8 * np.finfo(float).eps)


@pytest.mark.parametrize("loss", COLUMNWISE, ids=repr)
def test_columns_of_numbers_add_up(loss):
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((20, 3)), rng.uniform(0, 3, (20, 3))
    values, dZ = value_and_gradient(loss, Z, y)
    columns = [value_and_gradient(loss, Z[:, [k]], y[:, [k]]) for k in range(3)]
    np.testing.assert_allclose(values, sum(value for value, _ in columns), rtol=1e-13)
    np.testing.assert_array_equal(dZ, np.hstack([gradient for _, gradient in columns]))


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (losses.ContinuousSquaredError(), lambda y, z: mean_squared_error(y, z) / 2),
        (losses.Poisson(), lambda y, z: mean_poisson_deviance(y, np.exp(z)) / 2),
        (losses.AbsoluteError(), mean_absolute_error),
        (losses.Pinball(quantile=0.9), lambda y, z: mean_pinball_loss(y, z, alpha=0.9)),
    ],
    ids=label,
)
def test_losses_of_numbers_are_scikit_learn_s_metrics(loss, metric):
    rng = np.random.RandomState(0)
    z, y = rng.standard_normal((50, 1)), rng.poisson(2, (50, 1)).astype(float)
    values, _ = value_and_gradient(loss, z, y)
    np.testing.assert_allclose(values.mean(), metric(y, z), rtol=1e-13)


def test_huber_is_the_squared_error_of_small_and_the_absolute_error_of_large_residuals():
    rng = np.random.RandomState(0)
    Z, y = rng.standard_normal((50, 2)), rng.standard_normal((50, 2))
    for got, expected in zip(
        value_and_gradient(losses.Huber(delta=1e3), Z, y),
        value_and_gradient(losses.ContinuousSquaredError(), Z, y),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    values, dZ = value_and_gradient(losses.Huber(delta=1e-6), Z, y)
    distance, sign = value_and_gradient(losses.AbsoluteError(), Z, y)
    # Half of delta is missing from every residual.
    np.testing.assert_allclose(values / 1e-6, distance, rtol=0, atol=2e-6)
    np.testing.assert_allclose(dZ / 1e-6, sign, rtol=1e-13)


def test_poisson_refuses_targets_below_zero():
    with pytest.raises(
        ValueError, match=re.escape("y must be >= 0 with the loss Poisson(), got -0.5")
    ):
        losses.Poisson().encode_target(np.array([0.0, -0.5, 3.0]), np.float64)
    y = losses.Poisson().encode_target(np.array([0, 3]), np.float32)
    assert y.dtype == np.float32


def test_quantiles_are_scikit_learn_s_pinball_losses_of_ascending_numbers():
    rng = np.random.RandomState(0)
    quantiles = (0.1, 0.4, 0.8, 0.95)
    loss = losses.Quantiles(quantiles=quantiles)
    Z, y = rng.standard_normal((50, 4)), rng.standard_normal(50)
    values, _ = value_and_gradient(loss, Z, loss.encode_target(y, Z.dtype))
    predicted = loss.link.predict(Z.copy())
    expected = [mean_pinball_loss(y, q, alpha=p) for q, p in zip(predicted.T, quantiles)]
    np.testing.assert_allclose(values.mean(), sum(expected), rtol=1e-13)


def test_far_apart_quantiles_are_pinball_losses_of_their_own():
    """Where softplus is the identity, the scores are the first quantile and the differences."""
    loss = losses.Quantiles(quantiles=(0.3, 0.6))
    Z, y = np.array([[1.0, 50.0], [-70.0, 60.0]]), np.array([20.0, 5.0])
    values, dZ = value_and_gradient(loss, Z, loss.encode_target(y, Z.dtype))
    single = [
        value_and_gradient(losses.Pinball(quantile=p), q[:, np.newaxis], y[:, np.newaxis])
        for p, q in ((0.3, Z[:, 0]), (0.6, Z.sum(axis=1)))
    ]
    np.testing.assert_allclose(values, single[0][0] + single[1][0], rtol=1e-13)
    expected = np.hstack([single[0][1] + single[1][1], single[1][1]])
    np.testing.assert_allclose(dZ, expected, rtol=1e-13)


def test_quantiles_refuse_several_columns_and_what_does_not_ascend():
    loss = losses.Quantiles(quantiles=(0.1, 0.9))
    message = "y must have one column with the loss Quantiles(quantiles=(0.1, 0.9)), got 2"
    with pytest.raises(ValueError, match=re.escape(message)):
        loss.encode_target(np.zeros((3, 2)), np.float64)
    for wrong in ((0.5,), (0.9, 0.1), (0.1, 0.1), (0.0, 0.5), (0.5, 1), 0.5, "ab", (0.1, None)):
        rule = "quantiles of Quantiles must be at least two ascending numbers in (0, 1)"
        with pytest.raises(ValueError, match=re.escape(rule)):
            losses.Quantiles(quantiles=wrong).check_parameters()
    losses.Quantiles(quantiles=np.array([0.1, 0.2])).check_parameters()
