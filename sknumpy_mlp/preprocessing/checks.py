"""The checks of columns and options, which the transformers share."""

import numpy as np
from sklearn.utils.validation import validate_data

from .._estimator.errstate import with_errstate
from .._estimator.naming import INVALID, explain
from .._estimator.rows import check_unmasked

NUMBERS = (np.float64, np.float32)


# Checks find what is not finite: NumPy need not warn of sums and casts on the way.
@with_errstate(all="ignore")
def checked(transformer, X, reset, dtype=None):
    """`X` as an array, where NaN is a missing value; errors name `X`."""
    check_unmasked(X)
    try:
        return validate_data(
            transformer, X, dtype=dtype, ensure_all_finite="allow-nan", reset=reset
        )
    except INVALID as error:
        explain(error, X)


def checked_numbers(transformer, X, reset):
    """`X` as float32 or float64, where NaN is a missing value."""
    return checked(transformer, X, reset, list(NUMBERS))


@with_errstate(all="ignore")
def checked_size(values, dtype, what):
    """The values in this dtype; a ValueError that says what they are if one is too large for it.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features)
        Floats, of which NaN is a missing value.
    dtype : dtype
    what : str
    """
    sizes = np.abs(values)
    if (sizes > np.finfo(dtype).max).any():
        row = int((sizes > np.finfo(dtype).max).any(axis=1).argmax())
        raise ValueError(
            f"X must hold rows whose {what} are not too large for {np.dtype(dtype)}, but row "
            f"{row} has {np.nanmax(sizes[row]):g}"
        )
    return values.astype(dtype, copy=False)


@with_errstate(all="ignore")
def check_variance(y):
    """Raise a ValueError if the variance of a column of a numeric target overflows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target.
    """
    if not np.isfinite(np.var(y, axis=0)).all():
        raise ValueError(
            f"y must hold numbers whose variance is finite, got numbers up to {np.abs(y).max():g}"
        )
