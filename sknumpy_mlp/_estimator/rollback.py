"""A failed call leaves the estimator as it was: its attributes and its random streams."""

import functools

import numpy as np
from sklearn.utils import check_random_state


def check_stream(random_state):
    """The stream that `random_state` names if it is a shared one, else what it is."""
    return check_random_state(random_state) if random_state is np.random else random_state


def unchanged_on_failure(method):
    """Decorate a method so that the estimator is as it was when the method does not return."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        streams = [
            check_stream(self.random_state),
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
