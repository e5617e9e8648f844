"""`register` and the tables of converters: every class of the package that is fitted is in one."""

import builtins
import inspect
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import sknumpy_mlp
from sknumpy_mlp import columns, onnx, preprocessing

from .common import refusal


def test_without_skl2onnx_the_extra_is_named(monkeypatch):
    known = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "skl2onnx":
            raise ImportError(name)
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    message = refusal(onnx.register, ImportError)
    assert 'pip install "sknumpy_mlp[onnx]"' in message


def test_importing_the_package_imports_no_tool():
    program = "import sys, sknumpy_mlp.onnx\nprint({'onnx', 'skl2onnx'} & set(sys.modules))"
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


class TestRegister:
    @pytest.fixture(autouse=True)
    def tools(self):
        pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
        pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
        onnx.register()

    def test_every_estimator_and_transformer_has_a_converter(self):
        from skl2onnx import supported_converters
        from skl2onnx._parse import sklearn_parsers_map
        from skl2onnx._supported_operators import sklearn_operator_name_map

        fitted = {
            cls
            for room in (sknumpy_mlp, preprocessing, columns)
            for cls in vars(room).values()
            if inspect.isclass(cls)
            and not cls.__name__.startswith("_")
            and cls.__module__.startswith("sknumpy_mlp.")
            and hasattr(cls, "fit")
        }
        assert {each.__name__ for each in fitted} >= {"ScratchMLPRegressor", "GaussianImputer"}
        # It is taken apart.
        assert columns.TableColumns in sklearn_parsers_map
        fitted.remove(columns.TableColumns)
        missing = fitted - sklearn_operator_name_map.keys()
        assert not missing, f"sknumpy_mlp/onnx: a converter of {missing}"
        assert {sklearn_operator_name_map[cls] for cls in fitted} <= set(supported_converters())

    def test_registering_again_changes_nothing(self):
        from skl2onnx._supported_operators import sklearn_operator_name_map
        from skl2onnx.common._registration import get_converter

        before = dict(sklearn_operator_name_map)
        converters = {alias: get_converter(alias)._fct for alias in set(before.values())}
        onnx.register()
        assert sklearn_operator_name_map == before
        assert {alias: get_converter(alias)._fct for alias in converters} == converters

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_digits_are_recognized_as_before(self, dtype):
        from .exported import assert_same_classes

        X, y = load_digits(return_X_y=True)
        X, X_test, y, _ = train_test_split(X.astype(dtype), y, random_state=0)
        network = sknumpy_mlp.ScratchMLPClassifier(
            (64, 32),
            activation="selu",
            members=2,
            feature_scale=True,
            early_stopping=True,
            temperature_scaling=True,
            max_iter=15,
            n_iter_no_change=None,
            random_state=0,
        )
        model = make_pipeline(preprocessing.RobustSmoothScaler(), network).fit(X, y)
        assert_same_classes(model, X_test)
