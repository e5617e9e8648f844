"""Raw scores of any number of rows, by compiled kernels."""

from typing import Any

import numpy as np

from ..._types import Floats, Integers
from ..batches import DenseRows, Rows, consecutively
from ..network import Network
from . import kernels
from .inputs import Inputs
from .passes import Passes, rows_of_small_products
from .program import NO_CALLS, Program


class CompiledScores:
    """`Network.scores`, by compiled kernels.

    The kernels read the parameters where they are, so changes in place count. One object serves
    one thread at a time.

    Parameters
    ----------
    network : Network
        Must be bound to its parameters.
    """

    # Maximum number of elements in the buffers of all layers and members: 4 MB in float32, which a
    # model keeps from one prediction to the next.
    block_elements = 2**20

    def __init__(self, network: Network) -> None:
        self.network = network
        self._n_outputs = network.units[-1]
        n_units = sum(layer.width for layer in network.layers) * network.n_members
        most = max(64, self.block_elements // (network.units[0] + n_units))
        self._block_size = min(rows_of_small_products(network) or 1024, most)
        self._driver = kernels.driver()
        self._blocks = np.zeros((1, kernels.BLOCK_WIDTH), np.int64)
        self._block = np.zeros(8, np.int64)
        # The passes of dense rows, which are the same for all.
        self._dense: tuple[Inputs, list[Floats], Program] | None = None

    def largest_product(self, n_samples: int) -> int:
        """Number of multiplications in the largest matrix product; see `Network`."""
        return min(n_samples, self._block_size) * self.network.largest_layer

    def scores(self, X: Rows, dtype: np.dtype[Any], index: Integers | None = None) -> Floats:
        """Raw scores of the rows of `X`; see `Network.scores`."""
        inputs, outputs, program = self._passes(X, dtype)
        n_samples = len(X) if index is None else len(index)
        if inputs.is_sparse:
            inputs.arrange(None if index is None else np.ascontiguousarray(index, np.int64)[None])
        raw = np.empty((len(outputs), n_samples, self._n_outputs), dtype)
        block = self._blocks[0]
        for start, stop in consecutively(n_samples, self._block_size):
            n = stop - start
            block[0], block[1] = n, start
            if not inputs.is_sparse:
                # Copies of a block cost next to nothing, and NumPy knows all types and orders.
                rows = X.X[start:stop] if index is None else X.take(index[start:stop])
                inputs.buffers[0, :n] = rows
            self._driver(program.table, NO_CALLS, self._blocks, self._block)
            for each, out in zip(outputs, raw):
                out[start:stop] = each[:n]
        return raw if len(outputs) > 1 else raw[0]

    def _passes(self, X: Rows, dtype: np.dtype[Any]) -> tuple[Inputs, list[Floats], Program]:
        """The inputs, the outputs of each member, and the kernel calls between them."""
        if self._dense is not None and type(X) is DenseRows:
            return self._dense
        program = Program()
        inputs = Inputs(X, dtype, 1, self._block_size)
        if inputs.is_sparse:
            inputs.add(program, 0)
        found = inputs, Passes(program, self.network, inputs).add_forward(), program
        if not inputs.is_sparse:
            self._dense = found
        return found
