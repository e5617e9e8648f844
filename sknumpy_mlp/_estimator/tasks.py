"""scikit-learn's callback protocol, where the installed version has it (from 1.9 on).

An estimator that trains in epochs reports one task an epoch to its callbacks. Nothing here runs
when no callback is set.
"""

from contextlib import nullcontext

from .checkpoint import snapshot

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
    """The tasks of one `fit` that callbacks learn of: the fit itself and each epoch.

    A context: the fit begins and ends with it.

    Parameters
    ----------
    estimator : estimator
    fit : Fit
    X, y : array-like
        As they were given to `fit`.
    sample_weight : array-like or None
    """

    def __init__(self, estimator, fit, X, y, sample_weight):
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = fit
        left = max(0, fit.plan.max_iter - fit.record.n_iter)
        self._task = estimator._init_callback_context(
            max_subtasks=left if fit.plan.optimizer.takes_steps else 0
        )

    @classmethod
    def of(cls, estimator, *args):
        """The tasks of this fit; a context of None if no callback is set."""
        is_heard = getattr(estimator, "_skl_callbacks", None)
        return cls(estimator, *args) if is_heard else nullcontext()

    def __enter__(self):
        self._task.call_on_fit_task_begin(**self._given)
        return self

    def __exit__(self, kind, error, traceback):
        if error is not None:
            return
        try:
            self._end(self._task)
        except KeyboardInterrupt as interrupt:
            # A warm fit keeps its epochs, whichever callback the interrupt came in.
            if not self._fit.plan.warm_start or self._fit.record.loss_curve is None:
                raise
            self._fit.record.interrupt = interrupt

    def begin_epoch(self):
        """Report that an epoch begins."""
        self._epoch = self._task.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given)

    def end_epoch(self):
        """Report that the epoch is over; whether a callback wants training to stop."""
        return self._end(self._epoch)

    def _end(self, task):
        return task.call_on_fit_task_end(
            **self._given, reconstruction_attributes=lambda: snapshot(self._fit)
        )
