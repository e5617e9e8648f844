"""What inputs may be, beyond what scikit-learn checks: weights and numbers."""

from itertools import pairwise
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.utils import check_array


def check_weights(sample_weight, n_samples, name="sample_weight"):
    """Sample weights as a float64 vector: one per row, none negative, not all zero."""
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name=name)
    if weights.shape != (n_samples,):
        raise ValueError(
            f"{name} must have one value for each of the {n_samples} rows, "
            f"got shape {weights.shape}"
        )
    if weights.min() < 0:
        raise ValueError(f"{name} must not be negative, got {weights.min()}")
    with np.errstate(over="ignore"):
        if np.isinf(weights.sum()):
            raise ValueError(f"{name} must have a finite sum, got {weights.max()}")
    if not weights.mean() > 0:
        raise ValueError(f"{name} must hold a weight that is not zero, got only zeros")
    return weights


def check_arrays(coefs, intercepts):
    """Weights and biases of consecutive layers, as arrays of one float dtype; always copies.

    Raises
    ------
    ValueError
        If they are not finite numbers of one network, or the shapes of two layers do not fit.
    """
    if any(np.ndim(W) == 3 for W in coefs):
        raise ValueError(
            "coefs must be the matrices of one network, (n_in, n_out), got arrays of three axes; "
            "[W[0] for W in coefs_] are those of the first member"
        )
    coefs = [check_array(W, dtype=[np.float64, np.float32], copy=True) for W in coefs]
    intercepts = [
        check_array(b, dtype=[np.float64, np.float32], ensure_2d=False, copy=True)
        for b in intercepts
    ]
    fit = (
        len(coefs) == len(intercepts) > 0
        and all(b.shape == W.shape[1:] for W, b in zip(coefs, intercepts))
        and all(W.shape[1] == next_W.shape[0] for W, next_W in pairwise(coefs))
    )
    if not fit:
        raise ValueError(
            "coefs and intercepts must be of shapes (n_in, n_out) and (n_out,) for each layer, the "
            f"n_out of one the n_in of the next, got {[W.shape for W in coefs]} and "
            f"{[b.shape for b in intercepts]}"
        )
    dtype = np.result_type(*coefs, *intercepts)
    return [W.astype(dtype) for W in coefs], [b.astype(dtype) for b in intercepts]


def refuse_sparse(X, name, feature_scale):
    """Raise a ValueError if `X` is sparse and its columns have a learned factor each."""
    if feature_scale and sparse.issparse(X):
        raise ValueError(f"feature_scale must be False for a sparse {name}, got True")


def check_some_weight(weights, use, part=None):
    """Raise a ValueError if the rows of this part, put to this use, all weigh nothing."""
    if weights is None:
        return
    # Each member of an ensemble has a part of its own.
    if not weights[slice(None) if part is None else part].any(axis=-1).all():
        raise ValueError(
            "sample_weight must hold a weight (times its class_weight) that is not zero among "
            f"the rows {use}, got only zeros"
        )


def check_numbers(X, dtype, name="X"):
    """Raise a ValueError unless `X` holds numbers, none too large for a network of this dtype."""
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got dtype {values.dtype}")
    if values.dtype.kind != "f" or values.dtype.itemsize <= dtype.itemsize or not values.size:
        return
    largest = max(values.max(), -values.min())
    if largest > np.finfo(dtype).max:
        raise ValueError(
            f"{name} must hold no value too large for {dtype}, the dtype of the network, "
            f"got {largest}"
        )
