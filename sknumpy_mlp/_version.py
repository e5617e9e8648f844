"""The version of the package, and its stamp in the pickles of estimators and transformers.

A pickle of another version loads with a warning. Parameters that its version did not have get
their defaults, so that the loaded object can be shown, cloned and fitted again.
"""

import inspect
import warnings

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

__version__ = "0.1.0"
# The key of the version in the state of a pickle.
STAMP = "_sknumpy_mlp_version"


class OtherVersionWarning(InconsistentVersionWarning):
    """Warning that another version of this package has written a pickle.

    Parameters
    ----------
    name : str
        Name of the class of the loaded object.
    written_by : str or None
        The version that has written the pickle; None if it has no stamp.
    """

    def __init__(self, name, written_by):
        super().__init__(
            estimator_name=name,
            current_sklearn_version=__version__,
            original_sklearn_version=written_by,
        )
        self.name, self.written_by = name, written_by

    def __str__(self):
        version = self.written_by or "of before version stamps"
        return (
            f"{self.name} was written by sknumpy_mlp {version} and is loaded by {__version__}. "
            "Compare its predictions with those of the version that wrote it, or fit it anew"
        )


class Versioned:
    """Mixin of estimators whose pickles have the version of the package; before BaseEstimator."""

    def __getstate__(self):
        state = dict(super().__getstate__()) | {STAMP: __version__}
        # NumPy 1 does not read the pickle of an array of objects that NumPy 2 has written.
        if isinstance(state.get("feature_names_in_"), np.ndarray):
            state["feature_names_in_"] = state["feature_names_in_"].tolist()
        return state

    def __setstate__(self, state):
        state = dict(state)
        written_by = state.pop(STAMP, None)
        if written_by != __version__:
            warnings.warn(OtherVersionWarning(type(self).__name__, written_by))
        arguments = inspect.signature(type(self).__init__).parameters
        for name in self._get_param_names():
            default = arguments[name].default
            if default is not inspect.Parameter.empty:
                state.setdefault(name, default)
        if isinstance(state.get("feature_names_in_"), list):
            state["feature_names_in_"] = np.array(state["feature_names_in_"], dtype=object)
        super().__setstate__(state)
