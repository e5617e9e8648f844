"""The converters of transformers, and the pipeline of `make_tabular_mlp` as a whole."""

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import MissingIndicator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from sknumpy_mlp import (
    CrossFittedTargetEncoder,
    GaussianImputer,
    RobustSmoothScaler,
    make_tabular_mlp,
)
from sknumpy_mlp.onnx import column_types

from .. import tables
from ..common import refusal
from ..exported import assert_same_classes, assert_same_numbers, exported

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

from skl2onnx.common.data_types import (  # isort: skip
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)


def transformed(transformer, X, **more):
    """The output of the exported transformer for these rows."""
    (found,) = exported(transformer, X, **more)(X)
    return found


def gaps(n_samples=200, n_features=8, share=0.3, dtype=np.float64, seed=0):
    """Correlated columns with missing values: of some rows all, of others none."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, 3)) @ rng.standard_normal((3, n_features))
    X = 10.0 ** np.arange(n_features) * (X + 0.3 * rng.standard_normal(X.shape)) + 5
    X[rng.uniform(size=X.shape) < share] = np.nan
    X[0], X[1] = np.nan, 1.0
    return X.astype(dtype)


class TestNumbers:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("chosen", [None, "float32", "float64"])
    def test_the_scaler_clips_smoothly_and_keeps_gaps(self, chosen, dtype):
        X = gaps(dtype=dtype)
        X[:, 3], X[:, 4] = 7.0, np.where(np.arange(len(X)) < 3, 1.0, 0.0)
        X[5, 3] = np.nan
        scaler = RobustSmoothScaler(dtype=chosen).fit(X)
        largest = np.finfo(dtype).max
        edges = np.array(
            [[value] * X.shape[1] for value in (largest, -largest, 0.0, np.nan)], dtype
        )
        rows = np.concatenate([X, 1e5 * X, edges])
        found, expected = transformed(scaler, rows), scaler.transform(rows)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)

    def test_integers_are_scaled_in_float64(self):
        X = 2**40 + np.arange(50)[:, np.newaxis] ** 2
        scaler = RobustSmoothScaler().fit(X)
        found = transformed(scaler, X, initial_types=[("X", Int64TensorType([None, 1]))])
        np.testing.assert_allclose(found, scaler.transform(X), rtol=0, atol=1e-12)

    @pytest.mark.parametrize("shrinkage", [1.0, 0.1, 1e-4])
    @pytest.mark.parametrize("n_features", [1, 2, 8, 60])
    def test_the_imputer_solves_for_every_pattern_of_gaps(self, n_features, shrinkage):
        X = gaps(n_features=min(n_features, 8))
        X = np.tile(X, n_features)[:, :n_features] + 0.1 * gaps(200, n_features, 0.0, seed=1)
        imputer = GaussianImputer(shrinkage=shrinkage).fit(X)
        found, expected = transformed(imputer, X), imputer.transform(X)
        assert not np.isnan(found).any()
        scale = np.abs(imputer.mean_) + imputer.scale_
        # numpy.linalg.solve has an error of this size too where the matrix is nearly singular.
        assert (np.abs(found - expected) <= 1e-9 / shrinkage * scale).all()
        np.testing.assert_array_equal(found[~np.isnan(X)], X[~np.isnan(X)])

    def test_the_imputer_takes_no_step_without_a_gap(self):
        X = gaps()
        X32 = gaps(dtype=np.float32)
        for rows in (X, X32):
            imputer = GaussianImputer().fit(rows)
            run = exported(imputer, rows)
            whole = rows[1:2]
            np.testing.assert_array_equal(run(whole)[0], whole)
            assert run(rows[:0])[0].shape == (0, X.shape[1])
            np.testing.assert_allclose(run(rows)[0], imputer.transform(rows), rtol=1e-5)

    @pytest.mark.parametrize("features", ["missing-only", "all"])
    def test_the_indicator_marks_the_columns_that_had_gaps(self, features):
        X = gaps()
        X[:, 2] = 1.0
        indicator = MissingIndicator(features=features, error_on_new=False).fit(X)
        found = transformed(indicator, X)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, indicator.transform(X))

    def test_an_indicator_of_other_values_is_refused(self):
        X = np.array([[0.0], [1.0]])
        indicator = MissingIndicator(missing_values=0.0).fit(X)
        assert "missing_values must be nan" in refusal(lambda: exported(indicator, X))

    @pytest.mark.parametrize("function", [np.log1p, np.sqrt, np.abs, lambda X: 1 / (1 + X * X)])
    def test_a_function_of_numbers_is_exported(self, function):
        X = np.abs(gaps(share=0.0, dtype=np.float32))
        transformer = make_pipeline(FunctionTransformer(function), RobustSmoothScaler()).fit(X)
        np.testing.assert_allclose(transformed(transformer, X), transformer.transform(X), atol=1e-5)

    @pytest.mark.parametrize("function", [np.sort, np.sin, lambda X: X[:, :1], lambda X: X.max()])
    def test_a_function_that_is_none_is_refused(self, function):
        X = gaps(share=0.0, dtype=np.float32)
        message = refusal(lambda: exported(FunctionTransformer(function).fit(X), X))
        assert "FunctionTransformer(" in message and "cannot be exported to ONNX" in message

    def test_skl2onnx_converts_what_it_can(self):
        X = gaps(share=0.0, dtype=np.float32)
        np.testing.assert_array_equal(transformed(FunctionTransformer().fit(X), X), X)
        words = np.array([["a"], ["b"]], dtype=object)
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(words)
        types = [("X", StringTensorType([None, 1]))]
        run = exported(encoder, None, initial_types=types)
        assert "OneHotEncoder" in run.operators
        np.testing.assert_array_equal(run(words)[0], encoder.transform(words))


def words(n_samples=200, n_features=2, with_gaps=True, seed=0):
    """Columns of categories: many of them rare, some missing, some far from ASCII."""
    rng = np.random.RandomState(seed)
    names = np.array(["a", "b c", "größer", "日本", *(f"rare{k}" for k in range(60))], dtype=object)
    X = names[np.minimum(rng.exponential(5, (n_samples, n_features)).astype(int), 63)]
    if with_gaps:
        X[rng.uniform(size=X.shape) < 0.1] = None
    return X


def unseen(X):
    """The same rows and others with unknown and missing categories."""
    n = X.shape[1]
    return np.concatenate([X, [["never seen"] * n, [None] * n, ["A"] * n]])


def as_strings(X):
    """As an exported model takes them: the empty string is a missing one."""
    return np.where(np.equal(X, None), "", X).astype(object)


def encoded(transformer, X):
    types = [("X", StringTensorType([None, X.shape[1]]))]
    (found,) = exported(transformer, None, initial_types=types)(as_strings(X))
    return found


class TestCategories:
    @pytest.mark.parametrize("with_gaps", [True, False])
    @pytest.mark.parametrize("handle_unknown", ["ignore", "infrequent_if_exist"])
    @pytest.mark.parametrize(
        "options", [{}, {"max_categories": 5}, {"min_frequency": 12}], ids=repr
    )
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_one_hot_columns_are_the_same(self, options, handle_unknown, with_gaps, dtype):
        X = words(with_gaps=with_gaps)
        encoder = OneHotEncoder(
            handle_unknown=handle_unknown, sparse_output=False, dtype=dtype, **options
        ).fit(X)
        # scikit-learn cannot sort a gap among the categories that it knows.
        rows = unseen(X) if with_gaps else X
        found, expected = encoded(encoder, rows), encoder.transform(rows)
        # skl2onnx converts the plainest encoder, to float32.
        is_plain = not (with_gaps or options) and handle_unknown == "ignore"
        assert found.dtype == (np.float32 if is_plain else dtype)
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize(
        "target", ["numbers", "two numbers", "two classes", "three classes", "labels"]
    )
    @pytest.mark.parametrize("n_features", [1, 3])
    def test_means_of_the_target_are_the_same(self, n_features, target):
        X = words(n_features=n_features)
        rng = np.random.RandomState(1)
        y = {
            "numbers": 1e6 + rng.standard_normal(len(X)),
            "two numbers": rng.standard_normal((len(X), 2)),
            "two classes": rng.randint(0, 2, len(X)),
            "three classes": np.array(["x", "y", "z"])[rng.randint(0, 3, len(X))],
            "labels": rng.randint(0, 2, (len(X), 3)),
        }[target]
        encoder = CrossFittedTargetEncoder(random_state=0).fit(X, y)
        rows = unseen(X)
        found = encoded(encoder, rows)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, encoder.transform(rows), rtol=1e-14)

    def test_an_empty_string_is_a_category_where_nothing_is_missing(self):
        X = np.array([["a"], [""], ["a"], ["b"]], dtype=object)
        encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False).fit(X)
        np.testing.assert_array_equal(encoded(encoder, X), encoder.transform(X))

    def test_an_empty_string_beside_a_gap_is_refused(self):
        X = np.array([["a"], [""], [None], ["b"]], dtype=object)
        encoder = OneHotEncoder(handle_unknown="ignore").fit(X)
        message = refusal(lambda: encoded(encoder, X))
        assert "both empty strings and missing values" in message
        encoder = CrossFittedTargetEncoder(cv=2).fit(X, [1.0, 2.5, 3.0, 4.0])
        assert "replace the empty strings before fit" in refusal(lambda: encoded(encoder, X))

    def test_categories_that_are_numbers_are_refused(self):
        X = np.array([[1], [2], [2], [1]])
        encoder = CrossFittedTargetEncoder(cv=2).fit(X, [1.0, 2.5, 3.0, 4.0])
        message = refusal(lambda: encoded(encoder, X))
        assert "categories must be strings or missing" in message and "[1, 2]" in message


N_ROWS = 300


def table(seed=0):
    """A table of every kind of column, its numbers in float32, with many categories and gaps."""
    columns = tables.columns(N_ROWS, seed)
    columns["city with (many) names"] = words(N_ROWS, 1, seed=seed)[:, 0].tolist()
    frame = pd.DataFrame(columns)
    for name in frame.select_dtypes("float64"):
        frame[name] = frame[name].astype(np.float32).astype(np.float64)
    return frame


def odd(frame):
    """The rows with categories and gaps where there were none, and numbers far outside."""
    frame = frame.astype(object)
    for number, name in enumerate(frame):
        frame.loc[number :: len(frame.columns) + 1, name] = None
    frame.loc[::4, "color"] = "ultraviolet"
    frame.loc[1::4, "city with (many) names"] = "never seen"
    frame.loc[2::9, "income"] = 1e30
    return frame


def arrays(model, frame):
    """One array of shape (n, 1) for each column, as docs/use/onnx.md makes them."""
    for (_, kind), name in zip(column_types(model), frame.columns, strict=True):
        column = frame[name]
        if isinstance(kind, StringTensorType):
            yield column.astype(object).where(column.notna(), "").to_numpy(object)[:, np.newaxis]
        else:
            yield column.astype(object).astype(float).to_numpy(np.float32)[:, np.newaxis]


@pytest.fixture
def few(monkeypatch):
    """Columns of more than ten categories have many."""
    monkeypatch.setattr("sknumpy_mlp.columns.MOST_CATEGORIES", 10)


@pytest.mark.usefixtures("few")
@pytest.mark.filterwarnings("ignore:X may have columns", "ignore:Found unknown categories")
class TestTables:
    @pytest.mark.parametrize("labels", ["two", "three", "several"])
    def test_a_table_gives_the_same_probabilities(self, labels):
        frame = table()
        age = frame["age"].fillna(0).to_numpy()
        y = {
            "two": np.where(age > 40, "old", "young"),
            "three": np.digitize(age, [1, 45]),
            "several": np.column_stack([age > 40, frame["income"] > 1]).astype(int),
        }[labels]
        more = {"early_stopping": True} if labels != "several" else {}
        model = make_tabular_mlp(max_iter=4, random_state=0, **more).fit(frame, y)
        assert {name for name, *_ in model[0].transformers_} >= {"numbers", "missing", "means"}
        assert model[0].transformers_[3][2], "no column has many categories"
        run = exported(model, None, {"zipmap": False}, initial_types=column_types(model))
        for rows in (frame, odd(frame)):
            assert_same_classes(model, rows, *arrays(model, rows), run=run)

    @pytest.mark.parametrize("n_targets", [1, 2])
    def test_a_table_gives_the_same_numbers(self, n_targets):
        frame = table()
        # Float32 has no digits left for what differs.
        Y = 1e9 + np.column_stack([frame["income"], frame["children"] ** 2])[:, :n_targets]
        y = Y[:, 0] if n_targets == 1 else Y
        model = make_tabular_mlp("regression", max_iter=4, random_state=0).fit(frame, y)
        run = exported(model, None, initial_types=column_types(model))
        for rows in (frame, odd(frame)):
            (found,) = run(*arrays(model, rows))
            np.testing.assert_allclose(
                found.reshape(y.shape) - 1e9, model.predict(rows) - 1e9, rtol=0, atol=1e-5
            )
            assert_same_numbers(model, rows, *arrays(model, rows), run=run, rtol=1e-13)

    @pytest.mark.parametrize("kept", [["income", "children"], ["color", "city"], ["age"]], ids=str)
    def test_a_table_of_columns_of_one_kind_is_exported(self, kept):
        frame = table()[kept]
        y = np.where(table()["age"].fillna(0) > 40, "old", "young")
        model = make_tabular_mlp(max_iter=2, random_state=0, budget="fast").fit(frame, y)
        run = exported(model, None, {"zipmap": False}, initial_types=column_types(model))
        assert_same_classes(model, frame, *arrays(model, frame), run=run)

    @pytest.mark.parametrize("kind", ["polars", "array of objects", "pandas category"])
    def test_the_inputs_are_the_columns_in_their_order(self, kind):
        columns = tables.columns()
        y = tables.labels(columns)
        X = tables.FRAMES[kind](columns)
        model = make_tabular_mlp(max_iter=2, random_state=0, budget="fast").fit(X, y)
        types = column_types(model)
        # scikit-learn 1.7 does not know the names of polars 2.
        named = hasattr(model[0], "feature_names_in_")
        assert named or kind != "pandas category"
        assert [name for name, _ in types] == (
            list(columns) if named else [f"x{k}" for k in range(7)]
        )
        texts = {number for number, (_, t) in enumerate(types) if isinstance(t, StringTensorType)}
        assert texts == {5, 6}
        run = exported(model, None, {"zipmap": False}, initial_types=types)
        frame = pd.DataFrame(columns)
        _, found = run(*arrays(model, frame))
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-5)

    def test_double_and_integer_columns_are_taken_too(self):
        frame = table()[["income", "children", "city"]]
        y = np.where(frame["children"] > 1, "many", "few")
        model = make_tabular_mlp(max_iter=2, random_state=0, budget="fast").fit(frame, y)
        types = [
            ("income", DoubleTensorType([None, 1])),
            ("children", Int64TensorType([None, 1])),
            ("city", StringTensorType([None, 1])),
        ]
        run = exported(model, None, {"zipmap": False}, initial_types=types)
        columns = [frame[name].to_numpy()[:, np.newaxis] for name in frame]
        assert_same_classes(model, frame, *columns[:2], columns[2].astype(object), run=run)

    def test_a_column_of_the_wrong_type_is_refused_by_name(self):
        frame = table()[["income", "city"]]
        y = np.where(frame["income"] > 1, "rich", "poor")
        model = make_tabular_mlp(max_iter=1, random_state=0, budget="fast").fit(frame, y)
        text, number = StringTensorType([None, 1]), FloatTensorType([None, 1])
        for types, message in (
            ([("income", text), ("city", text)], "numbers must be declared as FloatTensorType"),
            ([("income", number), ("city", number)], "must be declared as StringTensorType"),
        ):
            told = refusal(lambda types=types: exported(model, None, initial_types=types))
            assert message in told and "column_types(model)" in told

    def test_types_are_those_of_a_fitted_table_only(self):
        for model in (make_tabular_mlp(), GaussianImputer(), make_pipeline(GaussianImputer())):
            message = refusal(lambda model=model: column_types(model))
            assert "model must be a fitted pipeline of make_tabular_mlp" in message
