"""The main oracle of the regressor: the same model as scikit-learn's `MLPRegressor`.

Settings are drawn as for the classifier, and the tolerance is the same; see `test_parity`. The
largest deviation seen is 5e-11, where adam divides by gradients that have almost vanished.

With the squared error and several columns, scikit-learn reports the mean over the columns and
follows the gradient of the sum. We report the sum. So weights are the same as long as no loss is
read: not with lbfgs, patience or the adaptive rate, which such targets do without here.
"""

import inspect
import random

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.neural_network import MLPRegressor

from sknumpy_mlp import ScratchMLPRegressor

from .test_parity import (
    ACTIVATIONS,
    CURVES,
    FORMATS,
    HIDDEN,
    N_FEATURES,
    TOLERANCE,
    assert_close,
    assert_same_fitted,
    assert_same_warnings,
    assert_takes_what_is_taken_by,
    draw_parameters,
    problem,
    recording,
)

# From four columns of scores of size one.
TARGETS = {
    "numbers": lambda S: S[:, 0],
    "integers": lambda S: (3 * S[:, 0]).round().astype(int),
    "booleans": lambda S: S[:, 0] > 0,
    "objects": lambda S: S[:, 0].astype(object),
    "one column": lambda S: S[:, :1],
    "constant": lambda S: np.full(len(S), 2.0),
    "two columns": lambda S: S[:, :2],
    "four columns of integers": lambda S: np.asfortranarray((2 * S).round().astype(int)),
    "counts": lambda S: np.floor(2 * np.exp(S[:, 0] / 2)),
    "rates": lambda S: np.exp(S[:, 0] / 2),
    "three columns of counts": lambda S: np.floor(2 * np.exp(S[:, :3] / 2)),
    "zeros as counts": lambda S: np.zeros(len(S), int),
}


def loss_of(target):
    return "poisson" if "counts" in target or target == "rates" else "squared_error"


def is_summed(target):
    return "columns" in target and loss_of(target) == "squared_error"


def regression(target, n_samples, seed):
    """Inputs as for the classifier, half of them zero, and numbers that a network can learn."""
    X, _ = problem("binary", n_samples, seed)
    rng = np.random.RandomState(seed + 1)
    S = X @ rng.standard_normal((N_FEATURES, 4))
    S = S / S.std() + 0.5 * rng.standard_normal(S.shape)
    return X, TARGETS[target](S)


def draw_case(number, targets=TARGETS, solvers=("sgd", "adam", "lbfgs"), formats=FORMATS):
    """Case `number`: solver, target and format in turn, everything else at random."""
    rng = random.Random(number)
    solver = solvers[number % len(solvers)]
    target = list(targets)[number // len(solvers) % len(targets)]
    if is_summed(target) and solver == "lbfgs":
        solver = "adam"
    n_samples = 12 if number % 7 == 0 else rng.choice([30, 61, 230])
    parameters = draw_parameters(rng, solver, n_samples) | {"loss": loss_of(target)}
    if solver == "sgd":
        # Gradients are not bounded as those of a classifier are.
        parameters["learning_rate_init"] /= 10
        parameters["momentum"] = min(parameters["momentum"], 0.9)
    if is_summed(target):
        parameters["n_iter_no_change"] = np.inf
        if parameters["learning_rate"] == "adaptive":
            parameters |= {"learning_rate": "invscaling", "max_iter": 12}
    return target, n_samples, rng.choice(list(formats)), parameters


def cases(count, **options):
    found = []
    for number in range(count):
        target, n_samples, format, parameters = draw_case(number, **options)
        name = f"{number}-{parameters['solver']}-{target.replace(' ', '_')}-{format}"
        found.append(pytest.param(target, n_samples, format, parameters, number, id=name))
    return found


def both(parameters):
    return ScratchMLPRegressor(**parameters), MLPRegressor(**parameters)


def assert_same_model(ours, theirs, X, tolerance=TOLERANCE):
    """Everything public that is fitted, and what is predicted, agrees."""
    if ours.loss != "squared_error" or ours.n_outputs_ == 1:
        assert_same_fitted(ours, theirs, tolerance)
    else:
        scores = ["validation_scores_", "best_validation_score_"]
        assert_same_fitted(ours, theirs, tolerance, compared=scores)
        if ours.alpha == 0:
            assert_close(np.divide(ours.loss_curve_, ours.n_outputs_), theirs.loss_curve_)
    predicted, expected = ours.predict(X), theirs.predict(X)
    assert predicted.dtype == expected.dtype
    assert_close(predicted, expected, tolerance)


def assert_same_calls(method, ours, theirs, X, y, times=1, **arguments):
    for _ in range(times):
        _, our_warnings = recording(getattr(ours, method), X, y, **arguments)
        _, their_warnings = recording(getattr(theirs, method), X, y, **arguments)
        # That a batch is larger than the data is said once by `partial_fit`.
        if method == "partial_fit" and ours.t_ > len(y):
            their_warnings = [each for each in their_warnings if each[0] is not UserWarning]
        assert_same_warnings(our_warnings, their_warnings)
        assert_same_model(ours, theirs, X)


class TestFit:
    @pytest.mark.parametrize("target, n_samples, format, parameters, seed", cases(216))
    def test_fit_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        X, y = regression(target, n_samples, seed)
        assert_same_calls("fit", *both(parameters), FORMATS[format](X), y)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("hidden", HIDDEN, ids=str)
    @pytest.mark.parametrize("target", ["numbers", "counts"])
    def test_every_architecture_gives_the_same_model(self, solver, activation, hidden, target):
        """No cell of this grid is left to chance."""
        X, y = regression(target, 61, seed=0)
        parameters = {"solver": solver, "activation": activation, "hidden_layer_sizes": hidden}
        parameters |= {"loss": loss_of(target), "max_iter": 5, "random_state": 0}
        assert_same_calls("fit", *both(parameters), X, y)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("target", ["numbers", "two columns", "counts"])
    def test_weights_in_one_batch_give_the_same_model(self, solver, target):
        """In several batches scikit-learn normalises weights anew in each, and we do not."""
        if is_summed(target) and solver == "lbfgs":
            target = "numbers"
        X, y = regression(target, 61, seed=3)
        weights = np.random.RandomState(0).uniform(0, 5, len(X))
        parameters = {"solver": solver, "alpha": 0.5, "max_iter": 8, "random_state": 0}
        models = both(parameters | {"loss": loss_of(target)})
        assert_same_calls("fit", *models, X, y, sample_weight=weights)

    @pytest.mark.parametrize("solver", ["sgd", "adam"])
    @pytest.mark.parametrize("target", ["numbers", "two columns", "counts"])
    def test_all_rows_in_one_step_is_a_batch_of_all_rows(self, solver, target):
        X, y = regression(target, 61, seed=2)
        parameters = {"loss": loss_of(target), "solver": solver, "max_iter": 8, "random_state": 0}
        ours = ScratchMLPRegressor(batch_size="full", **parameters)
        theirs = MLPRegressor(batch_size=len(X), **parameters)
        assert_same_calls("fit", ours, theirs, X, y)

    def test_one_column_is_a_vector_with_the_same_warning(self):
        X, y = regression("one column", 61, seed=4)
        for model in both({"max_iter": 2, "n_iter_no_change": np.inf, "random_state": 0}):
            with pytest.warns(DataConversionWarning), pytest.warns(ConvergenceWarning):
                model.fit(X, y)
            assert model.predict(X).shape == (61,)

    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_verbose_prints_the_same_lines(self, capsys, early_stopping):
        X, y = regression("numbers", 61, seed=5)
        printed = []
        parameters = {"early_stopping": early_stopping, "tol": 0.3, "n_iter_no_change": 2}
        for model in both(parameters | {"random_state": 0, "verbose": True}):
            model.engine = "numpy"  # The other may say that it compiles.
            model.fit(X, y)
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1]
        assert "Stopping." in printed[0]

    def test_defaults_give_the_same_model(self):
        X, y = regression("numbers", 230, seed=6)
        X_new, y_new = regression("numbers", 50, seed=7)
        ours, theirs = both({"random_state": 0, "max_iter": 12})
        assert_same_calls("fit", ours, theirs, X, y)
        assert_close(ours.predict(X_new), theirs.predict(X_new))
        assert_close(ours.score(X_new, y_new), theirs.score(X_new, y_new))


class TestEarlyStopping:
    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed", cases(72, solvers=("sgd", "adam"))
    )
    def test_early_stopping_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        """Scores, not losses, decide: several columns have patience here too."""
        X, y = regression(target, n_samples + 20, seed)
        fraction = [0.1, 0.25, 0.5][seed % 3]
        parameters |= {"early_stopping": True, "validation_fraction": fraction, "max_iter": 12}
        parameters |= {"n_iter_no_change": [1, 2, 10, np.inf][seed % 4]}
        assert_same_calls("fit", *both(parameters), FORMATS[format](X), y)

    @pytest.mark.parametrize("target", ["numbers", "two columns", "counts"])
    def test_weights_count_in_the_scores_too(self, target):
        X, y = regression(target, 61, seed=1)
        weights = np.random.RandomState(0).uniform(0, 5, len(X))
        parameters = {"loss": loss_of(target), "early_stopping": True, "alpha": 0}
        models = both(parameters | {"max_iter": 8, "random_state": 0, "validation_fraction": 0.3})
        assert_same_calls("fit", *models, X, y, sample_weight=weights)

    def test_early_stopping_gives_the_best_weights_back(self):
        """Not only the last ones: with this rate the best epoch is not the last."""
        X, y = regression("numbers", 61, seed=0)
        parameters = {"early_stopping": True, "learning_rate_init": 0.3, "random_state": 0}
        ours, theirs = both(parameters | {"validation_fraction": 0.3})
        assert_same_calls("fit", ours, theirs, X, y)
        assert int(np.argmax(ours.validation_scores_)) < ours.n_iter_ - 1


class TestWarmStart:
    @pytest.mark.parametrize("target, n_samples, format, parameters, seed", cases(72))
    def test_fits_in_a_row_give_the_same_model(self, target, n_samples, format, parameters, seed):
        """With infinite patience: scikit-learn carries spent patience over, and we do not."""
        X, y = regression(target, n_samples, seed)
        epochs = min(parameters["max_iter"], 4)
        parameters |= {"warm_start": True, "n_iter_no_change": np.inf, "max_iter": epochs}
        assert_same_calls("fit", *both(parameters), FORMATS[format](X), y, times=2 + seed % 2)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    def test_without_warm_start_fits_in_a_row_start_anew(self, solver):
        X, y = regression("numbers", 61, seed=0)
        ours, theirs = both({"solver": solver, "max_iter": 5, "random_state": 0})
        assert_same_calls("fit", ours, theirs, X, y, times=2)
        if solver != "lbfgs":
            assert_same_calls("fit", ours, theirs, *regression("two columns", 30, seed=1))
        assert_same_calls("fit", ours, theirs, *regression("integers", 30, seed=1))


class TestPartialFit:
    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed", cases(72, solvers=("sgd", "adam"))
    )
    def test_calls_in_a_row_give_the_same_model(self, target, n_samples, format, parameters, seed):
        """Rows as they come, or all in one step: scikit-learn repeats one shuffle for ever."""
        X, y = regression(target, n_samples, seed)
        parameters |= {"shuffle": False} if seed % 2 else {"batch_size": n_samples}
        models = both(parameters)
        assert_same_calls("partial_fit", *models, FORMATS[format](X), y, times=6)

    @pytest.mark.parametrize("target", ["numbers", "counts"])
    def test_partial_fit_after_warm_fits_goes_on_with_the_same_moments(self, target):
        X, y = regression(target, 61, seed=2)
        parameters = {"warm_start": True, "shuffle": False, "max_iter": 3, "random_state": 0}
        parameters |= {"learning_rate_init": 0.01, "n_iter_no_change": np.inf}
        ours, theirs = both(parameters | {"loss": loss_of(target)})
        assert_same_calls("fit", ours, theirs, X, y)
        assert_same_calls("partial_fit", ours, theirs, X, y, times=3)


class TestRandomStream:
    @pytest.mark.parametrize("number", range(36))
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_stream_is_left_at_the_same_position(self, number, early_stopping):
        target, n_samples, format, parameters = draw_case(number)
        X, y = regression(target, n_samples + 20, seed=number)
        parameters |= {"early_stopping": early_stopping}
        streams = np.random.RandomState(number), np.random.RandomState(number)
        ours = ScratchMLPRegressor(**parameters | {"random_state": streams[0]})
        theirs = MLPRegressor(**parameters | {"random_state": streams[1]})
        assert_same_calls("fit", ours, theirs, FORMATS[format](X), y, times=2)
        np.testing.assert_equal(*(stream.get_state(legacy=False) for stream in streams))

    def test_partial_fit_leaves_a_stream_at_the_same_position(self):
        X, y = regression("numbers", 61, seed=0)
        streams = np.random.RandomState(0), np.random.RandomState(0)
        ours = ScratchMLPRegressor(batch_size=7, random_state=streams[0])
        theirs = MLPRegressor(batch_size=7, random_state=streams[1])
        assert_same_calls("partial_fit", ours, theirs, X, y, times=4)
        np.testing.assert_equal(*(stream.get_state(legacy=False) for stream in streams))


class TestFloat32:
    """As for the classifier: 1e-5, and a large epsilon."""

    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed",
        cases(48, solvers=("sgd", "adam"), formats=["C", "F", "csr_matrix", "csc_array"]),
    )
    def test_float32_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        X, y = regression(target, n_samples, seed)
        X = FORMATS[format](X.astype(np.float32))
        # A loss within rounding of the bar could stop one side an epoch sooner.
        parameters |= {"n_iter_no_change": np.inf, "max_iter": min(5, parameters["max_iter"])}
        parameters |= {"epsilon": 0.01}
        ours, theirs = both(parameters)
        recording(ours.fit, X, y)
        recording(theirs.fit, X, y)
        assert ours.n_iter_ == theirs.n_iter_
        for mine, his in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_):
            assert mine.dtype == his.dtype == np.float32
            assert_close(mine, his, 1e-5)
        if not is_summed(target):
            assert_close(ours.loss_curve_, theirs.loss_curve_, 1e-5)
        assert ours.predict(X).dtype == np.float32
        assert_close(ours.predict(X), theirs.predict(X), 1e-5)


class TestSignature:
    def test_parameters_have_the_same_order_kind_and_default(self):
        theirs = inspect.signature(MLPRegressor).parameters
        ours = inspect.signature(ScratchMLPRegressor).parameters.values()
        shared = [p.replace(annotation=p.empty) for p in ours if p.name in theirs]
        assert shared == [*theirs.values()]

    def test_new_parameters_are_keyword_only(self):
        ours = inspect.signature(ScratchMLPRegressor).parameters
        theirs = inspect.signature(MLPRegressor).parameters
        new = [parameter for name, parameter in ours.items() if name not in theirs]
        assert "init" in {parameter.name for parameter in new}
        assert {parameter.kind for parameter in new} == {inspect.Parameter.KEYWORD_ONLY}

    @pytest.mark.parametrize(
        "name", [name for name in dir(MLPRegressor) if not name.startswith("_")]
    )
    def test_public_methods_take_the_same_arguments(self, name):
        theirs = getattr(MLPRegressor, name)
        ours = getattr(ScratchMLPRegressor, name)
        if callable(theirs):
            assert_takes_what_is_taken_by(ours, theirs)


def test_the_curves_that_are_compared_are_those_that_are_there():
    X, y = regression("numbers", 30, seed=0)
    model, _ = recording(ScratchMLPRegressor(max_iter=1).fit, X, y)
    assert set(CURVES) < set(vars(model))
