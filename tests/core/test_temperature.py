"""One temperature for all scores, fitted to held-out rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.core.temperature import calibrated_loss, fit_temperature
from sknumpy_mlp.losses import SoftmaxCrossEntropy

from ..common import KINDS, brief, digits, state_of


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_temperature_makes_the_log_loss_of_validation_rows_least(kind, smoothing):
    X, y = digits(kind, 400)
    rows = X[200:], y[200:]
    settings = {"max_iter": 40, "label_smoothing": smoothing}
    model = brief(**settings, temperature_scaling=True)
    model.fit(X[:200], y[:200], X_val=rows[0], y_val=rows[1])
    plain = brief(**settings).fit(X[:200], y[:200])
    assert_array_equal(model.predict(X), plain.predict(X))
    found = log_loss(rows[1], model.predict_proba(rows[0]))
    assert found < log_loss(rows[1], plain.predict_proba(rows[0]))
    best = model.temperature_
    for other in (0.95 * best, 1.05 * best):
        model.temperature_ = other
        assert log_loss(rows[1], model.predict_proba(rows[0])) > found


def test_a_few_rows_without_an_error_make_nothing_certain():
    Z, y = np.array([[3.0, 0.0], [0.0, 3.0]] * 20), np.array([0, 1] * 20)
    temperature = fit_temperature(SoftmaxCrossEntropy(), Z, y)
    # Where the derivative of 40 log(1 + exp(-3 / T)) + log(T)^2 / 2 by log T is zero.
    margin = 3 / temperature
    assert_allclose(40 * margin * expit(-margin), -np.log(temperature), rtol=1e-4)
    assert 0.2 < temperature < 1


@pytest.mark.parametrize("scale", [1 / 60, 1 / 10, 1.0, 10.0, 60.0])
def test_the_temperature_is_the_scale_of_the_scores(scale):
    """Scores of three quarters against one quarter, multiplied: the bound is a hundred."""
    Z, y = np.tile([scale * np.log(3), 0.0], (4000, 1)), np.array([0, 0, 0, 1] * 1000)
    assert_allclose(fit_temperature(SoftmaxCrossEntropy(), Z, y), scale, rtol=2e-2)


def test_it_divides_raw_scores():
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    assert 0.01 < model.temperature_ < 100
    scaled = model.decision_function(X)
    log_p = model.predict_log_proba(X)
    del model.temperature_
    raw = model.decision_function(X)
    model.temperature_ = 1.0
    assert_allclose(scaled * (raw / scaled)[0, 0], raw, rtol=1e-10)
    assert abs(model.predict_log_proba(X) - log_p).max() > 1e-3


def test_weights_count_for_the_temperature():
    X, y = digits("binary", 300)
    weights = np.where(np.arange(100) < 50, 10.0, 0.1)
    settings = {"temperature_scaling": True, "max_iter": 30}
    given = {"X_val": X[200:], "y_val": y[200:]}
    one = brief(**settings).fit(X[:200], y[:200], **given)
    other = brief(**settings).fit(X[:200], y[:200], **given, sample_weight_val=weights)
    assert one.temperature_ != other.temperature_


def test_a_temperature_needs_validation_rows():
    X, y = digits()
    model = brief(temperature_scaling=True)
    before = state_of(model)
    with pytest.raises(ValueError, match="temperature_scaling must be False where no rows"):
        model.fit(X, y)
    assert state_of(model) == before


def test_training_on_forgets_the_temperature():
    X, y = digits()
    model = brief(temperature_scaling=True, early_stopping=True).fit(X, y)
    model.set_params(temperature_scaling=False, early_stopping=False).partial_fit(X, y)
    assert not hasattr(model, "temperature_")


@pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss", "squared_error"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_loss_of_a_float32_network_has_a_temperature(kind, loss):
    X, y = digits(kind, dtype=np.float32)
    model = brief(loss=loss, temperature_scaling=True, early_stopping=True).fit(X, y)
    assert model.predict_proba(X).dtype == np.float32


def test_an_earlier_temperature_is_not_in_the_scores_of_the_next_fit():
    X, y = digits("binary", 300)
    settings = {"temperature_scaling": True, "early_stopping": True, "scoring": "neg_log_loss"}
    model = brief(**settings, label_smoothing=0.3, max_iter=20).fit(X, y)
    first = model.validation_scores_, model.temperature_
    model.fit(X, y)
    assert (model.validation_scores_, model.temperature_) == first


# ---- the loss after temperature scaling, as a score ----


def least_loss(Z, y):
    """By exhaustion: scikit-learn's log-loss at each of many temperatures, and the prior."""
    temperatures = np.exp(np.linspace(-3, 3, 3001))
    labels = np.arange(Z.shape[1])
    return min(
        log_loss(y, softmax(Z / T, axis=1), labels=labels) + np.log(T) ** 2 / (2 * len(Z))
        for T in temperatures
    )


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_calibrated_loss_is_the_least_of_all_temperatures(scale, smoothing):
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=60)
    Z = scale * (rng.standard_normal((60, 3)) + 2 * np.eye(3)[y])
    before = Z.copy()
    found = calibrated_loss(SoftmaxCrossEntropy(label_smoothing=smoothing), Z, y)
    assert_allclose(found, least_loss(Z, y), atol=1e-4)
    assert_array_equal(Z, before)


def test_weights_of_the_calibrated_loss_are_repeated_rows():
    rng = np.random.RandomState(0)
    y, Z = rng.randint(3, size=40), rng.standard_normal((40, 3))
    counts = np.r_[np.full(20, 2), np.zeros(20, int)]
    weighted = calibrated_loss(SoftmaxCrossEntropy(), Z, y, counts.astype(float))
    # Forty rows in both: the prior has the same share.
    repeated = np.repeat(np.arange(40), counts)
    assert_allclose(weighted, calibrated_loss(SoftmaxCrossEntropy(), Z[repeated], y[repeated]))


def test_early_stopping_can_keep_the_epoch_of_the_least_calibrated_loss():
    X, y = digits("multiclass", 400)
    settings = {"max_iter": 12, "scoring": "calibrated_loss"}
    last = brief(**settings, restore_best=False).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    expected = least_loss(last.predict_log_proba(X[200:]), np.searchsorted(last.classes_, y[200:]))
    assert_allclose(-last.validation_scores_[-1], expected, atol=1e-4)
    best = brief(**settings, early_stopping=True).fit(X, y)
    assert best.best_iter_ == 1 + np.argmax(best.validation_scores_)


def test_numbers_have_no_calibrated_loss():
    with pytest.raises(ValueError, match="scoring must be a score of numbers, got 'calibrated_los"):
        ScratchMLPRegressor(scoring="calibrated_loss").fit([[0.0], [1.0]], [0.0, 1.0])
