"""The state of training, and the record of one call.

Both are plain data that can be copied, compared and written to disk. A `TrainingState` continues
from call to call; a `Record` belongs to one call.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._types import Floats, Integers
from ..schedules import Clock


class Saved:
    """Base class of records that are written to disk: fields that a file lacks get defaults."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]  # Of a dataclass, all of whose fields have defaults.
        vars(self).update(state)


@dataclass
class TrainingState(Saved):
    """State that training keeps from epoch to epoch, and `partial_fit` from call to call.

    Attributes
    ----------
    random_state : numpy.random.RandomState or None
        The random stream; None until a fit begins.
    generator : numpy.random.Generator or None
        Generator of the random numbers of layers, such as dropout masks; None without such layers.
    moments : dict or None
        The state of the optimizer; None before the first step.
    moments_of : str or None
        The class of that optimizer. An optimizer of another class starts with new moments.
    clock : Clock
    samples_seen : int
        Number of rows seen in complete epochs, in this and earlier fits; `t_` in scikit-learn.
    criterion : {"loss", "score"} or None
        The criterion that `best` refers to.
    best : list of float
        The best values so far: minus the loss, or the score of each member.
    no_improvement : int
        Number of consecutive epochs without an improvement of any of `best` by at least `tol`.
    weight_sum, n_rows_weighted : float, int
        Sum of the weights of all rows seen, where rows without a weight have weight one, and the
        number of these rows.
    """

    random_state: np.random.RandomState | None = None
    generator: np.random.Generator | None = None
    moments: dict[str, Any] | None = None
    moments_of: str | None = None
    clock: Clock = field(default_factory=Clock)
    samples_seen: int = 0
    criterion: str | None = None
    best: list[float] = field(default_factory=list)
    no_improvement: int = 0
    weight_sum: float = 0.0
    n_rows_weighted: int = 0

    @property
    def stream(self) -> np.random.RandomState:
        """The random stream of a fit that has begun."""
        assert self.random_state is not None
        return self.random_state

    def seed_generator(self) -> None:
        """Create the generator if there is none, with a seed drawn from the random stream."""
        if self.generator is None:
            self.generator = np.random.default_rng(self.stream.randint(2**31))

    def count_weights(
        self, weights: Floats | None, n_samples: int, subset: Integers | None = None
    ) -> None:
        """Add training rows to the running mean of weights.

        Parameters
        ----------
        weights : ndarray of shape (n_samples,) or None
            None means that every row has weight one.
        n_samples : int
        subset : integer ndarray, default=None
            Indices of the training rows, for each member; all rows if None.
        """
        n_used = n_samples if subset is None else subset.size
        self.n_rows_weighted += n_used
        if weights is None:
            self.weight_sum += n_used
        else:
            # An infinite sum is for the caller to refuse.
            with np.errstate(over="ignore"):
                self.weight_sum += float((weights if subset is None else weights[subset]).sum())

    def relative_weights(self, weights: Floats | None, n_samples: int) -> Floats | None:
        """Weights divided by their running mean; None if all rows so far have weight one."""
        if weights is None and self.weight_sum == self.n_rows_weighted:
            return None
        return (np.ones(n_samples) if weights is None else weights) / self.mean_weight

    @property
    def mean_weight(self) -> float:
        """The mean of all sample weights seen; 1 before the first row."""
        return self.weight_sum / self.n_rows_weighted if self.n_rows_weighted else 1.0

    def for_next_call(self) -> "TrainingState":
        """The state that a `partial_fit` after a fit continues: random streams and row counts."""
        return TrainingState(
            self.random_state,
            generator=self.generator,
            samples_seen=self.samples_seen,
            weight_sum=self.weight_sum,
            n_rows_weighted=self.n_rows_weighted,
        )

    def copy(self) -> "TrainingState":
        """A copy that shares only the random stream."""
        moments = self.moments and {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in self.moments.items()
        }
        return replace(
            self,
            generator=deepcopy(self.generator),
            moments=moments,
            best=[*self.best],
            clock=replace(self.clock),
        )


@dataclass
class Record(Saved):
    """The progress of one call of `fit` or `partial_fit`, and finally its result.

    Attributes
    ----------
    loss_curve : list of float or None
        The loss of each epoch; None for an optimizer without epochs.
    held_out_losses, scores : list of float
        The mean over the members for each epoch; empty without held-out rows.
    loss : float
        The last loss.
    n_iter : int
        Number of epochs, or of iterations of L-BFGS.
    best_iters : list of int
        The epoch, counted from 1, with the best score of each member; empty without held-out rows.
    best_scores : list of float
        The best score of each member.
    best_theta : ndarray or None
        The parameters of each member after its best epoch, if they will be restored.
    order : integer ndarray or None
        The order of the rows in the last epoch; None for the given order.
    temperatures : list of float
        The temperature of each member; empty unless temperatures were fitted.
    converged : bool
        False if training ended only because the maximum number of epochs was reached.
    message : str
        The reason why training ended without convergence.
    interrupt : KeyboardInterrupt or None
        The interrupt that ended training after the last complete epoch.
    is_kept : bool
        Whether an interrupt from now on leaves the complete epochs of a warm fit in place.
    """

    loss_curve: list[float] | None = None
    held_out_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    loss: float = np.inf
    n_iter: int = 0
    best_iters: list[int] = field(default_factory=list)
    best_scores: list[float] = field(default_factory=list)
    best_theta: Floats | None = None
    order: Integers | None = None
    temperatures: list[float] = field(default_factory=list)
    converged: bool = False
    message: str = ""
    interrupt: KeyboardInterrupt | None = None
    is_kept: bool = False

    @property
    def curve(self) -> list[float]:
        """The loss curve of an optimizer that has epochs."""
        assert self.loss_curve is not None
        return self.loss_curve

    def truncate(self, n_iter: int, best_iters: list[int], best_scores: list[float]) -> None:
        """Remove what an interrupted epoch recorded after the first `n_iter` epochs."""
        for curve in (self.curve, self.held_out_losses, self.scores):
            del curve[n_iter:]
        self.n_iter, self.best_iters, self.best_scores = n_iter, best_iters, best_scores
        self.loss = self.curve[-1]

    def copy(self) -> "Record":
        """A copy that shares only `best_theta`."""
        return replace(
            self,
            loss_curve=None if self.loss_curve is None else [*self.loss_curve],
            held_out_losses=[*self.held_out_losses],
            scores=[*self.scores],
            best_iters=[*self.best_iters],
            best_scores=[*self.best_scores],
            order=None if self.order is None else self.order.copy(),
        )
