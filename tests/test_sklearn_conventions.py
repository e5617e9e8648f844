"""What every scikit-learn estimator promises, and what its checks cannot ask of a network."""

import os
import pickle
import subprocess
import sys
import warnings
from unittest import SkipTest

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_estimator_sparse_tag,
    parametrize_with_checks,
)

from sknumpy_mlp import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    embeddings,
    losses,
    optimizers,
    schedules,
)

# Fewer epochs at a higher rate than the defaults, which have a configuration of their own.
QUICK = {"max_iter": 50, "learning_rate_init": 0.02}
EMBEDDED = {"embedding": embeddings.PiecewiseLinear()}
SETTINGS = {
    "adam": {},
    "lbfgs": {"max_iter": 20},
    "momentum": {"learning_rate_init": 0.01},
    "sgd": {"learning_rate_init": 0.01},
}


def configurations():
    for name in optimizers.Optimizer.named():
        yield ScratchMLPClassifier(solver=name, **SETTINGS.get(name, QUICK))
    for name in losses.Loss.serving("multiclass"):
        if name != "log_loss":
            yield ScratchMLPClassifier(loss=name, **QUICK)
    yield ScratchMLPClassifier(hidden_layer_sizes=(), learning_rate_init=0.1)
    yield ScratchMLPClassifier(hidden_layer_sizes=(20, 10), activation=["gelu", "tanh"], **QUICK)
    yield ScratchMLPClassifier(batch_size="full", **QUICK)
    yield ScratchMLPClassifier(feature_scale=True, **QUICK)
    yield ScratchMLPClassifier(solver="adamw", learning_rate="one_cycle", init="he_normal", **QUICK)
    yield ScratchMLPClassifier(
        solver=optimizers.Adam(beta_2=0.99),
        learning_rate=schedules.Warmup(fraction=0.1, then=schedules.Cosine()),
        n_iter_no_change=None,
        **QUICK,
    )


def regressors():
    # The targets of some checks are not scaled: at 0.01 sums of gradients diverge.
    settings = SETTINGS | {"sgd": {"learning_rate_init": 0.001}}
    for name in optimizers.Optimizer.named():
        yield ScratchMLPRegressor(solver=name, **settings.get(name, QUICK))
    for name in losses.Loss.serving("continuous"):
        if name != "squared_error":
            yield ScratchMLPRegressor(loss=name, **QUICK)
    yield ScratchMLPRegressor(
        loss=losses.Pinball(quantile=0.9), hidden_layer_sizes=(20, 10), **QUICK
    )
    yield ScratchMLPRegressor(hidden_layer_sizes=(), learning_rate_init=0.1)
    yield ScratchMLPRegressor(batch_size="full", **QUICK)
    yield ScratchMLPRegressor(
        loss=losses.Huber(delta=0.5),
        activation=["gelu"],
        solver=optimizers.Adam(beta_2=0.99),
        learning_rate=schedules.Warmup(fraction=0.1, then=schedules.Cosine()),
        n_iter_no_change=None,
        **QUICK,
    )


CONFIGURATIONS = list(configurations())
REGRESSORS = list(regressors())


def each_check(estimators):
    """`parametrize_with_checks` with a list: scikit-learn 1.7 gives a generator, which warns."""
    mark = parametrize_with_checks(estimators).mark
    return pytest.mark.parametrize(mark.args[0], list(mark.args[1]), **mark.kwargs)


@pytest.fixture
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


class TestChecks:
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    # The target of check_regressor_data_not_an_array in scikit-learn 1.7 is not scaled.
    @pytest.mark.filterwarnings("ignore:y should be scaled:UserWarning")
    @each_check([*CONFIGURATIONS, *REGRESSORS])
    def test_estimator_passes(self, estimator, check):
        try:
            check(estimator)
        except SkipTest as skipped:
            # The next test runs this one where it is not skipped.
            assert "SCIPY_ARRAY_API" in str(skipped)
            raise

    @pytest.mark.parametrize("name", ["ScratchMLPClassifier", "ScratchMLPRegressor"])
    def test_none_is_skipped_where_the_array_api_is_on(self, name):
        """SciPy reads the variable when it is imported, hence another process."""
        program = (
            "import warnings; warnings.simplefilter('ignore')\n"
            "from sklearn.utils.estimator_checks import check_estimator\n"
            f"from sknumpy_mlp import {name}\n"
            f"results = check_estimator({name}(**{QUICK}), on_skip=None)\n"
            "assert {result['status'] for result in results} == {'passed'}, results\n"
            "print(len(results))\n"
        )
        environment = os.environ | {"SCIPY_ARRAY_API": "1"}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        assert int(run.stdout) > 50

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize("estimator", [*CONFIGURATIONS, *REGRESSORS], ids=str)
    def test_column_names_are_consistent(self, estimator):
        check_dataframe_column_names_consistency(type(estimator).__name__, clone(estimator))

    @pytest.mark.filterwarnings("ignore", "error::DeprecationWarning")
    @pytest.mark.parametrize(
        "options, ours_alone",
        [
            # Training goes on until probabilities round to zero: their logarithm, -inf there,
            # stays finite here, and the check compares the two.
            ({"warm_start": True}, {"check_classifiers_train"}),
            # Other rows are held out once zero weights are left out; so there, but for luck. And
            # weights that are all zero on one side of the split are refused.
            (
                {"early_stopping": True},
                {
                    "check_sample_weight_equivalence_on_dense_data",
                    "check_classifiers_one_label_sample_weights",
                    # The first epoch with the best score is kept: it may come too early.
                    "check_class_weight_classifiers",
                },
            ),
        ],
        ids=["warm_start", "early_stopping"],
    )
    def test_where_checks_fail_they_fail_for_scikit_learn_too(self, options, ours_alone):
        """A warm fit is not idempotent, and tiny problems have no rows to hold out."""
        ours, theirs = (
            {
                result["check_name"]
                for result in check_estimator(model(**options, **QUICK), on_fail=None)
                if result["status"] == "failed"
            }
            for model in (ScratchMLPClassifier, MLPClassifier)
        )
        assert ours <= theirs | ours_alone

    @pytest.mark.filterwarnings("ignore", "error::DeprecationWarning")
    @pytest.mark.parametrize("option", ["warm_start", "early_stopping"])
    def test_where_checks_of_a_regressor_fail_they_fail_for_scikit_learn_too(self, option):
        ours, theirs = (
            {
                result["check_name"]
                for result in check_estimator(model(**{option: True}, **QUICK), on_fail=None)
                if result["status"] == "failed"
            }
            for model in (ScratchMLPRegressor, MLPRegressor)
        )
        assert ours <= theirs

    def test_tags_of_the_regressor_say_what_it_takes(self):
        tags = get_tags(ScratchMLPRegressor())
        assert is_regressor(ScratchMLPRegressor())
        assert tags.input_tags.sparse
        for loss in (*losses.Loss.serving("continuous"), losses.Huber(), losses.Poisson(), "none"):
            tags = get_tags(ScratchMLPRegressor(loss)).target_tags
            is_poisson = loss == "poisson" or isinstance(loss, losses.Poisson)
            assert (tags.positive_only, tags.multi_output) == (is_poisson, not is_poisson)

    def test_tags_say_what_it_takes(self):
        tags = get_tags(ScratchMLPClassifier())
        assert is_classifier(ScratchMLPClassifier())
        assert tags.input_tags.sparse
        assert tags.classifier_tags.multi_label
        assert not tags.array_api_support

    @pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
    @pytest.mark.parametrize(
        "settings", [{"feature_scale": True}, {"embedding": "piecewise_linear"}, EMBEDDED, {}]
    )
    def test_the_tag_of_sparse_input_is_true_where_a_fit_accepts_it(self, settings, cls):
        model = cls(**settings, max_iter=2, n_iter_no_change=None)
        check_estimator_sparse_tag(cls.__name__, model)
        X, y = sparse.eye(8, format="csr"), np.arange(8) % 2
        if get_tags(model).input_tags.sparse:
            model.fit(X, y)
            assert not settings
        else:
            with pytest.raises(ValueError, match="must be dense with the parameter"):
                model.fit(X, y)
            assert settings


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestWarmStart:
    @pytest.mark.parametrize("solver", optimizers.Optimizer.named())
    def test_fit_goes_on_from_the_fitted_weights(self, iris, solver):
        """One step at a vanishing rate: the weights are those of the fit before."""
        model = ScratchMLPClassifier(solver=solver, warm_start=True, max_iter=5, random_state=0)
        before = [W.copy() for W in model.fit(*iris).coefs_]
        # lbfgs chooses its own step; it takes none where any gradient is small enough.
        model.set_params(learning_rate_init=1e-12, max_iter=1, tol=1e6).fit(*iris)
        for W, was in zip(model.coefs_, before):
            np.testing.assert_allclose(W, was, rtol=0, atol=1e-9)

    def test_curves_go_on_and_epochs_count_anew(self, iris):
        model = ScratchMLPClassifier(warm_start=True, max_iter=4, random_state=0)
        first = model.fit(*iris).loss_curve_
        second = model.fit(*iris).loss_curve_
        assert model.n_iter_ == 4
        assert second[:4] == first
        assert len(second) == 8
        assert model.t_ == 8 * 150
        assert second[4] < first[-1]

    def test_patience_starts_anew(self, iris):
        model = ScratchMLPClassifier(
            warm_start=True, tol=10.0, n_iter_no_change=3, max_iter=20, random_state=0
        )
        epochs = [model.fit(*iris).n_iter_ for _ in range(4)]
        # Only the first epoch of a fit improves on nothing at all, by any tol.
        assert epochs == [5, 5, 5, 5]

    def test_best_scores_of_an_earlier_fit_do_not_count(self, iris):
        X, y = iris
        model = ScratchMLPClassifier(
            warm_start=True, early_stopping=True, max_iter=6, n_iter_no_change=3, random_state=0
        )
        model.fit(X, y)
        model.fit(X, (y + 1) % 3)
        assert model.best_validation_score_ == max(model.validation_scores_[-model.n_iter_ :])

    def test_without_it_a_fit_starts_anew(self, iris):
        X, y = iris
        model = ScratchMLPClassifier(max_iter=3, random_state=0)
        fresh = clone(model).fit(X, y)
        model.fit(X[:, :2], np.where(y == 1, "b", "a"))
        model.fit(X, y)
        assert len(model.loss_curve_) == 3
        np.testing.assert_array_equal(model.predict_proba(X), fresh.predict_proba(X))

    def test_other_classes_are_refused(self, iris):
        X, y = iris
        model = ScratchMLPClassifier(warm_start=True, max_iter=2, random_state=0).fit(X, y)
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
            model.fit(X, y + 1)

    def test_another_shape_is_refused_with_both_shapes(self, iris):
        model = ScratchMLPClassifier((5,), warm_start=True, max_iter=2, random_state=0).fit(*iris)
        with pytest.raises(ValueError, match=r"\[4, 5, 3\].*\[4, 6, 3\]"):
            model.set_params(hidden_layer_sizes=(6,)).fit(*iris)

    def test_a_clone_starts_anew(self, iris):
        model = ScratchMLPClassifier(warm_start=True, max_iter=3, random_state=0)
        first = clone(model).fit(*iris)
        model.fit(*iris).fit(*iris)
        np.testing.assert_array_equal(clone(model).fit(*iris).coefs_[0], first.coefs_[0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestEarlyStopping:
    def test_labels_of_any_kind_give_the_model_of_their_numbers(self, iris):
        """scikit-learn 1.7 fails here: it looks for nan among the labels."""
        X, y = iris
        model = ScratchMLPClassifier(early_stopping=True, max_iter=10, random_state=0)
        numbers = clone(model).fit(X, y)
        for labels in (
            np.array(["setosa", "versicolor", "virginica"]),
            np.array(["a", "b", "c"], dtype=object),
            np.array([-5.0, 0.0, 7.0]),
        ):
            other = clone(model).fit(X, labels[y])
            assert other.validation_scores_ == numbers.validation_scores_
            np.testing.assert_array_equal(other.coefs_[0], numbers.coefs_[0])
            np.testing.assert_array_equal(other.predict(X), labels[numbers.predict(X)])

    @pytest.mark.parametrize("kind", ["multiclass", "multilabel"])
    def test_scores_are_those_of_the_rows_held_out(self, iris, kind):
        X, y = iris
        if kind == "multilabel":
            y = np.column_stack([y == 0, y > 1]).astype(int)
        model = ScratchMLPClassifier(
            early_stopping=True, validation_fraction=0.2, max_iter=15, random_state=0
        ).fit(X, y)
        # The stream draws weights and biases first, the rows held out next.
        stream = np.random.RandomState(0)
        for W, b in zip(model.coefs_, model.intercepts_):
            stream.uniform(size=W.size + b.size)
        stratify = y if kind == "multiclass" else None
        _, held_out = train_test_split(
            np.arange(len(X)), test_size=0.2, random_state=stream, stratify=stratify
        )
        assert len(model.validation_scores_) == model.n_iter_
        assert model.best_validation_score_ == max(model.validation_scores_)
        assert model.score(X[held_out], y[held_out]) == model.best_validation_score_
        assert model.best_loss_ is None
        assert model.t_ == model.n_iter_ * 120

    @pytest.mark.parametrize("solver", optimizers.Optimizer.named())
    def test_the_same_seed_gives_the_same_model(self, iris, solver):
        model = ScratchMLPClassifier(
            solver=solver, early_stopping=True, max_iter=5, random_state=0
        ).fit(*iris)
        before = model.predict_proba(iris[0])
        np.testing.assert_array_equal(model.fit(*iris).predict_proba(iris[0]), before)

    @pytest.mark.parametrize("seed", range(6))
    def test_a_single_class_is_always_right(self, seed):
        """Whatever the sign of the scores that a network starts with, which the seed decides."""
        X = np.random.RandomState(0).standard_normal((40, 2))
        model = ScratchMLPClassifier(early_stopping=True, max_iter=3, random_state=seed)
        model.fit(X, ["only"] * 40)
        assert model.validation_scores_ == [1.0] * 3
        assert set(model.predict(X)) == {"only"}

    def test_partial_fit_refuses_it(self, iris):
        model = ScratchMLPClassifier(early_stopping=True)
        with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
            model.partial_fit(*iris, classes=[0, 1, 2])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=str)
class TestFloat32:
    @pytest.fixture
    def model(self, estimator, iris):
        X, y = iris
        model = clone(estimator).set_params(random_state=0, max_iter=5)
        return model.fit(X.astype(np.float32), y)

    def test_everything_that_comes_out_is_float32(self, estimator, model, iris):
        """Also for float64 input and for input that is no float: the weights decide."""
        X, _ = iris
        assert {array.dtype for array in model.coefs_ + model.intercepts_} == {np.dtype("f4")}
        for rows in (X, X.astype(np.float32), X.round().astype(int), X.tolist()):
            assert model.predict_proba(rows).dtype == np.float32
            assert model.predict_log_proba(rows).dtype == np.float32
            assert model.decision_function(rows).dtype == np.float32

    def test_the_same_seed_gives_the_same_model(self, estimator, model, iris):
        X, y = iris
        before = model.predict_proba(X)
        np.testing.assert_array_equal(model.fit(X.astype(np.float32), y).predict_proba(X), before)

    def test_a_pickle_predicts_to_the_bit(self, estimator, model, iris):
        X, _ = iris
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))

    def test_rows_do_not_see_one_another(self, estimator, model, iris):
        """float32 rounds to 1e-7, and BLAS sums a single row in another order: 1e-5."""
        X, _ = iris
        whole = model.predict_proba(X)
        one_by_one = np.vstack([model.predict_proba(row[np.newaxis]) for row in X[:20]])
        np.testing.assert_allclose(one_by_one, whole[:20], rtol=0, atol=1e-5)


def test_no_warning_but_that_of_convergence(iris):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ScratchMLPClassifier(max_iter=1).fit(*iris)
    assert [w.category.__name__ for w in caught] == ["ConvergenceWarning"]
