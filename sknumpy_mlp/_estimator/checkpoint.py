"""A `Fit` written to disk, and taken up again.

The file holds the estimator with the attributes that it would have if the fit ended now, and in
``_past`` what a resumed fit needs beyond them. It is written whole or not at all.
"""

import os
import tempfile
from contextlib import suppress
from dataclasses import replace
from numbers import Real

import joblib
import numpy as np

from . import fitted
from .fit import Past

# Parameters that may differ in the fit that resumes: the random stream continues in any case.
FREE = ("max_iter", "verbose", "random_state")


def snapshot(fit):
    """The attributes that an estimator would have if its fit ended now, as a dict.

    Further training changes nothing in them. `coefs_` are the best weights so far where the fit
    would end with those.

    Parameters
    ----------
    fit : Fit
    """
    twin = fit.copy()
    best, twin.record.best_theta = twin.record.best_theta, None
    in_training = None
    if best is not None:
        in_training = {
            kind: [array.copy() for array in arrays]
            for kind, arrays in twin.network.parameters().items()
        }
        twin.network.theta[:] = best
    past = Past(
        in_training,
        None,
        twin.curves,
        record=twin.record,
        split=twin.split,
        facts=twin.rows.facts(),
    )
    return fitted.attributes(twin) | {"_past": past}


def write(value, path):
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


def take_up(estimator, path):
    """What the fit in a file continues from.

    Parameters
    ----------
    estimator : estimator
        Of the class and with the parameters of the estimator in the file; those in `FREE` may
        differ. Where both have a RandomState of the user's, the estimator's is moved to the
        position in the file.
    path : str or path

    Returns
    -------
    Past

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    saved = _read(estimator, os.fspath(path))
    past, state, parameters = saved._past, saved._training, fitted.parameters(saved)
    if past.parameters is not None:
        best = fitted.network(saved)
        best.allocate(fitted.dtype(saved))
        past.record.best_theta = best.theta
        parameters = past.parameters
    streams = estimator.random_state, saved.random_state
    if all(isinstance(stream, np.random.RandomState) for stream in streams):
        estimator.random_state.set_state(state.random_state.get_state(legacy=False))
        state.random_state = estimator.random_state
    names = ("n_features_in_", "feature_names_in_")
    return replace(
        past,
        parameters=parameters,
        state=state,
        labels=vars(saved).get("_labels"),
        columns={name: vars(saved)[name] for name in names if name in vars(saved)},
    )


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
    if type(saved) is not type(estimator) or not hasattr(saved, "_past"):
        raise ValueError(
            f"resume_from must name a checkpoint of a {kind}, got {path!r}, which holds a "
            f"{type(saved).__name__} that is no checkpoint"
        )
    parameters = estimator.get_params(deep=False)
    for name, theirs in saved.get_params(deep=False).items():
        if name not in FREE and not _is_same(theirs, parameters[name]):
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
