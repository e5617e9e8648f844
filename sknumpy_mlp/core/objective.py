"""The function that training minimizes: penalized mean loss of a batch, and its gradient.

Large batches are streamed in blocks, so that buffers stay small whatever the batch.
"""

import numpy as np

from .._vectors import add_scaled


class Objective:
    r"""Penalized mean loss of a batch, and its gradient.

    .. math:: J = \frac1n \sum_i w_i\, \ell(z_i, y_i) + \frac{\alpha}{2n} \lVert W \rVert^2

    over the n rows of the batch; biases are not penalized. With several members the gradient is
    that of each by itself, and the loss their mean.

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
    # With several members they share these elements, but blocks are not made shorter than this.
    shortest_block = 256

    def __init__(self, network, loss, alpha, batches):
        self.network = network
        self.loss = loss
        self.alpha = alpha
        self.batches = batches
        self.losses = np.empty(batches.n_samples * network.n_members, network.theta.dtype)
        block_size = max(1, self.block_elements // max(batches.X.width, network.widest))
        # Shorter blocks would cost more than they save: every block fills a whole gradient.
        shortest = min(self.shortest_block, block_size)
        self.block_size = max(shortest, block_size // network.n_members)
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

    def losses_of(self, start, stop):
        """Where the losses of rows `start` to `stop` are, those of all members."""
        n_members = self.network.n_members
        return self.losses[start * n_members : stop * n_members]

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
        losses = self.losses_of(start, stop)
        Z = workspace.forward(block.X)
        self.loss.value_and_gradient(Z, block.y, losses, scratch)
        if block.weights is not None:
            Z *= block.weights[:, np.newaxis]
            losses *= block.weights
        Z *= 1 / batch_size
        workspace.backward(block.X, Z)

    def _add_workspace(self, n_samples):
        """Buffers for blocks of this many rows: the network's, and the loss's own."""
        workspace = self.network.workspace(n_samples, self.network.theta.dtype, training=True)
        buffers = workspace, self.loss.scratch(workspace.scores)
        self._workspaces[n_samples] = buffers
        return buffers

    def mean(self, penalty):
        """The mean of all rows' losses, with the penalties of an epoch added."""
        # A Python float: it pickles to a fifth of a NumPy one.
        return float(self.losses.sum(dtype=np.float64) + penalty) / len(self.losses)
