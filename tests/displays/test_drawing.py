"""scikit-learn's own displays on our estimators, and what ours share."""

import numpy as np
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import NotFittedError
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
    confusion_matrix,
    roc_curve,
)
from sklearn.model_selection import LearningCurveDisplay

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, displays
from sknumpy_mlp.displays.drawing import line_style

from .pictures import fitted, iris


def test_scikit_learns_displays_of_classifiers_work_on_ours():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, max_iter=50)
    display = ConfusionMatrixDisplay.from_estimator(model, X, y)
    np.testing.assert_array_equal(display.confusion_matrix, confusion_matrix(y, model.predict(X)))
    two, is_second = fitted(ScratchMLPClassifier, X, y == 1, max_iter=50), y == 1
    display = RocCurveDisplay.from_estimator(two, X, is_second)
    fpr, tpr, _ = roc_curve(is_second, two.predict_proba(X)[:, 1])
    np.testing.assert_array_equal(display.fpr, fpr)
    np.testing.assert_array_equal(display.tpr, tpr)
    display = CalibrationDisplay.from_estimator(two, X, is_second)
    np.testing.assert_array_equal(display.y_prob, two.predict_proba(X)[:, 1])


def test_scikit_learns_displays_of_decisions_and_curves_work_on_ours():
    X, y = iris()
    flat = fitted(ScratchMLPClassifier, X[:, :2], y)
    display = DecisionBoundaryDisplay.from_estimator(
        flat, X[:, :2], response_method="predict", grid_resolution=5
    )
    grid = np.c_[display.xx0.ravel(), display.xx1.ravel()]
    np.testing.assert_array_equal(display.response.ravel(), flat.predict(grid))
    display = LearningCurveDisplay.from_estimator(
        ScratchMLPClassifier((4,), max_iter=3, n_iter_no_change=None), X, y, train_sizes=[0.5, 1.0]
    )
    assert display.test_scores.shape == (2, 5)


def test_scikit_learns_displays_of_regressors_work_on_ours():
    X, y = iris()
    model = fitted(ScratchMLPRegressor, X, y)
    display = PredictionErrorDisplay.from_estimator(model, X, y)
    np.testing.assert_array_equal(display.y_pred, model.predict(X))
    display = PartialDependenceDisplay.from_estimator(model, X, [0], grid_resolution=4)
    held = X.copy()
    held[:, 0] = display.pd_results[0]["grid_values"][0][0]
    np.testing.assert_allclose(display.pd_results[0]["average"][0][0], model.predict(held).mean())


@pytest.mark.parametrize("name", displays.__all__)
def test_an_estimator_must_be_fitted(name):
    with pytest.raises(NotFittedError):
        getattr(displays, name).from_estimator(ScratchMLPClassifier())


@pytest.mark.parametrize("name", displays.__all__)
def test_a_display_is_at_its_public_address(name):
    assert getattr(displays, name).__module__ == "sknumpy_mlp.displays"


def test_aliases_of_styles_are_known_and_both_at_once_refused():
    assert line_style({"color": "r", "linewidth": 1}, {"c": "b"}, None) == {
        "color": "b",
        "linewidth": 1,
    }
    with pytest.raises(TypeError, match="linewidth"):
        line_style({}, {"lw": 1, "linewidth": 2})
