"""Optimizers, which update the flat parameter vector with its gradient.

Contract: an optimizer is configuration only. ``update`` makes one step on a block of parameters in
place. `moments` names the vectors that an optimizer keeps from step to step; they are stored in a
state, a plain dict. The caller passes the learning rate at every step.
To add an optimizer: subclass `Optimizer` here, give the class a `name` and its `moments`, and write
``update``.

``theta`` are the parameters, ``grad`` is their gradient, and ``t`` counts the steps from 1.
"""

# Under the same name once more: type checkers take other imports for private.
from .base import Optimizer as Optimizer
from .steps import LBFGS as LBFGS
from .steps import SGD as SGD
from .steps import AdaGrad as AdaGrad
from .steps import Adam as Adam
from .steps import AdamW as AdamW
from .steps import Momentum as Momentum
from .steps import RMSprop as RMSprop

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = [cls.__name__ for cls in _classes]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
