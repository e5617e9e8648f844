"""What all five families of replaceable parts share: a name, parameters, and rules for them.

A member is configuration only: it stores the arguments of its constructor under
their names and never changes while a network trains. That makes cloning, grid
searches (``solver__rho``) and pickling work without further code.
To add a member, subclass a family in its file and give it a ``name``.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Rule:
    """What a parameter may be: a test, and the words for it in an error message."""

    holds: Callable[[object], bool]
    words: str

    def __or__(self, other):
        return Rule(
            lambda value: self.holds(value) or other.holds(value),
            f"{self.words} or {other.words}",
        )

    def check(self, name, value):
        """Raise a ValueError that names the parameter, the rule and the value."""
        if not self.holds(value):
            raise ValueError(f"{name} must be {self.words}, got {value!r}")


def real(low=-np.inf, high=np.inf, *, closed="both"):
    """A rule for real numbers between `low` and `high`; nan never passes."""
    left = "[" if closed in ("both", "left") and low != -np.inf else "("
    right = "]" if closed in ("both", "right") and high != np.inf else ")"

    def holds(value):
        return (
            isinstance(value, Real)
            and (value > low or (left == "[" and value == low))
            and (value < high or (right == "]" and value == high))
        )

    return Rule(holds, f"a number in {left}{low}, {high}{right}")


def integer(low):
    """A rule for integers that are at least `low`."""
    return Rule(lambda value: isinstance(value, Integral) and value >= low, f"an integer >= {low}")


def boolean():
    """A rule for True and False."""
    return Rule(lambda value: isinstance(value, (bool, np.bool_)), "True or False")


def one_of(*choices):
    """A rule for a fixed set of values."""

    def holds(value):
        # A subclass, such as NumPy's of str, will do; True is no 1.
        return any(
            isinstance(value, type(choice)) and not isinstance(value, bool) and value == choice
            for choice in choices
        )

    return Rule(holds, " or ".join(repr(choice) for choice in choices))


class Family:
    """Base of a family of parts that a name or an object selects.

    Attributes
    ----------
    name : str or None
        What a user may write instead of an object. Classes without a name of
        their own are given as objects.
    rules : dict of str to Rule
        What each constructor argument may be; checked when the part is used, as
        scikit-learn does, so that ``set_params`` can pass through any state.
    """

    name: ClassVar[str | None] = None
    rules: ClassVar[dict] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        name = vars(cls).get("name")
        for owner in cls._family().members() if name else []:
            # The same class defined once more (a notebook cell, a reload) replaces itself.
            same = (owner.__module__, owner.__qualname__) == (cls.__module__, cls.__qualname__)
            if vars(owner).get("name") == name and owner is not cls and not same:
                # The refused class lives as long as the traceback: it must not answer to the name.
                cls.name = None
                raise TypeError(
                    f"the name of {cls.__name__} must be new to its family, "
                    f"but {owner.__name__} is called {name!r} already"
                )

    @classmethod
    def _family(cls):
        """The class just below `Family` that this one comes from."""
        return next(c for c in reversed(cls.__mro__) if issubclass(c, Family) and c is not Family)

    @classmethod
    def members(cls):
        """All classes below this one, in order of definition."""
        found = []
        for child in cls.__subclasses__():
            found += [child, *child.members()]
        return found

    @classmethod
    def named(cls):
        """The classes of this family that a name selects, as a dict from name to class."""
        return {c.name: c for c in cls._family().members() if vars(c).get("name")}

    @classmethod
    def resolve(cls, value, parameter, defaults=None):
        """Return the object that `value`, a name or an object, stands for.

        Parameters
        ----------
        value : str or instance of this family
        parameter : str
            The parameter's name, for error messages.
        defaults : dict, default=None
            Values for the constructor of a named class; those it does not take are left out.

        Raises
        ------
        ValueError
            If `value` is no name and no member of this family, or if one of its
            own parameters breaks its rule.
        """
        named = cls.named()
        if isinstance(value, str) and value in named:
            chosen = named[value]
            taken = set(chosen.parameter_names()) & set(defaults or {})
            value = chosen(**{key: defaults[key] for key in taken})
        elif not isinstance(value, cls):
            article = "an" if cls.__name__[0] in "AEIOU" else "a"
            raise ValueError(
                f"{parameter} must be {article} {cls.__name__} or one of "
                f"{sorted(named)}, got {value!r}"
            )
        value.check_parameters()
        return value

    def check_parameters(self):
        """Raise a ValueError if a parameter breaks its rule."""
        for key, rule in self.rules.items():
            rule.check(f"{key} of {type(self).__name__}", getattr(self, key))

    @classmethod
    def parameter_names(cls):
        """Names of the constructor's arguments."""
        if cls.__init__ is object.__init__:
            return []
        # Half a millisecond a fit faster than inspect.signature.
        code = inspect.unwrap(cls.__init__).__code__
        return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])

    def get_params(self, deep=True):
        """Parameters as a dict; ``deep=True`` adds those of parts inside, as ``part__name``."""
        own = {name: getattr(self, name) for name in self.parameter_names()}
        inner = {
            f"{name}__{key}": value
            for name, part in own.items()
            if deep and isinstance(part, Family)
            for key, value in part.get_params().items()
        }
        return own | inner

    def set_params(self, **params):
        """Set parameters by name, those of parts inside as ``part__name``; returns self."""
        # Parts first: what is inside them may belong to the new ones.
        for key, value in sorted(params.items(), key=lambda item: "__" in item[0]):
            name, _, rest = key.partition("__")
            if name not in self.parameter_names():
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; "
                    f"it has {self.parameter_names()}"
                )
            if rest:
                getattr(self, name).set_params(**{rest: value})
            else:
                setattr(self, name, value)
        return self

    @property
    def label(self):
        """The name, or for a part with parameters or without a name what would construct it."""
        return self.name if self.name and not self.parameter_names() else repr(self)

    def __repr__(self):
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_params(deep=False).items())
        return f"{type(self).__name__}({arguments})"
