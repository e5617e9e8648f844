r"""Activation functions ``A = f(Z)`` of the hidden layers, and their derivatives.

Contract: ``forward`` writes ``f(Z)`` into `out`. ``backward`` turns the gradient with respect to
the output, ``dA``, into the gradient with respect to the input, ``dZ = dA * f'(Z)``, in place.
`reads` defines whether the derivative is computed from the layer's input ``Z`` or its output ``A``.
`in_place` defines whether ``out`` may be ``Z``, so that a cheap activation needs only one buffer.
To add an activation: subclass `Activation` here and give the class a `name`; the tests find it.
"""

# Under the same name once more: type checkers take other imports for private.
from .base import Activation as Activation
from .piecewise import ELU as ELU
from .piecewise import SELU as SELU
from .piecewise import Identity as Identity
from .piecewise import LeakyReLU as LeakyReLU
from .piecewise import ReLU as ReLU
from .smooth import GELU as GELU
from .smooth import Logistic as Logistic
from .smooth import Mish as Mish
from .smooth import SiLU as SiLU
from .smooth import Softplus as Softplus
from .smooth import Tanh as Tanh

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = [cls.__name__ for cls in _classes]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
