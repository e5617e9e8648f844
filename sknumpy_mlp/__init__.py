"""Neural networks for scikit-learn, written in NumPy.

`ScratchMLPClassifier` and `ScratchMLPRegressor` are the estimators. The modules `activations`,
`embeddings`, `initializers`, `losses`, `optimizers` and `schedules` contain their parts, which can
be passed as objects instead of names. `make_tabular_mlp` builds a pipeline that prepares the
columns of a table, with `RobustSmoothScaler`, `GaussianImputer` and `CrossFittedTargetEncoder`
among other transformers, and ends with the classifier or the regressor. `show_versions` prints what
a report of a problem has to say of its machine, and `trusted_types` lists the classes that a saved
model may name.
"""

from . import activations, embeddings, initializers, losses, optimizers, schedules
from ._trusted import trusted_types
from ._version import __version__ as __version__
from ._versions import show_versions
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
    "show_versions",
    "trusted_types",
]
