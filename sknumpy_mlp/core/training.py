"""The training loop, from large to small: train, run an epoch, take a step.

`train` uses these attributes of a `Fit`: its network, loss and batches, the plan with the training
parameters, and the state and the record, which change in place. Any object with these attributes
can be passed.
"""

from collections.abc import Sequence

import numpy as np

from .._family import as_float, shown
from .._types import Floats, Integers
from ..optimizers import LBFGS, Optimizer
from ..schedules import Constant
from .contracts import Fit, Tasks
from .diagnosis import advice, check_finite
from .stepper import Stepping
from .stopping import BestEpochs, LastEpoch, Patience
from .temperature import fit_temperature


def train(fit: Fit, tasks: Tasks | None = None) -> None:
    """Train the network of a fit in place.

    Parameters
    ----------
    fit : Fit
        Must have `network`, `loss`, `batches`, `held_out`, `plan`, `state`, `record` and
        `n_epochs`, the number of epochs, or None for ``plan.max_iter``.
    tasks : object, default=None
        Its methods ``begin_epoch()`` and ``end_epoch()`` are called in every epoch. Training stops
        if ``end_epoch()`` returns True.

    Raises
    ------
    DivergedError
        If the loss or a parameter is not finite after an epoch.
    """
    # A number that becomes zero is right, also where the user wants an exception of it.
    with np.errstate(under="ignore"):
        # Overflow is reported at the end of the epoch, by DivergedError.
        with np.errstate(over="ignore", invalid="ignore"):
            fit.plan.optimizer.train(Training(fit, tasks))
        if fit.plan.temperature_scaling:
            # An interrupt here keeps the epochs without a temperature, as in a checkpoint.
            fit.record.temperatures = [
                fit_temperature(rows.loss, rows.raw_scores(), rows.y, rows.weights)
                for rows in fit.held_out
            ]


class Training:
    """The training of a fit.

    Parameters
    ----------
    fit : Fit
    tasks : object, default=None
        See `train`.
    """

    def __init__(self, fit: Fit, tasks: Tasks | None = None) -> None:
        self.fit = fit
        self.network = fit.network
        self.batches = fit.batches
        self.plan = fit.plan
        self.state = fit.state
        self.record = fit.record
        self.schedule = fit.plan.schedule
        self.tasks = tasks
        # Relative weights divide the data term by the mean weight; the penalty must match.
        alpha = fit.plan.alpha / fit.state.mean_weight
        fit.network.bind_generator(fit.state.generator)
        with fit.engine.telling(self._log):
            self.objective = fit.engine.objective(fit.network, fit.loss, alpha, fit.batches)
        # The quantity that must improve for training to continue.
        self._criterion = "score" if fit.held_out and fit.plan.early_stopping else "loss"

    # ---- optimizers that take steps ----

    def by_steps(self, optimizer: Optimizer) -> None:
        """Train in epochs, with one step per batch; called by the optimizer."""
        plan, record = self.plan, self.record
        if record.loss_curve is None:
            record.loss_curve = []
        steps = self._steps(optimizer)
        self._log_compilation()
        patience = Patience(self.fit, self._criterion)
        best = BestEpochs(self.fit, plan.restore_best and self._criterion == "score")
        last = LastEpoch(self.fit)
        # Only `fit` keeps its last complete epoch; `partial_fit` has a single epoch.
        keeps_epochs = plan.warm_start and self.fit.n_epochs is None
        n_epochs = self.fit.n_epochs or plan.max_iter
        try:
            while record.n_iter < n_epochs and not record.converged:
                self._epoch(steps, patience, best)
                if keeps_epochs:
                    last.keep()
            if not record.converged and record.n_iter >= plan.max_iter:
                record.message = advice(self.fit, *self._decisive_curve())
            best.restore()
            record.is_kept = keeps_epochs
        except KeyboardInterrupt as interrupt:
            if not last.exists:
                raise
            last.restore()
            record.interrupt = interrupt
            record.is_kept = True

    def _steps(self, optimizer: Optimizer) -> Stepping:
        """The steps of an epoch, with the moments of the state if they belong to the optimizer."""
        plan, state, network = self.plan, self.state, self.network
        # Moments of another optimizer have a different meaning, even with the same name.
        kind = f"{type(optimizer).__module__}.{type(optimizer).__qualname__}"
        names = {"t", *optimizer.moments}
        if state.moments is None or state.moments_of != kind or names != state.moments.keys():
            state.moments = optimizer.start(network.theta)
        state.moments_of = kind
        if self.schedule.sgd_only and not optimizer.follows_sgd_schedules:
            self.schedule = Constant()
        groups = network.groups(plan.learning_rate_factors or {}, plan.parametrization)
        engine = self.fit.engine
        with engine.telling(self._log):
            return engine.steps(self.objective, optimizer, state.moments, groups, plan.clip_norm)

    def _epoch(self, steps: Stepping, patience: Patience, best: BestEpochs) -> None:
        """Run all batches once, record the result, and decide whether training ends."""
        record = self.record
        if self.tasks is not None:
            self.tasks.begin_epoch()
        if self.plan.shuffle:
            record.order = self._shuffled(record.order)
        record.loss = self._run_batches(steps)
        record.n_iter += 1
        record.curve.append(record.loss)
        self._log(f"Iteration {record.n_iter}, loss = {record.loss:.8f}")
        values: Sequence[float] = [-record.loss]
        if self.fit.held_out:
            scores = self._score_held_out()
            best.observe(scores)
            values = scores if self._criterion == "score" else values
        if patience.runs_out(values) and self._stops_at_plateau():
            record.converged = True
        if self.tasks is not None and self.tasks.end_epoch():
            record.converged = True

    def _shuffled(self, order: Integers | None) -> Integers:
        """The next order of the rows of each member: the previous order, shuffled in place."""
        n_members, n_samples = self.network.n_members, self.batches.n_samples
        if order is None:
            order = np.tile(np.arange(n_samples), (n_members, 1))
        # As in scikit-learn, permutations of successive epochs are composed.
        for member in order.reshape(n_members, n_samples):
            index = np.arange(n_samples)
            self.state.stream.shuffle(index)
            member[:] = member[index]
        return order.reshape(*self.network.axes, n_samples)

    def _run_batches(self, steps: Stepping) -> float:
        """Make one step per batch; returns the mean loss of the epoch."""
        clock, batches = self.state.clock, self.batches
        batches.arrange(self.record.order)
        loss = self.objective.mean(steps.make(self._rates()))
        when = f"in epoch {clock.epochs + 1} at a learning rate of {self._last_rate:g}"
        check_finite(self.fit, loss, when)
        clock.epochs += 1
        self.state.samples_seen += batches.n_samples
        clock.samples_seen = self.state.samples_seen
        return loss

    def _rates(self) -> Floats:
        """The learning rate of each step of an epoch, (n_batches,)."""
        clock, n_batches = self.state.clock, self.batches.n_batches
        planned = self.plan.max_iter * n_batches
        rates = np.empty(n_batches)
        for number in range(n_batches if self.schedule.every_step else 1):
            done = clock.epochs * n_batches + number
            clock.fraction = min(1.0, done / planned)
            rates[number:] = self._last_rate = self._rate()
        return rates

    def _rate(self) -> float:
        given = self.schedule.at(self.state.clock)
        factor = as_float(given)
        if factor is None or not 0 <= factor < np.inf:
            raise ValueError(
                f"learning_rate must return a factor >= 0 at every step, {self.schedule!r} "
                f"returned {shown(given)}"
            )
        return self.plan.learning_rate_init * factor

    def _score_held_out(self) -> Sequence[float]:
        """Record the loss and the score of the held-out rows; returns the score of each member."""
        losses, scores = zip(*(rows.evaluate() for rows in self.fit.held_out))
        self.record.held_out_losses.append(sum(losses) / len(losses))
        self.record.scores.append(sum(scores) / len(scores))
        self._log(f"Validation score: {self.record.scores[-1]:f}")
        return scores

    def _decisive_curve(self) -> tuple[str, list[float]]:
        """Name and values of the quantity that decides whether training has converged."""
        if self._criterion == "score":
            return "validation score", self.record.scores
        return "training loss", self.record.curve

    def _stops_at_plateau(self) -> bool:
        plan, clock = self.plan, self.state.clock
        message = (
            f"{self._decisive_curve()[0].capitalize()} did not improve more than "
            f"tol={plan.tol:f} for {plan.n_iter_no_change} consecutive epochs."
        )
        if not self.schedule.survives_plateau(self._rate()):
            self._log(message + " Stopping.")
            return True
        clock.plateaus += 1
        self.state.no_improvement = 0
        self._log(f"{message} Setting learning rate to {self._rate():f}")
        return False

    def _log(self, message: str) -> None:
        if self.plan.verbose:
            print(message)

    def _log_compilation(self) -> None:
        if self.fit.engine.seconds:
            self._log(f"Compiled kernels in {self.fit.engine.seconds:.1f} seconds.")

    # ---- optimizers that take the whole objective ----

    def by_objective(self, optimizer: LBFGS) -> None:
        """Train by minimizing the objective over all rows; called by the optimizer."""
        trained, n_samples = self.network.trained, self.batches.n_samples
        self._log_compilation()

        def value_and_gradient(theta: Floats) -> tuple[float, Floats]:
            trained[:] = theta
            value = self.objective.mean(self.objective.evaluate(0, n_samples))
            self._log(f"loss = {value:.8f}")
            # A copy: SciPy keeps the gradient while the next evaluation overwrites `grad`.
            return value, self.network.grad[: trained.size].astype(np.float64)

        plan, record = self.plan, self.record
        name = optimizer.name or type(optimizer).__name__
        result = optimizer.minimize(
            value_and_gradient, trained.astype(np.float64), plan.max_iter, plan.tol
        )
        trained[:] = result.x
        check_finite(self.fit, result.fun, f"after {result.nit} iterations of {name}")
        record.loss = float(result.fun)
        # SciPy may count one iteration more than the maximum.
        record.n_iter = min(result.nit, plan.max_iter)
        record.converged = result.status == 0
        record.message = f"{name} stopped after {result.nit} iterations: {result.message}"
