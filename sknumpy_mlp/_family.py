"""What all families of replaceable parts share: a name, parameters, and rules for them.

A member is configuration only: it stores the arguments of its constructor under
their names and never changes while a network trains. That makes cloning, grid
searches (``solver__rho``) and pickling work without further code.
To add a member, subclass a family in its file and give it a ``name``.
"""

import copy
import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, isinf
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np


def as_float(value: object) -> float | None:
    """A real number as a Python float; None for what is no number, or is beyond float64."""
    # NumPy counts a timedelta64 among the integers.
    if not isinstance(value, Real) or isinstance(value, np.timedelta64):
        return None
    try:
        found = float(value)
        # A longdouble beyond float64 becomes inf.
        return None if isinf(found) and abs(value) != inf else found
    except MemoryError:
        raise
    except Exception:
        # An integer that is too large, or an odd object.
        return None


def as_text(value: object) -> str | None:
    """A text as Python's own type; None for what is no text."""
    return str.__str__(value) if isinstance(value, str) else None


def shown(value: object) -> str:
    """A value in a message: its repr, also if it has none, and whether it is beyond float64."""
    try:
        float(value) if isinstance(value, Real) else None
        reason = ""
    except OverflowError:
        reason = ", too large for float64"
    except Exception:
        reason = ""
    try:
        return repr(value) + reason
    except Exception:
        # Python refuses to write integers of very many digits.
        return f"a value of {type(value).__name__} that cannot be written{reason}"


def _unchanged(value: Any) -> Any:
    """The same value: what most rules check is of Python's own type already."""
    return value


@dataclass(frozen=True)
class Rule:
    """A rule for a parameter: a test, and its description in error messages.

    `plain` converts a value for which the rule holds to Python's own type, so that no computation
    depends on the number of bits in which a parameter came.
    """

    holds: Callable[[Any], bool]
    words: str
    plain: Callable[[Any], Any] = _unchanged

    def __or__(self, other: "Rule") -> "Rule":
        return Rule(
            lambda value: self.holds(value) or other.holds(value),
            f"{self.words} or {other.words}",
            lambda value: (self if self.holds(value) else other).plain(value),
        )

    def check(self, name: str, value: Any) -> Any:
        """Return the value in Python's own type.

        Raises
        ------
        ValueError
            If the rule does not hold. Names the parameter, the rule and the value.
        """
        cause = None
        try:
            if self.holds(value):
                return self.plain(value)
        except MemoryError:
            raise
        except Exception as error:
            # An object that raises when it is looked at breaks the rule.
            cause = error
        raise ValueError(f"{name} must be {self.words}, got {shown(value)}") from cause


def real(low: float = -np.inf, high: float = np.inf, *, closed: str = "both") -> Rule:
    """A rule for real numbers between `low` and `high`; nan never passes."""
    left = "[" if closed in ("both", "left") and low != -np.inf else "("
    right = "]" if closed in ("both", "right") and high != np.inf else ")"

    def holds(value: object) -> bool:
        # The float is what training computes with.
        value = as_float(value)
        return (
            value is not None
            and (value > low or (left == "[" and value == low))
            and (value < high or (right == "]" and value == high))
        )

    return Rule(holds, f"a number in {left}{low}, {high}{right}", float)


def integer(low: int) -> Rule:
    """A rule for integers that are at least `low`, and not too large for float64."""
    return Rule(lambda value: is_integer(value) and value >= low, f"an integer >= {low}", int)


def is_integer(value: object) -> bool:
    """Whether a value is an integer that is not too large for float64; True counts as 1."""
    return isinstance(value, Integral) and as_float(value) is not None


def numbers() -> Rule:
    """A rule for sequences of real numbers."""

    def holds(values: Any) -> bool:
        is_sequence = isinstance(values, Iterable) and isinstance(values, Sized)
        # Sets and dicts are in no order.
        is_sequence = is_sequence and not isinstance(values, (Mapping, Set))
        return is_sequence and all(as_float(value) is not None for value in values)

    def plain(values: Any) -> Any:
        is_plain = isinstance(values, (list, tuple)) and {type(each) for each in values} <= {float}
        return values if is_plain else [float(value) for value in values]

    return Rule(holds, "a sequence of numbers", plain)


def boolean() -> Rule:
    """A rule for True and False."""
    return Rule(lambda value: isinstance(value, (bool, np.bool_)), "True or False", bool)


def one_of(*choices: Any) -> Rule:
    """A rule for a fixed set of values."""

    def chosen(value: object) -> list[Any]:
        # A subclass, such as NumPy's of str, is accepted; True does not equal 1 here.
        return [
            choice
            for choice in choices
            if isinstance(value, type(choice)) and not isinstance(value, bool) and value == choice
        ]

    words = " or ".join(repr(choice) for choice in choices)
    return Rule(lambda value: bool(chosen(value)), words, lambda value: chosen(value)[0])


@contextmanager
def all_or_nothing(owner: Any, params: Mapping[str, Any]) -> Iterator[None]:
    """Restore the parameters of an object, and of objects among them, if this context raises.

    Parameters
    ----------
    owner : object with get_params
    params : dict
        The parameters that the context sets: objects among them may be set in turn.
    """
    owners = [owner, *owner.get_params().values(), *params.values()]
    owners += [each for part in params.values() for each in _parts_inside(part)]
    before = [(each, dict(vars(each))) for each in owners if _has_parameters(each)]
    try:
        yield
    except BaseException:
        for each, state in before:
            vars(each).update(state)
        raise


def _has_parameters(value: object) -> bool:
    return (
        hasattr(value, "get_params") and hasattr(value, "__dict__") and not inspect.isclass(value)
    )


def _parts_inside(value: Any) -> Iterable[Any]:
    return value.get_params().values() if _has_parameters(value) else []


class _KeywordSignature:
    """The signature of a class whose constructor takes keywords only; instances have none.

    Otherwise `help` would show the arguments of ``__new__``.
    """

    def __get__(self, instance: object, owner: Any) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        if owner.__init__ is object.__init__:
            return inspect.Signature()
        _, *parameters = inspect.signature(owner.__init__).parameters.values()
        if owner._takes(inspect.CO_VARARGS):
            return inspect.Signature(parameters)
        flexible, keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature(
            [each.replace(kind=keyword) if each.kind == flexible else each for each in parameters]
        )


class Family:
    """Base of a family of parts that a name or an object selects.

    Attributes
    ----------
    name : str or None
        The string that selects the class. Classes without a name of their own
        are given as objects.
    known_as : tuple of str
        Names of the same thing in other libraries, for error messages.
    flat : tuple of str
        Parameters of the estimator that a part selected by its name uses.
    rules : dict of str to Rule
        Rules of the constructor arguments. They are checked when the part is used,
        as in scikit-learn, so that ``set_params`` can set any value first.
    """

    name: ClassVar[str | None] = None
    known_as: ClassVar[tuple[str, ...]] = ()
    flat: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[dict[str, Rule]] = {}
    __signature__ = _KeywordSignature()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        # Here rather than in each constructor, so that users' own parts are checked too.
        names = cls.parameter_names()
        if args and not cls._takes(inspect.CO_VARARGS):
            raise TypeError(
                f"{cls.__name__} takes its parameters by keyword, {names}, got {args!r}"
                + cls._advice()
            )
        unknown = [name for name in kwargs if name not in names]
        if unknown and not cls._takes(inspect.CO_VARKEYWORDS):
            raise TypeError(
                f"{cls.__name__} has no parameter {unknown[0]!r}; it has {names}"
                + cls._advice(unknown[0])
            )
        return super().__new__(cls)

    @classmethod
    def _advice(cls, name: str | None = None) -> str:
        """Advice for the message of a wrong argument; '' if there is none."""
        return ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
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
    def _family(cls) -> "type[Family]":
        """The class just below `Family` that this one comes from."""
        return next(c for c in reversed(cls.__mro__) if issubclass(c, Family) and c is not Family)

    @classmethod
    def members(cls) -> list[type[Self]]:
        """All classes below this one, in order of definition."""
        found = []
        for child in cls.__subclasses__():
            found += [child, *child.members()]
        return found

    @classmethod
    def named(cls) -> dict[Any, Any]:
        """The classes of this family that a name selects, as a dict from name to class."""
        return {c.name: c for c in cls._family().members() if vars(c).get("name")}

    @classmethod
    def resolve(
        cls,
        value: Any,
        parameter: str,
        flat: Mapping[str, Any] | None = None,
        choices: Iterable[str] | None = None,
    ) -> Self:
        """Return the object that `value`, a name or an object, stands for, in Python's numbers.

        Parameters
        ----------
        value : str or instance of this family
            A name or an object.
        parameter : str
            The parameter's name, for error messages.
        flat : dict, default=None
            The estimator's parameters; a named class takes those in its `flat`.
        choices : iterable of str, default=None
            The names to list in the message; all names if None.

        Raises
        ------
        ValueError
            If `value` is no name and no member of this family, or if one of its
            own parameters breaks its rule.
        """
        named = cls.named()
        if as_text(value) in named:
            chosen = named[as_text(value)]
            taken = set(chosen.flat) & set(chosen.parameter_names()) & set(flat or {})
            value = chosen(**{key: (flat or {})[key] for key in taken})
        elif not isinstance(value, cls):
            article = "an" if cls.__name__[0] in "AEIOU" else "a"
            is_class = isinstance(value, type)
            raise ValueError(
                f"{parameter} must be {article} {cls.__name__} or one of "
                f"{sorted(choices or named)}, got "
                + (f"the class {value.__name__}" if is_class else shown(value))
                + cls._hint(value, sorted(choices or named))
            )
        value.check_parameters()
        part: Self = value.in_python_numbers()
        return part

    @classmethod
    def _hint(cls, value: object, names: Sequence[str]) -> str:
        """Advice for the message of a value that is none of these names; '' if there is none."""
        if isinstance(value, type) and issubclass(value, cls):
            return f"; call it to make an object: {value.__name__}()"
        if not isinstance(value, str):
            return ""
        plain = value.lower().replace("-", "_").replace(" ", "_")
        elsewhere = {
            other: name for name, member in cls.named().items() for other in member.known_as
        }
        close = [plain] if plain in names else difflib.get_close_matches(plain, names, 1)
        meant = elsewhere.get(plain) or (close[0] if close else None)
        return f"; did you mean {meant!r}?" if meant in names else ""

    @classmethod
    def check_settable(cls, part: object, parameter: str, path: str) -> None:
        """Raise a ValueError unless `part` is an object, whose parameters can be set.

        Parameters
        ----------
        part : object
            The value of `parameter`: a name, perhaps, which has nothing to set.
        parameter, path : str
            What is set is ``<parameter>__<path>``.
        """
        if hasattr(part, "set_params") and not isinstance(part, type):
            return
        key = path.partition("__")[0]
        named: Any = cls.named().get(as_text(part))
        message = f"{parameter}__{path} needs an object whose {key} can be set, got {shown(part)}"
        # A member without a name serves where no named one does.
        having = [
            each
            for each in [*cls.named().values(), *cls.members()]
            if key in each.parameter_names() and not each.__name__.startswith("_")
        ]
        if named is not None and named not in having:
            message += f", which has {named.parameter_names() or 'no parameters'}"
        if having:
            one = named if named in having else having[0]
            address = one.__module__.removeprefix("sknumpy_mlp.")
            message += f"; pass {parameter}={address}.{one.__name__}({key}=...)"
            if one is named and key in named.flat:
                message += f", or set {key} of the estimator"
        raise ValueError(message)

    def check_parameters(self) -> None:
        """Raise a ValueError if a parameter breaks its rule."""
        for key, rule in self.rules.items():
            rule.check(f"{key} of {type(self).__name__}", getattr(self, key))

    def in_python_numbers(self) -> Self:
        """Convert the parameters to Python's numbers.

        Returns
        -------
        Family
            A copy, or this part itself if it has no others.
        """
        found = {key: rule.plain(getattr(self, key)) for key, rule in self.rules.items()}
        changed = {key: value for key, value in found.items() if value is not getattr(self, key)}
        if not changed:
            return self
        # A copy: what the user wrote is never changed.
        twin = copy.copy(self)
        vars(twin).update(changed)
        return twin

    @classmethod
    def parameter_names(cls) -> list[str]:
        """Names of the constructor's arguments."""
        if cls.__init__ is object.__init__:
            return []
        # Half a millisecond a fit faster than inspect.signature.
        code = inspect.unwrap(cls.__init__).__code__
        return list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])

    @classmethod
    def _takes(cls, flag: int) -> bool:
        """Whether the code of the constructor has a flag of `inspect`, such as CO_VARKEYWORDS."""
        if cls.__init__ is object.__init__:
            return False
        return bool(inspect.unwrap(cls.__init__).__code__.co_flags & flag)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the parameters of parts inside, as ``part__name``.

        Returns
        -------
        dict
            From names to values.
        """
        own = {name: getattr(self, name) for name in self.parameter_names()}
        inner = {
            f"{name}__{key}": value
            for name, part in own.items()
            if deep and isinstance(part, Family)
            for key, value in part.get_params().items()
        }
        return own | inner

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name. If this raises, none has changed.

        Parameters
        ----------
        **params : dict
            New values, those of parts inside as ``part__name``.

        Returns
        -------
        self : object
            This part.
        """
        with all_or_nothing(self, params):
            # Parts first: what is inside them may belong to the new ones.
            for key, value in sorted(params.items(), key=lambda item: "__" in item[0]):
                self._set(key, value)
        return self

    def _set(self, key: str, value: Any) -> None:
        name, _, rest = key.partition("__")
        if name not in self.parameter_names():
            raise ValueError(
                f"{type(self).__name__} has no parameter {name!r}; it has {self.parameter_names()}"
            )
        if rest:
            self._family().check_settable(getattr(self, name), name, rest)
            getattr(self, name).set_params(**{rest: value})
        else:
            setattr(self, name, value)

    def __getstate__(self) -> dict[str, Any]:
        # Not None without parameters: later versions may add some, which `__setstate__` sets.
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load a part; parameters that its version did not have get their defaults."""
        missing = [name for name in self.parameter_names() if name not in state]
        if missing:
            arguments = inspect.signature(type(self).__init__).parameters
            found = {name: arguments[name].default for name in missing}
            state = {k: v for k, v in found.items() if v is not inspect.Parameter.empty} | state
        vars(self).update(state)

    @property
    def label(self) -> str:
        """The name, or for a part with parameters or without a name what would construct it."""
        return self.name if self.name and not self.parameter_names() else repr(self)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_params(deep=False).items())
        return f"{type(self).__name__}({arguments})"
