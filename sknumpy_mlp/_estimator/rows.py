"""The rows given to a call: checks, weights, and held-out rows."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array

from .labels import Labels
from .naming import TABLES


class Target(NamedTuple):
    """A target, encoded for the core.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Class numbers, 0 and 1 for each label, or numbers.
    kind : str
        "binary", "multiclass", "multilabel" or "continuous".
    n_columns : int
        How many classes, labels or columns of numbers there are.
    labels : Labels or None
        The classes behind the codes; None for numbers.
    """

    codes: np.ndarray
    kind: str
    n_columns: int
    labels: Labels | None = None


@dataclass
class Rows:
    """The rows given to a call: training rows and held-out rows.

    Attributes
    ----------
    X : ndarray, sparse matrix or array of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target, unchanged.
    target : Target
    sample_weight : ndarray of shape (n_samples,) or None
    class_weight : ndarray of shape (n_classes,) or None
    index : integer ndarray or None
        Indices of the rows of `X` that belong to the other arrays; all rows if None.
    strata : ndarray of shape (n_samples,) or None
        The strata of a split into training and held-out rows.
    held_out : Rows or None
        The rows given as `X_val`, `y_val`.
    """

    X: object
    y: np.ndarray
    target: Target
    sample_weight: np.ndarray | None = None
    class_weight: np.ndarray | None = None
    index: np.ndarray | None = None
    strata: np.ndarray | None = None
    held_out: "Rows | None" = None

    @property
    def weights(self):
        """Weights in the loss: sample weights times class weights; None if all are one."""
        if self.class_weight is None:
            return self.sample_weight
        by_class = self.class_weight[self.target.codes]
        # The mean of what overflows is refused before training.
        with np.errstate(over="ignore"):
            return by_class if self.sample_weight is None else by_class * self.sample_weight

    def take(self, index):
        """Select rows by their indices, without copying `X`."""
        weight = self.sample_weight
        return replace(
            self,
            y=self.y[index],
            target=self.target._replace(codes=self.target.codes[index]),
            sample_weight=None if weight is None else weight[index],
            index=index,
        )

    def facts(self):
        """Properties of the rows that must be the same in a resumed fit, by name."""
        held_out = self.held_out
        facts = {
            "the number of rows of X": self.X.shape[0],
            "the dtype of X": str(self.X.dtype),
            "whether there is a sample_weight": self.sample_weight is not None,
            "the number of rows of X_val": 0,
        }
        if held_out is not None:
            facts["the number of rows of X_val"] = held_out.X.shape[0]
            facts["whether there is a sample_weight_val"] = held_out.sample_weight is not None
        return facts

    def split(self, plan, random_state):
        """Indices of training rows and of held-out rows for early stopping, for each member."""
        options = {"test_size": plan.validation_fraction, "stratify": self.strata}
        splits = [
            train_test_split(np.arange(self.X.shape[0]), random_state=random_state, **options)
            for _ in range(plan.members)
        ]
        return splits[0] if len(splits) == 1 else tuple(np.stack(each) for each in zip(*splits))


def check_enough_to_split(plan, n_samples):
    """Raise a ValueError if `validation_fraction` holds out fewer than two rows, or all."""
    fraction = plan.validation_fraction
    if np.ceil(fraction * n_samples) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset: validation_fraction={fraction}, n_samples={n_samples}."
        )
    if np.ceil(fraction * n_samples) >= n_samples:
        raise ValueError(
            f"validation_fraction must leave rows to train on, got {fraction} of {n_samples} rows"
        )


def is_missing(value):
    """Whether it is None, NaN, NaT or pandas.NA, without importing pandas."""
    if value is None:
        return True
    try:
        unlike_itself = value != value
    except ArithmeticError:
        # Decimal("sNaN") cannot even be compared.
        return True
    if isinstance(unlike_itself, (bool, np.bool_)):
        return bool(unlike_itself)
    # pandas.NA compares to itself, which is no truth value.
    return unlike_itself is value


def check_complete(y, name="y"):
    """Raise a ValueError if a target has missing values, which an array of objects can hide."""
    # Of a list with text and gaps NumPy makes text.
    values = np.asarray(y, dtype=object if isinstance(y, (list, tuple)) else None)
    if values.ndim == 0 and y is not None:
        raise ValueError(f"{name} must be a list or an array, got {y!r}")
    # Numbers are checked by scikit-learn, with a message that names y.
    if values.dtype.kind not in "OmM" or values.ndim == 0:
        return
    if values.dtype.kind != "O":
        missing = np.isnat(values)
    else:
        missing = np.array([is_missing(each) for each in values.ravel()]).reshape(values.shape)
    if missing.any():
        where = tuple(np.argwhere(missing)[0])
        raise ValueError(
            f"{name} must have no missing values, got {missing.sum()}; the first is "
            f"{values[where]} in row {where[0]}"
        )


def as_floats(values, name, dtype=np.float64):
    """Numbers as a float array of any shape.

    Parameters
    ----------
    values : array-like
    name : str
        The name of the argument, for error messages.
    dtype : dtype or list of dtype, default=float64
        If a list, arrays of one of these dtypes keep it, and others get the first.

    Raises
    ------
    ValueError
        If they are not finite numbers. Names the argument.
    """
    try:
        found = np.asarray(values)
        if found.dtype.kind in "mMV":
            raise TypeError(f"dtype {found.dtype} is no type of numbers")
        if np.ma.is_masked(values):
            raise TypeError("some values are masked")
        # Of longdouble, what is beyond float64 becomes inf, which is refused.
        with np.errstate(over="ignore"):
            any_shape = {"ensure_2d": False, "allow_nd": True, "ensure_min_samples": 0}
            return check_array(values, dtype=dtype, input_name=name, **any_shape)
    except MemoryError:
        raise
    except Exception as error:
        # Of NumPy, or of an odd object among the values.
        raise ValueError(f"{name} must hold finite numbers: {error}") from error


def check_weights(sample_weight, n_samples, name="sample_weight"):
    """Sample weights as a float64 vector: one per row, none negative, not all zero."""
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, as_floats([sample_weight], name)[0])
    weights = as_floats(sample_weight, name)
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
    if not weights.any():
        raise ValueError(f"{name} must hold a weight that is not zero, got only zeros")
    return weights


def check_mean_weight(state, alpha):
    """Raise a ValueError if training cannot use the mean of all weights: infinite, or too small.

    Parameters
    ----------
    state : TrainingState
        Has counted the weights.
    alpha : float or ndarray of shape (n_members,)
        The L2 term, which training divides by the mean weight.
    """
    mean = state.mean_weight
    what = "sample_weight (times class_weight, over all calls of partial_fit)"
    if not np.isfinite(mean):
        raise ValueError(f"{what} must have a finite sum, got {mean}; only the ratios count")
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if mean == 0 or not np.isfinite(np.divide(alpha, mean)).all():
            raise ValueError(
                f"{what} must have a mean that alpha={alpha} can be divided by, got the mean "
                f"{mean}; multiply all weights by the same large number"
            )


def check_some_weight(weights, use, part=None):
    """Raise a ValueError unless the weights of the rows put to this use have a sum, not zero."""
    if weights is None:
        return
    # Each member of an ensemble has a part of its own.
    used = weights[slice(None) if part is None else part]
    with np.errstate(over="ignore"):
        if not np.isfinite(used.sum(axis=-1)).all():
            raise ValueError(
                "sample_weight (times class_weight) must have a finite sum over the rows "
                f"{use}, got a largest value of {used.max()}; only the ratios count"
            )
    if not used.any(axis=-1).all():
        raise ValueError(
            "sample_weight must hold a weight (times its class_weight) that is not zero among "
            f"the rows {use}, got only zeros"
        )


def check_numbers(X, dtype, name="X"):
    """Raise a ValueError unless `X` holds numbers, none too large for a network of this dtype."""
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind not in "biuf":
        advice = f"; {TABLES}" if name[0] == "X" and values.dtype.kind in "OSU" else ""
        raise ValueError(f"{name} must hold numbers, got dtype {values.dtype}{advice}")
    if values.dtype.kind != "f" or values.dtype.itemsize <= dtype.itemsize or not values.size:
        return
    largest = max(values.max(), -values.min())
    if largest > np.finfo(dtype).max:
        raise ValueError(
            f"{name} must hold no value too large for {dtype}, the dtype of the network, "
            f"got {largest}"
        )


def check_unmasked(X, name="X"):
    """Raise a ValueError if `X` is an array of which values are masked: all would be used."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"{name} must have no masked values, got {np.ma.count_masked(X)}; "
            f"{name}.filled(...) replaces them"
        )


def check_structure(X, name="X"):
    """Raise a ValueError if `X` is sparse and its indices lie outside: they would crash Python."""
    form = X.format if sparse.issparse(X) else ""
    if form and X.ndim != 2:
        raise ValueError(
            f"{name} must have two axes where it is sparse, got a {type(X).__name__} of {X.ndim}"
        )
    if form == "lil":
        check_structure(X.tocsr(), name)
    elif form == "coo":
        _check_indices(X.row, X.shape[0], name)
        _check_indices(X.col, X.shape[1], name)
    elif form in ("csr", "csc", "bsr"):
        rows, columns = X.shape
        if form == "bsr":
            rows, columns = rows // X.blocksize[0], columns // X.blocksize[1]
        if form == "csc":
            rows, columns = columns, rows
        starts = X.indptr
        n_stored = min(len(X.indices), len(X.data))
        ordered = len(starts) == rows + 1 and starts[0] == 0 and (np.diff(starts) >= 0).all()
        if not ordered or starts[-1] > n_stored:
            raise ValueError(
                f"{name} must be a valid sparse matrix, but its indptr is not a list of "
                f"{rows + 1} positions from 0 to at most {n_stored} in order"
            )
        _check_indices(X.indices[: starts[-1]], columns, name)


def _check_indices(index, size, name):
    """Raise a ValueError unless indices are at least 0 and below the size."""
    if len(index) and not 0 <= index.min() <= index.max() < size:
        raise ValueError(
            f"{name} must be a valid sparse matrix with indices from 0 to {size - 1}, got indices "
            f"from {index.min()} to {index.max()}"
        )


def check_format(X, network, name="X"):
    """Raise a ValueError if `X` is sparse and the first layer of the network wants it dense."""
    first = network.layers[0]
    if sparse.issparse(X) and not first.takes_sparse:
        parameter, *_ = first.kinds.values()
        refuse_sparse(X, parameter, name)


def refuse_sparse(X, parameter, name="X"):
    """Raise a ValueError that says which parameter wants the dense form of `X`."""
    raise ValueError(
        f"{name} must be dense with the parameter {parameter}, got a sparse {type(X).__name__}; "
        f"{name}.toarray() makes it dense"
    )
