"""`make_tabular_mlp`: tables of any kind in, an ordinary pipeline out."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_friedman1
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp, optimizers
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.tabular import BUDGETS, TASKS, _settings

from .common import refusal
from .tables import FRAMES, N_ROWS, columns, labels

# Small and soon over; what the recipe reaches is benchmarks/tabular.py's to show.
QUICK = {"hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}


@pytest.fixture(params=FRAMES)
def make(request):
    return FRAMES[request.param]


class TestPipeline:
    def test_it_is_an_ordinary_pipeline(self):
        for task, check, estimator in (
            ("classification", is_classifier, ScratchMLPClassifier),
            ("regression", is_regressor, ScratchMLPRegressor),
        ):
            model = make_tabular_mlp(task)
            assert type(model) is Pipeline and check(model)
            assert isinstance(model["columns"], ColumnTransformer)
            network = model["network"]
            assert type(getattr(network, "regressor", network)) is estimator

    def test_settings_are_those_of_the_recipe(self):
        network = make_tabular_mlp()["network"].get_params()
        expected = {
            "members": 8,
            "hidden_layer_sizes": (96, 96, 96),
            "activation": "selu",
            "alpha": 0,
            "batch_size": "equal up to 128",
            "learning_rate": "coslog4",
            "learning_rate_init": 0.04,
            "max_iter": 64,
            "label_smoothing": 0.03,
            "solver": "adam",
            "beta_2": 0.95,
            "best_of_ties": "last",
            "scoring": "calibrated_loss",
            "validation_fraction": 0.125,
            "feature_scale": True,
            "parametrization": "ntk",
            "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0, "embedding": 0.01},
            "temperature_scaling": True,
        }
        assert {name: network[name] for name in expected} == expected
        assert repr(network["embedding"]) == "PiecewiseLinear(n_bins=48, size=1)"
        weights, output = network["init"]
        assert (repr(weights), output) == (
            "LecunNormal(biases=Normal(scale=1.0, biases='zeros'))",
            "zeros",
        )
        network = make_tabular_mlp("regression")["network"].get_params()
        assert network["regressor__members"] == 4
        assert network["regressor__activation"] == "mish"
        assert network["regressor__learning_rate_init"] == 0.05
        assert repr(network["regressor__embedding"]) == "PiecewiseLinear(n_bins=48, size=4)"

    @pytest.mark.parametrize("task", TASKS)
    def test_a_budget_buys_networks_and_gives_way_to_overrides(self, task):
        def network(**settings):
            found = make_tabular_mlp(task, **settings)["network"]
            return getattr(found, "regressor", found)

        fast, default, best = (network(budget=budget) for budget in BUDGETS)
        assert default.get_params(deep=False).keys() == best.get_params(deep=False).keys()
        assert fast.max_iter < default.max_iter == best.max_iter
        assert fast.members <= default.members < best.members == 16
        assert best.embedding is not None
        assert network(budget="best", members=2).members == 2
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        y = y > 150 if task == "classification" else y
        short = QUICK | {"members": 2}
        for budget in BUDGETS:
            make_tabular_mlp(task, budget=budget, **short).fit(X[:100], y[:100]).predict(X)
        with pytest.raises(
            ValueError, match=r"budget must be one of \['fast', 'default', 'best'\]"
        ):
            make_tabular_mlp(task, budget="quick")

    def test_overrides_go_to_the_network(self):
        own = optimizers.SGD()
        network = make_tabular_mlp(max_iter=3, solver=own)["network"]
        assert (network.max_iter, network.solver, network.activation) == (3, own, "selu")
        assert make_tabular_mlp("regression", loss="huber")["network"].regressor.loss == "huber"

    def test_no_object_is_shared_between_two(self):
        one, other = make_tabular_mlp(), make_tabular_mlp()
        one["network"].learning_rate_factors["biases"] = 0.5
        assert other["network"].learning_rate_factors["biases"] == 0.1

    def test_unknown_names_are_refused_with_the_choices(self):
        with pytest.raises(
            ValueError, match=r"parameters of ScratchMLPClassifier, got \['epochs'\].*'alpha'"
        ):
            make_tabular_mlp(epochs=3)
        with pytest.raises(ValueError, match=r"ScratchMLPRegressor, got \['class_weight'\]"):
            make_tabular_mlp("regression", class_weight="balanced")
        with pytest.raises(ValueError, match=r"\['classification', 'regression'\], got 'ranking'"):
            make_tabular_mlp("ranking")

    def test_it_takes_any_table(self, make):
        X, y = make(columns()), labels(columns())
        model = make_tabular_mlp(**QUICK).fit(X, y)
        proba = model.predict_proba(X)
        assert proba.dtype == np.float32
        assert {W.dtype for W in model["network"].coefs_} == {np.dtype(np.float32)}
        assert set(model.predict(X)) <= {"no", "yes"}
        same = clone(model).fit(pd.DataFrame(columns()), y)
        np.testing.assert_array_equal(proba, same.predict_proba(pd.DataFrame(columns())))

    def test_later_rows_may_hold_what_fit_has_not_seen(self, make):
        model = make_tabular_mlp(**QUICK).fit(make(columns()), labels(columns()))
        later = columns(20, seed=1)
        later["income"][3] = None
        later["city"] = [None] + ["Ulm"] * 19
        if "Enum" not in str(getattr(make(later), "schema", "")):
            later["color"][5] = "violet"
        proba = model.predict_proba(make(later))
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)

    def test_targets_may_be_of_the_same_kind_as_the_table(self):
        model = make_tabular_mlp(**QUICK)
        y = labels(columns())
        expected = clone(model).fit(pd.DataFrame(columns()), y).predict(pd.DataFrame(columns()))
        for frame, series in ((pd.DataFrame, pd.Series), (pl.DataFrame, pl.Series)):
            X = frame(columns())
            np.testing.assert_array_equal(clone(model).fit(X, series(y)).predict(X), expected)

    def test_few_rows_are_taken_without_a_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            X = pd.DataFrame(columns(30))
            make_tabular_mlp(max_iter=2, random_state=0).fit(X, labels(columns(30)))

    def test_it_can_be_cloned_and_searched_over(self):
        X, y = pd.DataFrame(columns()), labels(columns())
        search = GridSearchCV(
            make_tabular_mlp(**QUICK),
            {
                "network__max_iter": [2, 8],
                "network__beta_2": [0.95, 0.999],
                "columns__categories__onehotencoder__min_frequency": [None, 5],
            },
            cv=2,
        ).fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert len(search.cv_results_["params"]) == 8
        with pytest.raises(NotFittedError):
            clone(search.best_estimator_).predict(X)

    def test_it_searches_for_numbers_too(self):
        X, y = load_diabetes(return_X_y=True)
        search = GridSearchCV(
            make_tabular_mlp("regression", **QUICK), {"network__regressor__max_iter": [2, 8]}, cv=2
        ).fit(X, y)
        assert np.isfinite(search.best_score_)

    @pytest.mark.parametrize("fitted", [False, True])
    def test_it_pickles(self, fitted):
        X, y = pl.DataFrame(columns()), labels(columns())
        model = make_tabular_mlp(**QUICK)
        if fitted:
            model.fit(X, y)
        copy = pickle.loads(pickle.dumps(model))
        if not fitted:
            copy.fit(X, y)
            model.fit(X, y)
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_a_notebook_shows_it(self, task):
        model = make_tabular_mlp(task, **QUICK)
        for each in (model, model.fit(pd.DataFrame(columns()), np.arange(N_ROWS) % 2)):
            html = estimator_html_repr(each)
            for name in ("RobustSmoothScaler", "OneHotEncoder", "ScratchMLP"):
                assert name in html
            assert "hidden_layer_sizes" in html

    @pytest.mark.parametrize("columns", [[0], [1], [0, 1]], ids=["numbers", "categories", "both"])
    def test_a_notebook_draws_it_also_where_a_part_has_no_columns(self, columns):
        X = np.array([[1.0, "a"], [2.0, "b"]] * 10, dtype=object)[:, columns]
        model = make_tabular_mlp(max_iter=2).fit(X, ["yes", "no"] * 10)
        assert "RobustSmoothScaler" in estimator_html_repr(model)

    def test_the_same_seed_gives_the_same_model(self):
        X, y = pd.DataFrame(columns()), labels(columns())
        one, other = (make_tabular_mlp(**QUICK).fit(X, y) for _ in range(2))
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


class TestManyCategories:
    """A column with hundreds of categories, of which only the level counts."""

    @staticmethod
    def table(n_rows=600, n_categories=200, seed=0):
        rng = np.random.RandomState(seed)
        effect = np.random.RandomState(9).standard_normal(n_categories)
        level = rng.randint(n_categories, size=n_rows)
        level[:n_categories] = np.arange(n_categories)
        city = np.array([f"city{v}" for v in level], dtype=object)
        city[3] = None
        X = pd.DataFrame({"city": city, "size": rng.standard_normal(n_rows)})
        return X, effect[level] + 0.3 * rng.standard_normal(n_rows)

    def test_every_kind_of_target_is_taken(self):
        X, y = self.table()
        third = np.digitize(y, [-0.5, 0.5])
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
        for task, target in {
            "two classes": y > 0,
            "three classes": np.array(["low", "middle", "high"])[third],
            "26 classes": letters[np.argsort(np.argsort(y)) * 26 // len(y)],
            "labels": np.column_stack([y > 0, y > 1, y > -1]).astype(int),
            "regression": y,
            "whole numbers": np.rint(10 * y),
            "columns of numbers": np.column_stack([y, -y]),
        }.items():
            target = np.asarray(target)
            is_numbers = target.dtype.kind == "f"
            model = make_tabular_mlp("regression" if is_numbers else "classification", **QUICK)
            model.fit(X, target)
            assert model.predict(X).shape == target.shape, task
            means = [n for n in model["columns"].get_feature_names_out() if "means__" in n]
            n_classes = len(np.unique(target)) if target.ndim == 1 else 0
            one = n_classes == 2 or (is_numbers and target.ndim == 1)
            assert len(means) == (1 if one else n_classes or target.shape[1]), task

    def test_the_target_may_be_in_any_container(self):
        X, y = self.table()
        y = np.where(y > 0, "yes", "no")
        expected = make_tabular_mlp(**QUICK).fit(X, y).predict_proba(X)
        for same in (y.tolist(), pd.Series(y, index=range(5, 605)), pl.Series(y), y.astype(object)):
            model = make_tabular_mlp(**QUICK).fit(X, same)
            np.testing.assert_array_equal(model.predict_proba(X), expected)

    def test_random_state_is_that_of_the_folds_too(self):
        X, y = self.table()
        columns = [
            make_tabular_mlp(random_state=seed)["columns"].fit_transform(X, y > 0)[:, -1]
            for seed in (0, 0, 1)
        ]
        np.testing.assert_array_equal(columns[0], columns[1])
        assert (columns[0] != columns[2]).any()
        encoder = make_tabular_mlp()["columns"].transformers[-1][1][1]
        assert encoder.random_state is None

    def test_it_is_cloned_pickled_and_searched_over(self):
        X, y = self.table()
        name = "columns__means__crossfittedtargetencoder__cv"
        search = GridSearchCV(make_tabular_mlp("regression", **QUICK), {name: [2, 5]}, cv=2)
        search.fit(X, y)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        copy = pickle.loads(pickle.dumps(search.best_estimator_))
        np.testing.assert_array_equal(copy.predict(X), search.predict(X))
        assert clone(copy).set_params(**{name: 3}).get_params()[name] == 3

    def test_each_category_may_have_a_column(self):
        X, y = self.table()
        model = make_tabular_mlp("regression", **QUICK).set_params(
            columns__categories__onehotencoder__max_categories=None, columns__means="drop"
        )
        names = model.fit(X, y)["columns"].get_feature_names_out().tolist()
        # 200 categories, missing values, and the size.
        assert len(names) == 202 and "categories__city_city199" in names

    def test_effects_of_categories_are_learned(self):
        X, y = self.table(2000)
        X_test, y_test = self.table(500, seed=1)
        model = make_tabular_mlp("regression", max_iter=20, random_state=0).fit(X, y)
        # The noise alone leaves 0.92, and the means of ten rows each some 0.9.
        assert model.score(X_test, y_test) > 0.8


class TestGaps:
    def test_half_of_the_values_may_be_missing(self):
        """As good as scikit-learn's forest, whose trees have a branch for missing values."""
        X, y = load_digits(return_X_y=True)
        X = np.where(np.random.RandomState(0).random_sample(X.shape) < 0.5, np.nan, X)
        X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
        forest = RandomForestClassifier(random_state=0).fit(X, y)
        model = make_tabular_mlp(max_iter=20, random_state=0).fit(X, y)
        assert model.score(X_test, y_test) > forest.score(X_test, y_test)


class TestLearning:
    """Few epochs of the full network: that it learns, not how well."""

    def test_labels(self):
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        X, X_test, y, y_test = train_test_split(X, y, random_state=0, stratify=y)
        model = make_tabular_mlp(max_iter=20, random_state=0).fit(X, y)
        assert model.score(X_test, y_test) > 0.93

    def test_diabetes(self):
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        X, X_test, y, y_test = train_test_split(X, y, random_state=0)
        model = make_tabular_mlp("regression", max_iter=20, random_state=0).fit(X, y)
        assert model.predict(X_test).shape == y_test.shape
        assert model.score(X_test, y_test) > 0.2

    def test_friedman(self):
        X, y = make_friedman1(1000, noise=1.0, random_state=0)
        X, X_test, y, y_test = train_test_split(X, y, random_state=0)
        model = make_tabular_mlp("regression", max_iter=30, random_state=0).fit(X, y)
        # The noise alone leaves 0.96.
        assert model.score(X_test, y_test) > 0.85

    def test_several_columns_of_numbers(self):
        X, y = load_diabetes(return_X_y=True)
        model = make_tabular_mlp("regression", **QUICK).fit(X, np.column_stack([y, -y, 2 * y]))
        assert model.predict(X).shape == (len(X), 3)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_recipe_sets_parameters_that_the_estimator_has(task):
    network = make_tabular_mlp(task)["network"]
    network = getattr(network, "regressor", network)
    assert _settings(task).keys() <= network.get_params(deep=False).keys()


def test_large_targets_keep_their_digits():
    rng = np.random.RandomState(0)
    X = rng.standard_normal((200, 3))
    y = X @ [1.0, 2.0, -1.0]
    settings = {"max_iter": 30, "hidden_layer_sizes": (16,), "random_state": 0}
    near, far = (
        make_tabular_mlp("regression", **settings).fit(X, y + offset) for offset in (0.0, 1e8)
    )
    # The target itself has lost half of its digits beside 1e8.
    np.testing.assert_allclose(far.predict(X) - 1e8, near.predict(X), atol=1e-4)


def test_counts_cannot_be_standardised():
    with pytest.raises(ValueError, match="loss must take numbers of any sign"):
        make_tabular_mlp("regression", loss="poisson")


STEPLESS = {
    "learning_rate": "constant",
    "learning_rate_factors": None,
    "members": 1,
    "parametrization": "standard",
}


@pytest.mark.parametrize("solver", ["lbfgs", optimizers.LBFGS()], ids=["name", "object"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_solver_without_steps_is_told_what_to_replace_with_it(task, solver):
    needed = STEPLESS | ({"temperature_scaling": False} if task == "classification" else {})
    words = ", ".join(f"{name}={value!r}" for name, value in needed.items())
    with pytest.raises(ValueError) as caught:
        make_tabular_mlp(task, solver=solver)
    assert str(caught.value) == (
        f"make_tabular_mlp(solver={solver!r}) needs {words} too, since the recipe sets them for a "
        "solver that takes steps"
    )
    with pytest.raises(ValueError, match=r"needs learning_rate='constant', parametrization=.* too"):
        some = {"learning_rate_factors": None, "members": 1, "temperature_scaling": False}
        make_tabular_mlp(task, solver=solver, **{n: v for n, v in some.items() if n in needed})
    X, y = pd.DataFrame(columns()), np.arange(N_ROWS) % 2
    model = make_tabular_mlp(task, solver=solver, **needed, hidden_layer_sizes=(4,), max_iter=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)


def test_no_early_stopping_is_told_what_to_replace_with_it():
    with pytest.raises(ValueError) as caught:
        make_tabular_mlp(early_stopping=False)
    assert str(caught.value) == (
        "make_tabular_mlp(early_stopping=False) needs temperature_scaling=False too, since the "
        "recipe fits the temperature to the rows that early stopping holds out"
    )
    X, y = pd.DataFrame(columns()), labels(columns())
    model = make_tabular_mlp(early_stopping=False, temperature_scaling=False, **QUICK).fit(X, y)
    assert not hasattr(model["network"], "temperature_")
    # Who asks for both means to pass rows to validate on.
    make_tabular_mlp(early_stopping=False, temperature_scaling=True)
    numbers = make_tabular_mlp("regression", early_stopping=False, **QUICK)
    numbers.fit(X, np.arange(N_ROWS))


@pytest.mark.parametrize("loss", Loss.serving("multiclass"))
def test_every_loss_of_labels_has_a_calibrated_loss_to_choose_the_epoch_by(loss):
    X, y = pd.DataFrame(columns()), labels(columns())
    unsmoothed = {} if "label_smoothing" in Loss.named()[loss].flat else {"label_smoothing": 0.0}
    # An object has its own label_smoothing.
    for given in ({"loss": loss} | unsmoothed, {"loss": Loss.named()[loss]()}):
        model = make_tabular_mlp(**given, **QUICK).fit(X, y)
        assert np.isfinite(model["network"].validation_scores_).all()


def test_a_loss_that_cannot_smooth_labels_is_told_what_to_replace_with_it():
    with pytest.raises(ValueError) as caught:
        make_tabular_mlp(loss="squared_error")
    assert str(caught.value) == (
        "make_tabular_mlp(loss='squared_error') needs label_smoothing=0.0 too, since the recipe "
        "smooths the labels, which this loss cannot do"
    )


def test_a_wrong_name_is_left_to_fit():
    for override in ({"solver": "adm"}, {"loss": "mse"}):
        model = make_tabular_mlp(**override)
        with pytest.raises(ValueError, match=r"must be an? \w+ or one of .*; did you mean"):
            model.fit(pd.DataFrame(columns()), labels(columns()))


def test_a_table_is_scaled_without_a_warning():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    make_tabular_mlp(**QUICK).fit(X, y)
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    make_tabular_mlp("regression", **QUICK).fit(1e6 * X, y)


# ---- targets that are none ----


@pytest.mark.parametrize(
    "y, words",
    [
        (np.linspace(-1e160, 1e160, N_ROWS), "variance is finite, got numbers up to 1e+160"),
        (1.7e308 * np.linspace(-1, 1, N_ROWS), "variance is finite, got numbers up to 1.7e+308"),
        (np.r_[np.inf, np.ones(N_ROWS - 1)], "Input y contains infinity"),
        ([None, *range(N_ROWS - 1)], "y must have no missing values, got 1"),
        (["a"] * N_ROWS, "y is invalid: could not convert string to float"),
        (np.zeros((N_ROWS, 2, 2)), "y is invalid: Found array with dim 3"),
        ([10**400] * N_ROWS, "y is invalid: int too large to convert to float"),
    ],
)
def test_targets_that_cannot_be_standardized_are_refused_by_name(y, words):
    model = make_tabular_mlp("regression", **QUICK)
    with np.errstate(all="raise"):
        message = refusal(lambda: model.fit(pd.DataFrame(columns()), y), ValueError, TypeError)
    assert words in message


@pytest.mark.parametrize("size", [1e-100, 1e100, 1e150])
def test_targets_of_any_size_are_learned_alike(size):
    X, y = pd.DataFrame(columns()), np.linspace(-1, 1, N_ROWS)
    one, other = (
        make_tabular_mlp("regression", **QUICK).fit(X, each).predict(X) for each in (y, size * y)
    )
    np.testing.assert_allclose(other / size, one, rtol=1e-3, atol=1e-3)
