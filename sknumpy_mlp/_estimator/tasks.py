"""Support for scikit-learn's callbacks, if the installed version has them (1.9 or newer).

An estimator that trains in epochs reports one task per epoch to its callbacks. Nothing in this
module runs if no callback is set.
"""

from contextlib import nullcontext

from .checkpoint import snapshot

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's class, without ``set_callbacks``."""

    def with_callbacks(method):
        """Return the method unchanged, since no callback can be set."""
        return method


# Prefixes of the attributes that scikit-learn sets on an estimator for its callbacks.
CALLBACK_ATTRIBUTES = ("_skl_callbacks", "_callback_", "_parent_callback_")


class Tasks:
    """The tasks of one `fit` that are reported to callbacks: the whole fit and each epoch.

    This is a context manager: entering it begins the task of the fit, and leaving it ends the task.

    Parameters
    ----------
    estimator : estimator
    fit : Fit
    X, y : array-like
        The arguments of `fit`, unchanged.
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
        """The tasks of this fit, or an empty context manager if no callback is set."""
        is_heard = getattr(estimator, "_skl_callbacks", None)
        return cls(estimator, *args) if is_heard else nullcontext()

    def __enter__(self):
        self._task.call_on_fit_task_begin(**self._given)
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            self._end(self._task)

    def begin_epoch(self):
        """Report the beginning of an epoch."""
        self._epoch = self._task.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._given)

    def end_epoch(self):
        """Report the end of the epoch; returns whether a callback stops training.

        The context has the `metrics` of the epoch, which need no copy of the weights, and
        `snapshot`, for a callback that decides itself whether it needs such a copy.
        """
        self._epoch.metrics = self._metrics()
        self._epoch.snapshot = lambda: snapshot(self._fit)
        try:
            return self._end(self._epoch)
        finally:
            # The context may be kept, but the fit goes on.
            del self._epoch.snapshot

    def _metrics(self):
        """The numbers of the last epoch, as a dict of floats and the number of the epoch."""
        record = self._fit.record
        found = {"epoch": record.n_iter, "loss": float(record.loss)}
        if record.scores:
            found["validation_loss"] = float(record.held_out_losses[-1])
            found["validation_score"] = float(record.scores[-1])
        return found

    def _end(self, task):
        return task.call_on_fit_task_end(
            **self._given, reconstruction_attributes=lambda: snapshot(self._fit)
        )
