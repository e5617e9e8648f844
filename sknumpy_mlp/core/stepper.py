"""An optimizer at work: its moments, and the blocks of the parameter vector that it moves."""

import numpy as np


class Stepper:
    """An optimizer at work on one parameter vector.

    Parameters
    ----------
    optimizer : Optimizer
    theta, grad : ndarray of shape (n_parameters,)
    n_weights : int
        Weight decay shrinks so many of the first parameters.
    state : dict
        From ``optimizer.start``; its moments and its ``t`` change in place.
    groups : list of (int, int, float), default=None
        Slices of `theta` and the factor of the learning rate there; 1 for all if None.

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

    # Blocks this long keep the passes of a step in the cache; shorter ones cost more in calls.
    block_size = 2**16

    def __init__(self, optimizer, theta, grad, n_weights, state, groups=None):
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

    def step(self, rate):
        """Make one step with the gradient that is in `grad` now, which is used up."""
        self.state["t"] += 1
        for weights, factor in self.decayed:
            self.optimizer.decay(rate * factor, weights)
        for factor, block in self.blocks:
            self.optimizer.update(rate * factor, self.state["t"], *block)
