"""`make_tabular_mlp`: tables of any kind in, an ordinary pipeline out."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

from sknumpy_mlp import (
    RobustSmoothScaler,
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    make_tabular_mlp,
    optimizers,
)
from sknumpy_mlp._columns import as_numbers, as_text, columns_of_tables
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.tabular import _settings

# Small and soon over; what the recipe reaches is benchmarks/tabular.py's to show.
QUICK = {"hidden_layer_sizes": (16,), "max_iter": 8, "random_state": 0}
N_ROWS = 120


def columns(n_rows=N_ROWS, seed=0):
    """A table with what tables hold: numbers, booleans and strings, some of each missing."""
    rng = np.random.RandomState(seed)
    age = rng.uniform(18, 80, n_rows)
    color = rng.choice(["red", "green", "blue"], n_rows)
    return {
        "age": [None if i % 10 == 3 else float(a) for i, a in enumerate(age)],
        "income": np.exp(rng.standard_normal(n_rows)).tolist(),
        "children": rng.randint(0, 4, n_rows).tolist(),
        "married": rng.randint(0, 2, n_rows).astype(bool).tolist(),
        "smokes": [None if i % 7 == 2 else bool(i % 2) for i in range(n_rows)],
        "color": [None if i % 9 == 4 else str(c) for i, c in enumerate(color)],
        "city": rng.choice(["Bonn", "Ulm"], n_rows).tolist(),
    }


def labels(table):
    old = [age is not None and age > 45 for age in table["age"]]
    return np.where(np.logical_xor(old, np.array(table["color"]) == "red"), "yes", "no")


FRAMES = {
    "pandas": lambda table: pd.DataFrame(table),
    "pandas nullable": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas category": lambda table: pd.DataFrame(table).astype(
        {"color": "category", "city": "category"}
    ),
    "polars": lambda table: pl.DataFrame(table),
    "polars categorical": lambda table: pl.DataFrame(table).with_columns(
        pl.col("color").cast(pl.Categorical), pl.col("city").cast(pl.Enum(["Bonn", "Ulm"]))
    ),
    "array of objects": lambda table: np.array(list(zip(*table.values())), dtype=object),
    "list of lists": lambda table: [list(row) for row in zip(*table.values())],
}


@pytest.fixture(params=FRAMES)
def make(request):
    return FRAMES[request.param]


class TestColumns:
    def test_any_table_of_the_same_content_gives_the_same_numbers(self, make):
        expected = columns_of_tables().fit_transform(pd.DataFrame(columns()))
        transformer = columns_of_tables().fit(make(columns()))
        for out in (
            transformer.transform(make(columns())),
            transformer.fit_transform(make(columns())),
        ):
            assert out.dtype == np.float32
            np.testing.assert_array_equal(out, expected)
        # age, income, children, married, smokes; age and smokes missing; 4 colors, 2 cities.
        assert expected.shape == (N_ROWS, 5 + 2 + 4 + 2)

    def test_numbers_are_filled_with_the_median_then_scaled(self):
        age = np.array([np.nan if a is None else a for a in columns()["age"]])
        out = columns_of_tables().fit_transform(pd.DataFrame(columns()))
        filled = np.where(np.isnan(age), np.nanmedian(age), age)
        expected = RobustSmoothScaler().fit_transform(filled[:, np.newaxis])
        np.testing.assert_array_equal(out[:, 0], expected[:, 0].astype(np.float32))
        np.testing.assert_array_equal(out[:, 5], np.isnan(age))

    def test_only_columns_with_missing_values_in_fit_get_an_indicator(self):
        X = np.array([[1.0, np.nan], [2.0, 5.0], [3.0, 6.0]])
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X)[:, 2:].tolist() == [[1], [0], [0]]
        later = transformer.transform([[np.nan, 5.0]])
        assert later.shape == (1, 3)
        assert later[0, 0] == 0, "the median"

    def test_missing_is_a_category_and_an_unknown_one_is_none(self):
        transformer = columns_of_tables().fit(pd.DataFrame({"c": ["a", "b", None]}))
        rows = pd.DataFrame({"c": [None, "a", "new"]})
        assert transformer.transform(rows).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]
        never = columns_of_tables().fit(pd.DataFrame({"c": ["a", "b"]}))
        assert never.transform(rows).tolist() == [[0, 0], [1, 0], [0, 0]]

    def test_all_kinds_of_missing_are_the_same(self):
        kinds = [None, np.nan, float("nan"), pd.NA, pd.NaT]
        X = np.array([["a", 1], *([kind, kind] for kind in kinds), ["b", 3]], dtype=object)
        assert as_text(X[:, :1])[1:-1].tolist() == [[None]] * len(kinds)
        assert np.isnan(as_numbers(X[:, 1:])[1:-1]).all()
        assert columns_of_tables().fit_transform(X).shape == (7, 1 + 1 + 3)

    def test_categories_that_are_numbers_stay_categories(self):
        X = pd.DataFrame({"c": pd.Categorical([3, 1, 2, 1])})
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X).shape == (4, 3)
        # pandas makes floats of integers where some are missing.
        floats = pd.DataFrame({"c": pd.Categorical([3.0, np.nan])})
        assert transformer.transform(floats).tolist() == [[0, 0, 1], [0, 0, 0]]

    def test_a_column_without_any_number_stays(self):
        X = np.array([[np.nan, 1.0], [np.nan, 2.0]])
        transformer = columns_of_tables().fit(X)
        assert transformer.transform(X)[:, 0].tolist() == [0, 0]
        assert transformer.transform([[7.0, 1.0]]).shape == (1, 3)

    def test_names_of_columns(self):
        transformer = columns_of_tables().fit(pd.DataFrame(columns()))
        names = transformer.get_feature_names_out().tolist()
        assert names[:2] == ["numbers__age", "numbers__income"]
        assert names[5:7] == ["missing__missingindicator_age", "missing__missingindicator_smokes"]
        assert names[7:] == [
            *(f"categories__color_{color}" for color in ("blue", "green", "red")),
            "categories__color is missing",
            *(f"categories__city_{city}" for city in ("Bonn", "Ulm")),
        ]

    @pytest.mark.parametrize("complete", [False, True])
    def test_it_gives_frames_where_they_are_asked_for(self, complete):
        X = pd.DataFrame(columns())
        X = X.dropna() if complete else X
        transformer = columns_of_tables().set_output(transform="pandas")
        out = transformer.fit_transform(X)
        assert list(out.columns) == transformer.get_feature_names_out().tolist()
        np.testing.assert_array_equal(
            out.to_numpy(np.float32), columns_of_tables().fit_transform(X)
        )

    @pytest.mark.parametrize("dtype", [np.float32, np.float64, int, bool])
    def test_an_array_of_numbers_is_scaled(self, dtype):
        X = (3 * np.random.RandomState(0).standard_normal((30, 4))).astype(dtype)
        expected = RobustSmoothScaler(dtype="float32").fit_transform(X)
        np.testing.assert_array_equal(columns_of_tables().fit_transform(X), expected)

    def test_columns_are_found_by_name_where_there_are_names(self):
        X = pd.DataFrame(columns())
        transformer = columns_of_tables().fit(X)
        out = transformer.transform(X[X.columns[::-1]])
        np.testing.assert_array_equal(out, transformer.transform(X))

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
    @pytest.mark.parametrize(
        "values, what",
        [
            (np.array(["2020-01-01", "2021-01-01"], "M8[ms]"), "datetime|Datetime"),
            ([[1, 2], [3, 4]], "list|ndarray|List"),
        ],
        ids=["dates", "lists"],
    )
    def test_other_columns_are_refused_by_name(self, frame, values, what):
        X = frame({"n": [1.0, 2.0], "odd": values})
        with pytest.raises(ValueError, match=rf"column 'odd' holds .*({what})"):
            columns_of_tables().fit(X)

    def test_objects_are_refused_by_name(self):
        X = np.array([["a", 1.0], [object(), 2.0]], dtype=object)
        with pytest.raises(ValueError, match="column 0 holds object objects"):
            columns_of_tables().fit(X)

    def test_complex_numbers_are_refused(self):
        with pytest.raises(ValueError, match="column 0 holds complex128"):
            columns_of_tables().fit(np.ones((3, 2), complex))

    def test_sparse_rows_are_refused(self):
        with pytest.raises(TypeError, match="dense array, got csr_array"):
            columns_of_tables().fit(sparse.csr_array(np.eye(3)))

    def test_infinity_is_refused(self):
        with pytest.raises(ValueError, match="infinity"):
            columns_of_tables().fit([[1.0], [np.inf]])


class TestPipeline:
    def test_it_is_an_ordinary_pipeline(self):
        for task, check, estimator in (
            ("classification", is_classifier, ScratchMLPClassifier),
            ("regression", is_regressor, ScratchMLPRegressor),
        ):
            model = make_tabular_mlp(task)
            assert type(model) is Pipeline and check(model)
            assert type(model["columns"]) is ColumnTransformer
            network = model["network"]
            assert type(getattr(network, "regressor", network)) is estimator

    def test_settings_are_those_of_the_recipe(self):
        network = make_tabular_mlp()["network"].get_params()
        expected = {
            "members": 4,
            "hidden_layer_sizes": (128, 128, 128),
            "activation": "selu",
            "alpha": 0,
            "learning_rate": "coslog4",
            "learning_rate_init": 0.04,
            "max_iter": 64,
            "label_smoothing": 0.1,
            "solver": "adam",
            "beta_2": 0.95,
            "best_of_ties": "last",
            "scoring": None,
            "feature_scale": True,
            "parametrization": "ntk",
            "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0},
            "temperature_scaling": True,
        }
        assert {name: network[name] for name in expected} == expected
        weights, output = network["init"]
        assert (repr(weights), output) == (
            "LecunNormal(biases=Normal(scale=1.0, biases='zeros'))",
            "zeros",
        )
        network = make_tabular_mlp("regression")["network"].get_params()
        assert network["regressor__activation"] == "mish"
        assert network["regressor__learning_rate_init"] == 0.07

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


class TestBatchSize:
    def test_up_to_is_that_number_or_all_rows(self):
        X, y = load_breast_cancer(return_X_y=True)
        X = RobustSmoothScaler().fit_transform(X)
        settings = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0}
        for limit, same in (("up to 64", 64), ("up to 569", 569), ("up to 9999", "full")):
            one = ScratchMLPClassifier(batch_size=limit, **settings).fit(X, y)
            other = ScratchMLPClassifier(batch_size=same, **settings).fit(X, y)
            assert one.loss_curve_ == other.loss_curve_

    @pytest.mark.parametrize("value", ["up to 0", "up to", "up to -3", "upto 3", "up to 3 rows"])
    def test_other_words_are_refused(self, value):
        with pytest.raises(ValueError, match=r"batch_size must be 'auto' or 'full' or 'up to N'"):
            ScratchMLPClassifier(batch_size=value).fit([[0.0], [1.0]], [0, 1])

    def test_the_warning_names_it(self):
        model = ScratchMLPClassifier(batch_size=256, max_iter=1, n_iter_no_change=None)
        with pytest.warns(UserWarning, match="batch_size='up to 256'"):
            model.fit(np.eye(4), [0, 1, 0, 1])


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


def test_numpy_booleans_among_objects_are_booleans():
    X = np.empty((40, 2), dtype=object)
    X[:, 0] = [np.bool_(n % 2) for n in range(40)]
    X[:, 1] = [None if n % 5 == 0 else np.bool_(n % 3 == 0) for n in range(40)]
    model = make_tabular_mlp(max_iter=3, hidden_layer_sizes=(4,), random_state=0)
    model.fit(X, np.arange(40) % 2)
    assert model.predict(X).shape == (40,)


def test_text_in_a_column_of_numbers_is_told_with_its_name():
    frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0] * 5, "city": list("abba") * 5})
    model = make_tabular_mlp(max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.fit(frame, [0, 1] * 10)
    wrong = frame.astype({"age": object})
    wrong.loc[3, "age"] = "many"
    with pytest.raises(ValueError, match="X must have numbers in column 'age', as it had in fit"):
        model.predict(wrong)


def test_gaps_have_a_name_that_no_text_has():
    frame = pd.DataFrame({"city": ["None", None, "Graz", "Linz"] * 5})
    model = make_tabular_mlp(max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.set_output(transform="pandas").fit(frame, [0, 1] * 10)
    names = model["columns"].get_feature_names_out().tolist()
    assert len(set(names)) == len(names) == 4


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
def test_a_loss_that_cannot_smooth_labels_is_told_what_to_replace_with_it(loss):
    X, y = pd.DataFrame(columns()), labels(columns())
    if "label_smoothing" not in Loss.named()[loss].flat:
        with pytest.raises(ValueError) as caught:
            make_tabular_mlp(loss=loss)
        assert str(caught.value) == (
            f"make_tabular_mlp(loss={loss!r}) needs label_smoothing=0.0 too, since the recipe "
            "smooths the labels, which this loss cannot do"
        )
        make_tabular_mlp(loss=loss, label_smoothing=0.0, **QUICK).fit(X, y)
    else:
        make_tabular_mlp(loss=loss, **QUICK).fit(X, y)
    # An object has its own.
    make_tabular_mlp(loss=Loss.named()[loss](), **QUICK).fit(X, y)


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
