"""The converters of the estimators: labels, options, dtypes, and what is refused."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    StandardScaler,
)

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

from ..common import KINDS, brief, digits, refusal
from ..exported import CLOSE, Exported, assert_same_classes, assert_same_numbers, exported

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

from skl2onnx import to_onnx  # isort: skip

LABELS = {
    "strings": np.array(["no", "perhaps", "yes, of course: größer"]),
    "objects": np.array(["no", "perhaps", "yes"], dtype=object),
    "empty": np.array(["", "a", "b"]),
    "large integers": np.array([-(2**62), 2**40 + 1, 2**62 + 1]),
    "small integers": np.array([-128, 0, 127], np.int8),
    "unsigned": np.array([0, 128, 255], np.uint8),
    "floats": np.array([-1.0, 2.0, 3.0]),
    "booleans": np.array([False, True]),
    "two strings": np.array(["benign", "malignant"]),
    "two integers": np.array([-1, 1]),
}


def labelled(name, dtype=np.float32):
    """Rows with labels of one type."""
    X, y = digits("multiclass", 150, dtype)
    return X, LABELS[name][y % len(LABELS[name])]


class TestLabels:
    @pytest.mark.parametrize("members", [1, 2])
    @pytest.mark.parametrize("name", LABELS)
    def test_labels_of_every_type_are_those_of_predict(self, name, members):
        X, y = labelled(name)
        model = brief(members=members).fit(X, y)
        run = exported(model, X)
        assert_same_classes(model, X, run=run)
        labels, _ = run(X)
        assert len(np.unique(labels)) > 1
        assert labels.dtype == (object if y.dtype.kind in "OU" else np.int64)

    @pytest.mark.parametrize("name", LABELS)
    def test_a_zipmap_names_each_probability_by_its_label(self, name):
        X, y = labelled(name)
        model = brief().fit(X, y)
        labels, maps = exported(model, X, {})(X)
        expected = model.predict_proba(X)
        np.testing.assert_array_equal(labels, model.predict(X))
        for found, row in zip(maps, expected):
            assert list(found) == sorted(found) == model.classes_.tolist()
            np.testing.assert_allclose(list(found.values()), row, rtol=0, atol=CLOSE)

    def test_a_zipmap_of_several_labels_has_the_probability_of_each(self):
        X, y = digits("multilabel", 150, np.float32)
        model = brief().fit(X, y)
        labels, maps = exported(model, X, {})(X)
        np.testing.assert_array_equal(labels, model.predict(X))
        found = [list(each.values()) for each in maps]
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=CLOSE)

    def test_columns_are_an_output_for_each_class(self):
        X, y = labelled("objects")
        model = brief().fit(X, y)
        run = exported(model, X, {"zipmap": "columns"})
        labels, *columns = run(X)
        names = [each.name for each in run.session.get_outputs()[1:]]
        assert names == [f"s{each}" for each in model.classes_]
        np.testing.assert_array_equal(labels, model.predict(X))
        found = np.column_stack(columns)
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=CLOSE)

    @pytest.mark.parametrize("zipmap", [False, True])
    @pytest.mark.parametrize("name", LABELS)
    def test_nocl_gives_the_numbers_of_the_classes(self, name, zipmap):
        X, y = labelled(name)
        model = brief().fit(X, y)
        run = exported(model, X, {"zipmap": zipmap, "nocl": True})
        labels, found = run(X)
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(model.classes_[labels], model.predict(X))
        if zipmap:
            assert list(found[0]) == list(range(len(model.classes_)))
        texts = [each for each in model.classes_ if isinstance(each, str) and len(each) > 1]
        assert not any(each.encode() in run.proto.SerializeToString() for each in texts)

    @pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss"])
    def test_a_single_class_is_the_label_of_every_row(self, loss):
        X, y = digits(dtype=np.float32)
        model = brief(loss=loss).fit(X, np.full(len(y), "only"))
        model.intercepts_[-1][...] = 5.0
        assert_same_classes(model, X)
        if loss == "log_loss":
            message = refusal(lambda: exported(model, X, {}))
            assert "'only'" in message and 'options={"zipmap": False}' in message

    def test_labels_that_onnx_does_not_have_are_refused_with_the_remedy(self):
        X, y = digits("binary", 150, np.float32)
        for classes in (np.array([b"a", b"b"]), np.array([1, 2**63], np.uint64)):
            model = brief(max_iter=1).fit(X, y)
            model.classes_ = classes
            for options in ({"zipmap": False}, {}):
                message = refusal(lambda m=model, o=options: exported(m, X, o))
                assert "classes_ must be strings, booleans or 64-bit integers" in message
            labels, _ = exported(model, X, {"zipmap": False, "nocl": True})(X)
            assert set(labels) <= {0, 1}


class TestNumbers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_answers_have_the_dtype_of_the_input(self, kind, dtype):
        X, y = digits(kind)
        model = brief().fit(X, y)
        _, found = exported(model, X.astype(dtype))(X.astype(dtype))
        assert found.dtype == dtype

    def test_float64_is_exact_where_float32_would_lose_all_digits(self):
        X, y = digits("multiclass", 150)
        model = brief(max_iter=40).fit(X, y)
        model.coefs_[0] *= 1e7
        model.intercepts_[0] -= X[0] @ model.coefs_[0]
        _, found = exported(model, X)(X)
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=1e-6)

    def test_integers_and_booleans_are_inputs(self):
        X, y = digits("multiclass", 150)
        for rows in ((X * 16).astype(np.int64), (X * 16).astype(np.uint8), X > 0.5):
            model = brief().fit(rows, y)
            labels, found = exported(model, rows)(rows)
            np.testing.assert_allclose(found, model.predict_proba(rows), rtol=0, atol=CLOSE)
            np.testing.assert_array_equal(labels, model.predict(rows))

    def test_each_column_can_be_an_input(self):
        from skl2onnx.common.data_types import FloatTensorType

        X, y = digits(dtype=np.float32)
        X = X[:, 10:14]
        model = brief().fit(X, y)
        types = [(f"pixel{k}", FloatTensorType([None, 1])) for k in range(4)]
        assert_same_classes(
            model, X, *np.split(X, 4, axis=1), run=exported(model, None, initial_types=types)
        )

    def test_any_number_of_rows_is_taken(self):
        X, y = digits(dtype=np.float32)
        run = exported(brief(members=2, embedding="piecewise_linear").fit(X, y), X)
        all_rows = run(X)[1]
        for rows in (X[:1], X[:7]):
            np.testing.assert_allclose(run(rows)[1], all_rows[: len(rows)], rtol=0, atol=1e-6)
        assert run(X[:0])[1].shape == (0, 10)

    @pytest.mark.parametrize("opset", [13, 15, 18, 21])
    def test_every_opset_from_13_on_is_written(self, opset):
        X, y = digits(dtype=np.float32)
        model = brief(members=2, embedding="piecewise_linear", activation="gelu").fit(X, y)
        run = exported(model, X, target_opset=opset)
        assert_same_classes(model, X, run=run)
        (version,) = (each.version for each in run.proto.opset_import if not each.domain)
        assert version == opset
        assert "target_opset must be at least 13" in refusal(
            lambda: exported(model, X, target_opset=12)
        )


class TestModels:
    def test_what_is_exported_are_the_attributes(self):
        """Those that users may have changed, and those of a warm start and of partial_fit."""
        X, y = digits(dtype=np.float32)
        model = brief(warm_start=True).fit(X, y).fit(X, y).partial_fit(X, y)
        assert_same_classes(model, X)
        before = model.predict_proba(X)
        model.coefs_[0] = 2 * model.coefs_[0]
        assert np.abs(model.predict_proba(X) - before).max() > 0.01
        assert_same_classes(model, X)

    def test_given_weights_are_exported(self):
        model = ScratchMLPClassifier.from_weights([[[2.0], [-1.0]]], [[0.5]], ["no", "yes"])
        X = np.array([[1.0, 1.0], [-1.0, 1.0]], np.float32)
        labels, _ = exported(model, X)(X)
        assert labels.tolist() == ["yes", "no"]

    def test_the_export_changes_nothing(self):
        from ..common import state_of

        X, y = digits(dtype=np.float32)
        model = brief(members=2, embedding="piecewise_linear").fit(X, y)
        before = state_of(model)
        exported(model, X)
        assert state_of(model) == before

    def test_a_model_that_is_not_fitted_is_refused(self):
        X, _ = digits(dtype=np.float32)
        for model in (ScratchMLPClassifier(), ScratchMLPRegressor()):
            with pytest.raises(ValueError, match="not fitted"):
                to_onnx(model, X)

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda model: make_pipeline(StandardScaler(), model),
            lambda model: GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2),
            lambda model: make_pipeline(
                MinMaxScaler(), GridSearchCV(make_pipeline(StandardScaler(), model), {}, cv=2)
            ),
            lambda model: VotingClassifier(
                [("net", model), ("linear", LogisticRegression())],
                voting="soft",
                flatten_transform=False,
            ),
            lambda model: StackingClassifier([("net", model)], LogisticRegression(), cv=2),
            lambda model: CalibratedClassifierCV(model, cv=2),
            lambda model: OneVsRestClassifier(model),
            lambda model: BaggingClassifier(model, 3, random_state=0),
        ],
        ids=[
            "pipeline",
            "search",
            "search of pipelines",
            "voting",
            "stacking",
            "calibrated",
            "one versus rest",
            "bagging",
        ],
    )
    @pytest.mark.parametrize("members", [1, 2])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_the_classifier_is_exported_within_other_models(self, wrap, n_classes, members):
        """Some of them take raw scores where a classifier has them, so the converter must too."""
        X, y = digits("multiclass", 150, np.float32)
        y = np.array(["a", "b", "c"])[y % n_classes]
        assert_same_classes(wrap(brief(max_iter=8, members=members)).fit(X, y), X)

    @pytest.mark.parametrize("loss", ["log_loss", "binary_log_loss"])
    @pytest.mark.parametrize("members", [1, 3])
    @pytest.mark.parametrize("kind", KINDS)
    def test_raw_scores_are_those_of_the_decision_function(self, kind, members, loss):
        X, y = digits(kind, 150, np.float32)
        model = brief(loss=loss, members=members, max_iter=20).fit(X, y)
        X = np.concatenate([X, 20 * X])
        _, found = exported(model, X, {"zipmap": False, "raw_scores": True})(X)
        expected = model.decision_function(X)
        if expected.ndim == 1:
            np.testing.assert_allclose(found[:, 0], -found[:, 1])
            found = found[:, 1]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


class TestTransformedTarget:
    @pytest.mark.parametrize(
        "options",
        [
            {"transformer": StandardScaler()},
            {"transformer": StandardScaler(with_mean=False)},
            {"transformer": MinMaxScaler()},
            {
                "transformer": make_pipeline(
                    FunctionTransformer(np.log1p, np.expm1), StandardScaler()
                )
            },
            {"func": np.log, "inverse_func": np.exp},
            {"func": np.sqrt, "inverse_func": np.square},
        ],
        ids=["standard", "scaled", "min-max", "steps", "logarithm", "root"],
    )
    @pytest.mark.parametrize("n_targets", [1, 2])
    def test_predictions_are_scaled_back_in_float64(self, options, n_targets):
        X, y = digits(dtype=np.float32)
        Y = np.column_stack([1e6 + y, 3.0 + y**2])[:, :n_targets]
        Y = Y[:, 0] if n_targets == 1 else Y
        network = brief(ScratchMLPRegressor, max_iter=20)
        model = TransformedTargetRegressor(make_pipeline(StandardScaler(), network), **options)
        model.fit(X, Y)
        run = exported(model, X)
        (found,) = run(X)
        assert found.dtype == np.float64
        expected = model.predict(X)
        # scikit-learn scales back in float32 where the transformer keeps it.
        scale = np.abs(expected).max(axis=0)
        error = np.abs(found.reshape(expected.shape) - expected)
        assert (error <= 1e-5 * scale).all()

    def test_other_transformers_are_refused_by_name(self):
        X, y = digits(dtype=np.float32)
        network = brief(ScratchMLPRegressor, max_iter=1)
        model = TransformedTargetRegressor(network, transformer=PowerTransformer()).fit(X, y)
        message = refusal(lambda: exported(model, X))
        assert "PowerTransformer()" in message and "'StandardScaler'" in message
        model = TransformedTargetRegressor(
            network, func=np.sinh, inverse_func=np.arcsinh, check_inverse=False
        ).fit(X, y)
        message = refusal(lambda: exported(model, X))
        assert "arcsinh has no ONNX form" in message

    def test_a_regressor_in_a_pipeline_is_exported(self):
        X, y = digits(dtype=np.float32)
        model = make_pipeline(StandardScaler(), brief(ScratchMLPRegressor)).fit(X, y.astype(float))
        assert_same_numbers(model, X)
        assert isinstance(exported(model, X), Exported)
