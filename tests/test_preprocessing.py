"""The transformers: closed forms, scikit-learn's own transformers, and scikit-learn's checks."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.preprocessing import RobustScaler, TargetEncoder
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency

from sknumpy_mlp import CrossFittedTargetEncoder, GaussianImputer, RobustSmoothScaler

from .test_sklearn_conventions import each_check

DTYPES = [np.float64, np.float32]


def some_rows(dtype=np.float64, n_rows=200):
    """Columns of different centers and widths, one of them with heavy tails."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rows, 4)) * [1, 10, 1e-3, 1e4] + [0, 5, 1, -1e5]
    X[:, 1] = rng.standard_cauchy(n_rows)
    return X.astype(dtype)


class TestChecks:
    @each_check(
        [
            RobustSmoothScaler(),
            RobustSmoothScaler(dtype=np.float64),
            GaussianImputer(),
            CrossFittedTargetEncoder(),
            CrossFittedTargetEncoder(target_type="continuous", cv=2),
        ]
    )
    def test_estimator_passes(self, estimator, check):
        check(estimator)

    @pytest.mark.parametrize(
        "name", ["RobustSmoothScaler", "GaussianImputer", "CrossFittedTargetEncoder"]
    )
    def test_none_fails_and_none_is_skipped_where_the_array_api_is_on(self, name):
        program = (
            "from sklearn.utils.estimator_checks import check_estimator\n"
            f"from sknumpy_mlp import {name}\n"
            f"results = check_estimator({name}(), on_skip=None)\n"
            "assert {result['status'] for result in results} == {'passed'}, results\n"
            "print(len(results))\n"
        )
        environment = os.environ | {"SCIPY_ARRAY_API": "1"}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        assert int(run.stdout) > 40

    @pytest.mark.parametrize(
        "estimator", [RobustSmoothScaler(), GaussianImputer(), CrossFittedTargetEncoder()]
    )
    def test_column_names_are_consistent(self, estimator):
        check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


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


def rows_with_gaps(share=0.3, n_rows=300, dtype=np.float64):
    """Correlated columns with their values, and the same with a share of them missing."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((n_rows, 2)) @ rng.standard_normal((2, 5))
    X = ((X + 0.3 * rng.standard_normal(X.shape)) * [1, 10, 0.1, 5, 1] + [0, 5, 1, 2, -9]).astype(
        dtype
    )
    return X, np.where(rng.random_sample(X.shape) < share, np.nan, X).astype(dtype)


class TestGaussianImputer:
    @pytest.mark.parametrize("shrinkage", [1e-3, 0.1, 0.9])
    def test_gaps_have_the_expectation_of_a_normal_distribution(self, shrinkage):
        """E[x_m | x_o] = mu_m + S_mo S_oo^-1 (x_o - mu_o) with the covariance S of whole rows."""
        X, holes = rows_with_gaps()
        out = GaussianImputer(shrinkage=shrinkage).fit(X).transform(holes)
        S = np.cov(X, rowvar=False, bias=True)
        S = (1 - shrinkage) * S + shrinkage * np.diag(np.diag(S))
        mean = X.mean(axis=0)
        for row, filled in zip(holes, out):
            m = np.isnan(row)
            expected = row.copy()
            inner = np.linalg.solve(S[np.ix_(~m, ~m)], (row - mean)[~m]) if not m.all() else []
            expected[m] = mean[m] + S[np.ix_(m, ~m)] @ inner
            np.testing.assert_allclose(filled, expected, rtol=1e-8)

    def test_it_is_nearer_to_the_values_than_their_means(self):
        X, holes = rows_with_gaps(share=0.5)
        gaps = np.isnan(holes)
        errors = (GaussianImputer().fit_transform(holes) - X) / X.std(axis=0)
        # The means leave an error of about 1.
        assert np.sqrt((errors[gaps] ** 2).mean()) < 0.75

    def test_full_shrinkage_gives_the_means(self):
        _, holes = rows_with_gaps()
        expected = SimpleImputer().fit_transform(holes)
        out = GaussianImputer(shrinkage=1).fit_transform(holes)
        np.testing.assert_allclose(out, expected, rtol=1e-12)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_known_values_are_unchanged(self, dtype):
        _, holes = rows_with_gaps(dtype=dtype)
        given = holes.copy()
        out = GaussianImputer().fit_transform(holes)
        assert out.dtype == dtype and np.isfinite(out).all()
        np.testing.assert_array_equal(holes, given)
        np.testing.assert_array_equal(out[~np.isnan(holes)], holes[~np.isnan(holes)])

    def test_rows_are_filled_independently(self):
        _, holes = rows_with_gaps()
        imputer = GaussianImputer().fit(holes)
        one_by_one = np.vstack([imputer.transform(row[np.newaxis]) for row in holes])
        np.testing.assert_allclose(imputer.transform(holes), one_by_one, rtol=1e-12)

    def test_columns_without_a_number_or_without_variance_are_taken(self):
        X = np.array([[np.nan, 3.0, 1.0], [np.nan, np.nan, 2.0], [np.nan, 3.0, np.nan]])
        out = GaussianImputer().fit_transform(X)
        np.testing.assert_allclose(out, [[0, 3, 1], [0, 3, 2], [0, 3, 1.5]])
        # Features that are never known together, and one that repeats another.
        X = np.array([[1.0, np.nan, 1.0], [2.0, np.nan, 2.0], [np.nan, 4.0, np.nan]] * 5)
        assert np.isfinite(GaussianImputer(shrinkage=1e-6).fit_transform(X)).all()

    @pytest.mark.parametrize("shrinkage", [0, -1, 1.5, np.nan])
    def test_a_shrinkage_out_of_bounds_is_refused(self, shrinkage):
        with pytest.raises(ValueError, match=r"shrinkage must be in \(0, 1\], got"):
            GaussianImputer(shrinkage=shrinkage).fit([[1.0]])


def categories(n_rows=150, n_categories=12, seed=0):
    """Two columns of categories, some missing, and a rank that depends on the first."""
    rng = np.random.RandomState(seed)
    level = rng.randint(n_categories, size=(n_rows, 2))
    X = np.array([[f"c{v}" for v in row] for row in level], dtype=object)
    X[::9, 0] = None
    return X, level[:, 0] + rng.standard_normal(n_rows)


TARGETS = {
    "continuous": lambda rank: rank,
    "binary": lambda rank: np.where(rank > 5, "yes", "no"),
    "multiclass": lambda rank: np.array(["low", "middle", "high"])[np.digitize(rank, [3, 8])],
}


class TestTargetEncoder:
    @pytest.mark.parametrize("kind", TARGETS)
    def test_means_over_all_samples_are_those_of_scikit_learn(self, kind):
        X, rank = categories()
        y = TARGETS[kind](rank)
        expected = TargetEncoder(target_type=kind).fit(X, y)
        encoder = CrossFittedTargetEncoder().fit(X, y)
        later = np.array([["c1", "new"], [None, None], ["c2", "c3"]], dtype=object)
        np.testing.assert_allclose(encoder.transform(later), expected.transform(later), rtol=1e-12)
        assert encoder.get_feature_names_out().tolist() == list(expected.get_feature_names_out())

    @pytest.mark.parametrize("kind", TARGETS)
    def test_each_fold_has_the_means_of_the_others(self, kind):
        X, rank = categories()
        y = TARGETS[kind](rank)
        out = CrossFittedTargetEncoder(cv=4, random_state=3).fit_transform(X, y)
        for others, fold in KFold(4, shuffle=True, random_state=3).split(X):
            means = TargetEncoder(target_type=kind).fit(X[others], y[others]).transform(X[fold])
            np.testing.assert_allclose(out[fold], means, rtol=1e-12)

    def test_no_sample_is_encoded_by_its_own_target(self):
        X, y = categories()
        out = CrossFittedTargetEncoder(random_state=0).fit_transform(X, y)
        y[7] += 1000
        changed = CrossFittedTargetEncoder(random_state=0).fit_transform(X, y)
        np.testing.assert_array_equal(changed[7], out[7])
        assert (changed != out).any()

    @pytest.mark.parametrize("labels", [False, True], ids=["numbers", "labels"])
    def test_columns_of_a_target_are_averaged_separately(self, labels):
        X, rank = categories()
        Y = np.column_stack([rank, -(rank**2), rank % 3])
        Y = (Y > Y.mean(axis=0)).astype(int) if labels else Y
        both = CrossFittedTargetEncoder(random_state=0)
        out = both.fit_transform(X, Y).reshape(len(X), 2, 3)
        for number, y in enumerate(Y.T):
            one = CrossFittedTargetEncoder(random_state=0)
            np.testing.assert_array_equal(out[:, :, number], one.fit_transform(X, y))
        names = both.get_feature_names_out(["a", "b"]).tolist()
        assert names == ["a_0", "a_1", "a_2", "b_0", "b_1", "b_2"]

    def test_whole_numbers_are_averaged_where_it_is_asked_for(self):
        X, rank = categories()
        y = np.rint(rank)
        expected = TargetEncoder(target_type="continuous").fit(X, y).transform(X)
        encoder = CrossFittedTargetEncoder(target_type="continuous").fit(X, y)
        np.testing.assert_array_equal(encoder.transform(X), expected)
        assert CrossFittedTargetEncoder().fit(X, y).transform(X).shape[1] > 2

    def test_a_missing_value_is_a_category_and_a_new_one_has_the_mean(self):
        X = np.array([["a"] * 4 + ["b"] * 4 + [None] * 4], dtype=object).T
        y = [0.0, 0, 0, 0, 1, 1, 1, 1, 5, 5, 5, 5]
        encoder = CrossFittedTargetEncoder(target_type="continuous").fit(X, y)
        # Nothing varies within a category, so that its mean has all of the weight.
        rows = np.array([["a"], ["b"], [None], ["c"]], dtype=object)
        np.testing.assert_allclose(encoder.transform(rows)[:, 0], [0, 1, 5, 2])

    def test_the_folds_follow_random_state(self):
        X, y = categories()
        first, same, other = (
            CrossFittedTargetEncoder(random_state=seed).fit_transform(X, y) for seed in (0, 0, 1)
        )
        np.testing.assert_array_equal(first, same)
        assert (first != other).any()
        # Without a seed there is no hidden one.
        first = CrossFittedTargetEncoder().fit_transform(X, y)
        assert (CrossFittedTargetEncoder().fit_transform(X, y) != first).any()

    def test_a_class_of_one_sample_is_taken_without_a_warning(self, recwarn):
        X, rank = categories()
        y = np.where(rank == rank.max(), "rare", TARGETS["multiclass"](rank))
        assert CrossFittedTargetEncoder().fit_transform(X, y).shape == (len(X), 2 * 4)
        assert not recwarn.list

    def test_an_unknown_type_of_target_is_refused(self):
        with pytest.raises(ValueError, match=r"one of \['auto', 'continuous'\], got 'binary'"):
            CrossFittedTargetEncoder(target_type="binary").fit([["a"], ["b"]], [0, 1])
        with pytest.raises(ValueError, match="requires y to be passed"):
            CrossFittedTargetEncoder().fit_transform([["a"], ["b"]], None)

    def test_names_of_the_output_follow_a_frame(self):
        X, rank = categories()
        frame = pd.DataFrame(X, columns=["city", "color"])
        out = CrossFittedTargetEncoder().set_output(transform="pandas").fit_transform(frame, rank)
        assert out.columns.tolist() == ["city", "color"]
