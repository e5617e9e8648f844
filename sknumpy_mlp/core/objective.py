"""The objective that training minimizes: the penalized mean loss of a batch, and its gradient.

Large batches are processed in blocks, so that buffers stay small for any batch size.
"""

from typing import Any

import numpy as np

from .._types import Floats
from .._vectors import add_scaled
from ..losses import Loss
from .batches import Batches
from .network import Network, Workspace


class Objective:
    r"""The penalized mean loss of a batch, and its gradient.

    .. math:: J = \frac1n \sum_i w_i\, \ell(z_i, y_i) + \frac{\alpha}{2n} \lVert W \rVert^2

    over the n rows of the batch. Biases are not penalized. With several members, each has the
    gradient of its own objective, and the loss is the mean over the members.

    Parameters
    ----------
    network : Network
        Must be allocated. Its `grad` receives the gradient.
    loss : Loss
    alpha : float or ndarray of shape (n_members,)
    batches : Batches
    """

    # Maximum number of elements of a block in the widest layer, so that memory does not grow with
    # the number of rows: 16 MB per buffer in float64.
    block_elements = 2**21
    # Several members share these elements, but a block has at least this many rows.
    shortest_block = 256

    def __init__(
        self, network: Network, loss: Loss, alpha: float | Floats, batches: Batches
    ) -> None:
        self.network = network
        self.loss = loss
        self.penalties = network.penalties(alpha)
        self.batches = batches
        self.losses = np.empty(batches.n_samples * network.n_members, network.theta.dtype)
        block_size = max(1, self.block_elements // max(batches.X.width, network.widest))
        # Shorter blocks would cost more than they save: every block computes a whole gradient.
        shortest = min(self.shortest_block, block_size)
        self.block_size = max(shortest, block_size // network.n_members)
        self._workspaces: dict[int, tuple[Workspace, Any]] = {}

    def evaluate(self, start: int, stop: int) -> float:
        """Compute the network's `grad` and each row's loss for rows `start` to `stop`.

        Returns
        -------
        float
            The penalty times the number of rows.
        """
        self._fill_gradient(start, stop)
        theta, grad = self.network.theta, self.network.grad
        penalty = 0.0
        for first, last, alpha in self.penalties:
            weights = theta[first:last]
            add_scaled(grad[first:last], alpha / (stop - start), weights)
            penalty += 0.5 * alpha * float(np.dot(weights, weights))
        return penalty

    def losses_of(self, start: int, stop: int) -> Floats:
        """A view of the losses of rows `start` to `stop`, for all members."""
        n_members = self.network.n_members
        return self.losses[start * n_members : stop * n_members]

    def skips(self, start: int, stop: int) -> bool:
        """Whether all rows `start` to `stop` have zero weight; their losses are then set to 0."""
        if self.batches.weights is None or self.batches.has_weight(start, stop):
            return False
        self.losses_of(start, stop)[:] = 0
        return True

    def _fill_gradient(self, start: int, stop: int) -> None:
        """Compute the gradient without the penalty: a sum over blocks, if the batch is larger."""
        if stop - start <= self.block_size:
            self._add_block(start, stop, stop - start)
            return
        total = np.zeros_like(self.network.grad)
        for first in range(start, stop, self.block_size):
            self._add_block(first, min(first + self.block_size, stop), stop - start)
            total += self.network.grad
        self.network.grad[:] = total

    def _add_block(self, start: int, stop: int, batch_size: int) -> None:
        """Set `grad` to the contribution of these rows to the mean over `batch_size` rows."""
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

    def _add_workspace(self, n_samples: int) -> tuple[Workspace, Any]:
        """Create the buffers of the network and of the loss for blocks of `n_samples` rows."""
        workspace = self.network.workspace(n_samples, self.network.theta.dtype, training=True)
        buffers = workspace, self.loss.scratch(workspace.scores)
        self._workspaces[n_samples] = buffers
        return buffers

    def mean(self, penalty: float) -> float:
        """The mean loss of all rows, including the penalties of an epoch."""
        # A pickled Python float has a fifth of the size of a NumPy float.
        return float(self.losses.sum(dtype=np.float64) + penalty) / len(self.losses)
