"""Convert any table to float32 columns with scikit-learn's transformers.

`columns_of_tables` creates the transformer from the classes below, which are public since they are
in every saved model of a table. They accept a pandas or polars DataFrame, or an array, and import
neither library.
"""

import warnings
from dataclasses import dataclass
from datetime import datetime
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.validation import check_is_fitted, validate_data

from ._estimator.errstate import with_errstate
from ._estimator.naming import naming
from ._estimator.rows import check_unmasked, is_missing
from ._version import Versioned
from .preprocessing import CrossFittedTargetEncoder, GaussianImputer, RobustSmoothScaler

# So many categories of a column have a column each, as docs/reference/benchmarks.md measures.
MOST_CATEGORIES = 128
# Text that is numbers is read as numbers from so many different values on; fewer may be codes.
FEWEST_NUMBERS = 50
# Text of which a larger share of the rows differs identifies rows, in tables of so many rows.
MOST_DIFFERENT, FEWEST_ROWS = 0.9, 50
MOST_REMARKS = 5


def columns_of_tables(task="classification", random_state=None):
    """Create the transformer of `make_tabular_mlp`: any table to float32 without missing values.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        Whether the means of the target are those of labels or of numbers.
    random_state : int, RandomState instance or None, default=None
        Controls the folds in which the means of the target are computed.

    Returns
    -------
    TableColumns
        It has the transformers "numbers", "missing", "categories" and "means", which select their
        columns by type. "means" has the columns of "categories" with more than 128 categories.
    """
    numbers = make_pipeline(
        AsNumbers(),
        # Before imputing: where half of a column is missing, its quartiles would be the median.
        RobustSmoothScaler(dtype="float32"),
        # A column without any number is kept, so that columns match `fit`.
        GaussianImputer(),
    )
    missing = make_pipeline(
        AsNumbers(),
        MissingIndicator(error_on_new=False),
    )
    categories = make_pipeline(
        AsText(),
        OneHotEncoder(
            # All zeros where no categories are rare.
            handle_unknown="infrequent_if_exist",
            # One more, since the encoder counts the column of rare categories.
            max_categories=MOST_CATEGORIES + 1,
            sparse_output=False,
            dtype=np.float32,
            feature_name_combiner=NamesOfCategories(),
        ),
    )
    means = make_pipeline(
        AsText(),
        CrossFittedTargetEncoder(
            target_type="continuous" if task == "regression" else "auto", random_state=random_state
        ),
        RobustSmoothScaler(dtype="float32"),
    )
    return TableColumns(
        [
            ("numbers", numbers, ColumnsOf("numbers")),
            ("missing", missing, ColumnsOf("numbers")),
            ("categories", categories, ColumnsOf("categories", warns=True)),
            ("means", means, ColumnsOf("categories", more_than=MOST_CATEGORIES)),
        ]
    )


class TableColumns(ColumnTransformer):
    """The `ColumnTransformer` of scikit-learn, whose errors name `X` also where it is no table.

    Its columns are those of all transformers, side by side.

    Parameters
    ----------
    transformers : list of tuple
        Name, transformer and columns of each.
    remainder, sparse_threshold, n_jobs, transformer_weights : object
        As in `ColumnTransformer`, and so are the next two.
    verbose, verbose_feature_names_out : bool
        What is printed, and how columns are called.

    See Also
    --------
    sklearn.compose.ColumnTransformer : The class that this one derives from.

    Examples
    --------
    >>> columns = TableColumns([("numbers", AsNumbers(), ColumnsOf("numbers"))])
    >>> columns.fit_transform(np.array([[1, "a"]], dtype=object))
    array([[1.]])
    """

    @with_errstate(all="ignore")
    def fit_transform(self, X, y=None, **params):
        check_table(X)
        with naming("X", "[Xy]"):
            return super().fit_transform(X, y, **params)

    @with_errstate(all="ignore")
    def transform(self, X, **params):
        # An estimator that is not fitted is no fault of X.
        check_is_fitted(self)
        check_table(X)
        with naming("X"):
            return super().transform(X, **params)


def check_table(X):
    """Raise an error unless `X` is a DataFrame, or an array or list with rows and columns.

    Parameters
    ----------
    X : object
        What was passed as a table.
    """
    if sparse.issparse(X):
        raise TypeError(
            f"X must be a DataFrame or a dense array, got {type(X).__name__}; use X.toarray()"
        )
    check_unmasked(X)
    if hasattr(X, "columns"):
        return
    with naming("X"):
        shape = np.shape(X if hasattr(X, "__array__") else np.asarray(X, dtype=object))
    if len(shape) != 2:
        remedy = "; pd.DataFrame(X) makes one" if isinstance(X, dict) else ""
        raise ValueError(
            f"X must be a DataFrame, or have rows and columns, got a {type(X).__name__} of shape "
            f"{shape}{remedy}"
        )
    if 0 in shape:
        raise ValueError(f"X must have at least one row and one column, got shape {shape}")


@dataclass(frozen=True)
class ColumnsOf:
    """Select the columns of a kind, for a column transformer.

    Called with a table, it returns the indices of the columns.

    Parameters
    ----------
    kind : {"numbers", "categories"}
        Numbers are numbers, booleans and text that is numbers; all other text and the categorical
        types are categories.
    more_than : int, default=0
        Only columns with more different categories than this.
    warns : bool, default=False
        Whether to warn of columns, of any kind, that are no features. A column transformer asks
        once a fit.

    See Also
    --------
    sklearn.compose.make_column_selector : Selects by dtype or name.

    Examples
    --------
    >>> ColumnsOf("categories")(np.array([[1, "a"], [2, "b"]], dtype=object))
    [1]
    """

    kind: str
    more_than: int = 0
    warns: bool = False

    def __call__(self, X):
        """The indices of the columns of a table, a list of int."""
        columns = list(_kinds(X))
        if self.warns:
            _warn_of_remarks(columns)
        return [
            number
            for number, (kind, _, values) in enumerate(columns)
            if kind == self.kind
            and (not self.more_than or len(set(_texts(values))) > self.more_than)
        ]


@dataclass(frozen=True)
class NamesOfCategories:
    """Name one-hot columns; no text value leads to the name of the missing values.

    Called with the name of a feature and a category, it returns the name of the column.

    See Also
    --------
    sklearn.preprocessing.OneHotEncoder : Takes it as `feature_name_combiner`.

    Examples
    --------
    >>> name = NamesOfCategories()
    >>> name("city", "Graz"), name("city", None)
    ('city_Graz', 'city is missing')
    """

    def __call__(self, feature, category):
        """The name of the column of a category."""
        return f"{feature} is missing" if category is None else f"{feature}_{category}"


class _Conversion(OneToOneFeatureMixin, TransformerMixin, Versioned, BaseEstimator):
    """Base of transformers that convert each column by itself and learn nothing."""

    def fit(self, X, y=None):
        """Store the number and the names of the columns.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            A table.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The transformer.
        """
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        """Convert the columns.

        Parameters
        ----------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            A table.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Numbers, or strings and None.
        """
        raise NotImplementedError

    def __sklearn_is_fitted__(self):
        return True

    def get_feature_names_out(self, input_features=None):
        # scikit-learn 1.9 displays a transformer without columns although it was never fitted.
        is_fitted = hasattr(self, "n_features_in_")
        return super().get_feature_names_out(input_features) if is_fitted else []

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.requires_fit = False
        return tags


class AsNumbers(_Conversion):
    """Convert columns of numbers and booleans of any type to floats, with NaN as missing value.

    It learns nothing in `fit`.

    See Also
    --------
    AsText : Converts to strings.

    Examples
    --------
    >>> AsNumbers().fit_transform(np.array([["1.5"], [None]], dtype=object))
    array([[1.5],
           [nan]])
    """

    def transform(self, X):
        return as_numbers(X)


class AsText(_Conversion):
    """Convert columns of categories of any type to strings, with None as missing value.

    It learns nothing in `fit`.

    See Also
    --------
    AsNumbers : Converts to numbers.

    Examples
    --------
    >>> AsText().fit_transform(np.array([["red"], [None]], dtype=object))
    array([['red'],
           [None]], dtype=object)
    """

    def transform(self, X):
        return as_text(X)


def _warn_of_remarks(columns):
    """Warn of columns, as `_kinds` gives them, that are no features."""
    remarks = [
        f"column {name!r} {remark}"
        for kind, name, values in columns
        if (remark := _remark(kind, values))
    ]
    if remarks:
        more = f"; {len(remarks) - MOST_REMARKS} more" if len(remarks) > MOST_REMARKS else ""
        told = "; ".join(remarks[:MOST_REMARKS])
        warnings.warn(f"X may have columns that are no features: {told}{more}.")


def _remark(kind, values):
    """What a user should know of a column before a model learns from it; '' for most columns."""
    is_text = values.dtype.kind in "OUST"
    if is_text:
        different = {value for value in values if not is_missing(value)}
        if kind == "numbers" and any(isinstance(value, (str, bytes)) for value in different):
            return "holds numbers as text, which are read as numbers; codes should be categorical"
    else:
        different = np.unique(values[values == values])
    n_rows, n_different = len(values), len(different)
    if n_rows < FEWEST_ROWS:
        return ""
    if n_different == 1 and not any(map(is_missing, values)):
        return "has the same value in all rows; drop it"
    if kind == "categories" and _are_dates(different):
        return "holds dates as text; replace them by numbers such as year, month and day"
    if kind == "categories" and n_different > MOST_DIFFERENT * n_rows:
        return f"has {n_different} different texts in {n_rows} rows; drop it if it names the rows"
    is_count = values.dtype.kind in "iu" and n_different == n_rows
    if is_count and int(different[-1]) - int(different[0]) == n_rows - 1:
        return "numbers the rows; drop it"
    return ""


def as_numbers(X):
    """Convert columns of numbers and booleans of any type to floats, with NaN as missing value.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)
        A table.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Of float32 if all columns are float32, otherwise of float64.
    """
    columns = []
    for name, _, values in _columns(X):
        try:
            columns.append(_floats(values))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"X must have numbers in column {name!r}, as it had in fit: {error}"
            ) from error
        except OverflowError as error:
            raise ValueError(
                f"X must have numbers within those of float64 in column {name!r}: {error}"
            ) from error
    return np.column_stack(columns)


def as_text(X):
    """Convert columns of categories of any type to strings, with None as missing value.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)
        A table.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Of objects: strings and None.
    """
    text = np.empty(np.shape(X), dtype=object)
    for number, (_, _, values) in enumerate(_columns(X)):
        text[:, number] = _texts(values)
    return text


def _columns(X):
    """Yield each column's name, the name of its dtype, and its values as a 1-D array."""
    check_table(X)
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        for number in range(X.shape[1]):
            yield number, str(X.dtype), X[:, number]
        return
    # By index, since names need not be unique in pandas. polars indexes like pandas' iloc.
    by_number = getattr(X, "iloc", X)
    for number, name in enumerate(X.columns):
        column = by_number[:, number]
        yield name, str(column.dtype), np.asarray(column.to_numpy())


def _kinds(X):
    """Yield the kind of each column, "numbers" or "categories", its name and its values.

    The values of object columns are inspected: an array of mixed columns, or a column of booleans
    with missing values, has the dtype object.
    """
    for name, dtype, values in _columns(X):
        # The categorical types of pandas and polars, whose values may be numbers.
        if dtype.lower().startswith(("categor", "enum")):
            yield "categories", name, values
        elif values.ndim > 1:
            _refuse(name, dtype)
        elif values.dtype.kind in "biuf":
            yield "numbers", name, values
        elif values.dtype.kind in "OUST":
            # One value of each type is enough.
            known = [v for v in {type(v): v for v in values}.values() if not is_missing(v)]
            others = sorted(
                type(v).__name__ for v in known if not isinstance(v, (str, bytes, Real, np.bool_))
            )
            if others:
                _refuse(name, f"{', '.join(others)} objects")
            is_text = not known or any(isinstance(value, (str, bytes)) for value in known)
            kind = "categories" if is_text and not _is_of_numbers(values) else "numbers"
            yield kind, name, values
        else:
            _refuse(name, dtype)


def _is_of_numbers(values):
    """Whether all texts of a column are numbers, and many."""
    found = set()
    for value in values:
        if is_missing(value):
            continue
        try:
            found.add(float(value))
        except (TypeError, ValueError, OverflowError):
            return False
    return len(found) >= FEWEST_NUMBERS and np.isfinite(list(found)).all()


def _are_dates(values):
    """Whether all values are dates written as in ISO 8601, such as 2026-01-31."""
    try:
        return bool(values) and all("-" in v and datetime.fromisoformat(v) for v in values)
    except (TypeError, ValueError):
        return False


def _refuse(name, what):
    is_date = any(word in what.lower() for word in ("date", "timestamp"))
    remedy = (
        "replace them by numbers such as .dt.year, .dt.month and the days since a fixed date; the "
        "section on dates of docs/use/columns.md has the code"
        if is_date
        else "convert them to numbers or strings first"
    )
    raise ValueError(
        f"X must have columns of numbers, booleans, strings or categories, but column {name!r} "
        f"holds {what}; {remedy}"
    )


def _floats(values):
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind in "biu":
        return values.astype(np.float64)
    return np.array([np.nan if is_missing(value) else float(value) for value in values])


def _texts(values):
    """The values of a column as a list of strings and None."""
    # Most values are strings already: skip the call.
    return [v if type(v) is str else _text(v) for v in values.astype(object)]


def _text(value):
    """A string or None; the same for 1 and 1.0, since missing values turn integers into floats."""
    if is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and value.is_integer():
        value = int(value)
    return value.decode() if isinstance(value, bytes) else str(value)
