"""Apply an optimizer, with its moments, to blocks of the parameter vector."""

import numpy as np


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
        """Make one step with the current gradient in `grad`, which is overwritten."""
        self.state["t"] += 1
        for weights, factor in self.decayed:
            self.optimizer.decay(rate * factor, weights)
        for factor, block in self.blocks:
            self.optimizer.update(rate * factor, self.state["t"], *block)
