"""Callbacks for scikit-learn's protocol (`sklearn.callback`, from scikit-learn 1.9 on).

`Checkpoint` writes a fit under way to disk, so that ``fit(X, y, resume_from=path)`` can go on.
"""

import os
import tempfile
import time
from collections import namedtuple

import joblib
import sklearn
from sklearn.utils.fixes import parse_version

from ._callbacks import CALLBACK_ATTRIBUTES
from .core._family import integer, real

Progress = namedtuple("Progress", "outcome split earlier")
Progress.__doc__ = """A fit under way: its `Outcome` so far, the row numbers that are trained on and
held out (None without a split), and the curves of the fits that it goes on from, by name."""


class Checkpoint:
    """Write the estimator to a file while it is fitted.

    The file holds the estimator as it is after an epoch, ready to predict, and all that
    ``fit(X, y, resume_from=path)`` needs to go on from there: the end is then bit for bit that of
    a fit that was never interrupted. It is written whole or not at all: into a new file beside
    it, flushed to the disk, then renamed; whatever kills the program leaves the last one readable.

    Set it with ``estimator.set_callbacks(Checkpoint(path))``; scikit-learn 1.9 or newer is needed.

    Parameters
    ----------
    path : str or path
        The file, for `joblib.load`; replaced each time.
    epochs : int >= 1, default=1
        Write after every so many epochs.
    seconds : float >= 0 or None, default=None
        Write only if so many seconds have passed since the last time, or since the fit began.

    Raises
    ------
    ImportError
        If scikit-learn has no callbacks.
    ValueError
        If a parameter breaks its rule.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sknumpy_mlp import ScratchMLPClassifier
    >>> X, y = np.array([[0.0], [1.0]] * 10), np.array([0, 1] * 10)
    >>> def make(epochs):
    ...     return ScratchMLPClassifier(max_iter=epochs, n_iter_no_change=None, random_state=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "fit.joblib")
    >>> part = make(3).set_callbacks(Checkpoint(path)).fit(X, y)  # doctest: +SKIP
    >>> whole = make(5).fit(X, y, resume_from=path)  # doctest: +SKIP
    >>> bool((whole.coefs_[0] == make(5).fit(X, y).coefs_[0]).all())  # doctest: +SKIP
    True
    """

    def __init__(self, path, epochs=1, seconds=None):
        if parse_version(sklearn.__version__) < parse_version("1.9"):
            raise ImportError(
                f"Checkpoint needs scikit-learn 1.9 or newer, which has callbacks; this is "
                f"{sklearn.__version__}"
            )
        integer(1).check("epochs", epochs)
        if seconds is not None:
            real(0).check("seconds", seconds)
        self.path = os.fspath(path)
        self.epochs = epochs
        self.seconds = seconds

    def setup(self, estimator, context):
        """Begin to count; called by scikit-learn."""
        self._count = 0
        self._written = time.monotonic()

    def teardown(self, estimator, context):
        """Nothing to do; called by scikit-learn."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do; called by scikit-learn."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Write the file if it is time to; called by scikit-learn after every epoch."""
        if context.task_name != "epoch":
            return
        self._count += 1
        now = time.monotonic()
        if self._count % self.epochs or now - self._written < (self.seconds or 0):
            return
        # What belongs to this very fit (tasks, progress bars) must not be in the file.
        for name in list(vars(fitted_estimator)):
            if name.startswith(CALLBACK_ATTRIBUTES):
                delattr(fitted_estimator, name)
        _write_whole(fitted_estimator, self.path)
        self._written = now


def _write_whole(value, path):
    """Dump into a new file, flush it to the disk, and put it in the place of the old one."""
    folder = os.path.dirname(os.path.abspath(path))
    handle, new = tempfile.mkstemp(prefix=os.path.basename(path) + ".", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            joblib.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
    _flush_folder(folder)


def _flush_folder(folder):
    """Flush a rename to the disk, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def take_up(estimator, path):
    """Give `estimator` the fitted attributes in a file that `Checkpoint` wrote.

    Parameters
    ----------
    estimator : estimator
        Of the class and with the parameters of the one that was written; `max_iter`, `verbose`
        and `random_state` may differ, since the random stream goes on from where it was.
    path : str or path

    Returns
    -------
    Progress
        Of the fit that was under way.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    saved = joblib.load(path)
    progress = getattr(saved, "_progress", None) if type(saved) is type(estimator) else None
    if progress is None:
        raise ValueError(
            f"resume_from must name a checkpoint of a {type(estimator).__name__}, got {path!r}, "
            f"which holds a {type(saved).__name__}"
        )
    parameters = estimator.get_params(deep=False)
    for name, theirs in saved.get_params(deep=False).items():
        free = name in ("max_iter", "verbose", "random_state")
        if not free and repr(theirs) != repr(parameters[name]):
            raise ValueError(
                f"{name} must be what it was when {path!r} was written, {theirs!r}, "
                f"got {parameters[name]!r}"
            )
    fitted = vars(saved).keys() - parameters.keys() - {"_progress"}
    vars(estimator).update({name: vars(saved)[name] for name in fitted})
    return progress
