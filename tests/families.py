"""Every member of every family, found by itself, so that a new class is tested unnamed."""

import inspect

from sknumpy_mlp._family import Family


def half(t):
    """A function for parameters that want one."""
    return 0.5


# Values to try for a parameter; its rule says which of them it takes.
CANDIDATES = (0.0, 0.25, 0.9, 1.0, 2.5, 7, True, False, half)
NONSENSE = (-1.0, 0.0, 1.5, float("nan"), float("inf"), None, "nonsense", object())


def of_package(classes):
    """Those of the package: tests define classes of their own, which live on for a while."""
    return [cls for cls in classes if cls.__module__.startswith("sknumpy_mlp.")]


def families():
    """The families, and whatever joins them."""
    return of_package(Family.__subclasses__())


def members(family):
    """The classes of a family that the package defines."""
    return of_package(family.members())


def default(cls):
    """A member with its defaults, and a fitting value where there is none."""
    without_default = [
        p.name for p in inspect.signature(cls).parameters.values() if p.default is p.empty
    ]
    return cls(
        **{
            name: next(value for value in CANDIDATES if cls.rules[name].holds(value))
            for name in without_default
        }
    )


def examples(cls):
    """A member with its defaults, then with each parameter at every candidate that fits."""
    found = {repr(default(cls)): default(cls)}
    for name, rule in cls.rules.items():
        for value in CANDIDATES:
            member = default(cls)
            setattr(member, name, value)
            # True passes for the number 1, which is among the candidates already.
            is_number_too = isinstance(value, bool) and rule.holds(float(value))
            if rule.holds(value) and not is_number_too and _is_consistent(member):
                found[repr(member)] = member
    return list(found.values())


def _is_consistent(member):
    # Two parameters may bind each other, as low and high do.
    try:
        member.check_parameters()
    except ValueError:
        return False
    return True


def all_examples(family, *, named=False):
    """Examples of all members of a family, or of those with a name."""
    return [
        example
        for cls in members(family)
        if not named or cls in family.named().values()
        for example in examples(cls)
    ]
