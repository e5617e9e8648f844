"""Losses on raw scores, and links from raw scores to predictions.

Contract: ``value_and_gradient`` reads raw scores ``Z`` of shape (n_samples, n_outputs) and
targets, writes each row's loss into `losses`, and overwrites ``Z`` with each row's gradient ``dZ``.
The caller computes the mean over rows and applies weights and penalties. A loss has a `link` (see
`losses.links`), which turns raw scores into probabilities, labels or numbers, and a `coding` of its
targets. A class with a `name` may choose another class for each kind of target (`for_target`), like
log-loss.
To add a loss: subclass `Loss` in `classes`, or in `numbers` if its targets are numbers. The
gradient and precision tests find it.
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
    Quantiles,
)

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = ["links", *(cls.__name__ for cls in _classes)]

# The public address of the classes is this package.
for _cls in _classes:
    _cls.__module__ = __name__
