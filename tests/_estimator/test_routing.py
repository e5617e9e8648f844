"""Metadata routing, as scikit-learn 1.9 has it and as its next version will."""

import inspect
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._metadata_requests import MethodMetadataRequest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

HAS_AUTO = hasattr(MethodMetadataRequest, "add_auto_request")


def network(cls=ScratchMLPClassifier):
    return cls((8,), max_iter=5, n_iter_no_change=None, learning_rate_init=0.02, random_state=0)


@pytest.fixture
def halves():
    X, y = load_iris(return_X_y=True)
    return X[::2] + 3, y[::2], X[1::2] + 3, y[1::2]


@pytest.fixture
def auto(monkeypatch):
    """A context in which estimators may request metadata by themselves."""
    if HAS_AUTO:
        return lambda: config_context(enable_metadata_routing=True, metadata_request_policy="auto")

    def add_auto_request(self, *params):
        # As announced for the version after scikit-learn 1.9, under the policy "auto".
        for param in params:
            self.add_request(param=param, alias=True)

    @contextmanager
    def context():
        with monkeypatch.context() as patch, config_context(enable_metadata_routing=True):
            patch.setattr(
                MethodMetadataRequest, "add_auto_request", add_auto_request, raising=False
            )
            yield

    return context


def assert_same(one, other):
    for mine, theirs in zip(one.coefs_, other.coefs_):
        np.testing.assert_array_equal(mine, theirs)


def test_without_automatic_requests_only_the_user_requests():
    with config_context(enable_metadata_routing=True):
        for cls in (ScratchMLPClassifier, ScratchMLPRegressor):
            for method in ("fit", "partial_fit", "score"):
                requests = getattr(network(cls).get_metadata_routing(), method).requests
                assert set(requests.values()) == {None}


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_automatic_requests_name_rows_and_weights(cls, auto):
    with auto():
        routing = network(cls).get_metadata_routing()
        weights = {"sample_weight": "sample_weight"}
        rows = {"X_val": "X_val", "y_val": "y_val", "sample_weight_val": "sample_weight_val"}
        all_of_them = weights | rows
        expectations = {"fit": all_of_them, "partial_fit": all_of_them, "score": weights}
        for method, expected in expectations.items():
            given = dict.fromkeys(weights | rows, 1)
            routed = getattr(routing, method)._route_params(given, parent="pipeline", caller="fit")
            assert routed == dict.fromkeys(expected, 1)
        # A file to resume from is the user's to request.
        assert routing.fit.requests["resume_from"] is None


def test_what_the_user_declines_is_not_requested(auto):
    with auto():
        declined = network().set_fit_request(sample_weight=False, X_val="rows")
        requests = declined.get_metadata_routing().fit.requests
        assert requests["sample_weight"] is False and requests["X_val"] == "rows"
        # Asking leaves nothing behind on the estimator.
        assert declined._metadata_request.fit.requests["y_val"] is None
        declined.get_metadata_routing()
        assert declined._metadata_request.fit.requests["y_val"] is None


def test_weights_arrive_in_a_pipeline_without_a_request(auto, halves):
    X, y, *_ = halves
    weights = np.where(y == 2, 1e-6, 1.0)
    with auto():
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        model = Pipeline([("scale", scaler), ("network", network())])
        model.fit(X, y, sample_weight=weights)
    assert_same(model[-1], network().fit(StandardScaler().fit_transform(X), y, weights))


def test_held_out_rows_arrive_in_a_pipeline_without_a_request(auto, halves):
    X, y, X_val, y_val = halves
    with auto():
        pipeline = Pipeline([("scale", StandardScaler()), ("network", network())])
        pipeline.set_params(transform_input=["X_val"]).fit(X, y, X_val=X_val, y_val=y_val)
    scaler = StandardScaler().fit(X)
    by_hand = network().fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    assert pipeline[-1].validation_loss_curve_ == by_hand.validation_loss_curve_


def test_the_default_of_a_pipeline_says_whether_held_out_rows_are_transformed(halves):
    """From scikit-learn 1.10 on they are."""
    X, y, X_val, y_val = halves
    default = inspect.signature(Pipeline).parameters["transform_input"].default
    scaler = StandardScaler().fit(X)
    with config_context(enable_metadata_routing=True):
        last = network().set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("scale", StandardScaler()), ("network", last)])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    rows = scaler.transform(X_val) if "X_val" in (default or ()) else X_val
    by_hand = network().fit(scaler.transform(X), y, X_val=rows, y_val=y_val)
    assert pipeline[-1].validation_loss_curve_ == by_hand.validation_loss_curve_
