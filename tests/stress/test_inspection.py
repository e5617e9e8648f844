"""Drawn networks: attributions sum to the difference of scores, whatever the parts."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.embeddings import PiecewiseLinear
from sknumpy_mlp.inspection import expected_gradients, integrated_gradients
from sknumpy_mlp.losses import Loss, Quantiles

from . import cases

LOSSES = [
    *((ScratchMLPClassifier, name) for name in Loss.serving("multiclass")),
    *((ScratchMLPRegressor, name) for name in Loss.serving("continuous")),
    (ScratchMLPRegressor, Quantiles(quantiles=(0.1, 0.2, 0.9))),
]


@st.composite
def models(draw):
    """A network that was trained for a few epochs, and its rows."""
    cls, loss = draw(st.sampled_from(LOSSES))
    rng = np.random.RandomState(draw(st.integers(0, 1000)))
    n_features = draw(st.integers(1, 5))
    X = rng.standard_normal((60, n_features)).astype(draw(st.sampled_from(["f8", "f4"])))
    y = np.arange(60) % 3 if cls is ScratchMLPClassifier else rng.poisson(2, 60).astype(float)
    parameters = {
        "loss": loss,
        "hidden_layer_sizes": draw(st.lists(st.integers(1, 12), max_size=3)),
        "activation": draw(st.sampled_from(sorted(Activation.named()))),
        "members": draw(st.integers(1, 3)),
        "feature_scale": draw(st.booleans()),
        "embedding": draw(st.sampled_from([None, PiecewiseLinear(n_bins=4)])),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
    }
    settings_of_all = {"learning_rate_init": 0.02, "max_iter": 3, "n_iter_no_change": None}
    model = cls(**parameters, **settings_of_all, random_state=0, engine="numpy")
    return model.fit(X, y), X


@settings(max_examples=cases(20, 300), deadline=None)
@given(models(), st.integers(0, 2))
def test_attributions_sum_to_the_difference_of_scores(made, number):
    model, X = made
    is_classifier = isinstance(model, ScratchMLPClassifier)
    target = number if is_classifier or isinstance(model.loss, Quantiles) else 0
    found = integrated_gradients(model, X, X[0], target=target, n_steps=256)
    largest = max(1.0, np.abs(found.scores - found.base_values).max())
    assert found.values.shape == X.shape and np.isfinite(found.values).all()
    # Kinks of ReLU and of the embedding, each missed by at most half a step.
    assert found.gap.max() <= 2e-2 * largest
    np.testing.assert_array_equal(found.values[0], np.zeros(X.shape[1]))
    means = expected_gradients(model, X[:5], X, target=target, n_steps=1200, random_state=0)
    np.testing.assert_allclose(means.base_values, found.scores.mean(), rtol=1e-4, atol=1e-5)
    assert means.gap.max() <= 5e-2 * largest
