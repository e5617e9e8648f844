"""What the estimators share: `fit` and `partial_fit` as five verbs, and raw scores.

A call plans (`Plan`), checks (`Rows`), begins (`Fit`), trains, and publishes fitted attributes. A
subclass defines how targets are encoded (`_learn_target`), the strata of early stopping
(`_strata`), the weights of classes (`_class_weight`), the score of predictions (`_score`), and the
predictions themselves.
"""

import copy
import warnings
from contextlib import nullcontext
from os import PathLike
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from .._keywords import with_known_keywords
from .._vectors import are_surely_finite
from .._version import Versioned
from ..core.batches import consecutively
from ..core.batches import rows as rows_of
from ..core.diagnosis import check_predictions, scale_advice, schedule_advice
from ..core.held_out import in_units_of_the_largest
from ..core.state import TrainingState
from ..core.temperature import calibrated_loss
from ..core.training import train
from . import fitted
from .checkpoint import take_up
from .declared import Declared, Matrix
from .description import Described
from .errstate import with_default_errstate, with_errstate
from .fit import Past, begin, splits
from .naming import INVALID, explain, naming
from .parameters import CALIBRATED_LOSS, Plan
from .rollback import unchanged_unless_complete
from .routing import AutoRequests
from .rows import (
    Rows,
    check_complete,
    check_enough_to_split,
    check_format,
    check_numbers,
    check_structure,
    check_unmasked,
    check_weights,
)
from .saved import packed, unpacked
from .settable import Settable
from .tasks import CallbackSupportMixin, Tasks, with_callbacks
from .threads import blas_threads, blas_threads_of_products


class BaseScratchMLP(
    Declared, Settable, AutoRequests, Described, CallbackSupportMixin, Versioned, BaseEstimator
):
    """Base of the estimators; not to be used directly."""

    # Whether targets are numbers, so that those that come as objects are converted.
    _y_numeric = False
    # The scores of all members are in memory for so many rows at a time.
    _pooled_rows = 2**16

    @with_known_keywords
    def fit(
        self,
        X: Matrix,
        y: Matrix,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Matrix = None,
        y_val: Matrix = None,
        sample_weight_val: ArrayLike | None = None,
        resume_from: str | PathLike[str] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
            The training samples. float32 input is computed in float32, other types in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, normalized by their mean. As in scikit-learn, `alpha` is also
            divided by the mean weight, so that an integer weight equals repeating the sample.
        X_val : {array-like, sparse matrix or array} of shape (n_val, n_features), default=None
            Held-out samples, instead of a part of `X`. Their loss and score after every epoch are
            recorded in `validation_loss_curve_` and `validation_scores_`. With
            `early_stopping=True`, the score decides when to stop and which weights are kept. A
            ``Pipeline(..., transform_input=["X_val"])`` transforms them in the same way as `X`.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            The target of the held-out samples. A classifier accepts only classes that are in `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the held-out samples, in loss and score.
        resume_from : str or path, default=None
            A file written by `sknumpy_mlp.callbacks.Checkpoint`. Training resumes from the
            checkpoint as if it had never been interrupted; data and parameters must be the same.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data is invalid, if the file of `resume_from` is damaged, or if
            training diverges. The estimator is then unchanged.
        OSError
            If the file of `resume_from` cannot be read. The estimator is then unchanged.
        KeyboardInterrupt
            If the user interrupts training. The estimator is then unchanged; with
            `warm_start=True`, it has the state after the last complete epoch.
        """
        interrupt = self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), resume_from)
        if interrupt is not None:
            raise interrupt
        return self

    @unchanged_unless_complete
    @with_default_errstate
    @with_callbacks
    def _fit(self, interrupts, X, y, sample_weight, held_out, resume_from):
        """Fit; returns the KeyboardInterrupt after which a whole epoch was kept, or None."""
        plan = Plan.of(self)
        past = self._past_of_fit(plan, resume_from)
        rows = self._check(plan, past, X, y, sample_weight, held_out, warm=past.exists)
        fit = begin(plan, rows, past, _new_stream(plan), self._scorer(plan))
        if not past.exists and plan.optimizer.takes_steps:
            self._warn_of_scale(fit)
        _train(fit, interrupts, Tasks.of(self, fit, X, y, sample_weight))
        if not plan.warm_start:
            # Moments are twice the weights; without them a saved and an unsaved model are equal.
            fit.state = fit.state.for_next_call()
        self._publish(fit)
        is_over = fit.record.converged or fit.record.interrupt
        if not is_over and plan.n_iter_no_change is not None:
            warnings.warn(fit.record.message, ConvergenceWarning)
        return fit.record.interrupt

    @unchanged_unless_complete
    @with_default_errstate
    def _partial_fit(self, interrupts, X, y, sample_weight, held_out, **classes):
        plan = Plan.of(self)
        for name in ("early_stopping", "temperature_scaling"):
            if getattr(plan, name):
                raise ValueError(f"partial_fit does not support {name}=True")
        is_first = not hasattr(self, "coefs_")
        past = Past()
        if not is_first:
            past = fitted.past(self, self._training.copy(), fitted.KEPT_BY_PARTIAL_FIT)
        rows = self._check(plan, past, X, y, sample_weight, held_out, incremental=True, **classes)
        fit = begin(plan, rows, past, _new_stream(plan), self._scorer(plan), n_epochs=1)
        _train(fit, interrupts, nullcontext())
        if advice := schedule_advice(plan, fit.state.clock):
            warnings.warn(advice)
        self._publish(fit)
        return self

    def _warn_of_scale(self, fit):
        """Warn of a column of `X` or `y` that should be scaled."""
        target = fit.rows.target
        is_size = target.kind == "continuous" and not fit.loss.nonnegative
        names = vars(self).get("feature_names_in_")
        advice = scale_advice(fit.batches.X.X, target.codes if is_size else None, names)
        if advice:
            warnings.warn(advice)

    def _past_of_fit(self, plan, resume_from):
        """What `fit` continues from: nothing, the fitted model, or a checkpoint."""
        if resume_from is not None:
            return take_up(self, resume_from)
        if plan.warm_start and hasattr(self, "coefs_"):
            return fitted.past(self, TrainingState(samples_seen=self.t_))
        return Past()

    # Checks find what is not finite: NumPy need not warn of sums and casts on the way.
    @with_errstate(all="ignore")
    def _check(self, plan, past, X, y, sample_weight, held_out=(None,) * 3, **options):
        """Check what was given, and learn the target: `Rows`.

        Parameters
        ----------
        plan : Plan
        past : Past
        X, y, sample_weight : array-like
        held_out : tuple of array-like
            X_val, y_val, sample_weight_val.
        **options : dict
            How `_learn_target` takes the target.
        """
        self._forget(past)
        rows = self._check_rows(X, y, sample_weight, past.labels, not past.exists, **options)
        rows.held_out = self._check_held_out(plan, rows, *held_out)
        past.check_rows(rows)
        rows.class_weight = self._class_weight(plan, rows, options.get("incremental", False))
        if rows.held_out is not None:
            rows.held_out.class_weight = rows.class_weight
        if splits(plan, rows) and past.split is None:
            check_enough_to_split(plan, rows.X.shape[0])
            rows.strata = self._strata(plan, rows.target)
        return rows

    def _forget(self, past):
        """Remove fitted attributes that have no place in scores and callbacks of this call."""
        stale = ["temperature_", "best_validation_scores_", "_past"]
        stale += () if past.exists else fitted.OPTIONAL
        # Columns of a resumed fit are those of the file.
        stale += ["n_features_in_", "feature_names_in_"] if past.columns else []
        for name in stale:
            vars(self).pop(name, None)
        vars(self).update(past.columns)

    def _check_rows(self, X, y, sample_weight, labels, reset, **options):
        """Check inputs, target and weights of rows to train on or to hold out: `Rows`."""
        if sparse.issparse(y) and y.ndim == 1:
            raise ValueError(
                f"y must be a dense vector or a matrix, got a {type(y).__name__} of one dimension; "
                "y.toarray() makes it dense"
            )
        options_of_y = {"multi_output": True, "y_numeric": self._y_numeric}
        # scikit-learn checks numbers only, and those that are made of objects before they are.
        if not sparse.issparse(y):
            with naming("y"):
                check_complete(y)
        X, y = self._validated(X, y, reset=reset, **options_of_y)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X.shape[0])
        return Rows(X, y, self._learn_target(y, labels, **options), sample_weight)

    @with_errstate(all="ignore")
    def _validated(self, X, *y, **options):
        """`validate_data`, with messages that name the target, and the recipe for tables."""
        options |= {"accept_sparse": ["csr", "csc"], "dtype": "numeric"}
        for given, name in zip((X, *y), ("X", "y")):
            check_structure(given, name)
            check_unmasked(given, name)
        try:
            return validate_data(self, X, *y, **options)
        except INVALID as error:
            explain(error, X, *y)

    def _check_held_out(self, plan, rows, X_val, y_val, sample_weight_val):
        """Check the rows given to hold out: `Rows`, or None where none are given."""
        given = {"X_val": X_val, "y_val": y_val}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == 2:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val must come with X_val and y_val, which are None")
            return None
        if missing:
            raise ValueError(f"X_val and y_val must be given together, got {missing[0]}=None")
        if not plan.optimizer.takes_steps:
            raise ValueError(
                f"X_val must be None with solver={self.solver!r}, which has no epochs to validate "
                "after"
            )
        labels = rows.target.labels
        try:
            held_out = self._check_rows(X_val, y_val, None, labels, False, incremental=True)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"X_val and y_val must be as X and y are: {error}") from error
        if sample_weight_val is not None:
            held_out.sample_weight = check_weights(
                sample_weight_val, held_out.X.shape[0], "sample_weight_val"
            )
        return held_out

    def _scorer(self, plan):
        """Makes the score of held-out rows from a network, a loss and the rows.

        Returns
        -------
        callable or None
            Gives a function of the raw scores of the rows; None where the score is minus the loss.
        """
        if isinstance(plan.scoring, str) and plan.scoring == "loss":
            return None

        def by_default(network, loss, part):
            weights = in_units_of_the_largest(part.weights)
            # A copy, since a link may overwrite the scores, of which the loss is computed next.
            return lambda raw: self._score(part.target, loss.link.predict(raw.copy()), weights)

        def by_scorer(network, loss, part):
            scorer = check_scoring(self, plan.scoring)
            # A twin that computes with the network in training; the rows have no column names.
            twin = copy.copy(self)
            vars(twin).pop("feature_names_in_", None)
            labels = part.target.labels
            vars(twin).update(fitted.network_attributes(network, loss, labels))
            X = part.X if part.index is None else part.X[part.index]
            weight = {} if part.sample_weight is None else {"sample_weight": part.sample_weight}
            return lambda raw: scorer(twin, X, part.y, **weight)

        def by_calibrated_loss(network, loss, part):
            codes = loss.encode_target(part.target.codes, np.float64)
            weights = in_units_of_the_largest(part.weights)
            return lambda raw: -calibrated_loss(loss, raw, codes, weights)

        if plan.scoring == CALIBRATED_LOSS:
            return by_calibrated_loss
        return by_default if plan.scoring is None else by_scorer

    def _class_weight(self, plan, rows, incremental):
        """The weight of each class in the loss; None where all have weight one."""
        return None

    def _strata(self, plan, target):
        """What early stopping's split is stratified by: nothing."""
        return None

    def _publish(self, fit):
        """Set every fitted attribute; the only place that does."""
        vars(self).update(fitted.attributes(fit))

    @classmethod
    def _from_weights(cls, coefs, intercepts, kind, labels, parameters):
        """A fitted estimator with copies of these arrays, for this kind of target."""
        coefs, intercepts = fitted.checked_arrays(coefs, intercepts)
        hidden_units = tuple(len(b) for b in intercepts[:-1])
        estimator = cls(**{"hidden_layer_sizes": hidden_units} | parameters)
        plan = Plan.of(estimator)
        fit = fitted.given(plan, _new_stream(plan), coefs, intercepts, kind, labels)
        estimator.n_features_in_ = fit.network.units[0]
        estimator._publish(fit)
        return estimator

    def _is_plain(self, X, dtype):
        """Whether X surely passes `validate_data`, at a tenth of its time for one row."""
        if not (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == dtype
            and X.shape[1] == self.n_features_in_
            and X.flags.forc
            and len(X) > 0
            and "feature_names_in_" not in vars(self)
        ):
            return False
        # If they are not, the long check says why.
        return are_surely_finite(X.ravel("K"))

    def _predictions(self, X, method):
        """What a method of the link makes of the raw scores of any input.

        Raises
        ------
        ValueError
            If `X` is invalid, or if numbers of the network overflow.
        """
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        dtype = fitted.dtype(self)
        if not self._is_plain(X, dtype):
            X = self._validated(X, reset=False)
            check_numbers(X, dtype)
            check_format(X, self._network)
        X, given = rows_of(X, dtype), fitted.parameters(self)
        # What overflows is reported below.
        with np.errstate(all="ignore"):
            raw = self._raw_scores(X, dtype, given)
            check_predictions(raw, X, given)
            found = getattr(self._loss.link, method)(raw)
        # Finite scores may have a logarithm or an exponential that is not.
        check_predictions(found, X, given)
        return found

    def _raw_scores(self, X, dtype, given):
        """Raw scores of rows by these parameters, (n_samples, n_outputs)."""
        arrays = [array for found in given.values() for array in found]
        forward = self._passes.take(arrays)
        # A pass that reads copies of the parameters would not see changes in place.
        is_kept = forward is not None or all(
            each.dtype == dtype and each.flags.c_contiguous for each in arrays
        )
        forward = forward or fitted.forward(self, given)
        with blas_threads_of_products(forward.largest_product(len(X))):
            scores = self._pooled_scores(forward, X, dtype)
        if is_kept:
            self._passes.give_back(arrays, forward)
        return scores

    def _pooled_scores(self, forward, X, dtype):
        """Raw scores of `X` by a forward pass; of several members, those of their mean."""
        if self.coefs_[0].ndim == 2:
            return self._cooled(forward.scores(X, dtype))
        pooled = np.empty((len(X), self.coefs_[-1].shape[-1]), dtype)
        for start, stop in consecutively(len(X), self._pooled_rows):
            index = np.arange(start, stop)
            pooled[index] = self._loss.link.pool(self._cooled(forward.scores(X, dtype, index)))
        return pooled

    def _cooled(self, raw):
        """Raw scores over the temperature, if there is one; each member has its own."""
        if "temperature_" not in vars(self):
            return raw
        return (raw.T / np.asarray(self.temperature_, raw.dtype)).T

    def __getstate__(self):
        return packed(super().__getstate__(), self.random_state)

    def __setstate__(self, state):
        super().__setstate__(unpacked(state))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        has_scale = isinstance(self.feature_scale, (bool, np.bool_)) and self.feature_scale
        tags.input_tags.sparse = self.embedding is None and not has_scale
        return tags


def _train(fit, interrupts, tasks):
    """Train a fit; from here on, Ctrl-C waits for the end of the call except during training.

    An interrupt that a warm fit survives is recorded, and the call then publishes what is kept.

    Parameters
    ----------
    fit : Fit
    interrupts : interrupts_deferred
        Open on entry, and waiting on return.
    tasks : context manager
        Gives the tasks that are reported to callbacks, or None.
    """
    fit.record.is_kept = False
    # Entering and leaving the limit of BLAS threads is not interrupted.
    interrupts.wait()
    with blas_threads(fit.largest_product):
        try:
            with interrupts.allowed(), tasks as heard:
                train(fit, heard)
        except KeyboardInterrupt as interrupt:
            if not fit.record.is_kept:
                raise
            fit.record.interrupt = interrupt


def _new_stream(plan):
    """The random stream of a fit that begins."""
    # None must not mean NumPy's global stream: two threads would share it.
    if plan.random_state is None:
        return np.random.RandomState()
    return check_random_state(plan.random_state)
