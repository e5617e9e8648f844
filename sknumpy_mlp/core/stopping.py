"""When training ends and with which parameters: patience, best epochs, last complete epoch.

Each class reads the plan of a `Fit` and changes its state and record in place.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .._types import Floats
from .contracts import Fit
from .state import TrainingState

# Parameters, state, position of the random stream, and what `Record.truncate` takes.
_Kept: TypeAlias = tuple[Floats, TrainingState, Any, tuple[int, list[int], list[float]]]


class Patience:
    """A count of consecutive epochs without improvement.

    Parameters
    ----------
    fit : Fit
    criterion : {"loss", "score"}
        The quantity that must improve. A change of the criterion resets the count.
    """

    def __init__(self, fit: Fit, criterion: str) -> None:
        self.plan, self.state = fit.plan, fit.state
        if self.state.criterion != criterion:
            self.state.criterion, self.state.best, self.state.no_improvement = criterion, [], 0

    def runs_out(self, values: Sequence[float]) -> bool:
        """Count an epoch with these values, and return whether training should stop.

        Larger values are better. An epoch improves if one of the values exceeds its best so far by
        at least `tol`.
        """
        plan, state = self.plan, self.state
        bests = state.best or [-np.inf] * len(values)
        improved = any(value >= best + plan.tol for value, best in zip(values, bests))
        state.no_improvement = 0 if improved else state.no_improvement + 1
        state.best = [max(best, value) for value, best in zip(values, bests)]
        limit = np.inf if plan.n_iter_no_change is None else plan.n_iter_no_change
        return state.no_improvement > limit


class BestEpochs:
    """The epoch with the best score of each member, and its parameters.

    Parameters
    ----------
    fit : Fit
    keeps_parameters : bool
        Whether training ends with the parameters of the best epoch.
    """

    def __init__(self, fit: Fit, keeps_parameters: bool) -> None:
        self.network, self.record = fit.network, fit.record
        self.last_of_ties = fit.plan.best_of_ties == "last"
        self.keeps_parameters = keeps_parameters
        self._theta_by_member = self.network.parts(self.network.theta)
        self._best_by_member: list[list[Floats]] | None = None

    def observe(self, scores: Sequence[float]) -> None:
        """Record the epoch and keep the parameters of each member with a new best score."""
        for member, score in enumerate(scores):
            if self._is_best(member, score):
                self.record.best_iters[member] = self.record.n_iter
                self.record.best_scores[member] = score
                if self.keeps_parameters:
                    self._keep(member)

    def restore(self) -> None:
        """Restore the best parameters, if any were kept."""
        if self.record.best_theta is not None:
            self.network.theta[:] = self.record.best_theta

    def _is_best(self, member: int, score: float) -> bool:
        record = self.record
        is_first = len(record.best_iters) == member
        if is_first:
            record.best_iters.append(0)
            record.best_scores.append(-np.inf)
        # nan counts as the worst score; the first epoch is the best until another is better.
        best = record.best_scores[member]
        value, best = (-np.inf if np.isnan(each) else each for each in (score, best))
        return value > best or is_first or (value == best and self.last_of_ties)

    def _keep(self, member: int) -> None:
        if self.record.best_theta is None:
            self.record.best_theta = np.empty_like(self.network.theta)
        if self._best_by_member is None:
            self._best_by_member = self.network.parts(self.record.best_theta)
        for kept, theta in zip(self._best_by_member[member], self._theta_by_member[member]):
            kept[...] = theta


class LastEpoch:
    """A copy of everything that an interrupt restores to the end of the last complete epoch.

    Parameters
    ----------
    fit : Fit
    """

    def __init__(self, fit: Fit) -> None:
        self.network, self.state, self.record = fit.network, fit.state, fit.record
        self._kept: _Kept | None = None

    def keep(self) -> None:
        """Copy the state at the end of an epoch."""
        record = self.record
        position = self.state.stream.get_state(legacy=False)
        reached = record.n_iter, [*record.best_iters], [*record.best_scores]
        self._kept = self.network.theta.copy(), self.state.copy(), position, reached

    @property
    def exists(self) -> bool:
        """Whether there is a complete epoch to return to."""
        return self._kept is not None

    def restore(self) -> None:
        """Return to the end of the last complete epoch."""
        assert self._kept is not None
        theta, state, position, reached = self._kept
        self.network.theta[:] = theta
        vars(self.state).update(vars(state))
        self.state.stream.set_state(position)
        self.record.truncate(*reached)
