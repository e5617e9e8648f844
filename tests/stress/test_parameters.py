"""Every parameter of both estimators and of all parts, with values of every kind.

A number of any type gives the fit of the same Python number, or is refused as that number is. What
no parameter takes is refused with a ValueError or TypeError that names the parameter. No value
raises a warning of NumPy, or changes the estimator.
"""

import inspect
import re
import warnings
from decimal import Decimal
from fractions import Fraction
from numbers import Real

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.parameters import FAMILIES, OF_EACH_MEMBER, RULES
from sknumpy_mlp._family import shown
from sknumpy_mlp.core import memory
from sknumpy_mlp.core.diagnosis import DivergedError
from sknumpy_mlp.core.network import TRAINED_KINDS
from sknumpy_mlp.schedules import Cosine

from ..families import default, members
from . import cases

ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]
PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in inspect.signature(cls).parameters]
ARGUMENTS = [
    (parameter, member, argument)
    for parameter, family in FAMILIES.items()
    for member in members(family)
    if not member.__name__.startswith("_")
    for argument in member.parameter_names()
]
RNG = np.random.RandomState(0)
X, Y = RNG.standard_normal((24, 2)), np.arange(24) % 3
# Settings that read different parameters.
SETTINGS = [
    {},
    {"early_stopping": True, "validation_fraction": 0.25, "n_iter_no_change": 2},
    {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 5},
    {"learning_rate": Cosine(final=0.1), "solver": "momentum", "batch_size": 1},
    {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "nesterovs_momentum": False},
    {"solver": "adamw", "learning_rate": "one_cycle", "clip_norm": 0.1, "members": 2},
    {"solver": "rmsprop", "dropout": 0.2, "feature_scale": True, "embedding": "piecewise_linear"},
    {"solver": "lbfgs"},
]


@pytest.fixture(autouse=True, scope="module")
def small_machine():
    """What does not fit in 8 GB is refused, on every machine that runs these tests."""
    original = memory.physical_memory
    memory.physical_memory = lambda: 8 * 10**9
    yield
    memory.physical_memory = original


# ---- values ----


class Hostile:
    """Raises when anything looks at it."""

    def _raise(self, *args):
        raise RuntimeError("do not look")

    __repr__ = __str__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _raise
    __bool__ = __len__ = __iter__ = __getitem__ = __float__ = __int__ = __index__ = _raise
    __array__ = __add__ = __radd__ = __mul__ = __rmul__ = _raise

    def __hash__(self):
        raise RuntimeError("do not look")


class HostileFloat(Hostile, float):
    """A real number, by its class."""


class HostileInt(Hostile, int):
    """An integer, by its class."""


class HostileText(Hostile, str):
    """A text, by its class."""


HOSTILE = [Hostile(), HostileFloat(0.5), HostileInt(1), HostileText("auto")]
LARGE = [2**31 - 1, 2**53 + 1, 2**63 - 1, 2**64 - 1, 10**30, 10**300, 10**308]
BEYOND = [10**309, 10**400, 10**5000, Fraction(10**400), np.longdouble(1.5e308) * 2]
BEYOND += [-each for each in BEYOND]
BEYOND += [Decimal("1e400"), np.nan, -np.nan, -np.inf, np.inf, np.longdouble("nan")]
# Neither a number nor a name.
NOTHING = [b"", b"auto", 1j, 0j, Ellipsis, NotImplemented, {}, set(), {1}, (), [], [[]], [[1], [2]]]
NOTHING += [object(), object, np.float64, Decimal("0.5"), Decimal("NaN"), Decimal("sNaN"), range(0)]
NOTHING += [np.array(0.5), np.array([]), np.ones((2, 2)), np.array([None]), np.ma.masked]
NOTHING += [
    np.datetime64("NaT", "s"),
    np.timedelta64("NaT", "s"),
    np.timedelta64(1, "s"),
    np.zeros(1, "V3")[0],
]
NOTHING += ["", "no such name", "auto ", "\0", "up to 0", "1", "0.5", "nan", np.str_("x")]
NOTHING += [
    {None: 1},
    {"biases": None},
    {0: "a"},
    {0: -1},
    {"alpha": 1},
    {"alpha": []},
    {Ellipsis: 1},
]
# Every type of number that NumPy has, and two of Python's.
TYPES = sorted(
    {np.dtype(char).type for char in np.typecodes["All"]}, key=lambda kind: kind.__name__
)
TYPES = [kind for kind in TYPES if kind not in (np.object_, np.void)]

python_numbers = st.one_of(
    st.sampled_from([0, 1, 2, 3, 7, 100, 127, 200, 255, -1, 0.5, 0.1, 0.25, 0.9, 1.0, 1.5, -0.5]),
    st.sampled_from([True, False, 0.0, -0.0, 5e-324, 1e-300, 1e-8, 1e4, 1e30, 1e300, 1.7e308]),
    st.sampled_from(LARGE),
    st.floats(0, 1),
)


class Given:
    """A value that is not hashed or written by Hypothesis, which odd values would not survive."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return f"{type(self.value).__name__}: {shown(self.value)}"


def one_among(found):
    """One of these values; `sampled_from` would hash them."""
    return st.sampled_from(range(len(found))).map(found.__getitem__)


@st.composite
def numbers(draw):
    """A number, of any type of Python or NumPy."""
    number = draw(python_numbers)
    kind = draw(st.sampled_from([None, Fraction, *TYPES]))
    if kind is None:
        return number
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Fraction(number) if kind is Fraction else np.asarray(number).astype(kind)[()]
    except (TypeError, ValueError, OverflowError):
        reject()


@st.composite
def values(draw):
    """A value of any kind, perhaps in a sequence or a dict."""
    odd = one_among(BEYOND + NOTHING + HOSTILE)
    value = draw(st.one_of(numbers(), numbers(), odd))
    if isinstance(value, str) or draw(st.integers(0, 2)):
        return Given(value)
    form = draw(st.sampled_from(["list", "pair", "array", "dict", "members"]))
    if form == "array" and isinstance(value, np.generic) and value.dtype.kind in "iuf":
        return Given(np.array([value, value]))
    if form == "dict":
        return Given({draw(st.sampled_from([0, 1, *TRAINED_KINDS])): value})
    if form == "members":
        return Given({draw(st.sampled_from(OF_EACH_MEMBER)): [value, 0.1]})
    return Given((value, value) if form == "pair" else [value])


def in_python(value):
    """The same value in Python's numbers."""
    if type(value) is dict:
        return {key: in_python(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(in_python(each) for each in value)
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iuf":
        return [in_python(each) for each in value]
    if type(value) is np.longdouble or type(value) is Fraction:
        try:
            found = float(value)
        except OverflowError:
            return value
        return value if np.isinf(found) and not np.isinf(value) else found
    is_number = isinstance(value, Real) and isinstance(value, np.generic)
    return value.item() if is_number and not isinstance(value, np.timedelta64) else value


# ---- what a fit does with them ----


def outcome(model, y, **others):
    """The weights and curves of a fit, or the error that it raises.

    A failed fit leaves the estimator as it was, and no fit changes a parameter.
    """
    before = dict(vars(model))
    parts = [each for each in before.values() if hasattr(each, "get_params")]
    inside = [dict(vars(part)) for part in parts]
    try:
        with warnings.catch_warnings():
            # Of many members, of large batches, of epochs that did not converge.
            warnings.simplefilter("ignore", UserWarning)
            model.fit(X, y, **others)
    except (ValueError, TypeError, MemoryError) as error:
        assert vars(model).keys() == before.keys()
        found = error
    else:
        found = [W.tobytes() for W in model.coefs_ + model.intercepts_], repr(model.loss_)
        found += (repr(vars(model).get("loss_curve_")), repr(model.predict(X).tolist()))
    for key, value in before.items():
        assert vars(model)[key] is value
    for part, held in zip(parts, inside):
        assert vars(part).keys() == held.keys()
        assert all(vars(part)[key] is value for key, value in held.items())
    return found


def assert_taken_or_refused(found, expected, names):
    """The outcome of a value is that of the same Python number, and names what it refuses."""
    if not isinstance(found, Exception):
        assert found == expected
        return
    assert isinstance(expected, Exception)
    if isinstance(found, DivergedError):
        # Large numbers are taken, and may lead nowhere.
        assert str(found) == str(expected)
        return
    assert re.search(rf"\b({'|'.join(names)})\b", str(found)), found
    if isinstance(found, MemoryError):
        assert " GB in all" in str(found)


def target(cls):
    """Numbers for a regressor, which all losses take; otherwise classes."""
    return Y + 0.5 if cls is ScratchMLPRegressor else Y


def brief_settings(name):
    """A fit that is over soon, also if this parameter is a large number."""
    found = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0, "engine": "numpy"}
    # Nothing improves by so much: the second epoch is the last.
    return found | ({"tol": 1e300, "n_iter_no_change": 1} if name == "max_iter" else {})


FEW_BITS = [np.float16(0.1), np.float32(0.7), np.longdouble(0.3), Fraction(1, 3)]
FEW_BITS += [np.int8(100), np.uint8(2), np.uint16(20), np.float16(30000)]


@pytest.mark.parametrize("cls, name", PARAMETERS, ids=lambda each: getattr(each, "__name__", each))
def test_numbers_of_few_bits_are_those_numbers_in_every_setting(cls, name):
    for number in FEW_BITS:
        if name not in RULES or not RULES[name].holds(in_python(number)):
            continue
        for base in SETTINGS:
            chosen = base | brief_settings(name)
            found, expected = (
                outcome(cls(**chosen | {name: each}), target(cls))
                for each in (number, in_python(number))
            )
            assert type(found) is type(expected)
            assert_taken_or_refused(found, expected, [name])


LIMITS = settings(
    max_examples=cases(10, 150),
    deadline=None,
    # Odd values have no repr to print, and a database on disk would make runs differ.
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("cls, name", PARAMETERS, ids=lambda each: getattr(each, "__name__", each))
@LIMITS
@given(drawn=values(), base=st.sampled_from(SETTINGS))
def test_a_value_of_an_estimator_is_its_python_number_or_refused(cls, name, drawn, base):
    value = drawn.value
    if name in ("scoring", "learning_rate") and callable(value):
        # A function of the user's, whose errors are the user's.
        return
    chosen = base | brief_settings(name)
    found, expected = (
        outcome(cls(**chosen | {name: each}), target(cls)) for each in (value, in_python(value))
    )
    names = [name, *(OF_EACH_MEMBER if name == "members" else ())]
    assert_taken_or_refused(found, expected, names)


@pytest.mark.parametrize(
    "parameter, member, argument", ARGUMENTS, ids=lambda each: getattr(each, "__name__", each)
)
@LIMITS
@given(drawn=values(), base=st.sampled_from(SETTINGS))
def test_a_value_of_a_part_is_its_python_number_or_refused(
    parameter, member, argument, drawn, base
):
    value = drawn.value
    if argument in ("then", "function") and callable(value):
        return
    is_of_numbers = parameter == "loss" and "continuous" in member.kinds
    cls = ScratchMLPRegressor if is_of_numbers else ScratchMLPClassifier
    found, expected = (
        outcome(
            cls(**base | brief_settings(parameter) | {parameter: made(member, argument, each)}),
            target(cls),
        )
        for each in (value, in_python(value))
    )
    # Of lbfgs and a schedule, the pair is refused.
    assert_taken_or_refused(found, expected, [argument, parameter])


def made(member, argument, value):
    """A part with one argument of the user's."""
    part = default(member)
    setattr(part, argument, value)
    return part


@pytest.mark.parametrize("parameter", ["learning_rate", "scoring"])
@LIMITS
@given(drawn=values())
def test_a_value_that_a_function_returns_is_its_python_number_or_refused(parameter, drawn):
    value = drawn.value

    def returns(each):
        return (lambda t: each) if parameter == "learning_rate" else (lambda model, X, y: each)

    chosen = brief_settings(parameter) | {"early_stopping": True, "validation_fraction": 0.25}
    found, expected = (
        outcome(ScratchMLPClassifier(**chosen | {parameter: returns(each)}), Y)
        for each in (value, in_python(value))
    )
    assert_taken_or_refused(found, expected, [parameter])


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
@settings(LIMITS, max_examples=cases(25, 600))
@given(drawn=values(), form=st.sampled_from(["alone", "each", "among ones"]))
def test_weights_are_their_python_numbers_or_refused(cls, name, drawn, form):
    value = drawn.value

    def given_as(each):
        return {"alone": each, "each": [each] * 24, "among ones": [each, *[1.0] * 23]}[form]

    y = target(cls)
    held_out = {"X_val": X, "y_val": y} if name == "sample_weight_val" else {}
    found, expected = (
        outcome(cls(**brief_settings(name)), y, **{name: given_as(each)}, **held_out)
        for each in (value, in_python(value))
    )
    assert_taken_or_refused(found, expected, [name])


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("name", ["coefs", "intercepts", "classes"])
@settings(LIMITS, max_examples=cases(20, 300))
@given(drawn=values(), depth=st.integers(0, 3))
def test_given_weights_are_their_python_numbers_or_refused(cls, name, drawn, depth):
    value = drawn.value
    if name == "classes" and cls is ScratchMLPRegressor:
        return

    def made_from(each):
        for _ in range(depth):
            each = [each]
        arrays = {"coefs": [[[1.0]]], "intercepts": [[0.5]], "classes": [0, 1]} | {name: each}
        classes = arrays.pop("classes")
        try:
            if cls is ScratchMLPClassifier:
                arrays["classes"] = classes
            return [W.tolist() for W in cls.from_weights(**arrays).coefs_]
        except (ValueError, TypeError) as error:
            return error

    assert_taken_or_refused(made_from(value), made_from(in_python(value)), [name, "coefs"])


@pytest.mark.parametrize("cls", ESTIMATORS)
@settings(LIMITS, max_examples=cases(20, 300))
@given(numbers_of_names=st.lists(st.integers(0, 99), min_size=1, max_size=4), drawn=values())
def test_parameters_are_set_all_or_not_at_all(cls, numbers_of_names, drawn):
    value = drawn.value
    model = cls(solver=default(FAMILIES["solver"].named()["rmsprop"]))
    names = ["bogus", "solver__bogus", "loss__bogus", *model.get_params()]
    chosen = {names[number % len(names)] for number in numbers_of_names}
    before, inside = dict(vars(model)), dict(vars(model.solver))
    part = model.solver
    try:
        model.set_params(**{key: value for key in chosen})
    except ValueError as error:
        assert re.search("bogus|solver__", str(error))
        assert all(vars(model)[key] is each for key, each in before.items())
        assert all(vars(part)[key] is each for key, each in inside.items())
    else:
        assert all(model.get_params()[key] is value for key in chosen)
