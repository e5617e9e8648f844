"""Models that earlier versions wrote, on old and new NumPy, load and predict what they did then.

tests/old_models/write.py writes a folder for each release.
"""

import json
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import sknumpy_mlp

from .kinds import KINDS, classifier, data, shown, trained

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("old_models/*/expected.json"))
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*.joblib"))]


def loaded(path):
    """The model in a file; a file of another version loads with a warning."""
    if path.parent.name.startswith(f"{sknumpy_mlp.__version__}-"):
        return joblib.load(path)
    with pytest.warns(InconsistentVersionWarning, match="was written by sknumpy_mlp"):
        return joblib.load(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_old_model_predicts_what_it_did(path):
    kind = path.stem.replace("_", " ")
    expected = json.loads((path.parent / "expected.json").read_text())[kind]
    model = loaded(path)
    # Another NumPy, BLAS or engine rounds otherwise.
    assert_allclose(shown(model, kind), expected, rtol=0, atol=1e-6)
    repr(model), clone(model), model.get_params()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_old_network_can_be_trained_on(path):
    model, kind = loaded(path), path.stem.replace("_", " ")
    if not hasattr(model, "partial_fit") or KINDS[kind][0].solver == "lbfgs":
        return
    X, y = data(KINDS[kind][1])
    before = shown(model, kind)
    given = {"early_stopping": False, "temperature_scaling": False}
    model.set_params(**{k: v for k, v in given.items() if hasattr(model, k)})
    model.partial_fit(X.astype(model.coefs_[0].dtype), y)
    assert abs(shown(model, kind) - before).max() > 1e-6


def test_each_folder_has_a_model_of_each_kind():
    assert {path.name.rpartition("numpy-")[2][0] for path in FOLDERS} == {"1", "2"}
    for folder in FOLDERS:
        recorded = json.loads((folder / "expected.json").read_text())
        written = {path.stem.replace("_", " ") for path in folder.glob("*.joblib")}
        assert recorded.keys() == written and recorded
        if folder.name.startswith(f"{sknumpy_mlp.__version__}-"):
            assert written == KINDS.keys()


def walk(value):
    """Yield everything that a pickle of the value holds."""
    yield value
    if isinstance(value, np.ndarray):
        return
    if isinstance(value, dict):
        inner = [*value, *value.values()]
    elif isinstance(value, (list, tuple)):
        inner = value
    elif type(value).__module__.startswith("sknumpy_mlp"):
        inner = [value.__getstate__()]
    else:
        return
    for each in inner:
        yield from walk(each)


@pytest.mark.parametrize("kind", [*KINDS, "named columns"])
def test_a_pickle_holds_nothing_that_only_the_same_numpy_can_read(kind):
    """joblib writes arrays itself, but leaves scalars, streams and arrays of objects to NumPy."""
    if kind == "named columns":
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        X, y = data("multiclass")
        model = classifier().fit(pandas.DataFrame(X, columns=list("abcde")), y)
        assert model.feature_names_in_.dtype == object
    else:
        model = trained(kind)
    for each in walk(model):
        assert not isinstance(each, (np.generic, np.random.RandomState, np.random.Generator))
        assert not (isinstance(each, np.ndarray) and each.dtype == object)
