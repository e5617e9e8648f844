"""What the estimators share: checking data, fitting, and publishing fitted attributes.

No mathematics here: an estimator checks, encodes, builds a network, hands it to training and
publishes the outcome. A subclass says how targets are encoded (`_learn_target`), how training
is scored, and what a prediction is.
"""

import functools
import warnings
from collections import namedtuple
from dataclasses import replace
from numbers import Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from ._parameters import plan
from ._threads import blas_threads
from .core.batches import Batches, rows
from .core.network import Network
from .core.optimizers import Optimizer
from .core.training import Training, TrainingState

# Attributes that a solver without epochs does not set.
PER_EPOCH = ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")

Target = namedtuple("Target", "codes kind n_columns")
Target.__doc__ = """A target: class numbers, 0 and 1, or numbers; their kind; how many columns.

With class numbers, there are as many columns as classes.
"""


def check_stream(random_state):
    """The stream that `random_state` names if it is a shared one, else what it is."""
    return check_random_state(random_state) if random_state is np.random else random_state


def unchanged_on_failure(method):
    """Decorate a method so that the estimator is as it was when the method does not return."""

    @functools.wraps(method)
    def guarded(self, *args, **kwargs):
        before = dict(vars(self))
        streams = [
            check_stream(self.random_state),
            getattr(before.get("_training"), "random_state", None),
        ]
        streams = [s for s in streams if isinstance(s, np.random.RandomState)]
        positions = [stream.get_state(legacy=False) for stream in streams]
        try:
            return method(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            for stream, position in zip(streams, positions):
                stream.set_state(position)
            raise

    return guarded


def takes_steps(estimator):
    """Whether the solver does, so that there is a `partial_fit`; raises AttributeError if not."""
    named = Optimizer.named()
    solver = estimator.solver
    solver = named.get(solver) if isinstance(solver, str) else solver
    # A solver that is no solver at all is told by the check of parameters.
    if getattr(solver, "takes_steps", True):
        return True
    raise AttributeError(
        "partial_fit is only available for solvers that take steps, "
        f"{sorted(name for name, member in named.items() if member.takes_steps)}; "
        f"{estimator.solver!r} is not one"
    )


def _check_weights(sample_weight, n_samples):
    """Sample weights as a float64 vector: one per row, none negative, not all zero."""
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_samples, sample_weight)
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have one value for each of the {n_samples} rows of X, "
            f"got shape {weights.shape}"
        )
    if weights.min() < 0:
        raise ValueError(f"sample_weight must not be negative, got {weights.min()}")
    with np.errstate(over="ignore"):
        if np.isinf(weights.sum()):
            raise ValueError(f"sample_weight must have a finite sum, got {weights.max()}")
    if not weights.mean() > 0:
        raise ValueError("sample_weight must hold a weight that is not zero, got only zeros")
    return weights


def _check_numbers(X, dtype, name="X"):
    """Raise a ValueError unless `X` holds numbers, none too large for a network of this dtype."""
    values = X.data if sparse.issparse(X) else X
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, got dtype {values.dtype}")
    if values.dtype.kind != "f" or values.dtype.itemsize <= dtype.itemsize or not values.size:
        return
    largest = max(values.max(), -values.min())
    if largest > np.finfo(dtype).max:
        raise ValueError(
            f"{name} must hold no value too large for {dtype}, the dtype of the network, "
            f"got {largest}"
        )


class BaseScratchMLP(BaseEstimator):
    """Base of the estimators; not to be used directly."""

    # Whether targets are numbers, so that those that come as objects are converted.
    _y_numeric = False

    def __init__(self, **parameters):
        for name, value in parameters.items():
            setattr(self, name, value)

    @unchanged_on_failure
    def fit(self, X, y, sample_weight=None):
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

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data breaks a rule, or if training diverges. The estimator
            is then what it was before.
        """
        parameters = plan(self)
        warm = self.warm_start and hasattr(self, "coefs_")
        X, y, sample_weight = self._check_training_data(X, y, sample_weight, reset=not warm)
        target = self._learn_target(y, warm=warm)
        state = TrainingState(self._new_stream(), samples_seen=self.t_ if warm else 0)
        outcome = self._train(parameters, X, target, sample_weight, state, warm)
        if not outcome.converged and self.n_iter_no_change is not None:
            warnings.warn(outcome.message, ConvergenceWarning)
        if not self.warm_start:
            # Moments are twice the weights; without them a saved and an unsaved model are equal.
            self._training = TrainingState(
                state.random_state,
                samples_seen=state.samples_seen,
                weight_sum=state.weight_sum,
                rows_weighted=state.rows_weighted,
            )
        return self

    @unchanged_on_failure
    def _partial_fit(self, X, y, sample_weight, **target_options):
        parameters = plan(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        going_on = hasattr(self, "coefs_")
        X, y, sample_weight = self._check_training_data(X, y, sample_weight, reset=not going_on)
        target = self._learn_target(y, incremental=True, **target_options)
        state = self._training.copy() if going_on else TrainingState(self._new_stream())
        self._train(parameters, X, target, sample_weight, state, going_on, n_epochs=1)
        return self

    def _check_training_data(self, X, y, sample_weight, reset):
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
            sample_weight = _check_weights(sample_weight, X.shape[0])
        return X, y, sample_weight

    def _new_stream(self):
        # None must not mean NumPy's global stream: two threads would share it.
        if self.random_state is None:
            return np.random.RandomState()
        return check_random_state(self.random_state)

    def _train(self, parameters, X, target, sample_weight, state, going_on, n_epochs=None):
        """Build a network, train it, publish it."""
        loss = parameters.loss.for_target(target.kind)
        n_outputs = loss.n_outputs(target.kind, target.n_columns)
        dtype = self._dtype(X, going_on)
        _check_numbers(X, dtype)
        _check_numbers(target.codes, dtype, "y")
        units = [X.shape[1], *parameters.hidden_units, n_outputs]
        network = self._starting_network(parameters, units, dtype, state, going_on)

        subset = score = None
        if self.early_stopping and parameters.optimizer.takes_steps:
            subset, held_out = self._split(target, state.random_state)
            if sample_weight is not None:
                for part, use in ((subset, "trained on"), (held_out, "held out")):
                    if not sample_weight[part].any():
                        raise ValueError(
                            "sample_weight must hold a weight that is not zero among the rows "
                            f"{use} by early_stopping, got only zeros"
                        )
        batches = Batches(
            X,
            loss.encode_target(target.codes, dtype),
            dtype,
            self._batch_size(parameters, X.shape[0] if subset is None else len(subset)),
            state.relative_weights(sample_weight, X.shape[0], subset),
            subset,
        )
        if subset is not None:
            score = self._scorer(network, loss, batches.X, target, sample_weight, held_out)
        training = Training(
            network, loss, parameters.schedule, batches, parameters.settings, state, score
        )
        with blas_threads(units, batches.batch_size):
            outcome = training.train(parameters.optimizer, n_epochs)
        self._publish(network, loss, outcome, state, continues=going_on)
        return outcome

    def _dtype(self, X, going_on):
        if going_on:
            return self._fitted_dtype()
        return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)

    def _starting_network(self, parameters, units, dtype, state, going_on):
        """A network whose parameters are drawn, or those of the fitted one."""
        network = Network.dense(units, parameters.activations, parameters.output_activation)
        if not going_on:
            network.allocate(dtype)
            network.draw(parameters.initializer, state.random_state)
            return network
        fitted = [self.coefs_[0].shape[0], *(len(b) for b in self.intercepts_)]
        if fitted != units:
            raise ValueError(
                f"hidden_layer_sizes, loss and data must keep the shape of the fitted network: it "
                f"has {fitted} units from input to output, the new one would have {units}; "
                "clone the estimator to start anew"
            )
        network.bind(self.coefs_, self.intercepts_)
        network.allocate(dtype)
        return network

    def _batch_size(self, parameters, n_samples):
        if self.batch_size == "full" or not parameters.optimizer.takes_steps:
            return n_samples
        if self.batch_size == "auto":
            return min(200, n_samples)
        if self.batch_size > n_samples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped: batch_size={self.batch_size}, n_samples={n_samples}; "
                "batch_size='full' takes all rows without this warning"
            )
        return min(self.batch_size, n_samples)

    def _split(self, target, random_state):
        """Row numbers to train on, and those held out for early stopping."""
        n_samples = len(target.codes)
        if np.ceil(self.validation_fraction * n_samples) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset: validation_fraction={self.validation_fraction}, "
                f"n_samples={n_samples}."
            )
        return train_test_split(
            np.arange(n_samples),
            random_state=random_state,
            test_size=self.validation_fraction,
            stratify=self._strata(target),
        )

    def _scorer(self, network, loss, X, target, sample_weight, held_out):
        """A function that scores the network, as it then is, on the rows held out."""
        codes = target.codes[held_out]
        weight = None if sample_weight is None else sample_weight[held_out]
        return lambda: self._score_codes(
            codes, loss.predict(network.scores(X, network.theta.dtype, held_out)), weight
        )

    def _publish(self, network, loss, outcome, state, continues):
        """Set every fitted attribute; the only place that does."""
        self.coefs_ = network.coefs
        self.intercepts_ = network.intercepts
        self._network = network.unbound()
        self._loss = loss
        self._training = state
        self.n_layers_ = len(network.layers) + 1
        self.n_outputs_ = network.units[-1]
        self.out_activation_ = loss.out_activation
        self.n_iter_ = outcome.n_iter
        self.t_ = state.samples_seen
        self.loss_ = outcome.loss
        if outcome.loss_curve is None:
            if not continues:
                for name in PER_EPOCH:
                    vars(self).pop(name, None)
            return
        earlier = (continues and getattr(self, "loss_curve_", None)) or []
        self.loss_curve_ = [*earlier, *outcome.loss_curve]
        self.best_loss_ = min(self.loss_curve_)
        if not outcome.scores:
            self.validation_scores_ = self.best_validation_score_ = None
            return
        earlier = (continues and getattr(self, "validation_scores_", None)) or []
        self.best_loss_ = None
        self.validation_scores_ = [*earlier, *outcome.scores]
        self.best_validation_score_ = max(outcome.scores)

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
            _check_numbers(X, dtype)
        return self._fitted_network(dtype).scores(rows(X, dtype), dtype)

    def _fitted_dtype(self):
        """The dtype of the network: of `coefs_`, float64 where users put other numbers there."""
        dtype = self.coefs_[0].dtype
        return dtype if dtype in (np.float32, np.float64) else np.dtype(np.float64)

    def _fitted_network(self, dtype):
        """A network on `coefs_` and `intercepts_`, into which users may have put other arrays."""
        network = self._network.unbound()
        network.bind(
            [W if W.dtype == dtype else W.astype(dtype) for W in self.coefs_],
            [b if b.dtype == dtype else b.astype(dtype) for b in self.intercepts_],
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
        network = self._fitted_network(self._fitted_dtype())
        layers = network.layers
        table = [("layer", "units", "activation", "parameters")]
        table.append(("input", f"{layers[0].fan_in:,}", "", "0"))
        for number, (layer, W, b) in enumerate(zip(layers, self.coefs_, self.intercepts_), 1):
            is_last = number == len(layers)
            table.append(
                (
                    "output" if is_last else f"hidden {number}",
                    f"{layer.fan_out:,}",
                    self.out_activation_ if is_last else layer.activation.label,
                    f"{W.size + b.size:,}",
                )
            )
        table.append(("total", "", "", f"{network.n_parameters:,}"))
        widths = [max(map(len, column)) for column in zip(*table)]
        lines = [
            f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  "
            f"{row[2]:<{widths[2]}}  {row[3]:>{widths[3]}}"
            for row in table
        ]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

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
