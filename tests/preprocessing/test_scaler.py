"""The scaler: closed forms and scikit-learn's own scaler."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.preprocessing import RobustScaler

from sknumpy_mlp import RobustSmoothScaler

from ..common import refusal

DTYPES = [np.float64, np.float32]


def some_rows(dtype=np.float64, n_rows=200):
    """Columns of different centers and widths, one of them with heavy tails."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rows, 4)) * [1, 10, 1e-3, 1e4] + [0, 5, 1, -1e5]
    X[:, 1] = rng.standard_cauchy(n_rows)
    return X.astype(dtype)


class TestFormula:
    def test_closed_form(self):
        """Median 2, quartiles 1 and 3: u = (x - 2) / 2."""
        X = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
        u = (X - 2) / 2
        Z = RobustSmoothScaler().fit_transform(X)
        np.testing.assert_allclose(Z, u / np.sqrt(1 + (u / 3) ** 2), rtol=1e-15)

    def test_half_the_range_where_the_quartiles_are_equal(self):
        X = np.array([[0.0]] * 9 + [[4.0]])
        scaler = RobustSmoothScaler().fit(X)
        assert scaler.scale_.tolist() == [2.0]
        np.testing.assert_allclose(scaler.transform([[4.0]]), 2 / np.sqrt(1 + 4 / 9), rtol=1e-15)

    @pytest.mark.parametrize("value", [0.0, 0.1, -1e300, 1 / 3])
    def test_constant_columns_become_zero_whatever_comes_later(self, value):
        scaler = RobustSmoothScaler().fit(np.full((7, 1), value))
        assert scaler.scale_.tolist() == [0.0]
        assert (scaler.transform([[value], [value + 1], [-5.0]]) == 0).all()
        np.testing.assert_array_equal(scaler.inverse_transform([[0.0]]), [[value]])

    def test_unbent_it_is_the_robust_scaler_of_scikit_learn(self):
        X = some_rows()
        theirs = RobustScaler().fit(X)
        ours = RobustSmoothScaler().fit(X)
        np.testing.assert_allclose(ours.center_, theirs.center_, rtol=1e-12)
        np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-12)
        u = theirs.transform(X)
        np.testing.assert_allclose(ours.transform(X), u / np.sqrt(1 + (u / 3) ** 2), rtol=1e-9)
        # Near the median the bend is of third order: u - u^3 / 18.
        near = np.abs(u) < 0.01
        np.testing.assert_allclose(ours.transform(X)[near], u[near], rtol=0, atol=1e-6 / 18)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_outliers_stay_within_three_without_overflow(self, dtype):
        largest = np.finfo(dtype).max
        scaler = RobustSmoothScaler().fit(np.array([[0], [1], [2], [3]], dtype))
        X = np.array([[largest], [-largest], [1e12], [1e30]], dtype)
        with np.errstate(all="raise", under="ignore"):
            Z = scaler.transform(X)
        assert Z.dtype == dtype
        np.testing.assert_array_equal(Z, np.array([[3], [-3], [3], [3]], dtype))

    def test_order_is_kept(self):
        u = np.linspace(-1e3, 1e3, 100_001)[:, np.newaxis]
        assert (np.diff(RobustSmoothScaler().fit_transform(u), axis=0) > 0).all()

    @pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-9), (np.float32, 1e-2)])
    def test_inverse_transform_undoes_it_but_for_rounding(self, dtype, rtol):
        """Rounding is multiplied by 1 + (u / 3)^2: 1e4 for the widest of these rows."""
        X = some_rows(dtype)
        scaler = RobustSmoothScaler().fit(X)
        back = scaler.inverse_transform(scaler.transform(X))
        assert back.dtype == dtype
        scaled = np.abs(X - scaler.center_) + scaler.scale_
        assert (np.abs(back - X) <= rtol * scaled + np.finfo(dtype).eps * np.abs(X)).all()

    def test_the_inverse_of_the_bound_is_finite(self):
        scaler = RobustSmoothScaler().fit([[0.0], [1.0], [2.0]])
        back = scaler.inverse_transform([[-3.0], [3.0], [7.0]])
        assert np.isfinite(back).all() and back[1] == back[2] > 1e6


class TestInput:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_floats_keep_their_dtype(self, dtype):
        scaler = RobustSmoothScaler().fit(some_rows(dtype))
        assert scaler.center_.dtype == scaler.scale_.dtype == dtype
        assert scaler.transform(some_rows(dtype)).dtype == dtype
        assert scaler.inverse_transform(np.zeros((1, 4), dtype)).dtype == dtype

    @pytest.mark.parametrize(
        "rows", [[[1, 2], [3, 4]], np.eye(3, dtype=bool), np.eye(3, dtype="u1")]
    )
    def test_other_numbers_become_float64(self, rows):
        assert RobustSmoothScaler().fit_transform(rows).dtype == np.float64

    def test_a_dtype_can_be_asked_for(self):
        X = some_rows()
        Z = RobustSmoothScaler(dtype="float32").fit_transform(X)
        assert Z.dtype == np.float32
        # Rounded once, at the end.
        np.testing.assert_array_equal(Z, RobustSmoothScaler().fit_transform(X).astype("f4"))
        with pytest.raises(ValueError, match="dtype must be float32, float64 or None, got 'int64'"):
            RobustSmoothScaler(dtype="int64").fit(X)

    @pytest.mark.filterwarnings("error")
    def test_missing_values_are_disregarded_and_stay(self):
        X = some_rows()
        is_missing = np.random.RandomState(0).random_sample(X.shape) < 0.5
        is_missing[:, 0] = False
        gaps = np.where(is_missing, np.nan, X)
        scaler = RobustSmoothScaler().fit(gaps)
        Z = scaler.transform(gaps)
        for column in range(X.shape[1]):
            known = ~is_missing[:, column]
            alone = RobustSmoothScaler().fit(X[known, column : column + 1])
            assert scaler.center_[column] == alone.center_[0]
            assert scaler.scale_[column] == alone.scale_[0]
            expected = alone.transform(X[known, column : column + 1])[:, 0]
            np.testing.assert_array_equal(Z[known, column], expected)
        np.testing.assert_array_equal(np.isnan(Z), is_missing)
        back = scaler.inverse_transform(Z)
        np.testing.assert_array_equal(np.isnan(back), is_missing)

    @pytest.mark.filterwarnings("error")
    def test_a_column_without_a_number_stays_without(self):
        scaler = RobustSmoothScaler().fit([[np.nan, 1.0], [np.nan, 2.0]])
        assert (scaler.center_[0], scaler.scale_[0]) == (0, 0)
        Z = scaler.transform([[np.nan, 1.0], [5.0, np.nan]])
        np.testing.assert_array_equal(np.isnan(Z), [[True, False], [False, True]])
        assert Z[1, 0] == 0

    def test_sparse_rows_are_refused(self):
        with pytest.raises(TypeError, match=r"[Ss]parse .*dense data is required"):
            RobustSmoothScaler().fit(sparse.csr_array(np.eye(3)))

    def test_an_infinite_range_is_refused(self):
        with pytest.raises(ValueError, match=r"range is finite in float64, got columns \[1\]"):
            RobustSmoothScaler().fit([[0.0, -1.5e308], [1.0, 1.5e308], [2.0, 1.5e308]])

    def test_the_input_is_left_alone(self):
        X = some_rows()
        before = X.copy()
        scaler = RobustSmoothScaler().fit(X)
        scaler.inverse_transform(scaler.transform(X))
        Z = np.full((2, 4), 3.0)
        scaler.inverse_transform(Z)
        np.testing.assert_array_equal(X, before)
        assert (Z == 3).all()

    @pytest.mark.parametrize(
        "dtype", ["foo", "int64", 5, 1j, [1], "f8,f4", np.float16, np.longdouble, ">f8"], ids=str
    )
    def test_a_dtype_of_no_network_is_refused_by_its_name(self, dtype):
        scaler = RobustSmoothScaler(dtype=dtype)
        message = refusal(lambda: scaler.fit(some_rows()))
        assert message == f"dtype must be float32, float64 or None, got {dtype!r}"
        assert not hasattr(scaler, "center_")

    def test_numbers_beyond_float64_are_refused_without_a_warning(self):
        for X in (np.array([["1e4000"], ["1"]], np.longdouble), [[10**400], [1]]):
            with np.errstate(all="raise"):
                message = refusal(lambda X=X: RobustSmoothScaler().fit(np.asarray(X)))
            assert "Input X" in message or message.startswith("X is invalid")


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e150, 2.0**1020], ids=str)
class TestExtremes:
    """What is a number times that of ordinary rows, exactly so for a power of two."""

    X = np.array([[1.0], [2.0], [3.0], [7.0], [-5.0]])

    def test_the_scale_of_the_columns_does_not_matter(self, size):
        with np.errstate(all="raise"):
            Z = RobustSmoothScaler().fit_transform(size * self.X)
        expected = RobustSmoothScaler().fit_transform(self.X)
        np.testing.assert_allclose(Z, expected, rtol=0 if np.log2(size) % 1 == 0 else 1e-14)

    def test_rows_of_float32_are_scaled_by_columns_of_float64(self, size):
        scaler = RobustSmoothScaler().fit(size * self.X)
        with np.errstate(all="raise", under="ignore"):
            Z = scaler.transform(np.ones((1, 1), np.float32))
        assert Z.dtype == np.float32
        np.testing.assert_array_equal(Z, scaler.transform([[1.0]]).astype(np.float32))

    def test_the_inverse_is_the_largest_number_at_most(self, size):
        scaler = RobustSmoothScaler().fit(size * self.X)
        with np.errstate(all="raise"):
            back = scaler.inverse_transform([[3.0], [-3.0], [0.0], [3 / np.sqrt(10)]])
        # The last is one scale above the median: z = 1 / sqrt(1 + 1 / 9).
        center, scale = scaler.center_[0], scaler.scale_[0]
        np.testing.assert_allclose(back[2:, 0], [center, center + scale], rtol=1e-14)
        assert -np.finfo(float).max <= back[1, 0] < center < back[0, 0] <= np.finfo(float).max


def test_originals_beyond_float32_are_refused():
    scaler = RobustSmoothScaler().fit([[1e300], [2e300], [3e300]])
    message = refusal(lambda: scaler.inverse_transform(np.array([[np.nan], [0.0]], np.float32)))
    assert message == (
        "X must hold rows whose original values are not too large for float32, but row 1 has 2e+300"
    )


def test_differences_and_products_that_overflow_are_taken_in_halves():
    """The quartiles are -8e307 and 8e307: u = (x - m) / s is -1.375 for -1.7e308 and m = 5e307."""
    X = np.array([[-8e307], [-8e307], [5e307], [8e307], [8e307]])
    scaler = RobustSmoothScaler().fit(X)
    u = np.array([[-1.7e308 / 1.6e308 - 5e307 / 1.6e308]])
    with np.errstate(all="raise"):
        z = scaler.transform([[-1.7e308]])
        np.testing.assert_allclose(z, u / np.sqrt(1 + (u / 3) ** 2), rtol=1e-14)
        np.testing.assert_allclose(scaler.inverse_transform(z), [[-1.7e308]], rtol=1e-14)


class TestOutput:
    @pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
    def test_set_output_gives_frames_with_the_names_of_the_columns(self, make):
        name = make.__module__.split(".")[0]
        X = make({"age": [1.0, 2.0, 4.0], "height": [3.0, 1.0, 2.0]})
        scaler = RobustSmoothScaler().set_output(transform=name)
        out = scaler.fit_transform(X)
        assert isinstance(out, make)
        # scikit-learn 1.7 knows no names of polars 2.
        known = list(getattr(RobustScaler().fit(X), "feature_names_in_", ["x0", "x1"]))
        assert list(out.columns) == scaler.get_feature_names_out().tolist() == known
        plain = clone(scaler).set_output(transform="default").fit_transform(X)
        np.testing.assert_array_equal(out.to_numpy(), plain)
