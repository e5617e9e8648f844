"""Gradients of a fitted network's scores by its inputs, and attributions from them.

The scores are those after the temperature and after the members are pooled, as the decision
function has them. The backward pass is that of training, without dropout and
without the gradients of the parameters.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from .._types import Floats
from ..losses.links import Link
from .batches import consecutively
from .network import Network, Workspace


class Sensitivity:
    """The scores of a network, and their gradients by the inputs.

    Parameters
    ----------
    network : Network
        Must be bound to its parameters, which are copied.
    link : Link
        Pools the scores of several members.
    temperatures : sequence of float, default=(1.0,)
        What the scores of each member are divided by; one number for all if there is only one.

    Examples
    --------
    >>> from sknumpy_mlp.activations import Tanh
    >>> from sknumpy_mlp.core.network import perceptron
    >>> from sknumpy_mlp.losses import links
    >>> network = perceptron([2, 1], [])
    >>> network.bind({"weights": [np.array([[3.0], [4.0]])], "biases": [np.array([0.5])]})
    >>> sensitivity = Sensitivity(network, links.Identity())
    >>> X = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> sensitivity.scores(X).tolist(), sensitivity.gradients(X, np.ones(1)).tolist()
    ([[3.5], [8.5]], [[3.0, 4.0], [3.0, 4.0]])
    """

    # Maximum number of elements in the largest buffer of a chunk of rows: it stays in the cache.
    chunk_elements = 2**17

    def __init__(
        self, network: Network, link: Link, temperatures: Sequence[float] | Floats = (1.0,)
    ) -> None:
        self.network = network
        self.link = link
        self.dtype = network.dense_layers[0].W.dtype
        self.temperatures = np.broadcast_to(
            np.asarray(temperatures, self.dtype), network.n_members
        )[:, np.newaxis, np.newaxis]
        self._members = [_without_dropout(member, self.dtype) for member in network.members]
        widest = max(network.n_inputs, network.widest)
        self._chunk_size = max(1, self.chunk_elements // widest)
        self._workspaces: dict[int, list[Workspace]] = {}

    def scores(self, X: Floats) -> Floats:
        """The scores of the rows of `X`, of shape (n_samples, n_outputs).

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_inputs), of the dtype of the network
        """
        found = np.empty((len(X), self.network.units[-1]), self.dtype)
        for start, stop in consecutively(len(X), self._chunk_size):
            pooled = self._pooled(self._forward(X[start:stop]))
            found[start:stop] = self.link.explained(pooled)
        return found

    def gradients(self, X: Floats, dS: Floats) -> Floats:
        """The gradient of ``(dS * scores(X)).sum()`` by `X`.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_inputs), of the dtype of the network
        dS : ndarray of shape (n_outputs,) or (n_samples, n_outputs)
            The factor of each score, of all rows or of each.

        Returns
        -------
        ndarray of shape (n_samples, n_inputs)
        """
        dS = np.broadcast_to(np.asarray(dS, self.dtype), (len(X), self.network.units[-1]))
        found = np.zeros_like(X)
        for start, stop in consecutively(len(X), self._chunk_size):
            rows = X[start:stop]
            dZ = self._pooled_gradient(self._forward(rows), dS[start:stop])
            dX = np.empty_like(rows)
            for workspace, each in zip(self._of_size(stop - start), dZ):
                workspace.input_gradient(rows, np.array(each), dX)
                found[start:stop] += dX
        return found

    def _of_size(self, n_samples: int) -> list[Workspace]:
        """The workspace of each member for so many rows; those of the last size are kept."""
        if n_samples not in self._workspaces:
            self._workspaces = {
                n_samples: [
                    member.workspace(n_samples, self.dtype, training=True)
                    for member in self._members
                ]
            }
        return self._workspaces[n_samples]

    def _forward(self, X: Floats) -> Floats:
        """Raw scores over the temperature, (n_members, n_samples, n_outputs)."""
        raw = [workspace.forward(X) for workspace in self._of_size(len(X))]
        return np.stack(raw) / self.temperatures

    def _pooled(self, Z: Floats) -> Floats:
        return Z[0] if len(Z) == 1 else self.link.pool(Z)

    def _pooled_gradient(self, Z: Floats, dS: Floats) -> Floats:
        if len(Z) == 1:
            return self.link.explained_gradient(Z[0], dS)[np.newaxis] / self.temperatures
        dP = self.link.explained_gradient(self.link.pool(Z.copy()), dS)
        return self.link.pool_gradient(Z, dP) / self.temperatures


def _without_dropout(network: Network, dtype: DTypeLike) -> Network:
    """A copy of the network, with gradients, whose training pass is that of predictions."""
    kept = Network([layer.unbound() for layer in network.layers if not layer.is_random])
    kept.bind(network.parameters())
    kept.allocate(dtype)
    return kept


def attributions(
    gradients: Callable[[Floats], Floats],
    X: Floats,
    starts: Sequence[Floats],
    fractions: Sequence[float],
) -> Floats:
    r"""Attribute the difference of scores between two inputs to the columns.

    With starts :math:`x'_i` and fractions :math:`\alpha_i`, a row x gets

    .. math:: \frac1n \sum_{i=1}^n (x - x'_i) \odot
              \nabla f(x'_i + \alpha_i (x - x'_i)).

    Parameters
    ----------
    gradients : callable
        Takes rows, and returns the gradient of f at each.
    X : ndarray of shape (n_samples, n_columns)
    starts : sequence of ndarray of shape (n_columns,) or (n_samples, n_columns)
        Where the path of each step begins; it ends at `X`.
    fractions : sequence of float
        The place of each step on its path.

    Returns
    -------
    ndarray of shape (n_samples, n_columns), of float64

    Examples
    --------
    The square of x = 3, from 0 in two steps:

    >>> attributions(lambda X: 2 * X, np.array([[3.0]]), [np.zeros(1)] * 2, [0.25, 0.75])
    array([[9.]])
    """
    total = np.zeros(X.shape)
    for start, fraction in zip(starts, fractions, strict=True):
        path = X - start
        total += gradients(start + float(fraction) * path) * path
    return total / len(fractions)
