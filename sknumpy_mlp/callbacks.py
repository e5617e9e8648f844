"""Callbacks for scikit-learn's protocol (`sklearn.callback`, from scikit-learn 1.9 on).

`Checkpoint` writes a fit under way to disk, so that ``fit(X, y, resume_from=path)`` can go on.
"""

import copy
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from numbers import Real
from typing import NamedTuple

import joblib
import numpy as np
import sklearn
from sklearn.base import clone

from ._callbacks import CALLBACK_ATTRIBUTES, CallbackSupportMixin
from .core._family import integer, real
from .core.state import Outcome


class Progress(NamedTuple):
    """A fit under way.

    Attributes
    ----------
    outcome : Outcome
        So far.
    split : tuple of integer ndarray or None
        The numbers of the rows that are trained on and held out; None without a split.
    earlier : dict
        The curves of the fits that it goes on from, by name.
    rows : dict or None
        What `rows_of` tells of the rows that were given.
    theta : ndarray or None
        In a file, the parameters in training where `coefs_` are those of the best epoch.
    """

    outcome: Outcome
    split: tuple | None
    earlier: dict
    rows: dict | None = None
    theta: np.ndarray | None = None


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
        _write_whole(saved, self.path)
        self._written = time.monotonic()


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
        with suppress(OSError):
            os.unlink(new)
        raise
    _flush_folder(folder)


def _flush_folder(folder):
    """Flush a rename to the disk, where the system lets a folder be opened and flushed."""
    # Where it does not, the file is whole all the same: no reason to end a fit.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def snapshot(estimator, network, loss, progress, state):
    """The attributes that `estimator` would have if its fit ended now, as a dict.

    Training on changes nothing in them. `coefs_` are the best weights so far where those are what
    the fit would end with.

    Parameters
    ----------
    estimator : estimator
    network : Network
        In training.
    loss : Loss
    progress : Progress
    state : TrainingState
    """
    outcome, best = progress.outcome, progress.outcome.best_theta
    twin = network.unbound()
    twin.allocate(network.theta.dtype)
    twin.theta[:] = network.theta if best is None else best
    progress = progress._replace(
        outcome=replace(
            outcome,
            loss_curve=copy.copy(outcome.loss_curve),
            validation_losses=[*outcome.validation_losses],
            scores=[*outcome.scores],
            best_iters=[*outcome.best_iters],
            best_scores=[*outcome.best_scores],
            best_theta=None,
        ),
        theta=None if best is None else network.theta.copy(),
    )
    state = replace(state.copy(), random_state=copy.deepcopy(state.random_state))
    attributes = estimator._fitted_attributes(twin, loss, progress, state)
    return attributes | {"_progress": progress}


def rows_of(data, data_val):
    """What must be the same of the rows of a fit and of one that goes on with it, by name.

    Parameters
    ----------
    data : Data
    data_val : Data or None
    """
    rows = {
        "the number of rows of X": data.X.shape[0],
        "the dtype of X": str(data.X.dtype),
        "whether there is a sample_weight": data.sample_weight is not None,
        "the number of rows of X_val": 0,
    }
    if data_val is not None:
        rows["the number of rows of X_val"] = data_val.X.shape[0]
        rows["whether there is a sample_weight_val"] = data_val.sample_weight is not None
    return rows


def check_rows(progress, data, data_val):
    """Raise a ValueError if these cannot be the rows that the fit under way was given."""
    rows = rows_of(data, data_val)
    for name, theirs in progress.rows.items():
        if rows.get(name) != theirs:
            raise ValueError(
                f"{name} must be what it was when the file of resume_from was written, "
                f"{theirs!r}, got {rows.get(name)!r}"
            )


def take_up(estimator, path):
    """Give `estimator` the fitted attributes in a file that `Checkpoint` wrote.

    Parameters
    ----------
    estimator : estimator
        Of the class and with the parameters of the one that was written; `max_iter`, `verbose`
        and `random_state` may differ, since the random stream goes on from where it was. Where
        both have a RandomState of the user's, the estimator's is put there.
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
    saved = _read(estimator, os.fspath(path))
    progress = saved._progress
    fitted = vars(saved).keys() - vars(clone(saved)).keys() - {"_progress"}
    # Names of columns belong to the rows that an earlier fit had.
    vars(estimator).pop("feature_names_in_", None)
    vars(estimator).update({name: vars(saved)[name] for name in fitted})
    streams = estimator.random_state, saved.random_state
    if all(isinstance(stream, np.random.RandomState) for stream in streams):
        position = saved._training.random_state.get_state(legacy=False)
        estimator.random_state.set_state(position)
        estimator._training.random_state = estimator.random_state
    if progress.theta is not None:
        network = saved._fitted_network(progress.theta.dtype)
        network.allocate(progress.theta.dtype)
        progress.outcome.best_theta = network.theta.copy()
        network.theta[:] = progress.theta
        vars(estimator).update(estimator._network_attributes(network, saved._loss))
    return progress._replace(theta=None)


def _read(estimator, path):
    """The estimator in a file, if it is a checkpoint of one with the same parameters."""
    kind = type(estimator).__name__
    try:
        saved = joblib.load(path)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"resume_from must name a checkpoint of a {kind}, got {path!r}, which cannot be "
            f"read: {error!r}"
        ) from error
    if type(saved) is not type(estimator) or not hasattr(saved, "_progress"):
        raise ValueError(
            f"resume_from must name a checkpoint of a {kind}, got {path!r}, which holds a "
            f"{type(saved).__name__} that is none"
        )
    parameters = estimator.get_params(deep=False)
    for name, theirs in saved.get_params(deep=False).items():
        free = name in ("max_iter", "verbose", "random_state")
        if not free and not _is_same(theirs, parameters[name]):
            raise ValueError(
                f"{name} must be what it was when {path!r} was written, {theirs!r}, "
                f"got {parameters[name]!r}"
            )
    return saved


def _is_same(one, other):
    """Whether two values of a parameter mean the same, in whatever process they were made."""
    if all(isinstance(value, (Real, str)) for value in (one, other)):
        return one == other
    try:
        # Functions are told apart by their names, objects by what they hold.
        return joblib.hash(one) == joblib.hash(other)
    except Exception:
        # What cannot be pickled was never in a file.
        return False
