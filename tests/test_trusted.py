"""Models saved by skops: which classes a loader has to trust, and that nothing is lost."""

import numpy as np
import pandas as pd
import pytest

from sknumpy_mlp import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    make_tabular_mlp,
    trusted_types,
)

from .kinds import KINDS, shown, trained

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def sio():
    return pytest.importorskip("skops.io", reason="skops is not installed")


def table(task):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.normal(size=60), "c": rng.choice(["a", "b", None], 60)})
    X.loc[::7, "n"] = np.nan
    return X, rng.normal(size=60) if task == "regression" else np.arange(60) % 2


def test_the_list_is_sorted_public_and_can_be_imported():
    found = trusted_types()
    assert found == sorted(set(found))
    assert not [name for name in found if any(part.startswith("_") for part in name.split("."))]
    for name in found:
        module, _, cls = name.rpartition(".")
        assert getattr(__import__(module, fromlist=[cls]), cls).__name__ == cls


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_each_kind_needs_trust_in_listed_classes_and_predicts_the_same(kind, sio):
    model = trained(kind, engine="numpy")
    data = sio.dumps(model)
    asked = sio.get_untrusted_types(data=data)
    assert set(asked) <= set(trusted_types())
    with pytest.raises(Exception, match=r"[Uu]ntrusted"):
        sio.loads(data)
    loaded = sio.loads(data, trusted=asked)
    np.testing.assert_array_equal(shown(loaded, kind), shown(model, kind))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_model_of_a_table_needs_trust_in_listed_classes_and_predicts_the_same(task, sio):
    X, y = table(task)
    model = make_tabular_mlp(task, max_iter=2, random_state=0).fit(X, y)
    data = sio.dumps(model)
    assert set(sio.get_untrusted_types(data=data)) <= set(trusted_types())
    loaded = sio.loads(data, trusted=trusted_types())
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def networks_and_tables():
    rng = np.random.default_rng(0)
    X, settings = rng.normal(size=(60, 3)), {"max_iter": 2, "random_state": 0}
    yield ScratchMLPClassifier(**settings), X, np.arange(60) % 2
    yield ScratchMLPRegressor(**settings), X, rng.normal(size=60)
    for task in ("classification", "regression"):
        yield make_tabular_mlp(task, **settings), *table(task)


# What mlflow, its database and its server say of each other.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", range(4), ids=["labels", "numbers", "table", "table of numbers"])
def test_mlflow_logs_and_loads_a_model_by_skops(number, tmp_path, monkeypatch, sio):
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    model, X, y = list(networks_and_tables())[number]
    model.fit(X, y)
    # mlflow would start a process to find the requirements.
    options = {"name": "model", "serialization_format": "skops", "pip_requirements": []}
    with mlflow.start_run():
        with pytest.raises(mlflow.MlflowException, match="untrusted types"):
            mlflow.sklearn.log_model(model, **options)
        logged = mlflow.sklearn.log_model(model, **options, skops_trusted_types=trusted_types())
    assert logged.flavors["sklearn"]["serialization_format"] == "skops"
    expected = model.predict(X)
    np.testing.assert_array_equal(mlflow.sklearn.load_model(logged.model_uri).predict(X), expected)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(logged.model_uri).predict(X), expected)
