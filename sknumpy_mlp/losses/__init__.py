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

# Under the same name once more: type checkers take other imports for private.
from . import links as links
from .base import ClassNumbers as ClassNumbers
from .base import Columns as Columns
from .base import Loss as Loss
from .classes import BinaryCrossEntropy as BinaryCrossEntropy
from .classes import BinaryLogLoss as BinaryLogLoss
from .classes import ClasswiseCrossEntropy as ClasswiseCrossEntropy
from .classes import ClasswiseSquaredError as ClasswiseSquaredError
from .classes import LabelwiseCrossEntropy as LabelwiseCrossEntropy
from .classes import LabelwiseSquaredError as LabelwiseSquaredError
from .classes import LogLoss as LogLoss
from .classes import SoftmaxCrossEntropy as SoftmaxCrossEntropy
from .classes import SquaredError as SquaredError
from .numbers import AbsoluteError as AbsoluteError
from .numbers import ContinuousSquaredError as ContinuousSquaredError
from .numbers import Huber as Huber
from .numbers import NumericLoss as NumericLoss
from .numbers import Pinball as Pinball
from .numbers import Poisson as Poisson
from .numbers import Quantiles as Quantiles

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = ["links", *(cls.__name__ for cls in _classes)]

# The public address of the classes is this package.
for _cls in _classes:
    _cls.__module__ = __name__
