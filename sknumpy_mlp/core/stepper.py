"""The steps of an epoch: apply an optimizer, with its moments, to the parameter vector."""

from typing import Any, Protocol

import numpy as np

from .._types import Floats, Slice
from .._vectors import scale
from ..optimizers import Optimizer
from .objective import Objective


class Stepper:
    """An optimizer applied to one parameter vector.

    Parameters
    ----------
    optimizer : Optimizer
    theta, grad : ndarray of shape (n_parameters,)
    n_weights : int
        Number of parameters, at the beginning of `theta`, that weight decay shrinks.
    state : dict
        The result of ``optimizer.start``. Its moments and its ``t`` change in place.
    groups : list of (int, int, float), default=None
        Start and stop of slices of `theta`, and their factor of the learning rate. None means one
        slice with factor 1.

    Examples
    --------
    >>> from sknumpy_mlp.optimizers import SGD
    >>> theta, grad = np.array([1.0]), np.array([0.5])
    >>> sgd = SGD(momentum=0.0)
    >>> stepper = Stepper(sgd, theta, grad, 1, sgd.start(theta))
    >>> stepper.step(rate=0.1)
    >>> theta
    array([0.95])
    """

    # Blocks of this size stay in the cache during a step; smaller blocks need more calls.
    block_size = 2**16

    def __init__(
        self,
        optimizer: Optimizer,
        theta: Floats,
        grad: Floats,
        n_weights: int,
        state: dict[str, Any],
        groups: list[Slice] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.state = state
        groups = groups or [(0, len(theta), 1.0)]
        self.decayed = [
            (theta[start : min(stop, n_weights)], factor)
            for start, stop, factor in groups
            if start < n_weights
        ]
        scratch = np.empty_like(theta[: self.block_size])
        vectors = [theta, grad, *(state[name] for name in optimizer.moments)]
        self.blocks = []
        for first, last, factor in groups:
            for start in range(first, last, self.block_size):
                stop = min(start + self.block_size, last)
                block, block_grad, *moments = (v[start:stop] for v in vectors)
                self.blocks.append((factor, (block, block_grad, scratch[: len(block)], *moments)))

    def step(self, rate: float) -> None:
        """Make one step with the current gradient in `grad`, which is overwritten."""
        self.state["t"] += 1
        for weights, factor in self.decayed:
            self.optimizer.decay(rate * factor, weights)
        for factor, block in self.blocks:
            self.optimizer.update(rate * factor, self.state["t"], *block)


class Stepping(Protocol):
    """What makes the steps of an epoch: `Steps`, or compiled kernels."""

    def make(self, rates: Floats) -> float:
        """Make a step on each batch of an epoch; see `Steps.make`."""


class Steps:
    """The steps of an epoch, made one by one in NumPy.

    Parameters
    ----------
    objective : Objective
    stepper : Stepper
    clip_norm : float or None
        Maximum norm of the gradient of a member; a larger gradient is scaled down to this norm.
    """

    def __init__(
        self, objective: Objective, stepper: Stepper, clip_norm: float | None = None
    ) -> None:
        self.objective, self.stepper, self.clip_norm = objective, stepper, clip_norm
        self._grad_by_member = objective.network.parts(objective.network.grad)

    def make(self, rates: Floats) -> float:
        """Make a step on each batch of an epoch.

        Parameters
        ----------
        rates : ndarray of shape (n_batches,)
            The learning rates of the steps.

        Returns
        -------
        float
            Sum of the penalties of the batches, each multiplied by its number of rows.
        """
        bounds = self.objective.batches.bounds()
        return sum(self._make(*each, rate) for each, rate in zip(bounds, rates.tolist()))

    def _make(self, start: int, stop: int, rate: float) -> float:
        """Make one step on a batch; returns the penalty times the number of rows.

        If all rows of the batch have zero weight, the step is skipped.
        """
        if self.objective.skips(start, stop):
            return 0.0
        penalty = self.objective.evaluate(start, stop)
        if self.clip_norm is not None:
            self._clip(self.clip_norm)
        self.stepper.step(rate)
        return penalty

    def _clip(self, largest: float) -> None:
        """Scale the gradient of each member down to the norm `largest` if it is larger."""
        for parts in self._grad_by_member:
            norm = float(np.sqrt(np.sum([np.dot(grad, grad) for grad in parts])))
            if norm == np.inf:
                norm = float(np.linalg.norm(np.concatenate(parts).astype(np.float64)))
            if norm > largest:
                for grad in parts:
                    scale(grad, largest / norm)
