"""Callbacks for scikit-learn's protocol (`sklearn.callback`, from scikit-learn 1.9 on).

`Checkpoint` writes a fit under way to disk, so that ``fit(X, y, resume_from=path)`` can resume it.
"""

import copy
import os
import time

import sklearn

from ._estimator.checkpoint import write
from ._estimator.tasks import CALLBACK_ATTRIBUTES, CallbackSupportMixin
from ._family import integer, real


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
    >>> whole = resumed = make(5).fit(X, y)
    >>> if hasattr(whole, "set_callbacks"):  # From scikit-learn 1.9 on.
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         path = os.path.join(folder, "fit.joblib")
    ...         part = make(3).set_callbacks(Checkpoint(path)).fit(X, y)
    ...         resumed = make(5).fit(X, y, resume_from=path)
    >>> resumed.n_iter_, bool((resumed.coefs_[0] == whole.coefs_[0]).all())
    (5, True)
    """

    def __init__(self, path, epochs=1, seconds=None):
        if not hasattr(CallbackSupportMixin, "set_callbacks"):
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
        """Look for the folder before there is anything to lose; called by scikit-learn."""
        folder = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(folder):
            raise FileNotFoundError(f"path must name a file in a folder that exists, got {folder}")
        self._written = time.monotonic()

    def teardown(self, estimator, context):
        """Nothing to do; called by scikit-learn."""

    def on_fit_task_begin(self, estimator, context):
        """Nothing to do; called by scikit-learn."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Write the file if it is time to; called by scikit-learn after every epoch."""
        if context.task_name != "epoch":
            return
        is_due = fitted_estimator.n_iter_ % self.epochs == 0
        if not is_due or time.monotonic() - self._written < (self.seconds or 0):
            return
        # What belongs to this very fit (tasks, progress bars) must not be in the file; other
        # callbacks get the same estimator.
        saved = copy.copy(fitted_estimator)
        for name in list(vars(saved)):
            if name.startswith(CALLBACK_ATTRIBUTES):
                delattr(saved, name)
        write(saved, self.path)
        self._written = time.monotonic()
