"""Restore the attributes and the random streams of an estimator after a failed call."""

import functools

import numpy as np
from sklearn.utils import check_random_state


def check_stream(random_state):
    """NumPy's global stream if `random_state` is the module ``np.random``, otherwise unchanged."""
    return check_random_state(random_state) if random_state is np.random else random_state


def unchanged_on_failure(method):
    """Decorate a method so that the estimator is unchanged if the method raises."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        streams = [
            check_stream(getattr(self, "random_state", None)),
            getattr(before.get("_training"), "random_state", None),
        ]
        streams = [s for s in streams if isinstance(s, np.random.RandomState)]
        positions = [stream.get_state(legacy=False) for stream in streams]
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            for stream, position in zip(streams, positions):
                stream.set_state(position)
            raise

    return guarded
