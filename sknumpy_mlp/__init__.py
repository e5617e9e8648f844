"""A neural network for scikit-learn, written in NumPy.

`ScratchMLPClassifier` and `ScratchMLPRegressor` are the estimators. What they are made of, and what
can be passed to them as an object instead of a name, is in `activations`, `initializers`, `losses`,
`optimizers` and `schedules`. `make_tabular_mlp` puts the classifier or the
regressor behind what prepares the columns of a table, `RobustSmoothScaler` among it.
"""

from . import activations, initializers, losses, optimizers, schedules
from .classifier import ScratchMLPClassifier
from .preprocessing import RobustSmoothScaler
from .regressor import ScratchMLPRegressor
from .tabular import make_tabular_mlp

__version__ = "0.1.0.dev0"
__all__ = [
    "RobustSmoothScaler",
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "activations",
    "initializers",
    "losses",
    "make_tabular_mlp",
    "optimizers",
    "schedules",
]
