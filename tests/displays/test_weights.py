"""`WeightsDisplay`: each unit's weights are at their pixels."""

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import WeightsDisplay

from .pictures import fitted, iris, message_without_matplotlib, plt


def given_weights(W, **parameters):
    n_units = W.shape[1]
    return ScratchMLPClassifier.from_weights(
        [W, np.ones((n_units, 3))], [np.zeros(n_units), np.zeros(3)], [0, 1, 2], **parameters
    )


def test_each_unit_is_an_image_and_the_mosaic_has_gaps_between_them():
    W = np.arange(1.0, 19.0).reshape(6, 3)
    display = WeightsDisplay.from_estimator(given_weights(W), image_shape=(2, 3), n_columns=2)
    for unit in range(3):
        np.testing.assert_array_equal(display.images[unit].ravel(), W[:, unit])
    nan = np.nan
    expected = [
        [1, 4, 7, nan, 2, 5, 8],
        [10, 13, 16, nan, 11, 14, 17],
        [nan] * 7,
        [3, 6, 9, nan, nan, nan, nan],
        [12, 15, 18, nan, nan, nan, nan],
    ]
    np.testing.assert_array_equal(np.ma.filled(display.im_.get_array(), nan), expected)
    assert display.im_.get_clim() == (-18, 18)
    assert display.ax_.get_title() == "ScratchMLPClassifier"
    assert display.colorbar_.ax.get_ylabel() == "Weight"


def test_units_are_chosen_and_those_left_out_are_counted():
    W = np.random.RandomState(0).standard_normal((4, 1200))
    display = WeightsDisplay.from_estimator(given_weights(W), name="first")
    assert display.images.shape == (100, 2, 2)
    assert display.ax_.get_title() == "first, 100 of 1,200 units"
    chosen = WeightsDisplay.from_estimator(given_weights(W), units=[7, 3])
    np.testing.assert_array_equal(chosen.images.reshape(2, 4), W[:, [7, 3]].T)


def test_a_member_and_the_learned_scale_are_those_of_the_network():
    X, y = iris()
    model = fitted(ScratchMLPClassifier, X, y, members=3, feature_scale=True)
    display = WeightsDisplay.from_estimator(model, member=2)
    # A unit's weight of a column is how its input grows with the column.
    scaled = X * model.feature_scale_[2]
    moved = (scaled + np.eye(4)[1] * model.feature_scale_[2]) - scaled
    np.testing.assert_allclose(display.images[:, 0, 1], (moved @ model.coefs_[0][2])[0])


def test_it_draws_on_the_axes_that_are_given():
    _, ax = plt.subplots()
    display = WeightsDisplay(images=np.ones((2, 2, 2)))
    assert display.plot(ax, colorbar=False, im_kw={"cmap": "gray"}) is display
    assert display.ax_ is ax and display.figure_ is ax.figure and display.colorbar_ is None
    assert display.im_.get_cmap().name == "gray"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, r"image_shape must be \(height, width\), since 6 features make no square"),
        ({"image_shape": (2, 2)}, r"image_shape must be that of 6 features, got \(2, 2\)"),
        ({"image_shape": (2, 3), "units": [3]}, "units must be .* from 0 to 2, got"),
        ({"image_shape": (2, 3), "units": []}, "units must be"),
        ({"image_shape": (2, 3), "member": 1}, "member must be less than .*, 1, got 1"),
        ({"image_shape": (2, 3), "member": -1}, "member must be"),
        ({"image_shape": (2, 3), "n_columns": 0}, "n_columns must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(arguments, said):
    with pytest.raises(ValueError, match=said):
        WeightsDisplay.from_estimator(given_weights(np.ones((6, 3))), **arguments)
    assert plt.get_fignums() == []


def test_columns_of_an_embedding_are_no_pixels():
    model = fitted(ScratchMLPClassifier, *iris(), embedding="piecewise_linear")
    with pytest.raises(ValueError, match="estimator must have no embedding"):
        WeightsDisplay.from_estimator(model)


def test_images_have_three_axes():
    with pytest.raises(
        ValueError, match=r"images must be \(n_units, height, width\), got \(3, 4\)"
    ):
        WeightsDisplay(images=np.ones((3, 4))).plot()


@pytest.mark.parametrize("call", ["from_estimator(model)", "(images=np.ones((1, 2, 2))).plot()"])
def test_without_matplotlib_the_error_names_the_extra(call):
    said = message_without_matplotlib(f"WeightsDisplay.{call}".replace(".(", "("))
    assert said.endswith('needs matplotlib: pip install "sknumpy_mlp[plot]"\n')
