import copy
import inspect
import pickle
import re
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone

from sknumpy_mlp._family import Family, boolean, integer, numbers, one_of, real
from sknumpy_mlp.initializers import Normal, Uniform
from sknumpy_mlp.optimizers import Adam, RMSprop
from sknumpy_mlp.schedules import Cosine, Schedule, Step, Warmup

from .common import label
from .families import NONSENSE, all_examples, default, families, half, members

ALL = [example for family in families() for example in all_examples(family)]
CLASSES = [cls for family in families() for cls in members(family)]
RULES = [(cls, name) for cls in CLASSES for name in cls.rules]
# On Windows a longdouble is a float64.
LARGEST = np.longdouble(np.finfo(np.float64).max)
NAMES = [(family, name) for family in families() for name in family.named()]


# A family of its own, so that the registries of the package stay as they are.
class Shape(Family):
    pass


class Circle(Shape):
    name = "circle"
    rules: ClassVar = {"radius": real(0, 1, closed="right")}
    flat = ("radius",)

    def __init__(self, radius=0.5, inside=None):
        self.radius = radius
        self.inside = inside


class Disc(Circle):
    pass


def test_there_are_six_families():
    names = {family.__name__ for family in families()}
    assert names == {"Activation", "Loss", "Initializer", "Schedule", "Optimizer", "Embedding"}


def test_a_family_knows_members_in_order_and_only_those_with_a_name_of_their_own_by_name():
    assert Shape.members() == [Circle, Disc]
    assert Shape.named() == Disc.named() == {"circle": Circle}


def test_a_name_that_is_taken_is_refused_and_keeps_its_owner():
    class Fruit(Family):
        pass

    apple = type("Apple", (Fruit,), {"name": "apple"})
    message = "the name of Pear must be new to its family, but Apple is called 'apple' already"
    for module in (apple.__module__, "elsewhere"):
        with pytest.raises(TypeError, match=message):
            type("Pear", (Fruit,), {"name": "apple", "__module__": module})
        assert Fruit.named() == {"apple": apple}
    with pytest.raises(TypeError, match="but Apple is called 'apple' already"):
        # A namesake in another module is another class.
        type("Apple", (Fruit,), {"name": "apple", "__module__": "elsewhere"})
    with pytest.raises(TypeError, match="but Apple is called 'apple' already"):
        type("Grandchild", (apple,), {"name": "apple"})
    assert Fruit.named() == {"apple": apple}


def test_a_class_that_is_defined_again_replaces_itself():
    class Fruit(Family):
        pass

    first, second = (type("Apple", (Fruit,), {"name": "apple"}) for _ in range(2))
    assert Fruit.named() == {"apple": second}
    assert first is not second


def test_another_family_may_use_the_name():
    class Fruit(Family):
        pass

    assert type("Cheese", (Fruit,), {"name": "circle"}).name == "circle"
    assert Shape.named() == {"circle": Circle}


@pytest.mark.parametrize(("family", "name"), NAMES)
def test_a_name_resolves_to_a_new_member_of_that_name(family, name):
    first, second = (family.resolve(name, "parameter") for _ in range(2))
    assert type(first).name == name
    assert first is not second
    assert repr(first) == repr(default(type(first)))


@pytest.mark.parametrize("member", ALL, ids=label)
def test_an_object_resolves_to_itself(member):
    (family,) = (family for family in families() if isinstance(member, family))
    found = family.resolve(member, "parameter")
    # Integers become floats where the parameter is a real number, in a copy.
    is_plain = all(
        rule.plain(getattr(member, key)) is getattr(member, key)
        for key, rule in member.rules.items()
    )
    assert (found is member) == is_plain
    assert found.get_params() == member.get_params()


@pytest.mark.parametrize("family", families())
@pytest.mark.parametrize("value", ["nonsense", None, 3, object()], ids=label)
def test_what_is_no_member_is_refused_with_parameter_rule_value_and_choices(family, value):
    with pytest.raises(ValueError) as caught:
        family.resolve(value, "this_parameter")
    article = "an" if family.__name__[0] in "AEIO" else "a"
    assert str(caught.value) == (
        f"this_parameter must be {article} {family.__name__} or one of "
        f"{sorted(family.named())}, got {value!r}" + family._hint(value, sorted(family.named()))
    )


def test_a_member_of_another_family_is_refused():
    with pytest.raises(ValueError, match=r"solver must be a Schedule .* got Adam\("):
        Schedule.resolve(Adam(), "solver")


def test_a_name_takes_those_parameters_that_it_asks_for():
    # `inside` happens to be called as a parameter of the estimator; it is not in `flat`.
    given = {"radius": 0.25, "colour": "red", "inside": "nothing of mine"}
    assert repr(Shape.resolve("circle", "shape", given)) == "Circle(radius=0.25, inside=None)"
    own = Circle(radius=1.0)
    assert Shape.resolve(own, "shape", given).radius == 1.0


@pytest.mark.parametrize(("cls", "name"), RULES)
def test_every_rule_refuses_and_names_parameter_rule_and_value(cls, name):
    (family,) = (family for family in families() if issubclass(cls, family))
    rule = cls.rules[name]
    refused = [value for value in NONSENSE if not rule.holds(value)]
    assert len(refused) >= 3
    for value in refused:
        member = default(cls).set_params(**{name: value})
        message = f"{name} of {cls.__name__} must be {rule.words}, got {value!r}"
        with pytest.raises(ValueError, match=re.escape(message)):
            family.resolve(member, "parameter")


@pytest.mark.parametrize("cls", CLASSES)
def test_no_parameter_takes_nonsense(cls):
    (family,) = (family for family in families() if issubclass(cls, family))
    for name in cls.parameter_names():
        member = default(cls).set_params(**{name: object()})
        with pytest.raises(ValueError, match=rf"{name} of {cls.__name__} must be .*got <object"):
            family.resolve(member, "parameter")


@pytest.mark.parametrize("member", ALL, ids=label)
def test_rules_are_about_parameters_and_examples_obey_them(member):
    assert set(member.rules) <= set(member.parameter_names())
    member.check_parameters()


@pytest.mark.parametrize("member", ALL, ids=label)
def test_a_clone_is_another_object_with_an_equal_repr(member):
    twin = clone(member)
    assert type(twin) is type(member)
    assert twin is not member
    assert repr(twin) == repr(member)


@pytest.mark.parametrize("member", ALL, ids=label)
def test_a_member_survives_pickle_and_copy(member):
    for twin in (pickle.loads(pickle.dumps(member)), copy.deepcopy(member)):
        assert type(twin) is type(member)
        assert repr(twin) == repr(member)


@pytest.mark.parametrize("member", ALL, ids=label)
def test_parameters_go_through_get_and_set(member):
    given = member.get_params()
    assert list(member.get_params(deep=False)) == member.parameter_names()
    fresh = default(type(member))
    assert fresh.set_params(**given) is fresh
    assert fresh.get_params() == given
    with pytest.raises(ValueError, match=f"{type(member).__name__} has no parameter 'nonsense'"):
        member.set_params(nonsense=1)


# The repr of a function is no expression.
@pytest.mark.parametrize("member", [m for m in ALL if half not in vars(m).values()], ids=label)
def test_a_repr_is_what_constructs_the_member(member):
    namespace = {cls.__name__: cls for cls in CLASSES}
    assert eval(repr(member), namespace).get_params() == member.get_params()


@pytest.mark.parametrize("member", ALL, ids=label)
def test_a_label_is_the_name_or_what_constructs_the_member(member):
    plain = member.name and not member.parameter_names()
    assert member.label == (member.name if plain else repr(member))


def test_parameters_of_parts_inside_are_read_and_set_by_path():
    start = Uniform(biases=Normal(scale=0.5, biases=Normal(scale=2.0)))
    given = start.get_params()
    assert given["biases__scale"] == 0.5
    assert given["biases__biases__scale"] == 2.0
    start.set_params(biases__biases__scale=3.0, low=-1.0)
    assert repr(start.biases.biases) == "Normal(scale=3.0, biases='zeros')"
    assert start.low == -1.0
    warmup = Warmup(then=Cosine())
    twin = clone(warmup).set_params(then__final=0.5)
    assert (twin.then.final, warmup.then.final) == (0.5, 0.0)


def test_a_part_and_a_parameter_of_it_can_be_set_together():
    warmup = Warmup().set_params(then=Cosine(), then__final=0.25)
    assert warmup.then.final == 0.25


def test_setting_a_bad_value_is_told_when_the_part_is_used():
    solver = RMSprop().set_params(rho=2.0)
    with pytest.raises(ValueError, match=r"rho of RMSprop must be a number in \[0, 1\), got 2.0"):
        type(solver).resolve(solver, "solver")


@pytest.mark.parametrize("params", [{"nonsense": 1}, {"biases__scale": 1, "biases__nonsense": 2}])
def test_set_params_sets_all_or_nothing(params):
    inner, new = Normal(scale=0.5), Normal(scale=0.25)
    start = Uniform(biases=inner)
    with pytest.raises(ValueError, match="has no parameter 'nonsense'"):
        start.set_params(low=-9.0, **params)
    assert (start.low, start.biases, inner.scale) == (-0.5, inner, 0.5)
    # Also of an object that is set in the same call.
    with pytest.raises(ValueError, match="has no parameter 'nonsense'"):
        start.set_params(biases=new, biases__scale=7.0, nonsense=1)
    assert (start.biases, new.scale) == (inner, 0.25)


BITS = [np.int8, np.uint8, np.int16, np.uint64, np.float16, np.float32, np.longdouble, Fraction]


@pytest.mark.parametrize("number", BITS)
def test_rules_give_python_numbers(number):
    for rule, kind in ((real(0), float), (real(0) | one_of("auto"), float), (numbers(), list)):
        given = [number(3)] if kind is list else number(3)
        found = rule.check("parameter", given)
        assert type(found) is kind and found == given
    assert type(real(0).check("parameter", 3)) is float
    if isinstance(number(3), Integral):
        assert type(integer(1).check("parameter", number(3))) is int
    assert boolean().check("parameter", np.True_) is True
    assert type(one_of("auto").check("parameter", np.str_("auto"))) is str


@pytest.mark.parametrize(
    "huge",
    [10**400, -(10**400), 10**5000, Fraction(10**400), LARGEST * 2],
    ids=["high", "low", "long", "fraction", "longdouble"],
)
@pytest.mark.parametrize("rule", [real(), integer(-(10**500)), numbers(), one_of(1) | real()])
def test_numbers_beyond_float64_are_refused_as_such(rule, huge):
    given = [huge] if rule.words.startswith("a seq") else huge
    with pytest.raises(ValueError, match=r"^parameter must be ") as caught:
        rule.check("parameter", given)
    assert (
        given is not huge
        or isinstance(huge, np.longdouble)
        or "too large for float64" in str(caught.value)
    )


class Hostile(float):
    """A number that raises when it is looked at."""

    def __float__(self):
        raise RuntimeError("do not look")

    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __repr__ = __float__
    __hash__ = None


@pytest.mark.parametrize("rule", [real(), integer(1), one_of(1.0), numbers(), boolean()])
def test_what_raises_when_it_is_looked_at_is_refused(rule):
    with pytest.raises(
        ValueError, match=r"parameter must be .* got a value of Hostile that cannot"
    ):
        rule.check("parameter", Hostile(0.5))


def test_a_part_keeps_what_the_user_wrote_and_computes_with_python_numbers():
    given = RMSprop(rho=np.float16(0.9))
    used = RMSprop.resolve(given, "solver")
    assert type(given.rho) is np.float16
    assert type(used.rho) is float and used.rho == given.rho
    assert Step.resolve(Step(factors=np.float32([1, 0.5, 0.25])), "x").factors == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("rule", "holding", "failing"),
    [
        (real(), [0, -1e300, True, np.float32(2)], [float("nan"), "1", None, float("inf"), 1j]),
        (real(0, 1), [0, 1, 0.5], [-1e-9, 1 + 1e-9, float("nan"), np.timedelta64(1, "s")]),
        (real(0, 1, closed="left"), [0, 0.5], [1]),
        (real(0, 1, closed="right"), [1, 0.5], [0]),
        (real(0, 1, closed="neither"), [0.5], [0, 1]),
        (integer(1), [1, np.int64(7)], [0, 1.0, "1", None, np.timedelta64(1, "s")]),
        (boolean(), [True, np.True_], [1, 0, "True", None]),
        (one_of("auto", 1), ["auto", 1], ["Auto", 1.0, True, None]),
        (one_of("auto") | integer(3), ["auto", 3], [2, "3"]),
    ],
)
def test_rules_hold_for_what_they_say(rule, holding, failing):
    for value in holding:
        rule.check("parameter", value)
    for value in failing:
        message = f"parameter must be {rule.words}, got {value!r}"
        with pytest.raises(ValueError, match=re.escape(message)):
            rule.check("parameter", value)


def test_rules_are_told_in_words():
    assert real(0, 1, closed="left").words == "a number in [0, 1)"
    assert real(0).words == "a number in [0, inf)"
    assert (one_of("auto") | integer(1)).words == "'auto' or an integer >= 1"
    assert boolean().words == "True or False"


class Odd(Family):
    """A family with members whose constructors are unusual."""


@dataclass
class Recorded(Odd):
    """A part of a user's as a dataclass."""

    side: float = 2.0


class Loose(Odd):
    """A part of a user's that takes any number of arguments."""

    def __init__(self, side=1.0, *others, **options):
        self.side, self.others, self.options = side, others, options


def test_signatures_are_those_of_the_constructor_and_of_calls():
    assert str(inspect.signature(Recorded)) == "(*, side: float = 2.0)"
    assert str(inspect.signature(Cosine)) == "(*, final: float = 0.0)"
    # An object that can be called has the signature of its call.
    assert str(inspect.signature(Cosine())) == "(t: float) -> float"
    assert Recorded(side=3.0).side == 3.0
    assert (Loose(1.0, 2.0, x=3).others, Loose(1.0, x=3).options) == ((2.0,), {"x": 3})


# ---- what the docstrings say ----

NAMED = [family.named()[name] for family, name in NAMES]
ENTRY = re.compile(
    r"(\w+(?:, \w+)*) : (float|int|bool)( in [^,]+, [^,]+?[\])]| >=? \S+?)?, default=(.+)"
)
DOCUMENTED = [
    (cls, name, bounds or "", default)
    for cls in NAMED
    for line in inspect.getdoc(cls).splitlines()
    if (entry := ENTRY.fullmatch(line))
    for names, _, bounds, defaults in [entry.groups()]
    for name, default in zip(names.split(", "), defaults.split(" and "), strict=True)
]


def interval(bounds):
    """Both ends of documented bounds, and whether they belong to the interval."""
    if not bounds:
        return (-np.inf, False), (np.inf, False)
    if " in " in bounds:
        low, high = bounds.removeprefix(" in ").split(", ")
        return (float(low[1:]), low[0] == "["), (float(high[:-1]), high[-1] == "]")
    sign, low = bounds.split()
    return (float(low), sign == ">="), (np.inf, False)


def test_docstrings_give_the_bounds_and_defaults_of_all_numbers():
    documented = {(cls, name) for cls, name, *_ in DOCUMENTED}
    for cls in NAMED:
        for name in cls.parameter_names():
            if type(inspect.signature(cls).parameters[name].default) in (int, float):
                assert (cls, name) in documented


@pytest.mark.parametrize(
    "cls, name, bounds, default", DOCUMENTED, ids=lambda each: getattr(each, "__name__", str(each))
)
def test_a_number_has_the_bounds_and_the_default_of_its_docstring(cls, name, bounds, default):
    assert repr(inspect.signature(cls).parameters[name].default) == repr(eval(default))
    rule = cls.rules.get(name)
    (low, has_low), (high, has_high) = interval(bounds)
    if rule is None:
        assert not bounds
        return
    step = 1 if "integer" in rule.words else None
    for end, belongs, outwards in ((low, has_low, -np.inf), (high, has_high, np.inf)):
        if np.isinf(end):
            continue
        one, other = (end - 1, end + 1) if step else np.nextafter(end, [outwards, -outwards])
        end, one, other = (int(each) if step else float(each) for each in (end, one, other))
        assert rule.holds(end) == belongs
        assert rule.holds(other) and not rule.holds(one)
