"""Losses on raw scores: what training minimizes, and the link from raw scores to predictions.

Contract: ``value_and_gradient`` reads raw scores ``Z`` of shape (n_samples, n_outputs) and
targets, writes each row's loss into `losses` and overwrites ``Z`` with each row's gradient
``dZ``. The mean over rows, weights and penalties belong to the caller. A loss has a `link` (see
`losses.links`), which turns raw scores into probabilities, labels or numbers, and a `coding` of its
targets. A class with a `name` may choose another class by the kind of target (`for_target`), as
log-loss does.
To add one: subclass `Loss` in `classes`, or in `numbers` if its targets are numbers; the gradient
and precision tests find it.
"""

from . import links
from .base import ClassNumbers, Columns, Loss
from .classes import (
    BinaryCrossEntropy,
    BinaryLogLoss,
    ClasswiseCrossEntropy,
    ClasswiseSquaredError,
    LabelwiseCrossEntropy,
    LabelwiseSquaredError,
    LogLoss,
    SoftmaxCrossEntropy,
    SquaredError,
)
from .numbers import (
    AbsoluteError,
    ContinuousSquaredError,
    Huber,
    NumericLoss,
    Pinball,
    Poisson,
)

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = ["links", *(cls.__name__ for cls in _classes)]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
