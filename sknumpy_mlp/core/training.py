"""The training loop.

Verbs of falling size: ``train`` (all epochs), ``_epoch``, ``_step``; an `Objective` gives loss and
gradient of one batch, a `Validation` judges an epoch. Configuration is in `Settings`, what
changes is in `TrainingState` and `Outcome`; all three are plain data.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np

from .batches import rearranged
from .objective import Objective
from .optimizers import Stepper
from .schedules import Constant
from .state import Outcome
from .vectors import scale


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
    clip_norm: float | None = None
    learning_rate_factors: dict | None = None
    parametrization: str = "standard"
    early_stopping: bool = False
    restore_best: bool = True
    best_of_ties: str = "first"
    warm_start: bool = False


def _largest(array):
    """The largest absolute value of a dense or sparse array."""
    return max(abs(float(array.max())), abs(float(array.min())))


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
    validations : sequence of Validation, default=()
        Judge every epoch, one each member. With `Settings.early_stopping` they also decide when to
        stop, and which parameters are kept.
    tasks : object, default=None
        Told of every epoch by ``begin_epoch()`` and ``end_epoch()``; training stops where the
        latter returns True.
    outcome : Outcome, default=None
        The record of the next run, begun or empty; a new one if None.

    Examples
    --------
    Logistic regression of one feature, 50 epochs of Adam:

    >>> from sknumpy_mlp.core.batches import Batches
    >>> from sknumpy_mlp.core.losses import LogLoss
    >>> from sknumpy_mlp.core.network import Network
    >>> from sknumpy_mlp.core.optimizers import Adam
    >>> from sknumpy_mlp.core.schedules import Constant
    >>> from sknumpy_mlp.core.state import TrainingState
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

    # Larger inputs than this are told of where training did not converge.
    large_input = 10.0

    def __init__(
        self,
        network,
        loss,
        schedule,
        batches,
        settings,
        state,
        validations=(),
        tasks=None,
        outcome=None,
    ):
        self.network = network
        self.schedule = schedule
        self.batches = batches
        self.settings = settings
        self.state = state
        self.validations = validations
        self.tasks = tasks
        self._record = outcome
        # Relative weights divide the data term by their mean; the penalty must follow.
        self.objective = Objective(network, loss, settings.alpha / state.mean_weight, batches)
        network.bind_generator(state.generator)
        self._last_whole_epoch = None
        self._grad_by_member = network.parts(network.grad)
        self._theta_by_member = network.parts(network.theta)
        self._best_by_member = None

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
        # Only a fit keeps its last whole epoch; partial_fit, one epoch, is all or nothing.
        self._keeps_epochs = self.settings.warm_start and n_epochs is None
        self.outcome, self._record = self._record or Outcome(), None
        # Overflow is told in words at the end of the epoch, by DivergedError.
        with np.errstate(over="ignore", invalid="ignore"):
            return optimizer.train(self)

    # ---- optimizers that take steps ----

    def by_steps(self, optimizer):
        """Epochs of one step a batch; called by the optimizer."""
        outcome = self.outcome
        if outcome.loss_curve is None:
            outcome.loss_curve = []
        stepper = self._stepper(optimizer)
        try:
            while outcome.n_iter < self.n_epochs and not outcome.converged:
                self._epoch(stepper)
            if not outcome.converged and outcome.n_iter >= self.settings.max_iter:
                outcome.message = self._advice()
            if outcome.best_theta is not None:
                self.network.theta[:] = outcome.best_theta
        except KeyboardInterrupt as interrupt:
            if self._last_whole_epoch is None:
                raise
            self._go_back()
            outcome.interrupt = interrupt
        return outcome

    def _stepper(self, optimizer):
        """The optimizer at work on the network; it goes on from moments that are its own."""
        state, net = self.state, self.network
        # Moments of another optimizer mean something else, even under the same name.
        kind = f"{type(optimizer).__module__}.{type(optimizer).__qualname__}"
        names = {"t", *optimizer.moments}
        if state.moments is None or state.moments_of != kind or names != state.moments.keys():
            state.moments = optimizer.start(net.theta)
        state.moments_of = kind
        criterion = "score" if self._decided_by_score else "loss"
        if state.criterion != criterion:
            state.criterion, state.best, state.no_improvement = criterion, [], 0
        if self.schedule.classic and not optimizer.obeys_classic:
            self.schedule = Constant()
        settings = self.settings
        groups = net.groups(settings.learning_rate_factors or {}, settings.parametrization)
        return Stepper(optimizer, net.theta, net.grad, net.weights.size, state.moments, groups)

    @property
    def _decided_by_score(self):
        """Whether the validation rows decide when to stop and which parameters are best."""
        return bool(self.validations) and self.settings.early_stopping

    def _epoch(self, stepper):
        """All batches once; then the record, and the decision whether to go on."""
        outcome = self.outcome
        if self.tasks is not None:
            self.tasks.begin_epoch()
        if self.settings.shuffle:
            outcome.order = self._shuffled(outcome.order)
        outcome.loss = self._run_batches(stepper)
        outcome.n_iter += 1
        outcome.loss_curve.append(outcome.loss)
        self._log(f"Iteration {outcome.n_iter}, loss = {outcome.loss:.8f}")
        values = [-outcome.loss]
        if self.validations:
            scores = self._validate()
            values = scores if self._decided_by_score else values
        if self._stalled(values) and self._stops_at_plateau():
            outcome.converged = True
        if self.tasks is not None and self.tasks.end_epoch():
            outcome.converged = True
        if self._keeps_epochs:
            self._last_whole_epoch = self._whole_epoch()

    def _validate(self):
        """Record loss and score of the validation rows; keep the parameters if they are best."""
        outcome = self.outcome
        losses, scores = zip(*(validation.evaluate() for validation in self.validations))
        outcome.validation_losses.append(sum(losses) / len(losses))
        outcome.scores.append(sum(scores) / len(scores))
        self._log(f"Validation score: {outcome.scores[-1]:f}")
        for member, score in enumerate(scores):
            self._keep_if_best(member, score)
        return scores

    def _keep_if_best(self, member, score):
        """Note the epoch, and keep the parameters of this member, if its score is the best."""
        outcome, settings = self.outcome, self.settings
        is_first = len(outcome.best_iters) == member
        if is_first:
            outcome.best_iters.append(0)
            outcome.best_scores.append(-np.inf)
        # What is no number is as bad as can be; the first epoch is best until one is better.
        best = outcome.best_scores[member]
        value, best = (-np.inf if np.isnan(each) else each for each in (score, best))
        is_tie = value == best and settings.best_of_ties == "last"
        if not (value > best or is_tie or is_first):
            return
        outcome.best_iters[member], outcome.best_scores[member] = outcome.n_iter, score
        if self._decided_by_score and settings.restore_best:
            if outcome.best_theta is None:
                outcome.best_theta = np.empty_like(self.network.theta)
            if self._best_by_member is None:
                self._best_by_member = self.network.parts(outcome.best_theta)
            for kept, theta in zip(self._best_by_member[member], self._theta_by_member[member]):
                kept[...] = theta

    def _whole_epoch(self):
        """Copies of all that an interrupt must leave as it was at the end of this epoch."""
        state, outcome = self.state, self.outcome
        position = state.random_state.get_state(legacy=False)
        reached = outcome.n_iter, [*outcome.best_iters], [*outcome.best_scores]
        return self.network.theta.copy(), state.copy(), position, reached

    def _go_back(self):
        """Be as after the last whole epoch."""
        theta, state, position, reached = self._last_whole_epoch
        self.network.theta[:] = theta
        vars(self.state).update(vars(state))
        self.state.random_state.set_state(position)
        self.outcome.truncate(*reached)

    def _shuffled(self, order):
        # scikit-learn composes the permutations of successive epochs; so do we, for parity.
        n_members = self.network.n_members
        indices = [np.arange(self.batches.n_samples) for _ in range(n_members)]
        for index in indices:
            self.state.random_state.shuffle(index)
        index = indices[0] if n_members == 1 else np.stack(indices)
        return index if order is None else rearranged(order, index)

    def _run_batches(self, stepper):
        clock, batches = self.state.clock, self.batches
        planned = self.settings.max_iter * batches.n_batches
        batches.arrange(self.outcome.order)
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
            self.objective.losses_of(start, stop)[:] = 0
            return 0.0
        penalty = self.objective.evaluate(start, stop)
        if self.settings.clip_norm is not None:
            self._clip()
        stepper.step(rate)
        return penalty

    def _clip(self):
        """Scale the gradient of each member down to the norm `clip_norm`, if it is longer."""
        for parts in self._grad_by_member:
            norm = float(np.sqrt(np.sum([np.dot(grad, grad) for grad in parts])))
            if norm == np.inf:
                norm = float(np.linalg.norm(np.concatenate(parts).astype(np.float64)))
            if norm > self.settings.clip_norm:
                for grad in parts:
                    scale(grad, self.settings.clip_norm / norm)

    def _check_finite(self, loss, when):
        """Raise a DivergedError, which says when, unless loss and parameters are finite."""
        if np.isfinite(loss) and np.isfinite(self.network.theta).all():
            return
        target, what = "", "the input"
        if "continuous" in self.objective.loss.kinds:
            target = f", the largest absolute target {_largest(self.batches.y.X):g}"
            what = "input and target"
        raise DivergedError(
            "Solver produced non-finite parameter weights. The input data may contain large "
            "values and need to be preprocessed. "
            f"It happened {when}; the loss was {loss:g}, "
            f"the largest absolute input is {_largest(self.batches.X.X):g}{target}. Scale {what} "
            "(StandardScaler, MinMaxScaler) or lower learning_rate_init."
        )

    def _stalled(self, values):
        """Count an epoch in which none of these values improved; whether patience has run out."""
        state, settings = self.state, self.settings
        bests = state.best or [-np.inf] * len(values)
        improved = any(value >= best + settings.tol for value, best in zip(values, bests))
        state.no_improvement = 0 if improved else state.no_improvement + 1
        state.best = [max(best, value) for value, best in zip(values, bests)]
        limit = np.inf if settings.n_iter_no_change is None else settings.n_iter_no_change
        return state.no_improvement > limit

    def _stops_at_plateau(self):
        settings, clock = self.settings, self.state.clock
        what = "Validation score" if self._decided_by_score else "Training loss"
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

    def _advice(self):
        """What the user of a run that did not converge should know and try."""
        settings, outcome = self.settings, self.outcome
        what, values = "training loss", outcome.loss_curve
        if self._decided_by_score:
            what, values = "validation score", outcome.scores
        words = [
            f"Stochastic Optimizer: Maximum iterations ({settings.max_iter}) reached and the "
            "optimization hasn't converged yet."
        ]
        if len(values) > 1:
            words.append(
                f"In the last epoch the {what} went from {values[-2]:.6g} to {values[-1]:.6g} "
                f"(tol={settings.tol:g})."
            )
        words.append(
            "Raise max_iter or learning_rate_init; n_iter_no_change=None trains for max_iter "
            "epochs without this warning."
        )
        # All inputs are read for it: not where nobody will be warned.
        largest = 0.0 if settings.n_iter_no_change is None else _largest(self.batches.X.X)
        if largest > self.large_input:
            words.append(
                f"The largest absolute input is {largest:g}: scale the input (StandardScaler, "
                "MinMaxScaler)."
            )
        return " ".join(words)

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
        outcome = self.outcome
        outcome.loss = float(result.fun)
        # SciPy may count one iteration more than it was allowed.
        outcome.n_iter = min(result.nit, settings.max_iter)
        outcome.converged = result.status == 0
        outcome.message = f"lbfgs stopped after {result.nit} iterations: {result.message}"
        return outcome
