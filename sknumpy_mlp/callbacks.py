"""Callbacks for scikit-learn's protocol (`sklearn.callback`, scikit-learn 1.9 or newer).

`Checkpoint` writes a running fit to disk, and ``fit(X, y, resume_from=path)`` resumes training.
"""

import copy
import time
from os import PathLike
from typing import Any

import sklearn

from ._estimator.files import check_writable, checked, remove_leftovers, write
from ._estimator.tasks import CALLBACK_ATTRIBUTES, CallbackSupportMixin
from ._family import integer, real

__all__ = ["Checkpoint"]


class Checkpoint:
    """Write the estimator to a file while it is fitted.

    The file holds the estimator as it is after an epoch, ready to predict, and everything that
    ``fit(X, y, resume_from=path)`` needs to resume training. The result is bit-for-bit the same as
    that of an uninterrupted fit. The file is written completely or not at all: the data goes to a
    new file in the same folder, which is flushed to disk and then renamed. However the program
    ends, the last checkpoint is readable.

    Set the callback with ``estimator.set_callbacks(Checkpoint(path))``. This requires scikit-learn
    1.9 or newer.

    The file has a checksum. If it is damaged, `joblib.load` and ``fit(X, y, resume_from=path)``
    raise an error.

    Parameters
    ----------
    path : str or path
        The path of the file, which is replaced at each checkpoint. `joblib.load` can read it. A
        symbolic link is followed.
    epochs : int >= 1, default=1
        Number of epochs between two checkpoints.
    seconds : float >= 0 or None, default=None
        Minimum number of seconds between two checkpoints, and from the beginning of the fit to the
        first checkpoint.

    Raises
    ------
    ImportError
        If the installed scikit-learn does not support callbacks.
    ValueError
        If a parameter is invalid.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be written: when a fit begins, and at a checkpoint. The error names
        `path`, and the last checkpoint is unchanged.

    See Also
    --------
    joblib.load : Reads the file.

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

    def __init__(
        self, path: str | PathLike[str], epochs: int = 1, seconds: float | None = None
    ) -> None:
        if not hasattr(CallbackSupportMixin, "set_callbacks"):
            raise ImportError(
                f"Checkpoint requires scikit-learn 1.9 or newer, which supports callbacks; the "
                f"installed version is {sklearn.__version__}"
            )
        integer(1).check("epochs", epochs)
        if seconds is not None:
            real(0).check("seconds", seconds)
        self.path = checked(path, "path")
        self.epochs = epochs
        self.seconds = seconds

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that the file can be written before training begins; called by scikit-learn.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : object
            The context of the task, from scikit-learn.
        """
        check_writable(self.path)
        remove_leftovers(self.path)
        self._written = time.monotonic()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Nothing to do; called by scikit-learn.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : object
            The context of the task, from scikit-learn.
        """

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Nothing to do; called by scikit-learn.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : object
            The context of the task, from scikit-learn.
        """

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Write the file if a checkpoint is due; called by scikit-learn after every epoch.

        Parameters
        ----------
        estimator : estimator
            The estimator that is fitted.
        context : object
            The context of the task, from scikit-learn.
        """
        if context.task_name != "epoch":
            return
        is_due = context.metrics["epoch"] % self.epochs == 0
        if not is_due or time.monotonic() - self._written < (self.seconds or 0):
            return
        # `fitted_estimator` would be a copy of the weights after every epoch.
        saved = copy.copy(estimator)
        vars(saved).update(context.snapshot())
        # The file must not contain objects of the running fit (tasks, progress bars).
        for name in list(vars(saved)):
            if name.startswith(CALLBACK_ATTRIBUTES):
                delattr(saved, name)
        write(saved, self.path)
        self._written = time.monotonic()
