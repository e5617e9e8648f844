"""scikit-learn's callback protocol, where the installed version has it (from 1.9 on).

An estimator that trains in epochs tells its callbacks of one task an epoch. Nothing here runs
when no callback is set.
"""

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Stands in for scikit-learn's: there is nothing to set callbacks with."""

    def with_callbacks(method):
        """Return the method as it is: no callback can be set."""
        return method


# How the attributes begin that scikit-learn keeps on an estimator for callbacks.
CALLBACK_ATTRIBUTES = ("_skl_callbacks", "_callback_", "_parent_callback_")


class Tasks:
    """The tasks of one `fit`, of which callbacks are told: the fit itself and each epoch.

    Parameters
    ----------
    estimator : estimator
    max_epochs : int
        0 for a solver that has none.
    X, y : array-like
        As they were given to `fit`.
    sample_weight : array-like or None
    fitted_attributes : callable
        Gives the attributes, as a dict, that the estimator would have if `fit` ended now.
    """

    def __init__(self, estimator, max_epochs, X, y, sample_weight, fitted_attributes):
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._attributes = fitted_attributes
        self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
        self._fit.call_on_fit_task_begin(**self._given)

    @classmethod
    def begin(cls, estimator, *args):
        """The tasks of this fit, or None if no callback wants to know of them."""
        return cls(estimator, *args) if getattr(estimator, "_skl_callbacks", None) else None

    def begin_epoch(self):
        """Tell that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given)

    def end_epoch(self):
        """Tell that the epoch is over; whether a callback wants training to stop."""
        return self._epoch.call_on_fit_task_end(
            **self._given, reconstruction_attributes=self._attributes
        )

    def end(self):
        """Tell that the fit is over."""
        self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=self._attributes)
