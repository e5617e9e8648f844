"""NumPy's functions as nodes, against NumPy itself."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.preprocessing import FunctionTransformer

from sknumpy_mlp import _elementary

from ..common import refusal
from ..exported import exported

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

from sknumpy_mlp.onnx.graph import UFUNCS  # isort: skip

ELEMENTARY = sorted(set(_elementary.__all__) - {"uniform"})


def traced(function, X):
    """A function of numbers, exported and run."""
    (found,) = exported(FunctionTransformer(function).fit(X), X)(X)
    return found


def grid(dtype, low=-30.0):
    return np.linspace(low, 30, 240, dtype=dtype).reshape(-1, 3)


class TestFunctions:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("name", ELEMENTARY)
    def test_the_functions_of_scalar_forms_are_nodes(self, name, dtype):
        function = getattr(_elementary, name)
        X = grid(dtype, 0.5 if name in ("log", "log1p", "sqrt") else -30.0)
        expected = function(X.astype(np.float64))
        # Of float64, Erf alone is computed in float32.
        rtol = 1e-5 if dtype == np.float32 else 1e-12
        atol = 3e-7 if dtype == np.float32 or name == "ndtr" else 1e-14
        np.testing.assert_allclose(traced(function, X), expected, rtol=rtol, atol=atol)

    @pytest.mark.parametrize("ufunc", [u for u in UFUNCS if u.nin == 2 and u != np.matmul], ids=str)
    def test_functions_of_two_numbers_are_nodes(self, ufunc):
        X = grid(np.float64, 0.25)
        for function in (lambda Z: ufunc(Z, 2.0), lambda Z: ufunc(2.0, Z), lambda Z: ufunc(Z, Z)):
            expected = function(X).astype(np.float64)
            np.testing.assert_allclose(traced(function, X), expected, rtol=1e-14)

    @pytest.mark.parametrize("ufunc", [u for u in UFUNCS if u.nin == 1], ids=str)
    def test_functions_of_one_number_are_nodes(self, ufunc):
        X = grid(np.float64, 0.5)
        expected = ufunc(X).astype(np.float64)
        atol = 3e-7 if ufunc is _elementary.ndtr else 1e-14
        np.testing.assert_allclose(traced(ufunc, X), expected, rtol=1e-12, atol=atol)

    def test_operators_are_those_of_python(self):
        X = grid(np.float64)
        function = lambda Z: (-Z + 2.0 * abs(Z) - Z / 4.0) ** 2.0 - (1.0 - Z) * 3  # noqa: E731
        np.testing.assert_allclose(traced(function, X), function(X), rtol=1e-14)


class TestChoices:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_a_choice_is_made_for_each_number(self, dtype):
        def f(z):
            a = z if z > 1.0 else (1.0 if z > -1.0 else z * z)
            return max(a, 2.0) - (3.0 if a == 1.0 else min(a, 5.0))

        X = grid(dtype)
        np.testing.assert_allclose(traced(f, X), np.vectorize(f)(X), rtol=1e-6)

    def test_the_side_that_is_not_chosen_may_overflow(self):
        X = 100 * grid(np.float64)
        found = traced(lambda z: np.expm1(z) if z < 0.0 else z, X)
        np.testing.assert_allclose(found, np.where(X < 0, np.expm1(np.minimum(X, 0)), X))

    def test_nodes_that_no_output_needs_are_not_written(self):
        X = grid(np.float32)

        def f(z):
            np.exp(z)
            return expit(z)

        run = exported(FunctionTransformer(f).fit(X), X)
        assert set(run.operators) <= {"Sigmoid", "Cast", "Identity"}

    def test_equal_nodes_are_written_once(self):
        X = grid(np.float32)
        run = exported(FunctionTransformer(lambda z: np.exp(z) * np.exp(z) + np.exp(z)).fit(X), X)
        assert run.operators.count("Exp") == 1

    def test_what_has_no_node_is_named(self):
        X = grid(np.float64)
        for function, name in ((np.sin, "sin"), (np.add.reduce, "add"), (np.cumsum, "cumsum")):
            transformer = FunctionTransformer(function).fit(X)
            assert f"{name} has no ONNX form" in refusal(lambda t=transformer: exported(t, X))
