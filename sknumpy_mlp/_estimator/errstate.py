"""How NumPy handles floating-point errors in a call, whatever the user has set.

Underflow to zero is part of every softmax. A user's ``np.errstate(all="raise")``, set to find
errors in code of their own, would otherwise end a fit in the middle.
"""

import functools

import numpy as np


def with_errstate(**handling):
    """Decorate a function so that it runs under ``np.errstate(**handling)``.

    `np.errstate` decorates too. Under NumPy 1, however, all calls share what it restores: after
    nested calls, the program keeps the handling of the inner one.

    Examples
    --------
    >>> @with_errstate(all="warn", under="ignore")
    ... def tiny():
    ...     return np.exp(-1e3)
    >>> with np.errstate(all="raise"):
    ...     float(tiny())
    0.0
    """

    def decorate(function):
        """The function under this handling."""

        @functools.wraps(function)
        def under_handling(*args, **kwargs):
            with np.errstate(**handling):
                return function(*args, **kwargs)

        return under_handling

    return decorate


# NumPy's own default.
with_default_errstate = with_errstate(all="warn", under="ignore")
