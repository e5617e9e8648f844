"""Converters of the two estimators, and of a regressor behind a transformed target.

Each has three functions, as skl2onnx wants them: a parser, which declares the outputs; one for
their types and shapes; and one for the nodes.
"""

import numpy as np
from skl2onnx._parse import _parse_sklearn_classifier, parse_sklearn
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from .._estimator import fitted
from ..tabular import TargetScaler
from .graph import Graph, dtype_of
from .parts import link_form, pooled_scores

TENSORS = {np.dtype(np.float32): FloatTensorType, np.dtype(np.float64): DoubleTensorType}
# The options of a classifier that skl2onnx knows, with their defaults.
OPTIONS = {"zipmap": True, "nocl": False, "raw_scores": False}
NO_LABELS = 'options={"zipmap": False, "nocl": True} exports the numbers of the classes'


def labels(model):
    """The classes as strings or 64-bit integers, which are all that ONNX has for labels.

    Raises
    ------
    ValueError
        If a label is anything else.
    """
    classes = model.classes_
    values = classes.tolist()
    if all(isinstance(each, str) for each in values):
        return np.array(values, dtype=str)
    if classes.dtype.kind in "biuf":
        # Labels that are floats are whole numbers.
        whole = [int(each) for each in values]
        if all(a == b and -(2**63) <= a < 2**63 for a, b in zip(whole, values)):
            return np.array(whole, dtype=np.int64)
    raise ValueError(
        f"classes_ must be strings, booleans or 64-bit integers to be exported to ONNX, got "
        f"{classes!r}; {NO_LABELS}"
    )


def parse_classifier(scope, model, inputs, custom_parsers=None):
    """Declare the outputs of a classifier, by its options."""
    check_is_fitted(model)
    options = scope.get_options(model, dict(OPTIONS))
    if not options["nocl"]:
        labels(model)
    if options["zipmap"] and _n_answers(model) != len(model.classes_):
        raise ValueError(
            f"a classifier of the single class {model.classes_[0]!r} has two columns of "
            'probabilities, which need options={"zipmap": False}'
        )
    return _parse_sklearn_classifier(scope, model, inputs, custom_parsers)


def shape_classifier(operator):
    """Set the types and shapes of labels and probabilities."""
    model = operator.raw_operator
    n_samples = operator.inputs[0].get_first_dimension()
    label, probabilities = operator.outputs
    shape = [n_samples, len(model.classes_)] if _is_multilabel(model) else [n_samples]
    nocl = operator.scope_inst.get_options(model, dict(OPTIONS))["nocl"]
    is_text = not nocl and labels(model).dtype.kind == "U"
    label.type = (StringTensorType if is_text else Int64TensorType)(shape)
    probabilities.type = TENSORS[dtype_of(operator)]([n_samples, _n_answers(model)])


def convert_classifier(scope, operator, container):
    """Add the nodes of a `ScratchMLPClassifier`."""
    model = operator.raw_operator
    options = container.get_options(model, dict(OPTIONS))
    label, probabilities = operator.outputs
    graph, form, Z = _scores(scope, operator, container)
    raw = options["raw_scores"]
    graph.output(probabilities, form.decision(Z, _n_scores(model)) if raw else form.answer(Z))
    codes = form.codes(Z)
    if not _is_multilabel(model):
        if len(model.classes_) == 1:
            # The label does not depend on the score.
            codes = graph.node("Mul", codes, np.array(0))
        if not options["nocl"]:
            codes = graph.node("Gather", labels(model), codes, axis=0)
    graph.output(label, codes)


def shape_regressor(operator):
    """Set the type and shape of the predictions."""
    check_is_fitted(operator.raw_operator)
    n_samples = operator.inputs[0].get_first_dimension()
    shape = [n_samples, _n_answers(operator.raw_operator)]
    operator.outputs[0].type = TENSORS[dtype_of(operator)](shape)


def convert_regressor(scope, operator, container):
    """Add the nodes of a `ScratchMLPRegressor`."""
    graph, form, Z = _scores(scope, operator, container)
    graph.output(operator.outputs[0], form.answer(Z))


def _scores(scope, operator, container):
    """A graph, the formulas of the link, and the raw scores."""
    model = operator.raw_operator
    graph = Graph(scope, container, dtype_of(operator))
    network, temperature = fitted.network(model), vars(model).get("temperature_", 1.0)
    loss = model._loss
    Z = pooled_scores(graph, network, loss, temperature, graph.inputs(operator))
    return graph, link_form(loss), Z


def _n_answers(model):
    """The number of columns of probabilities or numbers."""
    raw, link = np.zeros((1, _n_scores(model))), model._loss.link
    return (link.probabilities if hasattr(model, "classes_") else link.predict)(raw).shape[1]


def _n_scores(model):
    """The number of raw scores; `n_outputs_` is 1 for several quantiles."""
    return model.coefs_[-1].shape[-1]


def _is_multilabel(model):
    return model._labels.kind == "multilabel"


# ---- targets that were transformed ----


def _back_by_function(graph, transformer, Y):
    inverse = transformer.inverse_func
    if inverse is None:
        return Y
    return graph.trace_of(transformer, "inverse", inverse, transformer.inv_kw_args, Y)


def _back_to_mean_and_scale(graph, scaler, Y):
    # An attribute can be there that is not used.
    Y = Y * scaler.scale_ if scaler.with_std else Y
    return Y + scaler.mean_ if scaler.with_mean else Y


def _back_through_steps(graph, transformer, Y):
    for _, step in reversed(transformer.steps):
        Y = undone(graph, step, Y)
    return Y


# The inverse of each transformer, by class.
INVERSES = {
    FunctionTransformer: _back_by_function,
    MinMaxScaler: lambda graph, scaler, Y: (Y - scaler.min_) / scaler.scale_,
    Pipeline: _back_through_steps,
    StandardScaler: _back_to_mean_and_scale,
    TargetScaler: _back_to_mean_and_scale,
}


def undone(graph, transformer, Y):
    """The nodes of the inverse of a fitted transformer."""
    form = INVERSES.get(type(transformer))
    if form is None:
        raise ValueError(
            f"the transformer of a target must be one of {sorted(c.__name__ for c in INVERSES)} to "
            f"be exported to ONNX, got {transformer!r}"
        )
    return form(graph, transformer, Y)


def parse_transformed_target(scope, model, inputs, custom_parsers=None):
    """Declare the operators of the regressor, and one that scales its predictions back."""
    check_is_fitted(model)
    predictions = parse_sklearn(scope, model.regressor_, inputs, custom_parsers)
    for each in predictions:
        each.init_status(is_leaf=False)
    operator = scope.declare_local_operator(ALIAS_OF_TARGET, model)
    operator.inputs = predictions
    operator.outputs.append(scope.declare_local_variable("variable", DoubleTensorType()))
    return operator.outputs


def shape_transformed_target(operator):
    """Set the type of the predictions to float64: scaled back, they need more digits."""
    operator.outputs[0].type = DoubleTensorType(operator.inputs[0].type.shape)


def convert_transformed_target(scope, operator, container):
    """Add the nodes of the inverse of the target's transformer."""
    graph = Graph(scope, container, np.float64)
    Y = undone(graph, operator.raw_operator.transformer_, graph.inputs(operator))
    graph.output(operator.outputs[0], Y)


ALIAS_OF_TARGET = "SknumpyMlpTransformedTargetRegressor"
