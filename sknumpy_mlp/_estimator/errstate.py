"""How NumPy handles floating-point errors in a call: as by default, whatever the user has set.

Underflow to zero is part of every softmax. A user's ``np.errstate(all="raise")``, set to find
errors in code of their own, would otherwise end a fit in the middle.
"""

import functools

import numpy as np


def with_default_errstate(method):
    """Decorate a method so that it runs under NumPy's default handling of floating-point errors.

    Examples
    --------
    >>> @with_default_errstate
    ... def tiny(self):
    ...     return np.exp(-1e3)
    >>> with np.errstate(all="raise"):
    ...     float(tiny(None))
    0.0
    """

    @functools.wraps(method)
    def by_default(*args, **kwargs):
        with np.errstate(all="warn", under="ignore"):
            return method(*args, **kwargs)

    return by_default
