"""The training loop, and the state that lives from epoch to epoch.

Verbs of falling size: ``train`` (all epochs), ``_run_epoch``, ``_step``; an `Objective` gives loss
and gradient of one batch. Configuration is in `Settings`, what changes is in `TrainingState`;
both are plain data.
"""

from dataclasses import dataclass, field, replace
from numbers import Real

import numpy as np

from .optimizers import Stepper
from .schedules import Clock, Constant
from .vectors import add_scaled


class DivergedError(ValueError):
    """Training produced parameters that are not finite."""


@dataclass(frozen=True)
class Settings:
    """How to train; see the parameters of `ScratchMLPClassifier` of the same names."""

    alpha: float = 0.0001
    learning_rate_init: float = 0.001
    max_iter: int = 200
    shuffle: bool = True
    tol: float = 1e-4
    n_iter_no_change: float | None = 10
    verbose: bool = False


@dataclass
class TrainingState:
    """What training carries from epoch to epoch, and `partial_fit` from call to call.

    Attributes
    ----------
    random_state : numpy.random.RandomState
        The random stream.
    moments : dict or None
        The optimizer's state; None before its first step.
    moments_of : str or None
        The class of that optimizer; another one starts anew.
    clock : Clock
    samples_seen : int
        Rows seen in whole epochs, in this and earlier fits; `t_` in scikit-learn.
    criterion : {"loss", "score"} or None
        What `best` is the best of.
    best : float
        The best value so far, loss with the sign turned or score.
    no_improvement : int
        Epochs in a row that did not improve on `best` by more than `tol`.
    weight_sum, rows_weighted : float, int
        Sum and number of the sample weights seen.
    """

    random_state: np.random.RandomState
    moments: dict | None = None
    moments_of: str | None = None
    clock: Clock = field(default_factory=Clock)
    samples_seen: int = 0
    criterion: str | None = None
    best: float = -np.inf
    no_improvement: int = 0
    weight_sum: float = 0.0
    rows_weighted: int = 0

    def relative_weights(self, weights, n_samples, subset=None):
        """Weights over their running mean; None where all rows weigh one, now and before.

        Parameters
        ----------
        weights : ndarray of shape (n_samples,) or None
            None is a weight of one for every row.
        n_samples : int
        subset : integer ndarray, default=None
            The rows that count; all, if None.
        """
        if weights is None and self.weight_sum != self.rows_weighted:
            weights = np.ones(n_samples)
        if weights is None:
            n_used = n_samples if subset is None else len(subset)
            self.weight_sum += n_used
            self.rows_weighted += n_used
            return None
        used = weights if subset is None else weights[subset]
        self.weight_sum += float(used.sum())
        self.rows_weighted += len(used)
        return weights / self.mean_weight

    @property
    def mean_weight(self):
        """The mean of all sample weights seen; 1 before the first row."""
        return self.weight_sum / self.rows_weighted if self.rows_weighted else 1.0

    def copy(self):
        """An independent copy, the random stream excepted."""
        moments = self.moments and {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in self.moments.items()
        }
        return replace(self, moments=moments, clock=replace(self.clock))


def _largest(array):
    """The largest absolute value of a dense or sparse array."""
    return max(abs(float(array.max())), abs(float(array.min())))


@dataclass
class Outcome:
    """What a training run gave.

    Attributes
    ----------
    loss_curve : list of float or None
        One entry an epoch; None for an optimizer that has no epochs.
    scores : list of float
        One entry an epoch; empty without a validation score.
    loss : float
        The last loss.
    n_iter : int
        Epochs, or iterations of L-BFGS.
    converged : bool
        False if the run ended because it was told how long to run.
    message : str
        Why a run that did not converge ended.
    """

    loss_curve: list | None = None
    scores: list = field(default_factory=list)
    loss: float = np.inf
    n_iter: int = 0
    converged: bool = False
    message: str = ""


class Objective:
    r"""Penalized mean loss of a batch, and its gradient.

    .. math:: J = \frac1n \sum_i w_i\, \ell(z_i, y_i) + \frac{\alpha}{2n} \lVert W \rVert^2

    over the n rows of the batch; biases are not penalized.

    Parameters
    ----------
    network : Network
        Allocated; its `grad` receives the gradient.
    loss : Loss
    alpha : float
    batches : Batches
    """

    # A batch is streamed in blocks of at most this many elements of the widest layer, so that
    # memory does not grow with the rows: 16 MB a buffer in float64.
    block_elements = 2**21

    def __init__(self, network, loss, alpha, batches):
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.batches = batches
        self.losses = np.empty(batches.n_samples, network.theta.dtype)
        self.block_size = max(1, self.block_elements // max(network.units))
        self._workspaces = {}

    def evaluate(self, start, stop):
        """Fill the network's `grad` and each row's loss for rows `start` to `stop`.

        Returns
        -------
        float
            The penalty times the number of rows.
        """
        if stop - start <= self.block_size:
            self._add_block(start, stop, stop - start)
        else:
            self._stream(start, stop)
        if not self.alpha:
            return 0.0
        weights = self.network.weights
        add_scaled(self.network.weights_grad, self.alpha / (stop - start), weights)
        return 0.5 * self.alpha * float(np.dot(weights, weights))

    def _stream(self, start, stop):
        """The gradient of a batch that is larger than a block: the sum over its blocks."""
        total = np.zeros_like(self.network.grad)
        for first in range(start, stop, self.block_size):
            self._add_block(first, min(first + self.block_size, stop), stop - start)
            total += self.network.grad
        self.network.grad[:] = total

    def _add_block(self, start, stop, batch_size):
        """Fill `grad` with what these rows contribute to the mean over `batch_size` rows."""
        block = self.batches.block(start, stop)
        workspace, scratch = self._workspaces.get(stop - start) or self._add_workspace(stop - start)
        losses = self.losses[start:stop]
        Z = workspace.forward(block.X)
        self.loss.value_and_gradient(Z, block.y, losses, scratch)
        if block.weights is not None:
            Z *= block.weights[:, np.newaxis]
            losses *= block.weights
        Z *= 1 / batch_size
        workspace.backward(block.X, Z)

    def _add_workspace(self, n_samples):
        """Buffers for blocks of this many rows: the network's, and the loss's own."""
        workspace = self.network.workspace(n_samples, self.network.theta.dtype)
        buffers = workspace, self.loss.scratch(workspace.scores)
        self._workspaces[n_samples] = buffers
        return buffers

    def mean(self, penalty):
        """The mean of all rows' losses, with the penalties of an epoch added."""
        # A Python float: it pickles to a fifth of a NumPy one.
        return float(self.losses.sum(dtype=np.float64) + penalty) / len(self.losses)


class Training:
    """A network, a loss and data, ready to be trained.

    Parameters
    ----------
    network : Network
        Allocated and with starting values; trained in place.
    loss : Loss
        For this kind of target.
    schedule : Schedule
    batches : Batches
    settings : Settings
    state : TrainingState
        Carried on, in place.
    score : callable, default=None
        Called without arguments after every epoch; the best network by it is kept.

    Examples
    --------
    Logistic regression of one feature, 50 epochs of Adam:

    >>> from sknumpy_mlp.core.batches import Batches
    >>> from sknumpy_mlp.core.losses import LogLoss
    >>> from sknumpy_mlp.core.network import Network
    >>> from sknumpy_mlp.core.optimizers import Adam
    >>> from sknumpy_mlp.core.schedules import Constant
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> loss = LogLoss().for_target("binary")
    >>> network = Network.dense([1, 1], [])
    >>> network.allocate(X.dtype)
    >>> batches = Batches(X, loss.encode_target(y, X.dtype), X.dtype, batch_size=2)
    >>> settings = Settings(max_iter=50, learning_rate_init=0.1)
    >>> state = TrainingState(np.random.RandomState(0))
    >>> outcome = Training(network, loss, Constant(), batches, settings, state).train(Adam())
    >>> bool(outcome.loss < 0.1)
    True
    """

    def __init__(self, network, loss, schedule, batches, settings, state, score=None):
        self.network = network
        self.loss = loss
        self.schedule = schedule
        self.batches = batches
        self.settings = settings
        self.state = state
        self.score = score
        # Relative weights divide the data term by their mean; the penalty must follow.
        self.objective = Objective(network, loss, settings.alpha / state.mean_weight, batches)

    def train(self, optimizer, n_epochs=None):
        """Train in place.

        Parameters
        ----------
        optimizer : Optimizer
        n_epochs : int, default=None
            `Settings.max_iter` if None.

        Returns
        -------
        Outcome

        Raises
        ------
        DivergedError
            If an epoch ends with parameters that are not finite.
        """
        self.n_epochs = n_epochs or self.settings.max_iter
        # Overflow is told in words at the end of the epoch, by DivergedError.
        with np.errstate(over="ignore", invalid="ignore"):
            return optimizer.train(self)

    # ---- optimizers that take steps ----

    def by_steps(self, optimizer):
        """Epochs of one step a batch; called by the optimizer."""
        state, settings = self.state, self.settings
        outcome = Outcome(
            loss_curve=[],
            message=f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and "
            "the optimization hasn't converged yet.",
        )
        # Moments of another optimizer mean something else, even under the same name.
        kind = f"{type(optimizer).__module__}.{type(optimizer).__qualname__}"
        names = {"t", *optimizer.moments}
        if state.moments is None or state.moments_of != kind or names != state.moments.keys():
            state.moments = optimizer.start(self.network.theta)
        state.moments_of = kind
        criterion = "loss" if self.score is None else "score"
        if state.criterion != criterion:
            state.criterion, state.best, state.no_improvement = criterion, -np.inf, 0
        net = self.network
        stepper = Stepper(optimizer, net.theta, net.grad, net.weights, state.moments)
        if self.schedule.classic and not optimizer.obeys_classic:
            self.schedule = Constant()
        best_theta = None
        order = None
        for _ in range(self.n_epochs):
            if settings.shuffle:
                order = self._shuffled(order)
            outcome.loss = self._run_epoch(stepper, order)
            outcome.n_iter += 1
            outcome.loss_curve.append(outcome.loss)
            self._log(f"Iteration {outcome.n_iter}, loss = {outcome.loss:.8f}")
            value = -outcome.loss
            if self.score is not None:
                value = self.score()
                outcome.scores.append(value)
                self._log(f"Validation score: {value:f}")
                if value > state.best:
                    best_theta = net.theta.copy()
            if self._stalled(value) and self._stops_at_plateau():
                outcome.converged = True
                break
        if best_theta is not None:
            net.theta[:] = best_theta
        return outcome

    def _shuffled(self, order):
        # scikit-learn composes the permutations of successive epochs; so do we, for parity.
        index = np.arange(self.batches.n_samples)
        self.state.random_state.shuffle(index)
        return index if order is None else order[index]

    def _run_epoch(self, stepper, order):
        clock, batches = self.state.clock, self.batches
        planned = self.settings.max_iter * batches.n_batches
        batches.arrange(order)
        penalty = 0.0
        for number, (start, stop) in enumerate(batches.bounds()):
            if number == 0 or self.schedule.every_step:
                done = clock.epochs * batches.n_batches + number
                clock.fraction = min(1.0, done / planned)
                rate = self._rate()
            penalty += self._step(start, stop, stepper, rate)
        loss = self.objective.mean(penalty)
        self._check_finite(loss, f"in epoch {clock.epochs + 1} at a learning rate of {rate:g}")
        clock.epochs += 1
        self.state.samples_seen += batches.n_samples
        clock.samples_seen = self.state.samples_seen
        return loss

    def _rate(self):
        factor = self.schedule.at(self.state.clock)
        if not isinstance(factor, Real) or not factor >= 0:
            raise ValueError(
                f"learning_rate must give a factor >= 0 at every step, {self.schedule!r} "
                f"gave {factor!r}"
            )
        return self.settings.learning_rate_init * factor

    def _step(self, start, stop, stepper, rate):
        if self.batches.weights is not None and not self.batches.weighs(start, stop):
            self.objective.losses[start:stop] = 0
            return 0.0
        penalty = self.objective.evaluate(start, stop)
        stepper.step(rate)
        return penalty

    def _check_finite(self, loss, when):
        """Raise a DivergedError, which says when, unless loss and parameters are finite."""
        if np.isfinite(loss) and np.isfinite(self.network.theta).all():
            return
        largest, target, what = _largest(self.batches.X.X), "", "the input"
        if "continuous" in self.loss.kinds:
            target = f", the largest absolute target {_largest(self.batches.y.X):g}"
            what = "input and target"
        raise DivergedError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            "values and need to be preprocessed. "
            f"It happened {when}; the loss was {loss:g}, "
            f"the largest absolute input is {largest:g}{target}. Scale {what} (StandardScaler, "
            "MinMaxScaler) or lower learning_rate_init."
        )

    def _stalled(self, value):
        """Count an epoch; whether patience has run out."""
        state, settings = self.state, self.settings
        state.no_improvement = state.no_improvement + 1 if value < state.best + settings.tol else 0
        state.best = max(state.best, value)
        limit = np.inf if settings.n_iter_no_change is None else settings.n_iter_no_change
        return state.no_improvement > limit

    def _stops_at_plateau(self):
        settings, clock = self.settings, self.state.clock
        what = "Training loss" if self.score is None else "Validation score"
        message = (
            f"{what} did not improve more than tol={settings.tol:f} for "
            f"{settings.n_iter_no_change} consecutive epochs."
        )
        if not self.schedule.survives_plateau(self._rate()):
            self._log(message + " Stopping.")
            return True
        clock.plateaus += 1
        self.state.no_improvement = 0
        self._log(f"{message} Setting learning rate to {self._rate():f}")
        return False

    def _log(self, message):
        if self.settings.verbose:
            print(message)

    # ---- optimizers that take the whole objective ----

    def by_objective(self, optimizer):
        """Minimize the objective over all rows; called by the optimizer."""
        network, n_samples = self.network, self.batches.n_samples

        def value_and_gradient(theta):
            network.theta[:] = theta
            value = self.objective.mean(self.objective.evaluate(0, n_samples))
            self._log(f"loss = {value:.8f}")
            # A copy: SciPy holds on to it while the next evaluation overwrites `grad`.
            return value, network.grad.astype(np.float64)

        settings = self.settings
        result = optimizer.minimize(
            value_and_gradient, network.theta.astype(np.float64), settings.max_iter, settings.tol
        )
        network.theta[:] = result.x
        self._check_finite(result.fun, f"after {result.nit} iterations of lbfgs")
        return Outcome(
            loss=float(result.fun),
            # SciPy may count one iteration more than it was allowed.
            n_iter=min(result.nit, settings.max_iter),
            converged=result.status == 0,
            message=f"lbfgs stopped after {result.nit} iterations: {result.message}",
        )
