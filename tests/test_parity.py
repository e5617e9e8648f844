"""The main oracle: the same model as scikit-learn's `MLPClassifier`.

Settings are drawn at random, seeded by the number of the case, so that every run tries the same.

Tolerance: both sides do the same sums in different orders, so every step adds a relative
error of about 1e-16, which training then amplifies. In the few epochs drawn here (at most 12; more
with "adaptive", whose rate soon vanishes; 8 iterations of lbfgs, whose line search amplifies most)
the largest deviation seen is 1e-12, so 1e-8 leaves room for another BLAS and is still far below
any real difference: one row left out, or one step at another rate, shows at 1e-3.
"""

import inspect
import random
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sknumpy_mlp import ScratchMLPClassifier

# Fitted attributes that MLPClassifier does not have.
OURS_ALONE = {"validation_loss_curve_", "best_iter_", "engine_"}
TOLERANCE = 1e-8

N_FEATURES = 6

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HIDDEN = [(), (1,), (7,), 5, (6, 4), [4, 4], (5, 4, 3), np.array([3, 5])]

LABELS = {
    "one class": np.array([7]),
    "binary": np.array([0, 1]),
    "binary negative": np.array([-1, 1]),
    "binary bool": np.array([False, True]),
    "binary strings": np.array(["no", "yes"]),
    "binary objects": np.array(["cat", "tiger"], dtype=object),
    "multiclass": np.array([0, 1, 2]),
    "multiclass gaps": np.array([2, 5, 11, 30], dtype=np.int16),
    "multiclass floats": np.array([0.0, 1.0, 2.0]),
    "multiclass strings": np.array(["a", "bb", "ccc"]),
    "multiclass objects": np.array(["x", "yy", "zzz", "w", "v"], dtype=object),
}
MULTILABEL = {"multilabel": 3, "one label": 1, "multilabel sparse": 4}
TARGETS = [*LABELS, *(name for name in MULTILABEL if name != "one label")]
# With early stopping, scikit-learn 1.7 fails on labels that are strings.
BINARY_NUMBERS = ["one class", "binary", "binary negative", "binary bool"]

CURVES = ["loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"]

FORMATS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "integer": lambda X: X.round().astype(np.int32),
    "list": lambda X: X.tolist(),
    "csr_matrix": sparse.csr_matrix,
    "csc_matrix": sparse.csc_matrix,
    "csr_array": sparse.csr_array,
    "csc_array": sparse.csc_array,
}


def problem(target, n_samples, seed):
    """Standard normal inputs with half of the entries zero, and labels a network can learn."""
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n_samples, N_FEATURES)) * (rng.uniform(size=(1, N_FEATURES)) + 0.5)
    X[rng.uniform(size=X.shape) < 0.5] = 0
    if target in MULTILABEL:
        scores = X @ rng.standard_normal((N_FEATURES, MULTILABEL[target]))
        Y = (scores + rng.standard_normal(scores.shape) > 0).astype(int)
        return X, sparse.csr_matrix(Y) if "sparse" in target else Y
    labels = LABELS[target]
    scores = X @ rng.standard_normal((N_FEATURES, len(labels)))
    # Noise keeps networks unsure: scikit-learn clips probabilities that are nearly 0 or 1.
    codes = (scores + 3 * rng.standard_normal(scores.shape)).argmax(axis=1)
    codes[: len(labels)] = np.arange(len(labels))
    return X, labels[codes]


def draw_parameters(rng, solver, n_samples):
    """Settings that `MLPClassifier` knows, at rates where training neither stalls nor blows up."""
    parameters = {
        "solver": solver,
        "activation": rng.choice(ACTIVATIONS),
        "hidden_layer_sizes": rng.choice(HIDDEN),
        "alpha": rng.choice([0, 1e-4, 0.1, 3.0]),
        "max_iter": rng.choice([1, 2, 5, 8, 12]),
        "tol": rng.choice([0, 1e-4, 1e-2]),
        "random_state": rng.randrange(1000),
    }
    if solver == "lbfgs":
        parameters["max_iter"] = rng.choice([1, 3, 8])
        parameters["max_fun"] = rng.choice([3, 15000])
        parameters["learning_rate"] = rng.choice(["constant", "invscaling", "adaptive"])
        return parameters
    batch_sizes = ["auto", 7, n_samples // 2 + 1, n_samples, n_samples + 3]
    parameters |= {
        "batch_size": 1 if n_samples <= 12 else rng.choice(batch_sizes),
        "shuffle": rng.choice([True, True, False]),
        "n_iter_no_change": rng.choice([1, 2, 10, np.inf]),
        "learning_rate": rng.choice(["constant", "invscaling", "adaptive"]),
        "power_t": rng.choice([0.5, 0.0, 0.25, 1.5]),
    }
    if solver == "sgd":
        parameters |= {
            "learning_rate_init": rng.choice([1e-3, 0.01, 0.05]),
            "momentum": rng.choice([0.0, 0.3, 0.9, 1.0]),
            "nesterovs_momentum": rng.choice([True, False]),
        }
        if parameters["learning_rate"] == "adaptive":
            # The loss hardly ever falls by `tol`: a plateau every two or three epochs.
            parameters |= {"tol": 0.3, "n_iter_no_change": rng.choice([1, 2]), "max_iter": 25}
    else:
        parameters |= {
            "learning_rate_init": rng.choice([1e-3, 0.01, 0.1]),
            "beta_1": rng.choice([0.9, 0.0, 0.5]),
            # With beta_2 = 0 the step is the sign of the gradient: rounding decides it near zero.
            "beta_2": rng.choice([0.999, 0.9, 0.5]),
            "epsilon": rng.choice([1e-8, 1e-4, 0.1]),
        }
    return parameters


def draw_case(number, targets=TARGETS, solvers=("sgd", "adam", "lbfgs"), formats=FORMATS):
    """Case `number`: solver, target and format in turn, everything else at random."""
    rng = random.Random(number)
    solver = solvers[number % len(solvers)]
    target = targets[number // len(solvers) % len(targets)]
    n_samples = 12 if number % 7 == 0 else rng.choice([30, 61, 230])
    format = rng.choice(list(formats))
    return target, n_samples, format, draw_parameters(rng, solver, n_samples)


def cases(count, **options):
    found = []
    for number in range(count):
        target, n_samples, format, parameters = draw_case(number, **options)
        name = f"{number}-{parameters['solver']}-{target.replace(' ', '_')}-{format}"
        found.append(pytest.param(target, n_samples, format, parameters, number, id=name))
    return found


def both(parameters):
    return ScratchMLPClassifier(**parameters), MLPClassifier(**parameters)


def recording(call, *args, **kwargs):
    """Result of a call and the categories of what it warned of; stochastic warnings in full."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*args, **kwargs)
    return result, [
        (w.category, str(w.message) if str(w.message).startswith("Stochastic") else None)
        for w in caught
    ]


def assert_close(ours, theirs, tolerance=TOLERANCE):
    """Equal relative to the largest entry: an entry may be zero up to rounding."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    scale = np.abs(theirs).max(initial=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale)


def assert_same_array(ours, theirs):
    assert sparse.issparse(ours) == sparse.issparse(theirs)
    if sparse.issparse(ours):
        ours, theirs = ours.toarray(), theirs.toarray()
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


def assert_same_fitted(ours, theirs, tolerance=TOLERANCE, compared=None):
    """Everything public that is fitted agrees; of the losses and scores those `compared`."""
    fitted = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert {name for name in vars(ours) if name.endswith("_")} - OURS_ALONE == fitted
    exact = ["n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"]
    for name in exact:
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ["coefs_", "intercepts_"]:
        pairs = list(zip(getattr(ours, name), getattr(theirs, name), strict=True))
        for mine, his in pairs:
            assert mine.dtype == his.dtype
            assert_close(mine, his, tolerance)
    for name in fitted.intersection(CURVES if compared is None else compared):
        mine, his = getattr(ours, name), getattr(theirs, name)
        if his is None:
            assert mine is None
        else:
            assert_close(mine, his, tolerance)


def assert_same_model(ours, theirs, X, tolerance=TOLERANCE):
    """Everything public that is fitted, and what is predicted, agrees."""
    assert_same_fitted(ours, theirs, tolerance)
    assert_same_array(ours.classes_, theirs.classes_)
    assert_close(ours.predict_proba(X), theirs.predict_proba(X), tolerance)
    assert_same_array(ours.predict(X), theirs.predict(X))


def assert_same_warnings(ours, theirs):
    """The same categories; ours begin with scikit-learn's words and may say more."""
    assert [category for category, _ in ours] == [category for category, _ in theirs]
    for (_, mine), (_, his) in zip(ours, theirs):
        assert (mine or "").startswith(his or "")


def assert_takes_what_is_taken_by(ours, theirs):
    """Every argument of theirs, those by position first; others of ours by keyword."""
    mine, his = (inspect.signature(method).parameters for method in (ours, theirs))
    by_position = [name for name, p in his.items() if p.kind is not p.KEYWORD_ONLY]
    assert list(mine)[: len(by_position)] == by_position
    assert his.keys() <= mine.keys()


def assert_same_fits(ours, theirs, X, y, times=1, **fit_parameters):
    for _ in range(times):
        _, our_warnings = recording(ours.fit, X, y, **fit_parameters)
        _, their_warnings = recording(theirs.fit, X, y, **fit_parameters)
        assert_same_warnings(our_warnings, their_warnings)
        assert_same_model(ours, theirs, X)


class TestFit:
    @pytest.mark.parametrize("target, n_samples, format, parameters, seed", cases(270))
    def test_fit_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        X, y = problem(target, n_samples, seed)
        assert_same_fits(*both(parameters), FORMATS[format](X), y)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("hidden", HIDDEN, ids=str)
    def test_every_architecture_gives_the_same_model(self, solver, activation, hidden):
        """No cell of this grid is left to chance."""
        X, y = problem("multiclass", 61, seed=0)
        parameters = {"solver": solver, "activation": activation, "hidden_layer_sizes": hidden}
        assert_same_fits(*both(parameters | {"max_iter": 5, "random_state": 0}), X, y)

    @pytest.mark.parametrize("activation", ACTIVATIONS)
    @pytest.mark.parametrize("n_iter_no_change", [1, 2, 4])
    def test_adaptive_rate_falls_at_the_same_epochs(self, activation, n_iter_no_change):
        X, y = problem("multiclass", 61, seed=1)
        parameters = {
            "solver": "sgd",
            "activation": activation,
            "hidden_layer_sizes": (6,),
            "learning_rate_init": 0.1,
            "tol": 0.2,
            "n_iter_no_change": n_iter_no_change,
            "max_iter": 80,
            "random_state": 0,
        }
        ours, theirs = both(parameters | {"learning_rate": "adaptive"})
        assert_same_fits(ours, theirs, X, y)
        # From 0.1 to at most 1e-6 it takes eight plateaus; one more stops training.
        assert 8 * n_iter_no_change < ours.n_iter_ < 80
        constant = ScratchMLPClassifier(**parameters | {"learning_rate": "constant"})
        assert constant.fit(X, y).n_iter_ < ours.n_iter_

    @pytest.mark.parametrize("solver", ["sgd", "adam"])
    @pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
    def test_all_rows_in_one_step_is_a_batch_of_all_rows(self, solver, target):
        X, y = problem(target, 61, seed=2)
        parameters = {"solver": solver, "max_iter": 8, "random_state": 0}
        ours = ScratchMLPClassifier(batch_size="full", **parameters)
        theirs = MLPClassifier(batch_size=len(X), **parameters)
        assert_same_fits(ours, theirs, X, y)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    @pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
    def test_weights_in_one_batch_give_the_same_model(self, solver, target):
        """In several batches scikit-learn normalises weights anew in each, and we do not."""
        X, y = problem(target, 61, seed=3)
        weights = np.random.RandomState(0).uniform(0, 5, len(X))
        parameters = {"solver": solver, "alpha": 0.5, "max_iter": 8, "random_state": 0}
        assert_same_fits(*both(parameters), X, y, sample_weight=weights)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    def test_one_label_column_of_a_matrix_is_a_vector(self, solver):
        X, y = problem("one label", 61, seed=4)
        assert y.shape == (61, 1)
        assert_same_fits(*both({"solver": solver, "max_iter": 5, "random_state": 0}), X, y)

    @pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_verbose_prints_the_same_lines(self, capsys, learning_rate, early_stopping):
        X, y = problem("binary", 61, seed=5)
        printed = []
        for model in both(
            {
                "solver": "sgd",
                "learning_rate": learning_rate,
                "early_stopping": early_stopping,
                "tol": 0.3,
                "n_iter_no_change": 2,
                "random_state": 0,
                "verbose": True,
            }
        ):
            model.engine = "numpy"  # The other may say that it compiles.
            model.fit(X, y)
            # scikit-learn adds a reason to the last line of "adaptive".
            printed.append(capsys.readouterr().out.replace(" Learning rate too small.", ""))
        assert printed[0] == printed[1]
        assert "Stopping." in printed[0]

    def test_defaults_give_the_same_model(self):
        X, y = problem("multiclass", 230, seed=6)
        X_new, _ = problem("multiclass", 50, seed=7)
        ours, theirs = both({"random_state": 0, "max_iter": 12})
        assert_same_fits(ours, theirs, X, y)
        assert_close(ours.predict_proba(X_new), theirs.predict_proba(X_new))


class TestEarlyStopping:
    """Binary and multilabel targets only: several classes we stratify, scikit-learn does not."""

    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed",
        cases(40, targets=[*BINARY_NUMBERS, "multilabel"], solvers=("sgd", "adam")),
    )
    def test_early_stopping_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        X, y = problem(target, n_samples + 20, seed)
        fraction = [0.1, 0.25, 0.5][seed % 3]
        parameters |= {"early_stopping": True, "validation_fraction": fraction, "max_iter": 12}
        assert_same_fits(*both(parameters), FORMATS[format](X), y)

    def test_early_stopping_gives_the_best_weights_back(self):
        """Not only the last ones: with this rate the best epoch is not the last."""
        X, y = problem("binary", 61, seed=0)
        parameters = {"early_stopping": True, "learning_rate_init": 0.3, "random_state": 0}
        ours, theirs = both(parameters | {"validation_fraction": 0.3})
        assert_same_fits(ours, theirs, X, y)
        assert int(np.argmax(ours.validation_scores_)) < ours.n_iter_ - 1

    def test_lbfgs_ignores_early_stopping(self):
        X, y = problem("binary", 61, seed=0)
        parameters = {"solver": "lbfgs", "early_stopping": True, "max_iter": 5, "random_state": 0}
        assert_same_fits(*both(parameters), X, y)


class TestWarmStart:
    @pytest.mark.parametrize("target, n_samples, format, parameters, seed", cases(60))
    def test_fits_in_a_row_give_the_same_model(self, target, n_samples, format, parameters, seed):
        """With infinite patience: scikit-learn carries spent patience over, and we do not."""
        X, y = problem(target, n_samples, seed)
        epochs = min(parameters["max_iter"], 4)
        parameters |= {"warm_start": True, "n_iter_no_change": np.inf, "max_iter": epochs}
        assert_same_fits(*both(parameters), FORMATS[format](X), y, times=2 + seed % 2)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    def test_without_warm_start_fits_in_a_row_start_anew(self, solver):
        X, y = problem("multiclass", 61, seed=0)
        parameters = {"solver": solver, "max_iter": 5, "random_state": 0}
        ours, theirs = both(parameters)
        assert_same_fits(ours, theirs, X, y, times=2)
        X, y = problem("binary strings", 30, seed=1)
        assert_same_fits(ours, theirs, X, y)


class TestPartialFit:
    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed", cases(60, solvers=("sgd", "adam"))
    )
    def test_calls_in_a_row_give_the_same_model(self, target, n_samples, format, parameters, seed):
        """Rows as they come, or all in one step: scikit-learn repeats one shuffle for ever."""
        X, y = problem(target, n_samples, seed)
        classes = np.arange(y.shape[1]) if target in MULTILABEL else np.unique(y)
        if seed % 2:
            parameters |= {"shuffle": False}
        else:
            parameters |= {"batch_size": n_samples}
        ours, theirs = both(parameters)
        X = FORMATS[format](X)
        for number in range(6):
            _, our_warnings = recording(ours.partial_fit, X, y, classes=classes)
            _, their_warnings = recording(theirs.partial_fit, X, y, classes=classes)
            # That a batch is larger than the data is said once.
            assert our_warnings == (their_warnings if number == 0 else [])
            assert_same_model(ours, theirs, X)

    @pytest.mark.parametrize("solver", ["sgd", "adam"])
    @pytest.mark.parametrize("learning_rate", ["constant", "invscaling", "adaptive"])
    def test_blocks_that_lack_classes_give_the_same_model(self, solver, learning_rate):
        X, y = problem("multiclass strings", 230, seed=1)
        order = np.argsort(y, kind="stable")
        ours, theirs = both(
            {
                "solver": solver,
                "learning_rate": learning_rate,
                "shuffle": False,
                "batch_size": 7,
                "tol": 0.3,
                "n_iter_no_change": 1,
                "random_state": 0,
            }
        )
        for block in np.array_split(order, 5):
            for model in (ours, theirs):
                model.partial_fit(X[block], y[block], classes=np.unique(y))
            assert_same_model(ours, theirs, X)
        assert len(np.unique(y[block])) < 3

    def test_partial_fit_after_warm_fits_goes_on_with_the_same_moments(self):
        X, y = problem("binary", 61, seed=2)
        parameters = {"warm_start": True, "shuffle": False, "max_iter": 3, "random_state": 0}
        ours, theirs = both(parameters | {"learning_rate_init": 0.01, "n_iter_no_change": np.inf})
        assert_same_fits(ours, theirs, X, y)
        for _ in range(3):
            ours.partial_fit(X, y)
            theirs.partial_fit(X, y)
            assert_same_model(ours, theirs, X)


class TestRandomStream:
    @pytest.mark.parametrize("number", range(30))
    @pytest.mark.parametrize("early_stopping", [False, True])
    def test_a_stream_is_left_at_the_same_position(self, number, early_stopping):
        target, n_samples, format, parameters = draw_case(number, targets=BINARY_NUMBERS)
        X, y = problem(target, n_samples + 20, seed=number)
        parameters |= {"early_stopping": early_stopping}
        streams = np.random.RandomState(number), np.random.RandomState(number)
        ours = ScratchMLPClassifier(**parameters | {"random_state": streams[0]})
        theirs = MLPClassifier(**parameters | {"random_state": streams[1]})
        assert_same_fits(ours, theirs, FORMATS[format](X), y, times=2)
        np.testing.assert_equal(*(stream.get_state(legacy=False) for stream in streams))

    def test_partial_fit_leaves_a_stream_at_the_same_position(self):
        X, y = problem("multiclass", 61, seed=0)
        streams = np.random.RandomState(0), np.random.RandomState(0)
        ours = ScratchMLPClassifier(batch_size=7, random_state=streams[0])
        theirs = MLPClassifier(batch_size=7, random_state=streams[1])
        for _ in range(4):
            ours.partial_fit(X, y, classes=np.unique(y))
            theirs.partial_fit(X, y, classes=np.unique(y))
            assert_same_model(ours, theirs, X)
        np.testing.assert_equal(*(stream.get_state(legacy=False) for stream in streams))


class TestFloat32:
    """Rounding is 5e8 times that of float64, so 1e-5; lbfgs computes in float64 on our side.

    A large epsilon keeps adam from dividing rounding errors by rounding errors.
    """

    @pytest.mark.parametrize(
        "target, n_samples, format, parameters, seed",
        cases(44, solvers=("sgd", "adam"), formats=["C", "F", "csr_matrix", "csc_array"]),
    )
    def test_float32_gives_the_same_model(self, target, n_samples, format, parameters, seed):
        X, y = problem(target, n_samples, seed)
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
        assert_close(ours.loss_curve_, theirs.loss_curve_, 1e-5)
        assert ours.predict_proba(X).dtype == np.float32
        assert_close(ours.predict_proba(X), theirs.predict_proba(X), 1e-5)


class TestSignature:
    def test_parameters_have_the_same_order_kind_and_default(self):
        theirs = inspect.signature(MLPClassifier).parameters
        ours = inspect.signature(ScratchMLPClassifier).parameters.values()
        shared = [p.replace(annotation=p.empty) for p in ours if p.name in theirs]
        assert shared == [*theirs.values()]

    def test_new_parameters_are_keyword_only(self):
        ours = inspect.signature(ScratchMLPClassifier).parameters
        theirs = inspect.signature(MLPClassifier).parameters
        new = [parameter for name, parameter in ours.items() if name not in theirs]
        assert {"loss", "init"} <= {parameter.name for parameter in new}
        assert {parameter.kind for parameter in new} == {inspect.Parameter.KEYWORD_ONLY}

    @pytest.mark.parametrize(
        "name", [name for name in dir(MLPClassifier) if not name.startswith("_")]
    )
    def test_public_methods_take_the_same_arguments(self, name):
        theirs = getattr(MLPClassifier, name)
        ours = getattr(ScratchMLPClassifier, name)
        if callable(theirs):
            assert_takes_what_is_taken_by(ours, theirs)

    @pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
    def test_convergence_is_warned_of_in_the_same_place(self, solver):
        X, y = problem("multiclass", 61, seed=0)
        for model in both({"solver": solver, "max_iter": 1, "random_state": 0}):
            with pytest.warns(ConvergenceWarning):
                model.fit(X, y)
