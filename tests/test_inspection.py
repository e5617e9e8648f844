"""Attributions: what shap recorded, completeness, members, tables, and mistakes."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.inspection import expected_gradients, input_gradients, integrated_gradients
from sknumpy_mlp.losses import ContinuousSquaredError, links

from .common import KINDS, brief, digits, frozen, refusal

PATH = Path(__file__).parent / "recorded" / "attributions.json"
RECORDED = json.loads(PATH.read_text(encoding="utf-8"))
del RECORDED["versions"]
# With kinks, the midpoint rule has an error of first order.
KINKED = ("relu", "leaky_relu", "elu", "selu")


def recorded(activation):
    """The network, rows, background and numbers that shap was given and gave."""
    held = {name: np.array(value) for name, value in RECORDED[activation].items() if name != "coefs"
            and name != "intercepts"}  # fmt: skip
    model = ScratchMLPRegressor.from_weights(
        [np.array(W) for W in RECORDED[activation]["coefs"]],
        [np.array(b) for b in RECORDED[activation]["intercepts"]],
        activation=activation,
    )
    return model, held


def difference(found):
    """The largest difference of scores that is attributed, at least one."""
    return max(1.0, np.abs(found.scores - found.base_values).max())


@pytest.mark.parametrize("activation", RECORDED)
def test_expected_gradients_are_those_of_shap_s_gradient_explainer(activation):
    model, held = recorded(activation)
    for target in range(3):
        found = expected_gradients(
            model, held["X"], held["background"], target=target, n_steps=4000, random_state=0
        )
        error = np.abs(found.values - held["expected_gradients"][..., target])
        # shap's draws are independent; our own error is a fraction of theirs.
        assert (error <= 5 * held["standard_errors"][..., target] + 1e-3).all()
        assert found.gap.max() < 0.02 * difference(found)


@pytest.mark.parametrize("activation", [name for name in RECORDED if "deep" in RECORDED[name]])
def test_with_one_hidden_layer_they_are_those_of_shap_s_deep_explainer(activation):
    """The mean of integrated gradients over the background, without any draw."""
    model, held = recorded(activation)
    for target in range(3):
        means = np.mean(
            [
                integrated_gradients(model, held["X"], row, target=target, n_steps=200).values
                for row in held["background"]
            ],
            axis=0,
        )
        # With kinks, the error of the midpoint rule is of first order.
        atol = 5e-3 if activation in KINKED else 1e-4
        np.testing.assert_allclose(means, held["deep"][..., target], rtol=1e-4, atol=atol)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("activation", Activation.named())
def test_attributions_sum_to_the_difference_of_scores(activation, members):
    X, y = digits()
    model = brief(activation=activation, members=members, max_iter=20).fit(X, y)
    found = integrated_gradients(model, X, X.mean(axis=0), target=3)
    scores = model.decision_function(X)[:, 3]
    np.testing.assert_allclose(found.scores, scores, rtol=1e-12, atol=1e-12)
    base = model.decision_function(X.mean(axis=0)[np.newaxis])[:, 3]
    np.testing.assert_allclose(found.base_values, np.repeat(base, len(X)), rtol=1e-12)
    gap = np.abs(found.values.sum(axis=1) - (scores - base))
    np.testing.assert_allclose(found.gap, gap, rtol=0, atol=1e-10)
    assert gap.max() <= (2e-2 if activation in KINKED else 1e-3) * difference(found)


# The decision function of two raw scores is the difference of their logarithms.
KINDS_OF_LOSSES = [
    *(("log_loss", kind) for kind in KINDS),
    *(("binary_log_loss", kind) for kind in KINDS if kind != "binary"),
]


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize(("loss", "kind"), KINDS_OF_LOSSES)
def test_gradients_are_derivatives_of_the_decision_function(kind, loss, members):
    X, y = digits(kind)
    settings = {"temperature_scaling": True, "early_stopping": True} if loss == "log_loss" else {}
    model = brief(activation="tanh", loss=loss, members=members, **settings).fit(X, y)
    h, j = 1e-6, 27
    shift = h * np.eye(64)[j]
    slope = (model.decision_function(X + shift) - model.decision_function(X - shift)) / (2 * h)
    if kind == "binary":
        slope = np.column_stack([-slope, slope])
    for k, target in enumerate(model.classes_):
        got = input_gradients(model, X, target=target)[:, j]
        np.testing.assert_allclose(got, slope[:, k], rtol=1e-5, atol=1e-7)


def test_without_a_target_it_is_the_predicted_class_or_the_second_of_two():
    X, y = digits()
    model = brief(max_iter=10).fit(X, y)
    found = input_gradients(model, X)
    for target in np.unique(model.predict(X)):
        rows = model.predict(X) == target
        np.testing.assert_array_equal(found[rows], input_gradients(model, X, target=target)[rows])
    names = np.array(["no", "yes"])[y % 2]
    model = brief().fit(X, names)
    np.testing.assert_array_equal(
        input_gradients(model, X), input_gradients(model, X, target="yes")
    )
    np.testing.assert_array_equal(
        input_gradients(model, X), -input_gradients(model, X, target="no")
    )


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_numbers_are_explained_as_they_are_predicted_and_poisson_by_its_logarithm(loss):
    X, y = digits()
    y = np.column_stack([y, X.sum(axis=1)])
    model = brief(ScratchMLPRegressor, loss=loss, activation="tanh", members=2).fit(X, y)
    predicted = model.predict(X)
    found = integrated_gradients(model, X, target=1)
    expected = np.log(predicted) if loss == "poisson" else predicted
    np.testing.assert_allclose(found.scores, expected[:, 1], rtol=1e-12)
    assert found.gap.max() < 1e-3 * difference(found)


def test_float32_sparse_rows_and_dropout_make_no_difference():
    X, y = digits(dtype=np.float32)
    model = brief(dropout=0.2, activation="tanh").fit(X, y)
    dense = integrated_gradients(model, X, target=1)
    rare = integrated_gradients(model, sparse.csr_matrix(X), target=1)
    np.testing.assert_array_equal(rare.values, dense.values)
    assert isinstance(rare.data, np.ndarray)
    assert input_gradients(model, X, target=1).dtype == np.float32
    assert dense.gap.max() < 1e-3 * difference(dense)


def test_expected_gradients_repeat_by_random_state_and_need_few_steps():
    X, y = digits()
    model = brief(activation="tanh", max_iter=20).fit(X, y)

    def found(**options):
        return expected_gradients(model, X[:20], X[130:], target=2, **options).values

    np.testing.assert_array_equal(found(random_state=0), found(random_state=0))
    assert (found(random_state=0) != found(random_state=1)).any()
    exact = np.mean(
        [integrated_gradients(model, X[:20], row, target=2).values for row in X[130:]], axis=0
    )
    np.testing.assert_allclose(found(random_state=0, n_steps=800), exact, rtol=0, atol=0.02)
    base = expected_gradients(model, X[:20], X[130:], target=2).base_values
    np.testing.assert_allclose(base, model.decision_function(X[130:])[:, 2].mean())


def test_behind_a_scaler_the_rows_of_a_linear_model_are_known():
    """A column's part is its weight times its distance from the baseline."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    network = ScratchMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", max_iter=50)
    model = make_pipeline(StandardScaler(), network).fit(X, y)
    weights = network.coefs_[0][:, 0] / model[0].scale_
    found = integrated_gradients(model, X)
    np.testing.assert_allclose(found.values, (X - X.mean()) * weights, rtol=1e-6, atol=1e-8)
    assert found.feature_names == list(X.columns)
    found = integrated_gradients(model, X, X.iloc[:1], n_steps=3)
    np.testing.assert_allclose(found.values, (X - X.iloc[0]) * weights, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(input_gradients(model, X), np.tile(network.coefs_[0].T, (442, 1)))
    wrapped = TransformedTargetRegressor(model, transformer=StandardScaler()).fit(X, y)
    found = integrated_gradients(wrapped, X)
    back = wrapped.transformer_.inverse_transform(found.scores[:, np.newaxis])
    np.testing.assert_allclose(back[:, 0], wrapped.predict(X))


def table(n_samples=160):
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n_samples),
            "town": rng.choice(["Graz", "Linz", "Wien"], n_samples),
            "noise": rng.standard_normal(n_samples),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "town"] = None
    target = (frame["town"] == "Wien") * 3 + frame["age"].fillna(40) / 10
    return frame, target


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_tables_are_explained_column_by_column_of_the_user_s(task):
    frame, target = table()
    y = np.where(target > 5, "high", "low") if task == "classification" else target
    model = make_tabular_mlp(task, max_iter=20, members=2, random_state=0).fit(frame, y)
    for found in (
        integrated_gradients(model, frame),
        integrated_gradients(model, frame, frame.iloc[1:2]),
        expected_gradients(model, frame, frame[:40], n_steps=400, random_state=0),
    ):
        assert found.values.shape == frame.shape
        assert found.feature_names == ["age", "town", "noise"]
        # The embedding has kinks; a mean over few baselines is not yet exact.
        assert found.gap.mean() < 0.05 * difference(found)
    inner = model["network"] if task == "classification" else model["network"].regressor_
    network_rows = model["columns"].transform(frame)
    alone = integrated_gradients(inner, network_rows)
    names = model["columns"].get_feature_names_out()
    for number, column in enumerate(frame.columns):
        chosen = [k for k, name in enumerate(names) if f"_{column}" in name]
        expected = alone.values[:, chosen].sum(axis=1)
        got = integrated_gradients(model, frame).values[:, number]
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-8)
    assert input_gradients(model, frame).shape == frame.shape


def test_a_row_that_equals_its_baseline_has_no_attributions():
    frame, target = table()
    model = make_tabular_mlp("regression", max_iter=5, members=2, random_state=0).fit(frame, target)
    found = integrated_gradients(model, frame, frame)
    np.testing.assert_array_equal(found.values, np.zeros(frame.shape))


def test_nothing_is_changed_and_mistakes_are_named():
    X, y = digits()
    model = brief().fit(X, y)
    before = frozen(vars(model))
    linear = LinearRegression().fit(X, y)
    assert "got LinearRegression" in refusal(lambda: input_gradients(linear, X), TypeError)
    message = refusal(lambda: input_gradients(model, X, target=11))
    assert message.startswith("target must be a class, one of [0, 1, 2") and "got 11" in message
    assert "n_steps" in refusal(lambda: integrated_gradients(model, X, n_steps=0))
    assert "n_steps" in refusal(lambda: expected_gradients(model, X, X, n_steps=1.5))
    message = refusal(lambda: integrated_gradients(model, X, X[:2]))
    assert message == "baseline must have one row or as many as X, 150, got 2"
    assert "64 features" in refusal(lambda: integrated_gradients(model, X, X[:1, :3]))
    X, Y = digits("multilabel")
    several = brief().fit(X, Y)
    assert "got None" in refusal(lambda: input_gradients(several, X))
    numbers = brief(ScratchMLPRegressor).fit(X, Y)
    assert "the index of a column of y, one of [0, 1, 2], got None" in refusal(
        lambda: input_gradients(numbers, X)
    )
    assert "not fitted yet" in refusal(
        lambda: input_gradients(ScratchMLPClassifier(), X), NotFittedError
    )
    assert frozen(vars(model)) == before


def test_a_link_of_one_s_own_must_write_the_gradient_of_its_pool():
    class Median(links.Identity):
        def pool(self, Z):
            return np.median(Z, axis=0)

    class Own(ContinuousSquaredError):
        link = Median()

    X, y = digits()
    model = brief(ScratchMLPRegressor, loss=Own(), members=3).fit(X, y)
    message = refusal(lambda: input_gradients(model, X))
    assert message.startswith("link of the loss must write pool_gradient beside pool")
    single = brief(ScratchMLPRegressor, loss=Own()).fit(X, y)
    assert input_gradients(single, X).shape == X.shape


def test_shap_draws_what_it_is_given():
    shap = pytest.importorskip("shap", reason="shap is not installed")
    frame, target = table()
    model = make_tabular_mlp("regression", max_iter=5, members=2, random_state=0).fit(frame, target)
    found = integrated_gradients(model, frame)
    explanation = found.to_shap()
    assert isinstance(explanation, shap.Explanation)
    np.testing.assert_array_equal(explanation.values, found.values)
    np.testing.assert_array_equal(explanation[3].base_values, found.base_values[3])
    assert explanation.feature_names == list(frame.columns)
    pytest.importorskip("matplotlib").use("Agg")
    shap.plots.waterfall(explanation[0], show=False)
    shap.plots.bar(explanation, show=False)
