"""Displays of fitted networks, by scikit-learn's convention.

`LossCurveDisplay` draws the losses of a fit, `WeightsDisplay` the weights of the first layer as
images, and `NetworkDisplay` the units and their connections. The constructor takes arrays,
``from_estimator`` reads them from a fitted estimator, and ``plot(ax=None)`` draws them and sets
`ax_` and `figure_`. Matplotlib, the extra "plot", is imported when something is drawn.
"""

# Under the same name once more: type checkers take other imports for private.
from .loss_curve import LossCurveDisplay as LossCurveDisplay
from .network import NetworkDisplay as NetworkDisplay
from .weights import WeightsDisplay as WeightsDisplay

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = [cls.__name__ for cls in _classes]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
