"""Transformers for networks on tables.

They follow scikit-learn's contract: a transformer learns from the columns in ``fit``, returns
floats, and raises an error for invalid input. To add a transformer, write a file with a class whose
docstring has a formula, a source and an example, and import the class here.
"""

# Under the same name once more: type checkers take other imports for private.
from .encoder import CrossFittedTargetEncoder as CrossFittedTargetEncoder
from .imputer import GaussianImputer as GaussianImputer
from .scaler import RobustSmoothScaler as RobustSmoothScaler

_classes = [value for value in vars().values() if isinstance(value, type)]
__all__ = [cls.__name__ for cls in _classes]

# The public address is this package, whichever file holds the class.
for _cls in _classes:
    _cls.__module__ = __name__
