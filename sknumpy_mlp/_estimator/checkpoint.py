"""Make a checkpoint of a `Fit`, and resume training from the file.

The file holds the estimator with the attributes that it would have if the fit ended now. Its
attribute ``_past`` holds what a resumed fit needs in addition.
"""

from dataclasses import replace
from numbers import Real

import joblib
import numpy as np

from . import files, fitted
from .fit import Past

# Parameters that may differ in the resumed fit: the random stream continues in any case.
FREE = ("max_iter", "verbose", "random_state")


def snapshot(fit):
    """The attributes that an estimator would have if its fit ended now, as a dict.

    Further training does not change them. `coefs_` are the best weights so far if the fit would
    restore the best weights at its end.

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
        best_loss=twin.best_loss,
    )
    return fitted.attributes(twin) | {"_past": past}


def take_up(estimator, path):
    """Read a checkpoint and return the state that training resumes from.

    Parameters
    ----------
    estimator : estimator
        Must have the class and the parameters of the estimator in the file, except for the
        parameters in `FREE`. If both have a RandomState of the user as `random_state`, the one of
        `estimator` is set to the position in the file.
    path : str or path

    Returns
    -------
    Past

    Raises
    ------
    ValueError
        If the file is damaged or not a checkpoint of such an estimator.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be opened.
    """
    saved = _read(estimator, files.checked(path, "resume_from"))
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
        engine=saved.engine_,
        columns={name: vars(saved)[name] for name in names if name in vars(saved)},
    )


def _read(estimator, path):
    """The estimator in a file, after checking that it is a checkpoint with equal parameters."""
    kind = type(estimator).__name__
    try:
        saved = files.read(path, "resume_from")
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"resume_from must name a checkpoint of a {kind}, got {path!r}, which cannot be "
            f"read: {error}"
        ) from error
    if type(saved) is not type(estimator) or not hasattr(saved, "_past"):
        raise ValueError(
            f"resume_from must name a checkpoint of a {kind}, got {path!r}, which holds a "
            f"{type(saved).__name__} that is not a checkpoint"
        )
    parameters = estimator.get_params(deep=False)
    for name, theirs in saved.get_params(deep=False).items():
        if name not in FREE and not _is_same(theirs, parameters[name]):
            raise ValueError(
                f"{name} must be the same as when {path!r} was written, {theirs!r}, "
                f"got {parameters[name]!r}"
            )
    return saved


def _is_same(one, other):
    """Whether two values of a parameter are equivalent, also if they come from two processes."""
    if all(isinstance(value, (Real, str)) for value in (one, other)):
        return one == other
    try:
        # Functions are compared by name, other objects by content.
        return joblib.hash(one) == joblib.hash(other)
    except Exception:
        # A value that cannot be pickled cannot come from a file.
        return False
