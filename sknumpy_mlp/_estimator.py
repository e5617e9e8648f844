"""What the estimators share: checking data, fitting, and publishing fitted attributes.

No mathematics here: an estimator checks, encodes, builds a network, hands it to training and
publishes the outcome. A subclass says how targets are encoded (`_learn_target`), how predictions
are scored (`_score_codes`), and what a prediction is.
"""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from ._callbacks import CallbackSupportMixin, Tasks, with_callbacks
from ._checks import check_numbers, check_some_weight, check_weights, refuse_sparse
from ._data import Data
from ._parameters import plan, rows_of_a_step
from ._rollback import unchanged_on_failure
from ._summary import summary
from ._threads import blas_threads
from ._validation import rows_of_members, split_rows, temperature, validations
from .callbacks import Progress, check_rows, rows_of, snapshot, take_up
from .core.batches import Batches, rows
from .core.network import Network
from .core.stacked import StackedNetwork
from .core.state import Outcome, TrainingState
from .core.training import Training

# The curves of a fit, which grow from call to call where training goes on.
CURVES = ("loss_curve_", "validation_loss_curve_", "validation_scores_")
# Attributes that a solver without epochs does not set.
PER_EPOCH = (*CURVES, "best_loss_", "best_validation_score_", "best_iter_")


def one_or_each(values):
    """The only value, or an array of those of all members."""
    return values[0] if len(values) == 1 else np.array(values)


def fitted_members(coefs):
    """How many members weights of the shape of `coefs_` have."""
    return 1 if coefs[0].ndim == 2 else len(coefs[0])


class BaseScratchMLP(CallbackSupportMixin, BaseEstimator):
    """Base of the estimators; not to be used directly."""

    # Whether targets are numbers, so that those that come as objects are converted.
    _y_numeric = False
    # The scores of all members are in memory for so many rows at a time.
    _pooled_rows = 2**16
    # A parameter of the classifier alone.
    temperature_scaling = False

    def _store(self, arguments):
        """Store the arguments of the constructor, its ``locals()``, under their names."""
        for name, value in arguments.items():
            if value is not self:
                setattr(self, name, value)

    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        resume_from=None,
    ):
        """Train the network.

        Parameters
        ----------
        X : {array-like, sparse matrix or array} of shape (n_samples, n_features)
            float32 is computed in float32, everything else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights, over their mean. As in scikit-learn, `alpha` is divided by the
            mean weight too: an integer weight is the same as repeating the row.
        X_val : {array-like, sparse matrix or array} of shape (n_val, n_features), default=None
            Rows to validate on after every epoch instead of rows split off from `X`. They are
            recorded in `validation_loss_curve_` and `validation_scores_`; with
            `early_stopping=True` they decide when to stop and which weights are kept. In a
            ``Pipeline(..., transform_input=["X_val"])`` they are transformed as `X` is.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their target; for a classifier of classes that are in `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights, in loss and score.
        resume_from : str or path, default=None
            A file that `sknumpy_mlp.callbacks.Checkpoint` wrote. The fit that wrote it is gone
            on with, on the same data and with the same parameters, as if it had never ended.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data breaks a rule, or if training diverges. The estimator
            is then what it was before.
        KeyboardInterrupt
            As it was pressed. The estimator is then what it was before; with `warm_start=True`
            it is what it was after the last whole epoch.
        """
        interrupt = self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), resume_from)
        if interrupt is not None:
            raise interrupt
        return self

    @unchanged_on_failure
    @with_callbacks
    def _fit(self, X, y, sample_weight, given_val, resume_from):
        """Fit; returns the KeyboardInterrupt after which a whole epoch was kept, or None."""
        parameters = plan(self)
        # That of an earlier fit has no place in scores and callbacks of this one.
        vars(self).pop("temperature_", None)
        resumed = None if resume_from is None else take_up(self, resume_from)
        going_on = resumed is not None or (self.warm_start and hasattr(self, "coefs_"))
        data = self._check_data(X, y, sample_weight, reset=not going_on, warm=going_on)
        data_val = self._check_validation_data(parameters, *given_val)
        if resumed is None:
            state = TrainingState(self._new_stream(), samples_seen=self.t_ if going_on else 0)
            earlier = self._curves() if going_on else {}
            progress = Progress(Outcome(), None, earlier, rows_of(data, data_val))
        else:
            check_rows(resumed, data, data_val)
            state, progress = self._training, resumed
        given = X, y, sample_weight
        outcome = self._train(
            parameters, data, state, progress, going_on, data_val=data_val, given=given
        )
        if not (outcome.converged or outcome.interrupt) and self.n_iter_no_change is not None:
            warnings.warn(outcome.message, ConvergenceWarning)
        if not self.warm_start:
            # Moments are twice the weights; without them a saved and an unsaved model are equal.
            self._training = TrainingState(
                state.random_state,
                generator=state.generator,
                samples_seen=state.samples_seen,
                weight_sum=state.weight_sum,
                n_rows_weighted=state.n_rows_weighted,
            )
        return outcome.interrupt

    @unchanged_on_failure
    def _partial_fit(self, X, y, sample_weight, **target_options):
        parameters = plan(self)
        for name in ("early_stopping", "temperature_scaling"):
            if getattr(self, name):
                raise ValueError(f"partial_fit does not support {name}=True")
        vars(self).pop("temperature_", None)
        going_on = hasattr(self, "coefs_")
        data = self._check_data(
            X, y, sample_weight, reset=not going_on, incremental=True, **target_options
        )
        state = self._training.copy() if going_on else TrainingState(self._new_stream())
        progress = Progress(Outcome(), None, self._curves() if going_on else {})
        self._train(parameters, data, state, progress, going_on, n_epochs=1)
        return self

    def _curves(self):
        """The curves of earlier calls, by name."""
        return {name: vars(self).get(name) or [] for name in CURVES}

    def _check_data(self, X, y, sample_weight, reset, **target_options):
        """Check inputs, target and weights, learn the target: `Data`."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=self._y_numeric,
            dtype="numeric",
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X.shape[0])
        return Data(X, y, self._learn_target(y, **target_options), sample_weight)

    def _check_validation_data(self, parameters, X_val, y_val, sample_weight_val):
        """Check the rows to validate on: `Data`, or None where none are given."""
        given = {"X_val": X_val, "y_val": y_val}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == 2:
            if sample_weight_val is not None:
                raise ValueError("sample_weight_val must come with X_val and y_val, which are None")
            return None
        if missing:
            raise ValueError(f"X_val and y_val must be given together, got {missing[0]}=None")
        if not parameters.optimizer.takes_steps:
            raise ValueError(
                f"X_val must be None with solver={self.solver!r}, which has no epochs to validate "
                "after"
            )
        try:
            data = self._check_data(X_val, y_val, None, reset=False, incremental=True)
        except ValueError as error:
            raise ValueError(f"X_val and y_val must be as X and y are: {error}") from error
        if sample_weight_val is not None:
            sample_weight_val = check_weights(
                sample_weight_val, data.X.shape[0], "sample_weight_val"
            )
        return data._replace(sample_weight=sample_weight_val)

    def _new_stream(self):
        # None must not mean NumPy's global stream: two threads would share it.
        if self.random_state is None:
            return np.random.RandomState()
        return check_random_state(self.random_state)

    def _train(
        self,
        parameters,
        data,
        state,
        progress,
        going_on,
        n_epochs=None,
        data_val=None,
        given=None,
    ):
        """Build a network, train it, publish it."""
        X, target = data.X, data.target
        takes_epochs = parameters.optimizer.takes_steps
        loss = parameters.loss.for_target(target.kind)
        network = self._starting_network(parameters, loss, data, state, going_on)
        dtype = network.theta.dtype
        state.seed_generator(parameters.dropout)

        class_weight = self._class_weight(target, data.sample_weight, n_epochs is not None)
        weights = data.loss_weights(class_weight)
        subset = rows_of_members(self.members, X.shape[0])
        if self.early_stopping and takes_epochs and data_val is None:
            progress = progress._replace(split=progress.split or split_rows(self, data, state))
            subset = progress.split[0]
        check_some_weight(weights, "trained on", subset)
        if not progress.outcome.n_iter:
            state.count_weights(weights, X.shape[0], subset)
        batches = Batches(
            X,
            loss.encode_target(target.codes, dtype),
            dtype,
            rows_of_a_step(
                self.batch_size if takes_epochs else "full",
                X.shape[0] if subset is None else subset.shape[-1],
                warn=not (going_on and n_epochs),
            ),
            state.relative_weights(weights, X.shape[0]),
            subset,
        )
        judges = validations(
            self, network, loss, data, batches.X, data_val, progress.split, class_weight
        )
        training = Training(
            *(network, loss, parameters.schedule, batches, parameters.settings, state),
            validations=judges,
            outcome=progress.outcome,
        )
        if given is not None:
            training.tasks = Tasks.begin(
                self,
                max(0, self.max_iter - progress.outcome.n_iter) if takes_epochs else 0,
                *given,
                lambda: snapshot(self, network, loss, progress, state),
            )
        with blas_threads(network.units, batches.batch_size):
            outcome = training.train(parameters.optimizer, n_epochs)
        fitted = self._fitted_attributes(network, loss, progress, state)
        self._publish(fitted, going_on, judges)
        if training.tasks is not None:
            self._end(training.tasks, outcome)
        return outcome

    def _end(self, tasks, outcome):
        """Tell callbacks that the fit is over; a warm one outlives an interrupt in them."""
        try:
            tasks.end()
        except KeyboardInterrupt as interrupt:
            if not self.warm_start or outcome.loss_curve is None:
                raise
            outcome.interrupt = interrupt

    def _dtype(self, X, going_on):
        if going_on:
            return self._fitted_dtype()
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _starting_network(self, parameters, loss, data, state, going_on):
        """A network for these data whose parameters are drawn, or those of the fitted one."""
        X, target = data.X, data.target
        dtype = self._dtype(X, going_on)
        check_numbers(X, dtype)
        check_numbers(target.codes, dtype, "y")
        units = [X.shape[1], *parameters.hidden_units]
        units.append(loss.n_outputs(target.kind, target.n_columns))
        refuse_sparse(X, "X", self.feature_scale)
        network = Network.dense(
            units,
            parameters.activations,
            parameters.output_activation,
            parameters.dropout,
            self.feature_scale,
        )
        if self.members > 1:
            if not loss.pools:
                raise ValueError(
                    f"members must be 1 with the loss {loss!r}, which has no pool(Z) to make one "
                    f"prediction of several, got {self.members}"
                )
            network = StackedNetwork(network, self.members)
        if not going_on:
            network.allocate(dtype)
            network.draw(parameters.initializer, state.random_state, parameters.output_initializer)
            return network
        if fitted_members(self.coefs_) != self.members:
            raise ValueError(
                f"members must stay what the fitted network has, {fitted_members(self.coefs_)}, "
                f"got {self.members}; clone the estimator to start anew"
            )
        fitted = [self.coefs_[0].shape[-2], *(b.shape[-1] for b in self.intercepts_)]
        if fitted != units:
            raise ValueError(
                f"hidden_layer_sizes, loss and data must keep the shape of the fitted network: it "
                f"has {fitted} units from input to output, the new one would have {units}; "
                "clone the estimator to start anew"
            )
        if self.feature_scale != ("feature_scale_" in vars(self)):
            raise ValueError(
                f"feature_scale must stay what the fitted network has, {not self.feature_scale}, "
                f"got {self.feature_scale}; clone the estimator to start anew"
            )
        network.bind(self.coefs_, self.intercepts_, vars(self).get("feature_scale_"))
        network.allocate(dtype)
        return network

    def _class_weight(self, target, sample_weight, incremental):
        """The weight of each class in the loss; None where all weigh one."""
        return None

    def _network_attributes(self, network, loss):
        """The fitted attributes that predictions are made from."""
        scale = {"feature_scale_": network.feature_scale} if self.feature_scale else {}
        return scale | {
            "coefs_": network.coefs,
            "intercepts_": network.intercepts,
            "_network": network.members[0].unbound(),
            "_loss": loss,
            "n_layers_": len(network.coefs) + 1,
            "n_outputs_": network.units[-1],
            "out_activation_": loss.out_activation,
        }

    def _fitted_attributes(self, network, loss, progress, state):
        """Every attribute that training sets, as a dict."""
        outcome, earlier = progress.outcome, progress.earlier
        attributes = self._network_attributes(network, loss) | {
            "_training": state,
            "n_iter_": outcome.n_iter,
            "t_": state.samples_seen,
            "loss_": outcome.loss,
        }
        if outcome.loss_curve is None:
            return attributes
        loss_curve = [*earlier.get("loss_curve_", []), *outcome.loss_curve]
        attributes |= {"loss_curve_": loss_curve, "best_loss_": min(loss_curve, default=None)}
        if not outcome.scores:
            nothing = ("validation_loss_curve_", "validation_scores_", "best_validation_score_")
            return attributes | dict.fromkeys((*nothing, "best_iter_"))
        losses = [*earlier.get("validation_loss_curve_", []), *outcome.validation_losses]
        scores = [*earlier.get("validation_scores_", []), *outcome.scores]
        return attributes | {
            "best_loss_": None if self.early_stopping else attributes["best_loss_"],
            "validation_loss_curve_": losses,
            "validation_scores_": scores,
            "best_validation_score_": float(np.mean(outcome.best_scores)),
            "best_iter_": one_or_each(outcome.best_iters),
        }

    def _publish(self, attributes, going_on, judges):
        """Set every fitted attribute; the only place that does."""
        if not going_on:
            for name in (*PER_EPOCH, "feature_scale_"):
                vars(self).pop(name, None)
        # Of a checkpoint that was loaded and is trained on, it is out of date.
        vars(self).pop("_progress", None)
        vars(self).update(attributes)
        if self.temperature_scaling:
            self.temperature_ = one_or_each([temperature(judge) for judge in judges])

    def _is_plain(self, X, dtype):
        """Whether X surely passes `validate_data`, at a tenth of its time for one row."""
        if not (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype == dtype
            and X.shape[1] == self.n_features_in_
            and len(X) > 0
            and not hasattr(self, "feature_names_in_")
        ):
            return False
        # A sum is finite only if all its terms are; if it is not, the long check tells why.
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(np.add.reduce(X, axis=None)))

    def _raw_scores(self, X):
        """Raw scores of any input, (n_samples, n_outputs)."""
        if not hasattr(self, "coefs_"):
            check_is_fitted(self)
        dtype = self._fitted_dtype()
        if not self._is_plain(X, dtype):
            X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype="numeric", reset=False)
            check_numbers(X, dtype)
            refuse_sparse(X, "X", "feature_scale_" in vars(self))
        network, X = self._fitted_network(dtype), rows(X, dtype)
        if network.n_members == 1:
            return self._cooled(network.scores(X, dtype))
        pooled = np.empty((len(X), network.units[-1]), dtype)
        for start in range(0, len(X), self._pooled_rows):
            index = np.arange(start, min(start + self._pooled_rows, len(X)))
            pooled[index] = self._loss.pool(self._cooled(network.scores(X, dtype, index)))
        return pooled

    def _cooled(self, raw):
        """Raw scores over the temperature, if there is one; each member has its own."""
        if "temperature_" not in vars(self):
            return raw
        return (raw.T / np.asarray(self.temperature_, raw.dtype)).T

    def _fitted_dtype(self):
        """The dtype of the network: of `coefs_`, float64 where users put other numbers there."""
        dtype = self.coefs_[0].dtype
        return dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)

    def _fitted_network(self, dtype):
        """A network on `coefs_` and `intercepts_`, into which users may have put other arrays."""
        network = self._network.unbound()
        if fitted_members(self.coefs_) > 1:
            network = StackedNetwork(network, fitted_members(self.coefs_))
        network.bind(
            [W if W.dtype == dtype else W.astype(dtype) for W in self.coefs_],
            [b if b.dtype == dtype else b.astype(dtype) for b in self.intercepts_],
            vars(self).get("feature_scale_"),
        )
        return network

    def summary(self):
        """Describe the fitted network as a table.

        Returns
        -------
        str
            One line a layer: name, units, activation, number of parameters; then the total.
        """
        check_is_fitted(self)
        return summary(self._fitted_network(self._fitted_dtype()), self.out_activation_)

    def __getstate__(self):
        state = dict(super().__getstate__())
        training = state.get("_training")
        # NumPy pickles a stream at twice the size of its position; the user's own stays shared.
        if training is not None and training.random_state is not self.random_state:
            position = training.random_state.get_state(legacy=False)
            if position["bit_generator"] == "MT19937":
                state["_training"] = replace(training, random_state=position)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        training = vars(self).get("_training")
        if training is not None and isinstance(training.random_state, dict):
            stream = np.random.RandomState(0)
            stream.set_state(training.random_state)
            self._training = replace(training, random_state=stream)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
