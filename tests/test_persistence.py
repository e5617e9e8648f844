"""Saved models predict the same bits and go on training, here and in a new process."""

import copy
import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.activations import LeakyReLU
from sknumpy_mlp.optimizers import RMSprop
from sknumpy_mlp.schedules import Cosine, Warmup

from .common import assert_same_weights, digits, state_of

CONFIGURATIONS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1},
    "momentum": {"solver": "momentum", "learning_rate": "one_cycle"},
    "objects": {
        "solver": RMSprop(rho=0.95),
        "learning_rate": Warmup(fraction=0.2, then=Cosine()),
        "activation": [LeakyReLU(negative_slope=0.1), "gelu"],
        "hidden_layer_sizes": (9, 7),
    },
    "warm": {"warm_start": True},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "own stream": {"random_state": np.random.RandomState(3)},
    "other stream": {"random_state": np.random.RandomState(np.random.PCG64(3))},
}


def brief(**parameters):
    defaults = {"hidden_layer_sizes": (9,), "random_state": 0, "max_iter": 4}
    # Streams are copied: training must not move those of the table.
    return ScratchMLPClassifier(**copy.deepcopy(defaults | {"n_iter_no_change": None} | parameters))


@pytest.fixture(params=["multiclass", "multilabel"])
def kind(request):
    return request.param


@pytest.fixture(params=CONFIGURATIONS)
def configuration(request):
    return CONFIGURATIONS[request.param]


@pytest.fixture(params=["fit", "partial_fit"])
def model(request, configuration, kind):
    X, y = digits(kind, dtype=np.float32)
    if request.param == "fit":
        model = brief(**configuration).fit(X, y)
    else:
        model = brief(**configuration | {"early_stopping": False})
        model.partial_fit(X, y, classes=None if kind == "multilabel" else np.unique(y))
    return model.set_params(early_stopping=False)


def by_joblib(model, path, mmap_mode=None):
    joblib.dump(model, path / "model.joblib")
    return joblib.load(path / "model.joblib", mmap_mode=mmap_mode)


WAYS = {
    **{
        f"pickle {protocol}": lambda m, path, p=protocol: pickle.loads(pickle.dumps(m, p))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "joblib": by_joblib,
    "mapped": lambda m, path: by_joblib(m, path, mmap_mode="r"),
    "deepcopy": lambda m, path: copy.deepcopy(m),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_loaded_model_predicts_the_same_and_goes_on_alike(model, way, kind, tmp_path):
    X, y = digits(kind, dtype=np.float32)
    loaded = WAYS[way](model, tmp_path)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded.predict(X), model.predict(X))
    for _ in range(2):
        loaded.partial_fit(X, y)
        model.partial_fit(X, y)
    assert state_of(loaded) == state_of(model)
    # A fit that follows draws from the same stream too.
    assert_same_weights(loaded.fit(X, y), model.fit(X, y))


@pytest.mark.parametrize("way", WAYS)
def test_training_one_of_two_copies_leaves_the_other_alone(way, tmp_path):
    X, y = digits()
    model = brief().fit(X, y).partial_fit(X, y)
    loaded = WAYS[way](model, tmp_path)
    before = state_of(model)
    loaded.partial_fit(X, y)
    if way != "mapped":
        loaded.coefs_[0][:] = 0
    assert state_of(model) == before


@pytest.mark.parametrize("way", [way for way in WAYS if way != "mapped"])
def test_loaded_weights_can_be_changed_one_by_one(way, tmp_path):
    X, y = digits()
    loaded = WAYS[way](brief().fit(X, y), tmp_path)
    for array in loaded.coefs_ + loaded.intercepts_:
        assert array.flags.writeable
        others = [a for a in loaded.coefs_ + loaded.intercepts_ if a is not array]
        assert not any(np.shares_memory(array, other) for other in others)
    before = loaded.predict_proba(X)
    loaded.coefs_[0][:] *= 2
    assert abs(loaded.predict_proba(X) - before).max() > 1e-3


def test_a_mapped_model_copies_its_weights_before_it_trains(tmp_path):
    X, y = digits()
    model = brief().fit(X, y)
    mapped = by_joblib(model, tmp_path, mmap_mode="r")
    assert not mapped.coefs_[0].flags.writeable
    mapped.partial_fit(X, y)
    mapped.coefs_[0][0, 0] = 7.0
    again = joblib.load(tmp_path / "model.joblib")
    assert_same_weights(again, model)


NEW_PROCESS = """
import sys
import joblib, numpy as np
X, y = joblib.load(sys.argv[1] + "/data")
outcome = {}
for name in joblib.load(sys.argv[1] + "/names"):
    model = joblib.load(f"{sys.argv[1]}/{name}", mmap_mode="r")
    loaded = model.predict_proba(X)
    outcome[name] = loaded, model.partial_fit(X, y).partial_fit(X, y).predict_proba(X)
joblib.dump(outcome, sys.argv[1] + "/outcome")
"""


def test_a_new_process_predicts_the_same_and_goes_on_alike(tmp_path):
    X, y = digits()
    models = {}
    for name, configuration in CONFIGURATIONS.items():
        models[name + ", fit"] = brief(**configuration).fit(X, y).set_params(early_stopping=False)
        model = brief(**configuration).set_params(early_stopping=False)
        models[name + ", partial_fit"] = model.partial_fit(X, y, classes=np.arange(10))
    for name, model in models.items():
        joblib.dump(model, tmp_path / name)
    joblib.dump((X, y), tmp_path / "data")
    joblib.dump(list(models), tmp_path / "names")
    subprocess.run([sys.executable, "-c", NEW_PROCESS, str(tmp_path)], check=True)
    outcome = joblib.load(tmp_path / "outcome")
    for name, model in models.items():
        loaded, trained = outcome[name]
        assert_array_equal(loaded, model.predict_proba(X), err_msg=name)
        model.partial_fit(X, y).partial_fit(X, y)
        assert_array_equal(trained, model.predict_proba(X), err_msg=name)


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "lbfgs"])
@pytest.mark.parametrize("hidden", [(), (5,), (200, 100)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fitted_model_is_hardly_larger_than_its_weights(solver, hidden, dtype, early_stopping):
    X, y = digits(dtype=dtype)
    names = np.array([f"class {number}" for number in range(10)])
    settings = {"solver": solver, "early_stopping": early_stopping, "tol": 0.1}
    model = brief(hidden_layer_sizes=hidden, max_iter=20, **settings).fit(X, names[y])
    # Predicting must not leave buffers behind.
    model.predict_proba(X)
    weights = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
    saved = io.BytesIO()
    joblib.dump(model, saved)
    assert len(pickle.dumps(model)) <= 1.1 * weights + 8192
    assert len(saved.getvalue()) <= 1.1 * weights + 8192


def test_two_hundred_epochs_of_history_fit_into_the_budget():
    X, y = digits()
    model = brief(hidden_layer_sizes=(3,), max_iter=200).fit(X, y)
    weights = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
    assert len(model.loss_curve_) == 200
    assert len(pickle.dumps(model)) <= 1.1 * weights + 8192


def test_the_data_does_not_stay_with_the_model():
    X, y = digits()
    wide = np.repeat(X, 50, axis=0), np.repeat(y, 50)
    for model in (brief(), brief(early_stopping=True), brief(warm_start=True)):
        size = len(pickle.dumps(clone(model).fit(X, y)))
        assert len(pickle.dumps(model.fit(*wide))) < size + 200


@pytest.mark.parametrize("way", WAYS)
def test_unfitted_estimators_are_saved_too(way, configuration, tmp_path):
    X, y = digits()
    model = brief(**configuration)
    loaded = WAYS[way](model, tmp_path)
    assert not hasattr(loaded, "coefs_")
    assert_same_weights(loaded.fit(X, y), model.fit(X, y))


def test_clones_are_unfitted_and_train_alike(configuration):
    X, y = digits()
    model = brief(**configuration)
    first = clone(model)
    second = clone(first.fit(X, y))
    assert not hasattr(second, "coefs_")
    with pytest.raises(AttributeError):
        check_is_fitted(second)
    if not isinstance(model.random_state, np.random.RandomState):
        assert_same_weights(second.fit(X, y), first)
    assert_same_weights(clone(model).fit(X, y), model.fit(X, y))
