"""Converters of transformers: those of `preprocessing`, and the steps of `make_tabular_mlp`.

`FORMS` has an entry for each class; some are scikit-learn's, which skl2onnx converts in part or not
at all. Strings are categories, and the empty string is a missing one.
"""

from typing import NamedTuple

import numpy as np
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DoubleTensorType,
    FloatTensorType,
    StringTensorType,
)
from sklearn.impute import MissingIndicator
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.utils.validation import check_is_fitted

from .._estimator.rows import is_missing
from ..columns import AsNumbers, AsText
from ..preprocessing import CrossFittedTargetEncoder, GaussianImputer, RobustSmoothScaler
from ..preprocessing.scaler import BOUND, FAR
from .graph import Graph, Value

# The residual, as a share of the first, below which the gaps of a row are filled.
TOLERANCE = 1e-12
TENSORS = {
    "f4": FloatTensorType,
    "f8": DoubleTensorType,
    "b1": BooleanTensorType,
    "O": StringTensorType,
}


class Form(NamedTuple):
    """How a transformer is converted.

    Attributes
    ----------
    nodes : callable
        Takes a `Graph`, the transformer and its operator, and returns a `Value`.
    dtype : callable
        The dtype of the output, from the transformer and the dtype of the input.
    width : callable
        The number of columns of the output, from the transformer and its operator.
    graph_dtype : dtype or None
        The dtype of the computation; that of the input if None.
    applies : callable
        Whether the transformer is converted here, from it and its operator; otherwise by skl2onnx.
    """

    nodes: object
    dtype: object = lambda transformer, dtype: dtype
    width: object = lambda transformer, operator: transformer.n_features_in_
    graph_dtype: object = None
    applies: object = lambda transformer, operator: True


def input_dtype(operator):
    """float32 if all inputs are float32 or booleans, otherwise float64, to which integers go."""
    narrow = (FloatTensorType, BooleanTensorType)
    is_narrow = all(isinstance(each.type, narrow) for each in operator.inputs)
    return np.dtype(np.float32 if is_narrow else np.float64)


# ---- numbers ----


def robust_smooth_scaler(graph, scaler, operator):
    """``u / sqrt(1 + (u / 3)^2)`` of the scaled and clipped u; gaps remain."""
    X = graph.inputs(operator)
    is_varied = scaler.scale_ > 0
    u = (X - scaler.center_) / np.where(is_varied, scaler.scale_, 1.0)
    u = np.minimum(np.maximum(u, -FAR), FAR)
    z = u / np.sqrt(1.0 + np.square(u / BOUND))
    if not is_varied.all():
        z = graph.where(is_varied, z, 0.0)
    return graph.where(np.isnan(X), np.nan, z)


def gaussian_imputer(graph, imputer, operator):
    """``-P_mm^{-1} P_mo z_o`` in place of the gaps m of each row.

    ONNX solves no equations. Conjugate gradients do, in as many steps as a row has gaps, and a few
    more for rounding; without a gap, there is no step.
    """
    X = graph.inputs(operator)
    gaps = np.isnan(X)
    mask = graph.where(gaps, 1.0, 0.0)
    z = graph.where(gaps, 0.0, (X - imputer.mean_) / imputer.scale_)
    P = imputer.precision_
    r = -(mask * (z @ P))
    rs = (r * r).sum(axis=1)
    smallest = rs * TOLERANCE**2

    def some(condition):
        # Booleans cannot be reduced.
        number = condition.astype(np.float64)
        return condition.graph.node("ReduceSum", number, keepdims=0) > 0.0

    def step(x, r, p, rs, smallest, mask):
        product = mask * (p @ P)
        curvature = (p * product).sum(axis=1)
        where = p.graph.where
        length = where(rs > smallest, rs / curvature, 0.0)
        x, r = x + length * p, r - length * product
        rest = (r * r).sum(axis=1)
        p = r + where(rs > smallest, rest / rs, 0.0) * p
        return some(rest > smallest), x, r, p, rest, smallest, mask

    x = z * 0.0
    # The error shrinks by this factor a step, whatever the gaps, if not by the number of gaps.
    n_steps = int(np.sqrt(np.linalg.cond(P)) * np.log(2 / TOLERANCE)) + len(P)
    x, *_ = graph.loop(step, some(rs > smallest), [x, r, r, rs, smallest, mask], n_steps)
    return graph.where(gaps, x * imputer.scale_ + imputer.mean_, X)


def missing_indicator(graph, indicator, operator):
    """Whether the values of the columns that had gaps in `fit` are missing."""
    if not np.isnan(indicator.missing_values):
        raise ValueError(
            f"missing_values must be nan in a MissingIndicator that is exported to ONNX, got "
            f"{indicator.missing_values!r}"
        )
    return np.isnan(graph.inputs(operator)).take(indicator.features_, axis=1)


# ---- categories ----


def texts(graph, operator):
    """The inputs side by side, which must be strings."""
    wrong = [v.raw_name for v in operator.inputs if not isinstance(v.type, StringTensorType)]
    if wrong:
        raise ValueError(
            f"columns of categories must be declared as StringTensorType, got {wrong} of "
            f"{[type(v.type).__name__ for v in operator.inputs]}; column_types(model) gives the "
            "types of a table"
        )
    return graph.concat([Value(graph, each.full_name) for each in operator.inputs])


def codes(graph, X, column, categories, numbers, unknown):
    """The number of the category in a column of X, as (n, 1); `unknown` for others."""
    keys = ["" if is_missing(each) else each for each in categories.tolist()]
    if not all(isinstance(each, str) for each in keys):
        raise ValueError(
            "categories must be strings or missing to be exported to ONNX, got "
            f"{[each for each in keys if not isinstance(each, str)][:3]} in column {column}; "
            "convert the column to strings before fit"
        )
    if len(set(keys)) < len(keys):
        raise ValueError(
            f"column {column} has both empty strings and missing values, which are the same in an "
            "ONNX model; replace the empty strings before fit"
        )
    return graph.node(
        "LabelEncoder",
        X.take([column], axis=1),
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_int64s=[int(each) for each in numbers],
        default_int64=int(unknown),
    )


def _frequent(encoder):
    """For each column, which categories have a column of their own; the others share the last."""
    rare = getattr(encoder, "infrequent_categories_", [None] * len(encoder.categories_))
    rare = [set() if few is None else set(few.tolist()) for few in rare]
    return [
        np.array([each not in few for each in categories.tolist()], bool)
        for categories, few in zip(encoder.categories_, rare)
    ]


def one_hot_width(encoder, operator):
    """The number of categories, where rare ones count as one."""
    return sum(int(each.sum()) + (not each.all()) for each in _frequent(encoder))


def one_hot_encoder(graph, encoder, operator):
    """A column for each category, and one for rare and unknown ones where some were rare."""
    X, found = texts(graph, operator), []
    for column, is_frequent in enumerate(_frequent(encoder)):
        categories = encoder.categories_[column]
        n_own = int(is_frequent.sum())
        numbers = np.where(is_frequent, np.cumsum(is_frequent) - 1, n_own)
        # No column has the number -1.
        shares = not is_frequent.all() and encoder.handle_unknown == "infrequent_if_exist"
        code = codes(graph, X, column, categories, numbers, n_own if shares else -1)
        width = n_own + (not is_frequent.all())
        found.append(graph.node("Equal", code, np.arange(width)[np.newaxis]))
    return graph.concat(found).astype(graph.dtype)


def _is_ours(encoder, operator):
    """Whether skl2onnx cannot convert this `OneHotEncoder`: rare categories, or missing ones."""
    if encoder.drop is not None or encoder.handle_unknown not in ("ignore", "infrequent_if_exist"):
        return False
    if not all(isinstance(each.type, StringTensorType) for each in operator.inputs):
        return False
    has_gaps = any(is_missing(each) for column in encoder.categories_ for each in column.tolist())
    has_rare = not all(each.all() for each in _frequent(encoder))
    return has_gaps or has_rare or encoder.handle_unknown == "infrequent_if_exist"


def target_encoder(graph, encoder, operator):
    """The mean of each column of the target for each category, the feature's side by side."""
    X, found = texts(graph, operator), []
    for column in range(encoder.n_features_in_):
        each = encoder.encoders_
        categories = each[0].categories_[column]
        n = len(categories)
        code = codes(graph, X, column, categories, np.arange(n), n)
        means = [np.append(one.encodings_[column], one.target_mean_) for one in each]
        rows = graph.node("Squeeze", code, np.array([1]))
        found.append(graph.node("Gather", np.column_stack(means), rows, axis=0))
    return graph.concat(found)


# ---- columns of tables, and functions ----


def numbers(graph, transformer, operator):
    """`columns.AsNumbers`: the columns, which are numbers in an ONNX model."""
    wrong = [v.raw_name for v in operator.inputs if isinstance(v.type, StringTensorType)]
    if wrong:
        raise ValueError(
            f"columns of numbers must be declared as FloatTensorType, got {wrong} of strings; "
            "column_types(model) gives the types of a table"
        )
    return graph.inputs(operator)


def text(graph, transformer, operator):
    """`columns.AsText`: the columns, which are strings in an ONNX model."""
    return texts(graph, operator)


def function(graph, transformer, operator):
    """Any function in operators and NumPy's functions, which `graph.UFUNCS` lists."""
    X = graph.inputs(operator)
    return graph.trace_of(transformer, "function", transformer.func, transformer.kw_args, X)


def _width_of_inputs(transformer, operator):
    widths = [each.type.shape[1] for each in operator.inputs]
    return None if None in widths else sum(widths)


FORMS = {
    AsNumbers: Form(numbers, width=_width_of_inputs),
    AsText: Form(text, lambda transformer, dtype: np.dtype(object), _width_of_inputs),
    RobustSmoothScaler: Form(
        robust_smooth_scaler,
        dtype=lambda scaler, dtype: np.dtype(scaler.dtype or dtype),
        graph_dtype=np.float64,
    ),
    GaussianImputer: Form(gaussian_imputer, graph_dtype=np.float64),
    CrossFittedTargetEncoder: Form(
        target_encoder,
        dtype=lambda encoder, dtype: np.dtype(np.float64),
        width=lambda encoder, operator: encoder.n_features_in_ * len(encoder.encoders_),
        graph_dtype=np.float64,
    ),
    MissingIndicator: Form(
        missing_indicator,
        dtype=lambda indicator, dtype: np.dtype(bool),
        width=lambda indicator, operator: len(indicator.features_),
    ),
    OneHotEncoder: Form(
        one_hot_encoder,
        dtype=lambda encoder, dtype: np.dtype(encoder.dtype),
        width=one_hot_width,
        # Zeros and ones, which are exact.
        graph_dtype=np.float32,
        applies=_is_ours,
    ),
    FunctionTransformer: Form(
        function,
        width=_width_of_inputs,
        applies=lambda transformer, operator: transformer.func is not None,
    ),
}


def shape_transformer(operator):
    """Set the type and shape of the output of a transformer."""
    transformer = operator.raw_operator
    check_is_fitted(transformer)
    form = FORMS[type(transformer)]
    if not form.applies(transformer, operator):
        get_shape_calculator(f"Sklearn{type(transformer).__name__}")(operator)
        return
    n_samples = operator.inputs[0].get_first_dimension()
    shape = [n_samples, form.width(transformer, operator)]
    dtype = form.dtype(transformer, input_dtype(operator))
    operator.outputs[0].type = TENSORS.get(dtype.str[1:], FloatTensorType)(shape)


def convert_transformer(scope, operator, container):
    """Add the nodes of a transformer."""
    transformer = operator.raw_operator
    form = FORMS[type(transformer)]
    if not form.applies(transformer, operator):
        get_converter(f"Sklearn{type(transformer).__name__}")(scope, operator, container)
        return
    graph = Graph(scope, container, form.graph_dtype or input_dtype(operator))
    graph.output(operator.outputs[0], form.nodes(graph, transformer, operator))
