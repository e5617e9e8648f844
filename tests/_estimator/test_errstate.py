"""What a user sets for floating-point errors stays outside of fits and predictions."""

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.errstate import with_errstate
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.losses import Loss

from ..common import KINDS, assert_same_weights, brief, digits


def outcomes(model, X, y):
    """A fit, a call of partial_fit and all predictions."""
    model.fit(X, y)
    methods = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    found = [getattr(model, name)(1e3 * X) for name in methods if hasattr(model, name)]
    return [*found, model.score(X, y), *model.partial_fit(X, y).coefs_]


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", Loss.serving("multiclass"))
def test_errors_that_a_user_raises_do_not_reach_a_classifier(loss, kind, engine):
    X, y = digits(kind)
    plain, raising = (brief(loss=loss, engine=engine) for _ in range(2))
    expected = outcomes(plain, 300 * X, y)
    with np.errstate(all="raise"):
        found = outcomes(raising, 300 * X, y)
        # The user's own code sees what the user has set.
        with pytest.raises(FloatingPointError):
            np.exp(np.float64(-1e3))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("activation", sorted(Activation.named()))
def test_errors_that_a_user_raises_do_not_reach_a_regressor(activation):
    X, y = digits(dtype=np.float32)
    plain, raising = (
        brief(ScratchMLPRegressor, activation=activation, engine="numpy") for _ in range(2)
    )
    expected = outcomes(plain, 30 * X, y)
    with np.errstate(all="raise"):
        found = outcomes(raising, 30 * X, y)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_warnings_that_a_user_ignores_are_ignored_as_before():
    X, y = digits()
    with np.errstate(all="ignore"):
        quiet = brief(ScratchMLPClassifier).fit(X, y)
        assert np.geterr()["under"] == "ignore" and np.geterr()["over"] == "ignore"
    assert_same_weights(quiet, brief().fit(X, y))


def test_nested_calls_leave_what_was_set_before():
    """Of `np.errstate` as a decorator, NumPy 1 restores what the inner call has found."""

    @with_errstate(all="ignore")
    def nested(depth):
        return nested(depth - 1) if depth else np.geterr()

    with np.errstate(all="raise"):
        before = np.geterr()
        assert set(nested(2).values()) == {"ignore"}
        assert np.geterr() == before
