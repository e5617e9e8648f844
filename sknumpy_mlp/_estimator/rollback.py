"""Restore the attributes and the random streams of an estimator after a failed call.

Ctrl-C ends a call like an error, but it waits while attributes are restored, and where the call
asks for it.
"""

import functools
from typing import cast

import numpy as np
from sklearn.utils import check_random_state

from .._keywords import Method
from ..core.interrupts import interrupts_deferred


def check_stream(random_state):
    """NumPy's global stream if `random_state` is the module ``np.random``, otherwise unchanged."""
    return check_random_state(random_state) if random_state is np.random else random_state


def unchanged_on_failure(method: Method) -> Method:
    """Decorate a method so that the estimator is unchanged if the method raises."""

    def plain(self, interrupts, *args, **kwargs):
        return method(self, *args, **kwargs)

    return cast(Method, functools.wraps(method)(unchanged_unless_complete(plain)))


def unchanged_unless_complete(method):
    """Decorate ``method(self, interrupts, ...)`` as `unchanged_on_failure` does.

    The method makes Ctrl-C wait for its end by ``interrupts.wait()``. Its result is then kept, and
    the interrupt is raised afterwards.
    """

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        with interrupts_deferred() as interrupts:
            undo = _undoing(self)
            try:
                with interrupts.allowed():
                    return method(self, interrupts, *args, **kwargs)
            except BaseException:
                undo()
                raise

    return guarded


def _undoing(estimator):
    """A function that restores the attributes and the random streams as they are now."""
    held = vars(estimator)
    before = dict(held)
    streams = [
        check_stream(getattr(estimator, "random_state", None)),
        getattr(before.get("_training"), "random_state", None),
    ]
    streams = [s for s in streams if isinstance(s, np.random.RandomState)]
    positions = [stream.get_state(legacy=False) for stream in streams]

    def undo():
        # In this order, the estimator is never without an attribute that it had.
        held.update(before)
        for name in held.keys() - before.keys():
            del held[name]
        for stream, position in zip(streams, positions):
            stream.set_state(position)

    return undo
