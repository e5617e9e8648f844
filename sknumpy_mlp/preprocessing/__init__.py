"""Transformers for networks on tables.

They follow scikit-learn's contract: a transformer learns from the columns in ``fit``, returns
floats, and raises an error for invalid input. To add a transformer, write a file with a class whose
docstring has a formula, a source and an example, and import the class here.
"""

from .encoder import CrossFittedTargetEncoder
from .imputer import GaussianImputer
from .scaler import RobustSmoothScaler

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = [cls.__name__ for cls in _classes]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
