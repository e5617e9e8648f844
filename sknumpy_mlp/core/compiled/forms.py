"""Which parts have a compiled form: those whose scalar form belongs to their array form."""

from functools import cache

from ...activations import Activation
from ...losses import Loss
from ...optimizers import Optimizer
from ..layers import Layer
from .sources import FormError, check

# The scalar forms of a family, and the methods whose formulas they are. Of a scalar form in
# parentheses one is enough.
FORMS = {
    Activation: [(("value",), "forward"), (("slope",), "backward")],
    Loss: [(("rows", "output"), "value_and_gradient")],
    Optimizer: [(("move",), "update"), (("coefficients",), "update"), (("shrinkage",), "decay")],
    Layer: [(("forward_rows",), "forward"), (("input_gradient_rows",), "backward")],
}
# Methods that are no formula of one number, so that they are not compiled.
METHODS = ("coefficients", "shrinkage")


def lacks_form(part):
    """Why a part has no compiled form; '' if it has one."""
    return _lacks_form(type(part))


@cache
def _lacks_form(cls):
    (family,) = (family for family in FORMS if issubclass(cls, family))
    for names, method in FORMS[family]:
        found = [name for name in names if getattr(cls, name, None) is not None]
        if not found:
            return f"it defines no {' and no '.join(names)}"
        # A subclass that writes the array form again must write the scalar form again.
        if min(_depth(cls, name) for name in found) > _depth(cls, method):
            return f"it defines {method} but not {' or '.join(found)}"
        try:
            for name in found:
                if name not in METHODS:
                    check(getattr(cls, name))
        except FormError as error:
            return str(error)
    return ""


def _depth(cls, name):
    """How far up the method resolution a name is defined; 0 is the class itself."""
    return next(k for k, each in enumerate(cls.__mro__) if name in vars(each))
