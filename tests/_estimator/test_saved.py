"""Saved models: which classes a file names, and that nothing else is lost by it."""

import io
import pickle
from collections import Counter

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.saved import _classes
from sknumpy_mlp.activations import Activation, ReLU
from sknumpy_mlp.core.layers import Layer
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import SGD

from ..common import brief

SETTINGS = {
    "plain": {},
    "warm": {"warm_start": True},
    "members that stop early": {
        "members": 2,
        "early_stopping": True,
        "temperature_scaling": True,
        "feature_scale": True,
    },
    "embedding": {"embedding": "piecewise_linear", "dropout": 0.2, "warm_start": True},
    "lbfgs": {"solver": "lbfgs", "activation": "gelu"},
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.randn(120, 4)
    return X, (X[:, 0] > 0).astype(int)


def classes_in(model):
    """The classes and functions of ours that a pickle names, such as ``sknumpy_mlp.core.x.Y``."""
    found = set()

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            found.add(f"{module}.{name}")
            return super().find_class(module, name)

    Reader(io.BytesIO(pickle.dumps(model))).load()
    return {name for name in found if name.startswith("sknumpy_mlp")}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_a_file_names_the_class_of_the_estimator_only(cls, settings, data):
    if cls is ScratchMLPRegressor:
        settings = {k: v for k, v in settings.items() if k != "temperature_scaling"}
    model = brief(cls, **settings).fit(*data)
    assert classes_in(model) == {f"{cls.__module__}.{cls.__name__}"}


def test_a_file_of_a_partial_fit_names_the_class_of_the_estimator_only(data):
    X, y = data
    model = brief().partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    assert classes_in(model) == {"sknumpy_mlp.classifier.ScratchMLPClassifier"}


def test_objects_that_a_user_gave_add_their_public_classes(data):
    model = brief(activation=ReLU(), solver=SGD()).fit(*data)
    assert classes_in(model) == {
        "sknumpy_mlp.classifier.ScratchMLPClassifier",
        "sknumpy_mlp.activations.ReLU",
        "sknumpy_mlp.optimizers.SGD",
    }


class Halved(ReLU):
    """An activation of a user's: half of ReLU."""

    def forward(self, Z, out, scratch=None):
        np.maximum(0.5 * Z, 0, out=out)

    def backward(self, kept, dA, scratch):
        dA *= 0.5 * (kept > 0)


def test_a_class_of_a_user_is_saved_as_it_is(data):
    X, y = data
    model = brief(activation=Halved()).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert type(loaded._network.layers[0].activation) is Halved


def test_parameters_that_were_changed_after_the_fit_do_not_change_a_loaded_model(data):
    X, y = data
    model = brief(activation="tanh").fit(X, y)
    expected = model.predict_proba(X)
    model.set_params(activation="relu")
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


def test_no_two_classes_are_saved_under_one_name():
    def below(cls):
        return {cls}.union(*map(below, cls.__subclasses__()))

    ours = {
        cls
        for family in (Activation, Layer, Loss)
        for cls in below(family)
        if cls.__module__.startswith("sknumpy_mlp.")
    }
    names = Counter(cls.__name__ for cls in ours)
    assert [name for name, count in names.items() if count > 1] == []
    assert ours <= set(_classes().values())
