"""`losses.Quantiles` in the regressor: intervals, both engines, members, pipelines, MAPIE."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknumpy_mlp import ScratchMLPRegressor, make_tabular_mlp
from sknumpy_mlp.inspection import integrated_gradients
from sknumpy_mlp.losses import Pinball, Quantiles

from .common import assert_same_weights, blocks, frozen, refusal

LEVELS = (0.1, 0.5, 0.9)


def rows(n_samples=1500):
    """A target whose spread depends on the second column."""
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, (n_samples, 2))
    return X, X[:, 0] + np.exp(X[:, 1]) / 2 * rng.standard_normal(n_samples)


def interval(**parameters):
    settings = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 60}
    settings |= {"n_iter_no_change": None, "random_state": 0}
    return ScratchMLPRegressor(Quantiles(quantiles=LEVELS), **settings | parameters)


@pytest.mark.parametrize("members", [1, 3])
def test_the_quantiles_are_those_of_the_conditional_distribution(members):
    X, y = rows()
    model = interval(members=members).fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (len(X), 3)
    assert model.n_outputs_ == 1 and model.out_activation_ == "cumulative_softplus"
    assert (np.diff(predicted, axis=1) >= 0).all()
    exact = X[:, [0]] + np.exp(X[:, [1]]) / 2 * stats.norm.ppf(LEVELS)
    # The error of quantiles estimated from 1,500 rows, in units of the target.
    assert np.abs(predicted - exact).mean() < 0.12
    inside = (predicted[:, 0] < y) & (y < predicted[:, 2])
    assert abs(inside.mean() - 0.8) < 0.03


def test_without_information_they_are_the_quantiles_of_the_target():
    y = np.random.RandomState(0).exponential(size=501)
    X = np.zeros((501, 1))
    model = interval(
        hidden_layer_sizes=(), learning_rate="cosine", max_iter=600, batch_size=501, alpha=0
    ).fit(X, y)
    np.testing.assert_allclose(model.predict(X[:1])[0], np.quantile(y, LEVELS), atol=0.03)


def test_the_score_is_minus_the_mean_pinball_loss_also_of_held_out_rows():
    X, y = rows(400)
    weights = np.random.RandomState(1).uniform(0, 2, 400)
    model = interval(max_iter=5).fit(
        X[:300], y[:300], X_val=X[300:], y_val=y[300:], sample_weight_val=weights[300:]
    )
    predicted = model.predict(X[300:])
    expected = -np.mean(
        [
            mean_pinball_loss(y[300:], column, sample_weight=weights[300:], alpha=level)
            for column, level in zip(predicted.T, LEVELS)
        ]
    )
    assert model.score(X[300:], y[300:], weights[300:]) == pytest.approx(expected, rel=1e-12)
    assert model.validation_scores_[-1] == pytest.approx(expected, rel=1e-12)
    # The loss is their sum.
    plain = interval(max_iter=5).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert plain.validation_loss_curve_[-1] == pytest.approx(-3 * plain.validation_scores_[-1])
    assert model.score(X, y) > interval(max_iter=1, learning_rate_init=1e-9).fit(X, y).score(X, y)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("members", [1, 2])
def test_both_engines_fit_the_same_model(members, dtype):
    pytest.importorskip("numba", reason="numba is not installed")
    X, y = rows(300)
    by_numpy, compiled = (
        interval(engine=engine, members=members, max_iter=5).fit(X.astype(dtype), y)
        for engine in ("numpy", "compiled")
    )
    assert compiled.engine_ == "compiled" and by_numpy.engine_ == "numpy"
    # Sums in another order; a residual that changes its sign moves a weight by a step.
    assert_same_weights(by_numpy, compiled, atol=1e-8 if dtype == np.float64 else 2e-3)


def test_two_quantiles_of_a_linear_model_are_those_of_two_pinball_losses():
    """Where all steps are large, softplus is the identity."""
    y = np.concatenate([np.zeros(30), np.full(70, 100.0)])
    X = np.zeros((100, 1))
    settings = {"hidden_layer_sizes": (), "alpha": 0, "max_iter": 3000, "batch_size": 100}
    settings |= {"n_iter_no_change": None, "random_state": 0, "learning_rate_init": 0.1}
    found = ScratchMLPRegressor(Quantiles(quantiles=(0.1, 0.6)), **settings).fit(X, y)
    singles = [
        ScratchMLPRegressor(Pinball(quantile=level), **settings).fit(X, y).predict(X[:1])[0]
        for level in (0.1, 0.6)
    ]
    np.testing.assert_allclose(found.predict(X[:1])[0], singles, atol=0.5)


def test_several_columns_are_refused_and_nothing_is_changed():
    X, y = rows(100)
    model = interval(max_iter=2).fit(X, y)
    before = frozen(vars(model))
    message = refusal(lambda: model.fit(X, np.column_stack([y, y])))
    assert "y must have one column with the loss Quantiles(" in message and "got 2" in message
    assert frozen(vars(model)) == before
    assert not model.__sklearn_tags__().target_tags.multi_output
    wrong = interval().set_params(loss__quantiles=(0.9, 0.1))
    assert "ascending" in refusal(lambda: wrong.fit(X, y))
    for engine in ("numpy", "auto"):
        warm = interval(max_iter=2, warm_start=True, engine=engine).fit(X, y)
        warm.set_params(loss=Quantiles(quantiles=(0.1, 0.9)))
        assert refusal(lambda warm=warm: warm.fit(X, y))
        assert refusal(lambda warm=warm: warm.partial_fit(X, y))
        assert warm.predict(X).shape == (100, 3)


def test_they_serve_in_searches_scores_and_clones():
    X, y = rows(300)
    model = interval(max_iter=3)
    assert cross_val_score(model, X, y, cv=3).max() < 0
    search = GridSearchCV(model, {"loss__quantiles": [(0.1, 0.9), (0.05, 0.5, 0.95)]}, cv=2)
    search.fit(X, y)
    assert search.predict(X).shape[1] == len(search.best_params_["loss__quantiles"])
    assert clone(model).loss.quantiles == LEVELS
    twice = interval(max_iter=3).partial_fit(X, y).partial_fit(X, y)
    assert twice.predict(X).shape == (300, 3)


def test_tables_have_intervals_in_the_units_of_the_target():
    X, y = rows(400)
    model = make_tabular_mlp(
        "regression", loss=Quantiles(quantiles=LEVELS), members=2, max_iter=10, random_state=0
    ).fit(X, 1000 * y)
    predicted = model.predict(X)
    assert predicted.shape == (400, 3) and (np.diff(predicted, axis=1) >= 0).all()
    inside = (predicted[:, 0] < 1000 * y) & (1000 * y < predicted[:, 2])
    assert 0.6 < inside.mean() < 0.95


def test_a_quantile_is_explained_as_it_is_predicted():
    X, y = rows(200)
    for members in (1, 2):
        model = interval(activation="tanh", members=members, max_iter=10).fit(X, y)
        for number in range(3):
            found = integrated_gradients(model, X, target=number)
            np.testing.assert_allclose(found.scores, model.predict(X)[:, number], rtol=1e-10)
            assert found.gap.max() < 1e-3


def test_mapie_s_correction_covers_what_it_promises():
    """The recipe of the page, whose assertion is the coverage."""
    pytest.importorskip("mapie", reason="mapie is not installed")
    page = Path(__file__).parent.parent / "docs" / "use" / "intervals.md"
    session = {"__name__": page.stem}
    for block in blocks(page):
        exec(compile(block, page.name, "exec"), session)
    inside, y = session["inside"], session["y_test"]
    # Exact conformal coverage with 750 held-out rows, and the spread of 750 test rows.
    assert abs(inside.mean() - 0.9) < 4 * np.sqrt(0.09 * (1 / len(y) + 1 / 750))
