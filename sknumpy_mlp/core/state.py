"""What lives from epoch to epoch: the state of training, and the record of a run.

Both are plain data, so that they can be copied, compared and written to disk: `TrainingState`
outlives a call of `fit`, `Outcome` belongs to one.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace

import numpy as np

from .schedules import Clock


@dataclass
class TrainingState:
    """What training carries from epoch to epoch, and `partial_fit` from call to call.

    Attributes
    ----------
    random_state : numpy.random.RandomState
        The random stream.
    generator : numpy.random.Generator or None
        What dropout draws from; None without dropout.
    moments : dict or None
        The optimizer's state; None before its first step.
    moments_of : str or None
        The class of that optimizer; another one starts anew.
    clock : Clock
    samples_seen : int
        Rows seen in whole epochs, in this and earlier fits; `t_` in scikit-learn.
    criterion : {"loss", "score"} or None
        What `best` is the best of.
    best : list of float
        The best values so far: the loss with the sign turned, or the score of each member.
    no_improvement : int
        Epochs in a row that did not improve on any of `best` by more than `tol`.
    weight_sum, n_rows_weighted : float, int
        Sum of the weights of all rows seen, a row without one weighing one, and their number.
    """

    random_state: np.random.RandomState
    generator: np.random.Generator | None = None
    moments: dict | None = None
    moments_of: str | None = None
    clock: Clock = field(default_factory=Clock)
    samples_seen: int = 0
    criterion: str | None = None
    best: list = field(default_factory=list)
    no_improvement: int = 0
    weight_sum: float = 0.0
    n_rows_weighted: int = 0

    def seed_generator(self, rates):
        """Give dropout at these rates a generator: without any, draws are scikit-learn's."""
        if any(rates) and self.generator is None:
            self.generator = np.random.default_rng(self.random_state.randint(2**31))

    def count_weights(self, weights, n_samples, subset=None):
        """Take rows that will be trained on into the running mean of weights.

        Parameters
        ----------
        weights : ndarray of shape (n_samples,) or None
            None is a weight of one for every row.
        n_samples : int
        subset : integer ndarray, default=None
            The rows that count, by member if there are several; all, if None.
        """
        n_used = n_samples if subset is None else subset.size
        self.n_rows_weighted += n_used
        if weights is None:
            self.weight_sum += n_used
        else:
            self.weight_sum += float((weights if subset is None else weights[subset]).sum())

    def relative_weights(self, weights, n_samples):
        """Weights over their running mean; None where all rows weigh one, now and before."""
        if weights is None and self.weight_sum == self.n_rows_weighted:
            return None
        return (np.ones(n_samples) if weights is None else weights) / self.mean_weight

    @property
    def mean_weight(self):
        """The mean of all sample weights seen; 1 before the first row."""
        return self.weight_sum / self.n_rows_weighted if self.n_rows_weighted else 1.0

    def copy(self):
        """An independent copy, the random stream excepted."""
        moments = self.moments and {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in self.moments.items()
        }
        generator = deepcopy(self.generator)
        return replace(
            self,
            generator=generator,
            moments=moments,
            best=[*self.best],
            clock=replace(self.clock),
        )


@dataclass
class Outcome:
    """What one run of training has given so far, and in the end its outcome.

    Attributes
    ----------
    loss_curve : list of float or None
        One entry an epoch; None for an optimizer that has no epochs.
    validation_losses, scores : list of float
        One entry an epoch, the mean over the members; empty without validation rows.
    loss : float
        The last loss.
    n_iter : int
        Epochs, or iterations of L-BFGS.
    best_iters : list of int
        The epoch, from 1, with the best score of each member; empty without validation rows.
    best_scores : list of float
        Those scores.
    best_theta : ndarray or None
        The parameters of each member after that epoch, if they are to be restored.
    order : integer ndarray or None
        The order of the rows in the last epoch; None as they come.
    converged : bool
        False if the run ended because it was told how long to run.
    message : str
        Why a run that did not converge ended.
    interrupt : KeyboardInterrupt or None
        What ended the run after its last whole epoch.
    """

    loss_curve: list | None = None
    validation_losses: list = field(default_factory=list)
    scores: list = field(default_factory=list)
    loss: float = np.inf
    n_iter: int = 0
    best_iters: list = field(default_factory=list)
    best_scores: list = field(default_factory=list)
    best_theta: np.ndarray | None = None
    order: np.ndarray | None = None
    converged: bool = False
    message: str = ""
    interrupt: KeyboardInterrupt | None = None

    def truncate(self, n_iter, best_iters, best_scores):
        """Forget what came after so many epochs, as far as an interrupt left any of it."""
        for curve in (self.loss_curve, self.validation_losses, self.scores):
            del curve[n_iter:]
        self.n_iter, self.best_iters, self.best_scores = n_iter, best_iters, best_scores
        self.loss = self.loss_curve[-1]
