"""The check of numeric columns, which the transformers of numbers share."""

import numpy as np
from sklearn.utils.validation import validate_data


def checked_numbers(transformer, X, reset):
    """`X` as float32 or float64, where NaN is a missing value."""
    dtypes = [np.float64, np.float32]
    return validate_data(transformer, X, dtype=dtypes, ensure_all_finite="allow-nan", reset=reset)
