"""The tuned recipe for tables, as an ordinary `Pipeline` of a column transformer and an estimator.

`columns_of_tables` turns what a table holds into float32 numbers, `make_tabular_mlp` puts a network
with the recipe's settings behind it. Nothing here is a class: every part is scikit-learn's or this
package's, and can be replaced by `set_params`. To change the recipe, change `_settings`.
"""

from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from .classifier import ScratchMLPClassifier
from .core.initializers import LecunNormal, Normal
from .core.losses import Poisson
from .preprocessing import RobustSmoothScaler
from .regressor import ScratchMLPRegressor

TASKS = ("classification", "regression")


def make_tabular_mlp(task="classification", **overrides):
    """Make a pipeline with settings that were tuned on many tables, for a table as it is.

    The columns of a pandas or polars DataFrame, or of an array, may be numbers, booleans and
    categories (strings, or the categorical types of the frames), all with missing values:

    - numbers and booleans: what is missing becomes the median, and each column with missing values
      in `fit` gets a second one that marks them; then `RobustSmoothScaler`;
    - categories: one column of 0 and 1 for each; missing is a category of its own; one that `fit`
      has not seen has 0 in all.

    Behind them are four networks of three layers of 128 units, trained as one in float32 for
    `max_iter` epochs. Each holds out a fifth of the rows, and its weights of the epoch that
    predicts those best are kept; what is predicted is the mean. One network of 256 units, as
    published, has as many weights behind its first layer and errs more: ``members=1,
    hidden_layer_sizes=(256, 256, 256), max_iter=256``. ``members=8`` or ``max_iter=128`` take twice
    the time and err a little less.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
        Whether the target is labels or numbers. Numbers are standardised for the network, and
        predictions scaled back; a `y_val` that is passed on to the network is not, so standardise
        it first.
    **overrides : dict
        Parameters of `ScratchMLPClassifier` or `ScratchMLPRegressor` that replace the recipe's, for
        example ``members=8`` or ``random_state=0``. Some belong together: the recipe has
        ``early_stopping`` for its ``temperature_scaling``, and ``label_smoothing`` for its loss.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With the steps "columns" and "network". The network's parameters are
        ``network__max_iter`` for labels and ``network__regressor__max_iter`` for numbers.

    Raises
    ------
    ValueError
        If `task` is neither of the two, or an override is no parameter of the estimator.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, "Better by default: Strong pre-tuned MLPs and boosted
    trees on tabular data", NeurIPS 2024: RealMLP-TD-S.

    Examples
    --------
    >>> from sknumpy_mlp import make_tabular_mlp
    >>> X = [[21.0, "red"], [None, "blue"], [64.0, None], [35.0, "red"]] * 10
    >>> y = ["no", "yes", "yes", "no"] * 10
    >>> model = make_tabular_mlp(max_iter=20, random_state=0).fit(X, y)
    >>> model.predict([[30.0, "red"], [70.0, "green"]]).tolist()
    ['no', 'yes']
    >>> model["columns"].get_feature_names_out().tolist()
    ['numbers__x0', 'missing__missingindicator_x0', 'categories__x1_blue', 'categories__x1_red',
     'categories__x1 is missing']
    """
    if not isinstance(task, str) or task not in TASKS:
        raise ValueError(f"task must be one of {list(TASKS)}, got {task!r}")
    estimator = ScratchMLPClassifier if task == "classification" else ScratchMLPRegressor
    known = estimator._get_param_names()
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise ValueError(
            f"overrides must be parameters of {estimator.__name__}, got {unknown}; it has {known}"
        )
    network = estimator(**_settings(task) | overrides)
    if task == "regression":
        if isinstance(network.loss, Poisson) or network.loss == Poisson.name:
            raise ValueError(
                f"loss must take numbers of any sign, as standardised targets are, "
                f"got {network.loss!r}"
            )
        # Not checked, since float32 is scaled back with a rounding.
        scaler = make_pipeline(StandardScaler(), FunctionTransformer(inverse_func=in_float64))
        network = TransformedTargetRegressor(network, transformer=scaler, check_inverse=False)
    return Pipeline([("columns", columns_of_tables()), ("network", network)])


def columns_of_tables():
    """The transformer of `make_tabular_mlp`: any table to float32 numbers without a gap.

    Returns
    -------
    sklearn.compose.ColumnTransformer
        With the parts "numbers", "missing" and "categories", each for the columns that it finds.
    """
    numbers = make_pipeline(
        FunctionTransformer(as_numbers, feature_names_out=names_as_they_came),
        # A column without any number stays, as zeros, so that the columns are those of `fit`.
        SimpleImputer(strategy="median", keep_empty_features=True),
        RobustSmoothScaler(dtype="float32"),
    )
    missing = make_pipeline(
        FunctionTransformer(as_numbers, feature_names_out=names_as_they_came),
        MissingIndicator(error_on_new=False),
    )
    categories = make_pipeline(
        FunctionTransformer(as_text, feature_names_out=names_as_they_came),
        OneHotEncoder(
            handle_unknown="ignore",
            sparse_output=False,
            dtype=np.float32,
            feature_name_combiner=name_of_category,
        ),
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, numeric_columns),
            ("missing", missing, numeric_columns),
            ("categories", categories, categorical_columns),
        ]
    )


def _settings(task):
    """The recipe: parameters of the estimator, in new objects."""
    common = {
        "members": 4,
        "hidden_layer_sizes": (128, 128, 128),
        "feature_scale": True,
        "parametrization": "ntk",
        "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0},
        "init": (LecunNormal(biases=Normal(1.0)), "zeros"),
        "solver": "adam",
        "beta_2": 0.95,
        "alpha": 0.0,
        "batch_size": "up to 256",
        "max_iter": 64,
        "learning_rate": "coslog4",
        "early_stopping": True,
        "validation_fraction": 0.2,
        "n_iter_no_change": None,
        "best_of_ties": "last",
    }
    if task == "regression":
        return common | {"activation": "mish", "learning_rate_init": 0.07}
    return common | {
        "activation": "selu",
        "learning_rate_init": 0.04,
        "label_smoothing": 0.1,
        "temperature_scaling": True,
    }


def names_as_they_came(transformer, names):
    """The names of the columns that a function leaves as many as they were."""
    # A part without columns is never fitted; scikit-learn 1.9 draws it all the same, and without
    # names "one-to-one" gives it something that has no length.
    return [] if names is None else names


def name_of_category(feature, category):
    """The name of a column of 0 and 1; that of gaps is none that a text could have."""
    return f"{feature} is missing" if category is None else f"{feature}_{category}"


def in_float64(values):
    """The same numbers in float64: scaled back in float32, large targets would lose digits."""
    return values.astype(np.float64)


def numeric_columns(X):
    """The numbers of the columns of a table that hold numbers or booleans.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    list of int
    """
    return [number for number, kind in enumerate(_kinds(X)) if kind == "numbers"]


def categorical_columns(X):
    """The numbers of the columns of a table that hold categories.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    list of int
    """
    return [number for number, kind in enumerate(_kinds(X)) if kind == "categories"]


def as_numbers(X):
    """Columns of numbers and booleans of any type, as floats with NaN for what is missing.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        float32 if all columns are, else float64.
    """
    columns = []
    for name, _, values in _columns(X):
        try:
            columns.append(_floats(values))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"X must have numbers in column {name!r}, as it had in fit: {error}"
            ) from error
    return np.column_stack(columns)


def as_text(X):
    """Columns of categories of any type, as strings with None for what is missing.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_features), of objects
    """
    text = np.empty(np.shape(X), dtype=object)
    for number, (_, _, values) in enumerate(_columns(X)):
        # Most are strings already, and need no call.
        text[:, number] = [v if type(v) is str else _text(v) for v in values.astype(object)]
    return text


def _columns(X):
    """Yield each column's name, the name of its dtype, and its values as a 1-D array."""
    if sparse.issparse(X):
        raise TypeError(
            f"X must be a DataFrame or a dense array, got {type(X).__name__}; X.toarray() makes it "
            "one"
        )
    if not hasattr(X, "columns"):
        X = np.asarray(X)
        if X.ndim != 2:
            raise ValueError(f"X must have rows and columns, got an array of shape {X.shape}")
        for number in range(X.shape[1]):
            yield number, str(X.dtype), X[:, number]
        return
    # By number: names need not be unique in pandas. polars is indexed as pandas' iloc is.
    by_number = getattr(X, "iloc", X)
    for number, name in enumerate(X.columns):
        column = by_number[:, number]
        yield name, str(column.dtype), np.asarray(column.to_numpy())


def _kinds(X):
    """Yield what each column holds, "numbers" or "categories".

    Objects are looked at: it is how an array of mixed columns, and a column of booleans in which
    some are missing, come along.
    """
    for name, dtype, values in _columns(X):
        # pandas and polars: Categorical, category, Enum. Their values may be numbers.
        if dtype.lower().startswith(("categor", "enum")):
            yield "categories"
        elif values.ndim > 1:
            _refuse(name, dtype)
        elif values.dtype.kind in "biuf":
            yield "numbers"
        elif values.dtype.kind in "OUST":
            # One value of each type will do, and is soon found.
            known = [v for v in {type(v): v for v in values}.values() if not _is_missing(v)]
            others = sorted(
                type(v).__name__ for v in known if not isinstance(v, (str, bytes, Real, np.bool_))
            )
            if others:
                _refuse(name, f"{', '.join(others)} objects")
            is_text = not known or any(isinstance(value, (str, bytes)) for value in known)
            yield "categories" if is_text else "numbers"
        else:
            _refuse(name, dtype)


def _refuse(name, what):
    raise ValueError(
        f"X must have columns of numbers, booleans, strings or categories, but column {name!r} "
        f"holds {what}; make numbers or strings of them first"
    )


def _is_missing(value):
    """Whether it is None, NaN, NaT or pandas.NA, without importing pandas."""
    if value is None:
        return True
    unlike_itself = value != value
    if isinstance(unlike_itself, (bool, np.bool_)):
        return bool(unlike_itself)
    # pandas.NA compares to itself, which is no truth value.
    return unlike_itself is value


def _floats(values):
    if values.dtype.kind == "f":
        return values
    if values.dtype.kind in "biu":
        return values.astype(np.float64)
    return np.array([np.nan if _is_missing(value) else float(value) for value in values])


def _text(value):
    """None or a string, the same for 1 and 1.0: integers become floats where some are missing."""
    if _is_missing(value):
        return None
    if isinstance(value, (float, np.floating)) and value.is_integer():
        value = int(value)
    return value.decode() if isinstance(value, bytes) else str(value)
