"""The estimator inside what people build around it: pipelines, searches, ensembles, frames."""

import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import estimator_html_repr

from sknumpy_mlp import ScratchMLPClassifier, initializers, optimizers, schedules

NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=NAMES),
    "polars": lambda X: pl.DataFrame(dict(zip(NAMES, X.T))),
}
SERIES = {"pandas": pd.Series, "polars": pl.Series}


@pytest.fixture
def iris():
    return load_iris(return_X_y=True)


def known_names(frame):
    """What the installed scikit-learn knows of the columns: 1.7 knows none of polars 2."""
    return list(getattr(MinMaxScaler().fit(frame), "feature_names_in_", []))


def names_of(model):
    return list(getattr(model, "feature_names_in_", []))


def network(**parameters):
    """A small network that learns iris in a few epochs."""
    quick = {"batch_size": 32, "learning_rate_init": 0.02, "max_iter": 30, "random_state": 0}
    # Without patience a fit ends quietly.
    return ScratchMLPClassifier((10,), n_iter_no_change=None, **quick | parameters)


def pipeline(**parameters):
    return Pipeline([("scale", MinMaxScaler()), ("clf", network(**parameters))])


def with_objects():
    """A pipeline whose network is made of objects, to be searched over by nested names."""
    return pipeline(
        solver=optimizers.RMSprop(rho=0.9),
        learning_rate=schedules.Exponential(final=0.1),
        init=initializers.Normal(scale=0.1),
    )


NESTED_GRID = {
    "clf__solver__rho": [0.5, 0.95],
    "clf__learning_rate__final": [0.01, 1.0],
    "clf__init__scale": [1e-9, 0.3],
}


def assert_equal_predictions(one, other, X):
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


class TestPipeline:
    def test_pipeline_is_scaling_and_then_the_network(self, iris):
        X, y = iris
        by_hand = network().fit(MinMaxScaler().fit_transform(X), y)
        np.testing.assert_array_equal(
            pipeline().fit(X, y).predict_proba(X),
            by_hand.predict_proba(MinMaxScaler().fit_transform(X)),
        )

    def test_cross_validation_learns(self, iris):
        """Iris is 95 % separable; 0.9 is five standard errors above two classes mixed up."""
        assert cross_val_score(pipeline(), *iris, cv=3).mean() > 0.9

    @pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc_ovr", "f1_macro", "accuracy"])
    def test_scorers_find_the_method_that_they_need(self, iris, scoring):
        fitted, untrained = (
            cross_val_score(pipeline(learning_rate_init=rate), *iris, scoring=scoring, cv=3)
            for rate in (0.02, 1e-12)
        )
        assert fitted.mean() > untrained.mean() + 0.1

    def test_pandas_output_keeps_feature_names(self, iris):
        X, y = iris
        frame = FRAMES["pandas"](X)
        with config_context(transform_output="pandas"):
            model = pipeline().fit(frame, y)
            probabilities = model.predict_proba(frame)
        assert model["clf"].feature_names_in_.tolist() == NAMES
        np.testing.assert_array_equal(probabilities, pipeline().fit(X, y).predict_proba(X))


class TestGridSearch:
    def test_flat_names_choose_what_learns(self, iris):
        grid = {"clf__learning_rate_init": [1e-9, 0.02], "clf__solver": ["adam", "rmsprop"]}
        search = GridSearchCV(pipeline(), grid, cv=3).fit(*iris)
        assert search.best_params_["clf__learning_rate_init"] == 0.02
        assert search.best_score_ > 0.9

    def test_nested_names_reach_the_parts(self, iris):
        search = GridSearchCV(with_objects(), NESTED_GRID, cv=3, error_score="raise").fit(*iris)
        best = search.best_estimator_["clf"]
        assert best.solver.rho == search.best_params_["clf__solver__rho"]
        assert best.learning_rate.final == search.best_params_["clf__learning_rate__final"]
        # Units that start equal stay equal: this one is better by far.
        assert best.init.scale == search.best_params_["clf__init__scale"] == 0.3

    def test_a_search_is_fits_by_hand(self, iris):
        search = GridSearchCV(with_objects(), NESTED_GRID, cv=3).fit(*iris)
        for parameters, score in zip(
            search.cv_results_["params"], search.cv_results_["mean_test_score"]
        ):
            by_hand = pipeline(
                solver=optimizers.RMSprop(rho=parameters["clf__solver__rho"]),
                learning_rate=schedules.Exponential(final=parameters["clf__learning_rate__final"]),
                init=initializers.Normal(scale=parameters["clf__init__scale"]),
            )
            assert cross_val_score(by_hand, *iris, cv=3).mean() == score

    def test_whole_parts_can_be_searched_over(self, iris):
        grid = {"clf__solver": ["adam", optimizers.RMSprop(rho=0.5), optimizers.AdaGrad()]}
        search = GridSearchCV(pipeline(), grid, cv=3, error_score="raise").fit(*iris)
        assert len(search.cv_results_["params"]) == 3

    @pytest.mark.parametrize("backend", ["loky", "threading"])
    def test_workers_find_what_one_process_finds(self, iris, backend):
        grid = {**NESTED_GRID, "clf__solver__rho": [0.5, 0.95], "clf__init__scale": [0.3]}
        alone = GridSearchCV(with_objects(), grid, cv=3).fit(*iris)
        with joblib.parallel_backend(backend, n_jobs=2):
            parallel = GridSearchCV(with_objects(), grid, cv=3, n_jobs=2).fit(*iris)
        for split in range(3):
            name = f"split{split}_test_score"
            np.testing.assert_array_equal(parallel.cv_results_[name], alone.cv_results_[name])
        assert_equal_predictions(parallel, alone, iris[0])

    def test_setting_a_nested_parameter_leaves_other_clones_alone(self):
        model = with_objects()
        other = clone(model)
        other.set_params(clf__solver__rho=0.1, clf__learning_rate__final=0.5, clf__init__scale=9.0)
        parameters = model.get_params()
        assert parameters["clf__solver__rho"] == 0.9
        assert parameters["clf__learning_rate__final"] == 0.1
        assert parameters["clf__init__scale"] == 0.1
        assert other.get_params()["clf__solver__rho"] == 0.1

    def test_fitting_leaves_the_parts_as_they_were_written(self, iris):
        model = with_objects()
        parts = [model["clf"].solver, model["clf"].learning_rate, model["clf"].init]
        before = [dict(vars(part)) for part in parts]
        model.fit(*iris)
        assert [dict(vars(part)) for part in parts] == before
        assert [model["clf"].solver, model["clf"].learning_rate, model["clf"].init] == parts

    def test_a_clone_of_a_fitted_model_gives_the_same_model(self, iris):
        X, y = iris
        fitted = with_objects().fit(X, y)
        copy = clone(fitted)
        assert not hasattr(copy["clf"], "coefs_")
        assert_equal_predictions(copy.fit(X, y), fitted, X)


class TestEnsembles:
    @pytest.mark.parametrize("ensemble", [True, False])
    @pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
    def test_calibration_takes_it(self, iris, ensemble, method):
        X, y = iris
        model = CalibratedClassifierCV(pipeline(), method=method, ensemble=ensemble, cv=3)
        probabilities = model.fit(X, y).predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)  # Rounding.
        assert model.score(X, y) > 0.9

    @pytest.mark.parametrize("wrap", [OneVsRestClassifier, BaggingClassifier])
    def test_meta_estimators_take_it(self, iris, wrap):
        X, y = iris
        options = {"n_estimators": 3, "random_state": 0} if wrap is BaggingClassifier else {}
        assert wrap(pipeline(), **options).fit(X, y).score(X, y) > 0.9

    def test_one_versus_rest_trains_on_several_labels(self, iris):
        X, y = iris
        Y = np.column_stack([y == 0, y != 1]).astype(int)
        predicted = OneVsRestClassifier(pipeline()).fit(X, Y).predict(X)
        assert predicted.shape == Y.shape
        assert (predicted[:, 0] == Y[:, 0]).mean() > 0.9

    def test_multi_output_takes_it(self, iris):
        X, y = iris
        Y = np.column_stack([y, (y + 1) % 3])
        assert (MultiOutputClassifier(pipeline()).fit(X, Y).predict(X) == Y).mean() > 0.9

    def test_voting_averages_probabilities(self, iris):
        X, y = iris
        models = [("one", network(random_state=0)), ("two", network(random_state=1))]
        voting = VotingClassifier(models, voting="soft").fit(X, y)
        expected = np.mean([clone(m).fit(X, y).predict_proba(X) for _, m in models], axis=0)
        np.testing.assert_allclose(voting.predict_proba(X), expected, rtol=1e-12)  # Rounding.

    def test_boosting_weights_the_rows(self, iris):
        """The second member is not the network that it would be without weights."""
        X, y = iris
        X = MinMaxScaler().fit_transform(X)
        member = network(max_iter=4)
        boosted = AdaBoostClassifier(member, n_estimators=3, random_state=0).fit(X, y)
        first, second, *_ = boosted.estimators_
        unweighted = clone(second).fit(X, y)
        assert first.t_ == second.t_ == 4 * 150
        assert np.abs(unweighted.predict_proba(X) - second.predict_proba(X)).max() > 1e-3

    def test_permutation_importance_finds_what_counts(self, iris):
        X, y = iris
        X = np.column_stack([X, np.random.RandomState(0).standard_normal(len(X))])
        model = make_pipeline(StandardScaler(), network()).fit(X, y)
        importances = permutation_importance(model, X, y, random_state=0).importances_mean
        assert importances[2:4].min() > importances[4] + 0.05

    def test_learning_curve_goes_on_with_partial_fit(self, iris):
        X, y = iris
        model = network(max_iter=200, shuffle=False, batch_size="full")
        sizes, train_scores, _ = learning_curve(
            model,
            X,
            y,
            train_sizes=[20, 60, 100],
            cv=3,
            exploit_incremental_learning=True,
            shuffle=True,
            random_state=0,
            error_score="raise",
        )
        assert sizes.tolist() == [20, 60, 100]
        assert train_scores.shape == (3, 3)
        # One step on each of three portions is no whole fit.
        assert train_scores[-1].mean() < clone(model).fit(X, y).score(X, y)


class TestFrames:
    @pytest.mark.parametrize("library", FRAMES)
    def test_frames_give_the_model_of_arrays_and_names(self, iris, library):
        X, y = iris
        frame = FRAMES[library](X)
        labels = np.array(["setosa", "versicolor", "virginica"])[y]
        framed = network().fit(frame, SERIES[library](labels))
        plain = network().fit(X, labels)
        assert names_of(framed) == known_names(frame)
        assert not hasattr(plain, "feature_names_in_")
        np.testing.assert_array_equal(framed.predict_proba(frame), plain.predict_proba(X))
        np.testing.assert_array_equal(framed.predict(frame), plain.predict(X))
        assert set(framed.predict(frame)) <= {"setosa", "versicolor", "virginica"}
        assert framed.score(frame, SERIES[library](labels)) > 0.8

    def test_pandas_names_are_known(self, iris):
        X, y = iris
        assert names_of(network().fit(FRAMES["pandas"](X), y)) == NAMES

    def test_columns_in_another_order_are_refused(self, iris):
        X, y = iris
        frame = FRAMES["pandas"](X)
        model = network().fit(frame, y)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[NAMES[::-1]])

    @pytest.mark.parametrize("library", FRAMES)
    def test_partial_fit_takes_frames(self, iris, library):
        X, y = iris
        frame = FRAMES[library](X)
        framed = network().partial_fit(frame, SERIES[library](y), classes=[0, 1, 2])
        plain = network().partial_fit(X, y, classes=[0, 1, 2])
        assert names_of(framed) == known_names(frame)
        np.testing.assert_array_equal(framed.predict_proba(frame), plain.predict_proba(X))

    def test_early_stopping_takes_frames_without_a_warning(self, iris):
        X, y = iris
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = network(early_stopping=True).fit(FRAMES["pandas"](X), y)
        assert len(model.validation_scores_) == model.n_iter_

    def test_mixed_columns_of_numbers_are_numbers(self, iris):
        X, y = iris
        X = X.round()
        frame = FRAMES["pandas"](X).astype({NAMES[0]: "int8", NAMES[1]: "Int64", NAMES[2]: "f4"})
        np.testing.assert_array_equal(
            network().fit(frame, y).predict_proba(frame),
            network().fit(X, y).predict_proba(X),
        )

    def test_categorical_and_nullable_targets_are_labels(self, iris):
        X, y = iris
        labels = np.array(["setosa", "versicolor", "virginica"])[y]
        expected = network().fit(X, labels).predict(X)
        categorical = network().fit(X, pd.Series(labels, dtype="category"))
        np.testing.assert_array_equal(categorical.predict(X), expected)
        nullable = network().fit(X, pd.Series(y, dtype="Int64"))
        np.testing.assert_array_equal(nullable.predict(X), network().fit(X, y).predict(X))


class TestMetadataRouting:
    @pytest.fixture(autouse=True)
    def routing(self):
        with config_context(enable_metadata_routing=True):
            yield

    @pytest.fixture
    def weights(self, iris):
        # The last class all but vanishes.
        return np.where(iris[1] == 2, 1e-6, 1.0)

    def test_requested_weights_arrive_through_a_pipeline(self, iris, weights):
        X, y = iris
        model = Pipeline(
            [("scale", MinMaxScaler()), ("clf", network().set_fit_request(sample_weight=True))]
        )
        routed = model.fit(X, y, sample_weight=weights)
        by_hand = network().fit(MinMaxScaler().fit_transform(X), y, sample_weight=weights)
        np.testing.assert_array_equal(routed["clf"].coefs_[0], by_hand.coefs_[0])
        assert np.abs(routed["clf"].coefs_[0] - pipeline().fit(X, y)["clf"].coefs_[0]).max() > 0.01

    def test_requested_weights_arrive_through_a_search(self, iris, weights):
        X, y = iris
        clf = network().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = cross_validate(
            clf, X, y, cv=3, params={"sample_weight": weights}, return_estimator=True
        )
        ignored = cross_validate(
            network().set_fit_request(sample_weight=False).set_score_request(sample_weight=False),
            X,
            y,
            cv=3,
            return_estimator=True,
        )
        for one, other in zip(routed["estimator"], ignored["estimator"]):
            assert np.abs(one.coefs_[0] - other.coefs_[0]).max() > 0.01

    def test_weights_that_nobody_requested_are_refused(self, iris, weights):
        X, y = iris
        with pytest.raises(ValueError, match="sample_weight"):
            pipeline().fit(X, y, sample_weight=weights)

    def test_partial_fit_can_be_asked_for_classes(self):
        request = network().set_partial_fit_request(classes=True, sample_weight=False)
        routing = request.get_metadata_routing().partial_fit.requests
        asked = {"classes": True, "sample_weight": False}
        assert routing == dict.fromkeys(["X_val", "y_val", "sample_weight_val"]) | asked


class TestDisplay:
    @pytest.mark.parametrize("fitted", [False, True])
    def test_html_holds_parameters_and_no_link(self, iris, fitted):
        model = network(solver=optimizers.RMSprop(rho=0.875))
        html = estimator_html_repr(model.fit(*iris) if fitted else model)
        assert "ScratchMLPClassifier" in html
        assert "learning_rate_init" in html
        assert "rho=0.875" in html
        # There is no page to link to; scikit-learn's own would be wrong.
        assert "href=" not in html

    def test_printing_shows_what_is_not_default(self):
        model = ScratchMLPClassifier((5,), solver=optimizers.Adam(beta_1=0.5), loss="squared_error")
        assert repr(model).replace("\n", "").replace(" ", "") == (
            "ScratchMLPClassifier(hidden_layer_sizes=(5,),loss='squared_error',"
            "solver=Adam(beta_1=0.5,beta_2=0.999,epsilon=1e-08))"
        )
