"""One-pass vector operations: in place, in the dtype they are given."""

import numpy as np
import pytest

from sknumpy_mlp._vectors import add_scaled, are_surely_finite, scale


@pytest.mark.parametrize("n", [0, 1, 7, 20_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_they_do_what_numpy_does_and_leave_the_rest(dtype, n):
    rng = np.random.RandomState(0)
    whole, x = rng.standard_normal(n + 4).astype(dtype), rng.standard_normal(n).astype(dtype)
    before, y = whole.copy(), whole[2 : n + 2]
    add_scaled(y, 0.25, x)
    # A fused multiply-add may spare one rounding.
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, before[2 : n + 2] + dtype(0.25) * x, rtol=0, atol=8 * eps)
    held = y.copy()
    scale(y, 0.5)
    np.testing.assert_array_equal(y, held * dtype(0.5))
    np.testing.assert_array_equal(whole[[0, 1, -2, -1]], before[[0, 1, -2, -1]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("error")
def test_one_odd_number_is_never_surely_finite(dtype, odd):
    x = np.linspace(-1, 1, 101, dtype=dtype)
    assert are_surely_finite(x)
    x[37] = odd
    assert not are_surely_finite(x)
    x[38] = -odd
    assert not are_surely_finite(x)
