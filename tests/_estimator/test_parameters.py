"""Parameters that break a rule are refused in words; those that keep it are taken."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import InvalidParameterError

import sknumpy_mlp
from sknumpy_mlp import RobustSmoothScaler, ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.parameters import FAMILIES, NOT_WITH_LBFGS, RULES, Plan
from sknumpy_mlp._family import Family, real
from sknumpy_mlp.activations import LeakyReLU
from sknumpy_mlp.embeddings import PiecewiseLinear
from sknumpy_mlp.initializers import Normal, Uniform
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import SGD, RMSprop
from sknumpy_mlp.schedules import Exponential, Step, Warmup

from ..common import NONSENSE, assert_same_weights, brief, digits, halves, label, state_of
from ..families import members

PACKAGE = Path(sknumpy_mlp.__file__).parent
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]
PARAMETERS = list(inspect.signature(ScratchMLPClassifier).parameters)
# Checked by a function of their own, for every hidden layer.
BY_LAYER = {"hidden_layer_sizes", "dropout"}
X, Y = digits(n_samples=60)


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


def test_every_parameter_has_one_rule():
    """A line in RULES, or a family; the rest of the package finds it in the plan."""
    signatures = {name for cls in ESTIMATORS for name in inspect.signature(cls).parameters}
    without = sorted(signatures - RULES.keys() - FAMILIES.keys() - BY_LAYER)
    assert not without, f"_estimator/parameters.py: a line in RULES for {without}"
    assert RULES.keys() | FAMILIES.keys() | BY_LAYER == signatures
    assert not RULES.keys() & FAMILIES.keys() and not RULES.keys() & BY_LAYER
    assert NOT_WITH_LBFGS <= signatures


# Modules with a list of parameters, and what it is for; a new parameter need not be in any.
LISTS = {
    "_estimator/parameters.py": "the rules",
    "_estimator/checkpoint.py": "what the fit that resumes may have otherwise",
    "optimizers/steps.py": "what named parts take",
    "tabular.py": "the settings of the recipe",
}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_parameters_are_listed_nowhere_else(path):
    signatures = {name for cls in ESTIMATORS for name in inspect.signature(cls).parameters}
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        entries = getattr(node, "elts", None) or getattr(node, "keys", None) or []
        entries = [each for each in entries if isinstance(each, ast.Constant)]
        names = {each.value for each in entries if isinstance(each.value, str)} & signatures
        if len(names) >= 3:
            found.append(f"line {node.lineno}: {sorted(names)}")
    assert bool(found) == (path.relative_to(PACKAGE).as_posix() in LISTS), found


def test_a_new_parameter_needs_a_line_in_the_signature_and_a_rule(monkeypatch):
    monkeypatch.setitem(RULES, "sharpness", real(0, 1))

    class Sharper(ScratchMLPClassifier):
        def __init__(self, *args, sharpness=0.5, **others):
            super().__init__(*args, **others)
            self.sharpness = sharpness

        # As if it were written out, like those of the estimators.
        __init__.__signature__ = inspect.signature(ScratchMLPClassifier.__init__)
        __init__.__signature__ = __init__.__signature__.replace(
            parameters=[
                *__init__.__signature__.parameters.values(),
                inspect.Parameter("sharpness", inspect.Parameter.KEYWORD_ONLY, default=0.5),
            ]
        )

    model = brief(Sharper, sharpness=0.25)
    assert Plan.of(clone(model)).sharpness == 0.25
    assert_same_weights(model.fit(X, Y), brief().fit(X, Y))
    with pytest.raises(ValueError, match=r"sharpness must be a number in \[0, 1\], got 2"):
        model.set_params(sharpness=2).fit(X, Y)


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


# Products of these with the number of batches or rows wrap in few bits.
@pytest.mark.parametrize(
    "parameters",
    [
        {"max_iter": np.int8(100), "batch_size": 1, "learning_rate": "cosine"},
        {"batch_size": np.uint16(20)},
        {"members": np.int8(3)},
        {"n_iter_no_change": np.uint8(2), "tol": np.float16(0.5), "max_iter": 9},
        {"alpha": np.float16(0.5), "learning_rate_init": np.float16(0.0625)},
        {"early_stopping": True, "validation_fraction": np.float32(0.25)},
        {"early_stopping": True, "validation_fraction": np.longdouble(0.25)},
        {"members": {"learning_rate_init": np.array([0.1, 0.3], np.float16)}},
        {"members": {"alpha": [np.float16(0.1), np.int8(100)], "dropout": (np.float32(0.5), 0)}},
        {"learning_rate_factors": {"biases": np.float16(0.1)}},
        {"class_weight": {0: np.int8(100), 1: np.float16(0.1)}},
        {"dropout": [np.float16(0.1)]},
        {"clip_norm": np.float16(0.1)},
        {"random_state": np.uint8(200)},
        {"solver": SGD(momentum=np.float16(0.9))},
        {"learning_rate": Step(factors=[np.float16(0.1)] * 3)},
        {"learning_rate": Warmup(then=Exponential(final=np.float16(0.1)))},
        {"embedding": PiecewiseLinear(n_bins=np.int8(100), size=np.uint8(2))},
        {"init": Normal(scale=np.float16(0.1), biases=Uniform(low=np.float16(-0.1)))},
    ],
    ids=str,
)
def test_numbers_of_few_bits_are_those_numbers(parameters):
    model = brief(**parameters).fit(X, Y)
    assert_same_weights(model, brief(**in_python(parameters)).fit(X, Y))
    assert model.get_params(deep=False) | parameters == model.get_params(deep=False)


def in_python(value):
    """The same parameters, with Python's numbers."""
    if isinstance(value, dict):
        return {key: in_python(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [in_python(each) for each in value]
    if isinstance(value, Family):
        return type(value)(**in_python(value.get_params(deep=False)))
    if isinstance(value, np.longdouble):
        return float(value)
    return value.item() if isinstance(value, np.generic) else value


# ---- parameters that scikit-learn lacks ----


def test_a_pair_of_initializers_starts_the_output_layer_by_the_second():
    X, y = digits()
    settings = {"learning_rate_init": 1e-300, "max_iter": 1}
    pair = brief(**settings, init=("he_normal", "zeros")).fit(X, y)
    alone = brief(**settings, init="he_normal").fit(X, y)
    assert_array_equal(pair.coefs_[0], alone.coefs_[0])
    assert abs(pair.coefs_[1]).max() < 1e-200 < 1e-3 < abs(alone.coefs_[1]).max()


@pytest.mark.parametrize("wrong", [("zeros",), ["zeros"] * 3, ("zeros", "ones"), 3])
def test_a_wrong_pair_is_told(wrong):
    X, y = digits()
    with pytest.raises(ValueError, match="init must be an Initializer"):
        brief(init=wrong).fit(X, y)


def test_partial_fit_has_no_temperature():
    X, y = digits()
    with pytest.raises(ValueError, match="partial_fit does not support temperature_scaling=True"):
        brief(temperature_scaling=True).partial_fit(X, y, classes=np.arange(10))


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"learning_rate_factors": {"bias": 0.1}},
        {"learning_rate_factors": {"biases": -0.1}},
        {"learning_rate_factors": {"biases": np.inf}},
        {"learning_rate_factors": 0.1},
        {"parametrization": "mup"},
        {"feature_scale": "yes"},
    ],
    ids=str,
)
def test_a_wrong_value_is_told(cls, wrong):
    X, y = digits()
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {re.escape(repr(value))}"):
        brief(cls, **wrong).fit(X, y)


@pytest.mark.parametrize(
    "unfit",
    [
        {"parametrization": "ntk"},
        {"learning_rate_factors": {"biases": 0.1}},
        {"temperature_scaling": True},
    ],
    ids=str,
)
def test_lbfgs_has_no_rates(unfit):
    X, y = digits()
    (name,) = unfit
    with pytest.raises(ValueError, match=f"{name} must be .* with solver='lbfgs'"):
        brief(solver="lbfgs", **unfit).fit(X, y)


def test_a_loss_without_smoothing_refuses_it():
    X, y = digits()
    with pytest.raises(ValueError, match="label_smoothing must be 0 with loss='squared_error'"):
        brief(loss="squared_error", label_smoothing=0.1).fit(X, y)


WRONG = [
    ("dropout", 1.0),
    ("dropout", -0.1),
    ("dropout", [0.1, 0.2]),
    ("dropout", [1.5]),
    ("dropout", "0.1"),
    ("clip_norm", 0.0),
    ("clip_norm", -1),
    ("clip_norm", "1"),
    ("restore_best", "yes"),
    ("best_of_ties", "middle"),
    ("label_smoothing", 1.0),
    ("label_smoothing", -0.5),
]


@pytest.mark.parametrize(
    ("cls", "name", "wrong"),
    [(cls, *each) for cls in ESTIMATORS for each in WRONG if each[0] in cls().get_params()],
)
def test_a_wrong_value_is_told_and_changes_nothing(cls, name, wrong):
    X, y = digits()
    model = brief(cls, **{name: wrong})
    before = state_of(model)
    with pytest.raises(ValueError, match=rf"{name}\b.* must be ") as error:
        model.fit(X, y)
    assert repr(wrong).strip("[]") in str(error.value)
    assert state_of(model) == before


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize(
    "unfit", [{"dropout": 0.5}, {"dropout": [0.5]}, {"clip_norm": 1.0}], ids=str
)
def test_lbfgs_refuses_what_only_steps_can_do(cls, unfit):
    X, y = digits()
    (name,) = unfit
    with pytest.raises(ValueError, match=f"{name} must be .* with solver='lbfgs'"):
        brief(cls, solver="lbfgs", **unfit).fit(X, y)
    plain = brief(cls, solver="lbfgs", dropout=[0.0], max_iter=3)
    with pytest.warns(UserWarning, match="lbfgs stopped"):
        plain.set_params(n_iter_no_change=10).fit(X, y)


@pytest.mark.parametrize("wrong", ["accuracies", 1, ["accuracy"]])
def test_a_wrong_scoring_is_told(wrong):
    X, y, _, _ = halves()
    with pytest.raises(ValueError, match=re.escape(f"got {wrong!r}")):
        brief(scoring=wrong, early_stopping=True).fit(X, y)


class TestBatchSize:
    def test_up_to_is_that_number_or_all_rows(self):
        X, y = load_breast_cancer(return_X_y=True)
        X = RobustSmoothScaler().fit_transform(X)
        settings = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0}
        for limit, same in (("up to 64", 64), ("up to 569", 569), ("up to 9999", "full")):
            one = ScratchMLPClassifier(batch_size=limit, **settings).fit(X, y)
            other = ScratchMLPClassifier(batch_size=same, **settings).fit(X, y)
            assert one.loss_curve_ == other.loss_curve_

    @pytest.mark.parametrize("engine", ["numpy", "auto"])
    def test_equal_up_to_is_a_number_that_leaves_no_short_batch(self, engine):
        X, y = load_breast_cancer(return_X_y=True)
        X = RobustSmoothScaler().fit_transform(X)
        settings = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0, "engine": engine}
        # 560 rows in 3 batches of at most 256 are 187 + 187 + 186, as 187 cuts them too.
        for limit, same in (("equal up to 256", 187), ("equal up to 9999", "full")):
            one = ScratchMLPClassifier(batch_size=limit, **settings).fit(X[:560], y[:560])
            other = ScratchMLPClassifier(batch_size=same, **settings).fit(X[:560], y[:560])
            assert [len(one.loss_curve_), one.t_] == [3, 3 * 560]
            np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-2)

    @pytest.mark.parametrize(
        "value", ["up to 0", "up to", "up to -3", "upto 3", "up to 3 rows", "equal", "equally 3"]
    )
    def test_other_words_are_refused(self, value):
        with pytest.raises(ValueError, match=r"batch_size must be 'auto' or 'full' or 'up to N'"):
            ScratchMLPClassifier(batch_size=value).fit([[0.0], [1.0]], [0, 1])

    def test_the_warning_names_it(self):
        model = ScratchMLPClassifier(batch_size=256, max_iter=1, n_iter_no_change=None)
        with pytest.warns(UserWarning, match="batch_size='up to 256'"):
            model.fit(np.eye(4), [0, 1, 0, 1])
