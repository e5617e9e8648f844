"""Export to ONNX: converters of this package's classes for skl2onnx, the extra `onnx`.

`register` makes skl2onnx convert the estimators and transformers of this package in any pipeline,
and the pipeline of `make_tabular_mlp` as a whole. skl2onnx is imported when it is called.
"""

from sklearn.pipeline import Pipeline

__all__ = ["column_types", "register"]


def register():
    """Make skl2onnx convert the classes of this package; call it once before `to_onnx`.

    The converters of `OneHotEncoder` and `FunctionTransformer` are replaced by ones that leave to
    skl2onnx what it can convert, and `MissingIndicator` and `TransformedTargetRegressor` get one.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sknumpy_mlp import ScratchMLPRegressor, onnx
    >>> line = ScratchMLPRegressor.from_weights([[[2.0]]], [[0.5]])
    >>> onnx.register()
    >>> from skl2onnx import to_onnx
    >>> exported = to_onnx(line, np.ones((1, 1), np.float32))
    >>> [node.op_type for node in exported.graph.node]
    ['MatMul', 'Add', 'Identity']
    """
    try:
        from skl2onnx import update_registered_converter, update_registered_parser
    except ImportError as error:
        raise ImportError(
            'exporting to ONNX needs skl2onnx: pip install "sknumpy_mlp[onnx]"'
        ) from error
    from skl2onnx._parse import _parse_sklearn_column_transformer
    from sklearn.compose import TransformedTargetRegressor

    from ..classifier import ScratchMLPClassifier
    from ..columns import TableColumns
    from ..regressor import ScratchMLPRegressor
    from ..tabular import StandardizedTarget
    from . import estimators, transformers

    update_registered_converter(
        ScratchMLPClassifier,
        "SknumpyMlpClassifier",
        estimators.shape_classifier,
        estimators.convert_classifier,
        parser=estimators.parse_classifier,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "raw_scores": [True, False],
        },
    )
    update_registered_converter(
        ScratchMLPRegressor,
        "SknumpyMlpRegressor",
        estimators.shape_regressor,
        estimators.convert_regressor,
    )
    for cls in (TransformedTargetRegressor, StandardizedTarget):
        update_registered_converter(
            cls,
            estimators.ALIAS_OF_TARGET,
            estimators.shape_transformed_target,
            estimators.convert_transformed_target,
            parser=estimators.parse_transformed_target,
        )
    # Its transformers are converted, one by one, as those of a ColumnTransformer.
    update_registered_parser(TableColumns, _parse_sklearn_column_transformer)
    for cls in transformers.FORMS:
        update_registered_converter(
            cls,
            f"SknumpyMlp{cls.__name__}",
            transformers.shape_transformer,
            transformers.convert_transformer,
        )


def column_types(model):
    """The inputs of the exported model of a table, one for each column.

    Parameters
    ----------
    model : Pipeline
        A fitted pipeline that `make_tabular_mlp` has made.

    Returns
    -------
    list of (str, DataType)
        The `initial_types` of skl2onnx: the name of each column, and a tensor of float32 numbers or
        of strings with one column. Columns without names are ``x0``, ``x1``, ...

    Raises
    ------
    ValueError
        If the model is not such a pipeline.
    """
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    columns = model.named_steps.get("columns") if isinstance(model, Pipeline) else None
    parts = getattr(columns, "named_transformers_", {})
    if not {"numbers", "categories"} <= set(parts):
        raise ValueError(f"model must be a fitted pipeline of make_tabular_mlp, got {model!r}")
    texts = {
        number
        for name, _, chosen in columns.transformers_
        if name == "categories"
        for number in chosen
    }
    names = getattr(columns, "feature_names_in_", None)
    return [
        (
            f"x{number}" if names is None else names[number],
            (StringTensorType if number in texts else FloatTensorType)([None, 1]),
        )
        for number in range(columns.n_features_in_)
    ]
