"""Which parts have a compiled form: those whose scalar form belongs to their array form."""

from functools import cache
from typing import Any

from ...activations import Activation
from ...losses import Loss
from ...optimizers import Optimizer
from ..layers import Layer
from .sources import FormError, arguments, check

# The scalar forms of a family, and the methods whose formulas they are. Of several in parentheses,
# kernels use the first that there is.
FORMS: dict[type[Any], list[tuple[tuple[str, ...], str]]] = {
    Activation: [(("value",), "forward"), (("slope",), "backward")],
    Loss: [(("rows", "output"), "value_and_gradient")],
    Optimizer: [(("move",), "update"), (("coefficients",), "update"), (("shrinkage",), "decay")],
    Layer: [(("forward_rows",), "forward"), (("input_gradient_rows",), "backward")],
}
# Forms that not every layer has.
OPTIONAL: dict[type[Any], dict[str, str]] = {
    Layer: {
        "predict_rows": "forward",
        "sparse_forward_rows": "forward",
        "backward_rows": "backward",
        "sparse_backward_rows": "backward",
    }
}
# Methods that are no formula of one number, so that they are not compiled.
METHODS = ("coefficients", "shrinkage")


def lacks_form(part: object) -> str:
    """Why a part has no compiled form; '' if it has one."""
    # Any: mypy does not know that a class can be hashed.
    cls: Any = type(part)
    return _lacks_form(cls)


@cache
def _lacks_form(cls: type[Any]) -> str:
    (family,) = (family for family in FORMS if issubclass(cls, family))
    for names, method in FORMS[family]:
        found = [name for name in names if getattr(cls, name, None) is not None][:1]
        if not found:
            return f"it defines no {' and no '.join(names)}"
        if reason := _is_outdated(cls, found[0], method):
            return reason
    for name, method in OPTIONAL.get(family, {}).items():
        if getattr(cls, name) is not None and (reason := _is_outdated(cls, name, method)):
            return reason
    if family is Activation and slope_reads(cls) == 2 and cls.reads != "input":
        return "its slope takes z and a, which needs reads = 'input'"
    return ""


def slope_reads(cls: type[Any]) -> int:
    """How many numbers the slope of an activation takes: z or a, or both."""
    return 2 if arguments(cls.slope)[:2] == ["z", "a"] else 1


def _is_outdated(cls: type[Any], name: str, method: str) -> str:
    """Why a form is not that of the method, or cannot be compiled; '' if it is and can."""
    # A subclass that writes the array form again must write the scalar form again.
    if _depth(cls, name) > _depth(cls, method):
        return f"it defines {method} but not {name}"
    try:
        if name not in METHODS:
            check(getattr(cls, name))
    except FormError as error:
        return str(error)
    return ""


def _depth(cls: type[Any], name: str) -> int:
    """How far up the method resolution a name is defined; 0 is the class itself."""
    return next(k for k, each in enumerate(cls.__mro__) if name in vars(each))
