"""Neural networks for scikit-learn, written in NumPy.

`ScratchMLPClassifier` and `ScratchMLPRegressor` are the estimators. The modules `activations`,
`embeddings`, `initializers`, `losses`, `optimizers` and `schedules` contain their parts, which can
be passed as objects instead of names. `make_tabular_mlp` builds a pipeline that prepares the
columns of a table, with `RobustSmoothScaler`, `GaussianImputer` and `CrossFittedTargetEncoder`
among other transformers, and ends with the classifier or the regressor.
"""

from . import activations, embeddings, initializers, losses, optimizers, schedules
from ._version import __version__ as __version__
from .classifier import ScratchMLPClassifier
from .preprocessing import CrossFittedTargetEncoder, GaussianImputer, RobustSmoothScaler
from .regressor import ScratchMLPRegressor
from .tabular import make_tabular_mlp

__all__ = [
    "CrossFittedTargetEncoder",
    "GaussianImputer",
    "RobustSmoothScaler",
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "activations",
    "embeddings",
    "initializers",
    "losses",
    "make_tabular_mlp",
    "optimizers",
    "schedules",
]
