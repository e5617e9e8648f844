"""What must not be given is refused in words, and leaves the estimator as it was."""

import inspect
import re
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import InvalidParameterError

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp._estimator.parameters import RULES
from sknumpy_mlp.activations import Activation, LeakyReLU
from sknumpy_mlp.initializers import Initializer, Normal, Uniform
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import Optimizer, RMSprop
from sknumpy_mlp.schedules import Exponential, Schedule, Step, Warmup

from .common import digits, label, state_of
from .core.families import members

PARAMETERS = list(inspect.signature(ScratchMLPClassifier).parameters)
FAMILIES = {
    "activation": Activation,
    "solver": Optimizer,
    "learning_rate": Schedule,
    "loss": Loss,
    "init": Initializer,
}
# No parameter takes any of these.
NONSENSE = [np.nan, -1, -0.5, 1j, b"x", "no such name", object(), {"a": 1}, np.array([1.5, 2.5])]
X, Y = digits(n_samples=60)


def brief(**parameters):
    return ScratchMLPClassifier(
        **{"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 2, "n_iter_no_change": None}
        | parameters
    )


def methods(estimator):
    """The calls that train, on good data."""
    yield lambda: estimator.fit(X, Y)
    if hasattr(estimator, "partial_fit"):
        yield lambda: estimator.partial_fit(X, Y, classes=np.arange(10))


# ---- parameters ----


@pytest.mark.parametrize("value", NONSENSE, ids=label)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_wrong_value_is_told_with_parameter_rule_and_value(name, value):
    for train in methods(brief(**{name: value})):
        with pytest.raises((ValueError, TypeError)) as error:
            train()
        assert re.match(rf"{name} must be ", str(error.value))
        assert repr(value) in str(error.value)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_wrong_name_is_told_with_the_choices(name):
    with pytest.raises(ValueError) as error:
        brief(**{name: "adm"}).fit(X, Y)
    # Of losses, those that serve a classifier.
    choices = Loss.serving("binary") if name == "loss" else FAMILIES[name].named()
    for choice in choices:
        assert repr(choice) in str(error.value)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_class_in_place_of_an_object_is_told(name):
    member = next(iter(FAMILIES[name].named().values()))
    with pytest.raises(
        ValueError, match=f"{name} must be an? .*got the class {member.__name__}; call it"
    ):
        brief(**{name: member}).fit(X, Y)


def test_every_parameter_without_a_family_has_a_rule():
    assert set(PARAMETERS) == {*RULES, *FAMILIES, "hidden_layer_sizes", "dropout"}


@pytest.mark.filterwarnings("ignore", "error::DeprecationWarning")
@pytest.mark.parametrize("value", [-1, 0, 0.5, 1, 1.0, 2, np.inf, -np.inf, None, True, "auto", "1"])
@pytest.mark.parametrize("name", list(inspect.signature(MLPClassifier).parameters))
def test_values_are_taken_or_refused_as_in_scikit_learn(name, value):
    settings = {"hidden_layer_sizes": (2,), "max_iter": 1, name: value}
    few = X[:10], Y[:10] % 2

    def refused(estimator, words):
        try:
            estimator.fit(*few)
        except (ValueError, TypeError) as error:
            # True units pass scikit-learn's check, and fail in its random numbers.
            kinds = InvalidParameterError, TypeError
            return isinstance(error, kinds) or words in str(error)
        return False

    if (name, value) == ("n_iter_no_change", None):
        # Widened: None runs all epochs.
        assert not refused(ScratchMLPClassifier(**settings), "must be")
        return
    theirs = refused(MLPClassifier(**settings), "hidden_layer_sizes must be")
    assert refused(ScratchMLPClassifier(**settings), f"{name} must be") == theirs


@pytest.mark.parametrize("sizes", [0, -3, (4, 0), (4, 2.0), "12", 2.5, None, [[3, 3]], (np.nan,)])
def test_hidden_layer_sizes_must_be_positive_integers(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, an integer or a seq"):
        brief(hidden_layer_sizes=sizes).fit(X, Y)


@pytest.mark.parametrize("sizes", [3, np.int64(3), (3,), [3, 2], np.array([3, 2]), (), range(2, 4)])
def test_hidden_layer_sizes_may_be_any_sequence(sizes):
    units = [sizes] if np.ndim(sizes) == 0 and not isinstance(sizes, range) else list(sizes)
    model = brief(hidden_layer_sizes=sizes).fit(X, Y)
    assert [len(b) for b in model.intercepts_] == [*units, 10]


# Every argument of every part, and two values that none takes.
PART_ARGUMENTS = [
    (parameter, member, argument)
    for parameter, family in FAMILIES.items()
    for member in members(family)
    for argument in member.parameter_names()
]


@pytest.mark.parametrize("value", [np.nan, object()], ids=["nan", "object"])
@pytest.mark.parametrize(
    "parameter, member, argument",
    PART_ARGUMENTS,
    ids=lambda part: getattr(part, "__name__", part),
)
def test_a_wrong_argument_of_a_part_is_told(parameter, member, argument, value):
    part = member(**{argument: value})
    with pytest.raises(ValueError) as error:
        brief(**{parameter: part}).fit(X, Y)
    assert re.match(rf"{argument} of {member.__name__} must be ", str(error.value))
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"solver": RMSprop(rho=2)}, r"rho of RMSprop must be a number in \[0, 1\), got 2"),
        (
            {"learning_rate": Step(boundaries=[0.5], factors=[1.0])},
            "factors of Step must have one more entry than",
        ),
        (
            {"learning_rate": Step(boundaries=[0.7, 0.2], factors=[3, 2, 1])},
            "boundaries of Step must increase",
        ),
        (
            {"learning_rate": Step(boundaries=[0.5], factors=[1, -1])},
            "factors of Step must be a number in",
        ),
        (
            {"learning_rate": Step(boundaries=0.5, factors=1)},
            "boundaries of Step must be a sequence",
        ),
        (
            {"learning_rate": Warmup(fraction=0.1, then="no")},
            "then of Warmup must be a Schedule or",
        ),
        (
            {"learning_rate": Warmup(fraction=0.1, then=Exponential(final=5))},
            "final of Exponential must",
        ),
        ({"learning_rate": lambda t: -1.0}, "learning_rate function must be .* got -1.0"),
        ({"learning_rate": lambda t: np.nan}, "learning_rate function must be .* got nan"),
        ({"init": Uniform(low=1, high=0)}, "low of Uniform must be at most high"),
        ({"init": Normal(scale=1, biases="x")}, "biases of Normal must be an Initializer or"),
        ({"init": Normal(scale=1, biases=Normal(scale=-1))}, "scale of Normal must be"),
        ({"activation": ["relu", "tanh"]}, "activation must be one for all .* each of the 1"),
        ({"activation": [LeakyReLU(negative_slope="a")]}, "negative_slope of LeakyReLU must be"),
        ({"activation": ["rely"]}, "activation must be an Activation or one of"),
        ({"solver": "lbfgs", "learning_rate": "cosine"}, "learning_rate must be 'constant'"),
    ],
)
def test_parts_are_checked_when_they_are_used(parameters, words):
    with pytest.raises(ValueError, match=words):
        brief(**parameters).fit(X, Y)


def test_lbfgs_has_no_partial_fit():
    assert not hasattr(brief(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError) as error:
        brief(solver="lbfgs").partial_fit(X, Y)
    assert "'lbfgs' is not one" in str(error.value.__cause__)


def test_partial_fit_refuses_early_stopping():
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        brief(early_stopping=True).partial_fit(X, Y, classes=np.arange(10))


# ---- data ----


def spoiled(value, dtype=None):
    wrong = X.astype(dtype or X.dtype)
    wrong[3, 2] = value
    return wrong


class Interrupts:
    """A learning rate that is interrupted by Ctrl-C at its third step."""

    def __init__(self):
        self.steps = 0

    def __call__(self, t):
        self.steps += 1
        if self.steps == 3:
            raise KeyboardInterrupt
        return 1.0


BAD_INPUT = {
    "nan": (spoiled(np.nan), "Input X contains NaN"),
    "inf": (spoiled(np.inf), "Input X contains infinity"),
    "one dimension": (X[0], "Expected 2D array, got 1D array"),
    "three dimensions": (X[:, :, None], "Found array with dim 3|dim 3, while dim <= 2"),
    "no rows": (X[:0], "Found array with 0 sample"),
    "no columns": (X[:, :0], r"0 feature\(s\)"),
    "strings": (X.astype(str), "dtype='numeric' is not compatible with arrays of bytes/strings"),
    "complex": (X + 1j, "Complex data not supported"),
    "sparse nan": (sparse.csr_array(spoiled(np.nan)), "contains NaN"),
    "a number": (3.0, "Expected 2D array, got scalar"),
}
BAD_TARGETS = {
    "continuous": (X[:, 3] + 0.5, "Unknown label type: continuous"),
    "nan": (np.where(Y == 3, np.nan, Y), "Input y contains NaN"),
    "wrong length": (Y[:-1], "inconsistent numbers of samples"),
    "columns of classes": (np.column_stack([Y, Y]), "multiclass-multioutput|y must be a vector"),
    "none": (None, "requires y to be passed"),
}
BAD_WEIGHTS = {
    "negative": (-np.ones(60), "sample_weight must not be negative, got -1.0"),
    "all zero": (np.zeros(60), "sample_weight must hold a weight that is not zero"),
    "wrong length": (np.ones(59), "sample_weight must have one value for each of the 60 rows"),
    "two dimensions": (np.ones((60, 1)), r"sample_weight must .*got shape \(60, 1\)"),
    "nan": (np.full(60, np.nan), "sample_weight contains NaN"),
    "inf": (np.full(60, np.inf), "sample_weight contains infinity"),
    "sum overflows": (np.full(60, 1e308), r"sample_weight must have a finite sum"),
}
CLASSES = {"classes": np.arange(10)}
CALLS = {}
for name, (bad, words) in BAD_INPUT.items():
    CALLS[f"fit X {name}"] = (
        lambda m, bad=bad: m.fit(bad, Y[: np.shape(bad)[:1] == (0,) or None]),
        words,
    )
    CALLS[f"partial_fit X {name}"] = lambda m, bad=bad: m.partial_fit(bad, Y, **CLASSES), words
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        CALLS[f"{method} X {name}"] = (
            lambda m, bad=bad, method=method: getattr(m, method)(bad),
            f"{words}|not fitted|is expecting 64 features",
        )
for name, (bad, words) in BAD_TARGETS.items():
    CALLS[f"fit y {name}"] = lambda m, bad=bad: m.fit(X, bad), words
    CALLS[f"partial_fit y {name}"] = lambda m, bad=bad: m.partial_fit(X, bad, **CLASSES), words
for name, (bad, words) in BAD_WEIGHTS.items():
    CALLS[f"fit weight {name}"] = lambda m, bad=bad: m.fit(X, Y, bad), words
    CALLS[f"partial_fit weight {name}"] = (
        lambda m, bad=bad: m.partial_fit(X, Y, bad, **CLASSES),
        words,
    )
CALLS["predict width"] = lambda m: m.predict(X[:, :-1]), "is expecting 64 features|not fitted"

STARTS = {
    "unfitted": lambda m: m,
    "after fit": lambda m: m.fit(X, Y),
    "after partial_fit": lambda m: m.partial_fit(X, Y, **CLASSES),
    "warm": lambda m: m.set_params(warm_start=True).fit(X, Y),
    "after early stopping": lambda m: (
        m.set_params(early_stopping=True, validation_fraction=0.5)
        .fit(X, Y)
        .set_params(early_stopping=False)
    ),
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_failed_call_leaves_the_estimator_as_it_was(call, start):
    action, words = CALLS[call]
    model = brief(batch_size=20)
    with warnings.catch_warnings():
        # Some digits have too few rows for a stratified split.
        warnings.simplefilter("ignore", UserWarning)
        STARTS[start](model)
    before = state_of(model)
    with pytest.raises((ValueError, TypeError), match=words):
        action(model)
    assert state_of(model) == before


@pytest.mark.filterwarnings("ignore:early_stopping splits without")
@pytest.mark.parametrize("seed", [0, np.random.RandomState(0)], ids=["int", "RandomState"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
class TestBrokenOff:
    def train(self, model, method):
        return model.fit(X, Y) if method == "fit" else model.partial_fit(X, Y, **CLASSES)

    def check(self, model, method, error):
        before = state_of(model)
        with pytest.raises(error):
            self.train(model, method)
        assert state_of(model) == before

    def test_by_divergence(self, method, start, seed):
        model = STARTS[start](brief(random_state=seed, batch_size=20))
        model.set_params(solver="sgd", learning_rate_init=1e300)
        self.check(model, method, ValueError)

    def test_by_a_part_that_fails(self, method, start, seed):
        def fails(t):
            raise ZeroDivisionError

        model = STARTS[start](brief(random_state=seed, batch_size=20))
        self.check(model.set_params(learning_rate=fails), method, ZeroDivisionError)

    def test_by_ctrl_c(self, method, start, seed):
        model = STARTS[start](brief(random_state=seed, batch_size=20))
        self.check(model.set_params(learning_rate=Interrupts()), method, KeyboardInterrupt)


@pytest.mark.parametrize("start", ["after fit", "after partial_fit"])
def test_training_goes_on_after_a_failure_as_if_it_had_not_been(start):
    undisturbed, disturbed = (STARTS[start](brief(batch_size=20)) for _ in range(2))
    with pytest.raises(ValueError, match="non-finite"):
        disturbed.set_params(solver="sgd", learning_rate_init=1e300).partial_fit(X, Y)
    disturbed.set_params(solver="adam", learning_rate_init=0.001)
    assert state_of(disturbed.partial_fit(X, Y)) == state_of(undisturbed.partial_fit(X, Y))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_numbers_beyond_the_network_are_refused(container):
    model = brief().fit(X.astype(np.float32), Y)
    beyond = container(spoiled(-1e300))
    words = r"X must hold no value too large for float32.*1e\+300"
    before = state_of(model)
    for call in (
        lambda: model.predict_proba(beyond),
        lambda: model.partial_fit(beyond, Y),
        lambda: model.set_params(warm_start=True).fit(beyond, Y),
    ):
        with pytest.raises(ValueError, match=words):
            call()
        model.set_params(warm_start=False)
        assert state_of(model) == before
    # What float32 can hold it takes.
    assert model.predict(container(spoiled(1e30))).shape == (60,)
