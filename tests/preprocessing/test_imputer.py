"""The imputer: the normal distribution's closed form and scikit-learn's own imputer."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from sknumpy_mlp import GaussianImputer

from ..common import refusal

DTYPES = [np.float64, np.float32]


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

    @pytest.mark.parametrize("exponent", [-1000, -600, 600, 1010])
    def test_the_size_of_the_columns_changes_no_bit(self, exponent):
        _, holes = rows_with_gaps()
        out = GaussianImputer().fit_transform(holes)
        with np.errstate(all="raise", under="ignore"):
            scaled = GaussianImputer().fit_transform(np.ldexp(holes, exponent))
        np.testing.assert_array_equal(np.ldexp(scaled, -exponent), out)

    def test_expectations_beyond_the_dtype_are_refused(self):
        X, _ = rows_with_gaps()
        imputer = GaussianImputer(shrinkage=1e-3).fit(X)
        row = np.array([[0.0] * 5, [1.7e308, np.nan, -1.7e308, 1.7e308, 1.7e308]])
        said = "X must hold rows whose expectations are not too large for float64, but row 1 has "
        assert refusal(lambda: imputer.transform(row)).startswith(said)
        wide = GaussianImputer().fit(np.column_stack([X[:, 0], 1e300 + 1e300 * X[:, 1]]))
        gap = np.array([[1.0, np.nan]], np.float32)
        assert "too large for float32, but row 0 has " in refusal(lambda: wide.transform(gap))

    @pytest.mark.parametrize("shrinkage", [0, -1, 1.5, np.nan, "0.1", None, 1j])
    def test_a_shrinkage_out_of_bounds_is_refused(self, shrinkage):
        with pytest.raises(ValueError, match=r"shrinkage must be in \(0, 1\], got"):
            GaussianImputer(shrinkage=shrinkage).fit([[1.0]])
