"""Training through compiled kernels: the objective of a batch, and the steps of an epoch.

`CompiledObjective` fills the gradient as `Objective` does. `CompiledSteps` makes all steps of an
epoch without returning to Python between them. Kernels release the GIL.
"""

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..._types import Array, Floats, Integers, Slice
from ...losses import Loss
from ...optimizers import Optimizer
from ..batches import Batches, DenseRows
from ..network import Network
from ..objective import Objective
from . import kernels
from .inputs import Inputs
from .passes import Passes, rows_of_small_products
from .program import NO_CALLS, Program

# A call into compiled code is planned to take so many seconds: it cannot be interrupted.
PLANNED_SECONDS = 0.05


class CompiledObjective(Objective):
    """`Objective`, with the gradient by compiled kernels.

    A batch is computed in blocks of rows, whose gradients add up. A block is one row of the array
    that the driver takes, and any number of blocks is one call of the driver.
    """

    def __init__(
        self, network: Network, loss: Loss, alpha: float | Floats, batches: Batches
    ) -> None:
        super().__init__(network, loss, alpha, batches)
        self.driver = kernels.driver()
        # Of a block; not known before the first.
        self._seconds = PLANNED_SECONDS
        self._block = np.zeros(8, np.int64)
        self.block_size = self._rows_of_a_block()
        self.program = Program()
        X, dtype = batches.X, network.theta.dtype
        if isinstance(X, DenseRows):
            X.in_row_order()
        self.inputs = Inputs(X, dtype, network.n_members, self.block_size)
        for number in range(network.n_members):
            subset = None if batches.subset is None else np.atleast_2d(batches.subset)[number]
            self.inputs.add(self.program, number, subset)
        passes = Passes(self.program, network, self.inputs, training=True)
        for number, Z in enumerate(passes.add_forward()):
            self._add_loss(Z, number)
            passes.add_backward(number)
        if self.block_size < batches.batch_size:
            grad = network.grad
            ints = [np.empty_like(grad), grad, grad.size]
            self.program.add(kernels.common(dtype)["accumulate"], ints)

    def _rows_of_a_block(self) -> int:
        """The number of rows of a block: the batch in as few equal parts as are small enough."""
        most, n_rows = self.block_size, self.batches.batch_size
        # Random layers draw block by block, and are to draw what they draw in NumPy.
        if self.network.is_random:
            return min(most, n_rows)
        most = min(most, rows_of_small_products(self.network) or most)
        return -(-n_rows // -(-n_rows // most))

    def _add_loss(self, Z: Floats, number: int) -> None:
        y, given = self.batches.y.X, self.batches.weights
        weights = 0 if given is None else np.ascontiguousarray(given.X, Z.dtype)
        is_index = y.ndim == 1
        y = np.ascontiguousarray(y)
        cls: Any = type(self.loss)
        kernel = kernels.loss(cls, Z.dtype, is_index)
        self.program.add(
            kernel,
            [
                *(Z, Z.shape[1], y, len(y), self.inputs.rows[number]),
                *(weights, self.losses, len(self.losses), number),
                *(np.empty(Z.size, Z.dtype), np.empty(len(Z) * y[0].size, y.dtype)),
                np.empty(3 * len(Z), Z.dtype),
            ],
            kernels.numbers(self.loss, *kernels.form_of_loss(cls)),
        )

    def blocks(self, bounds: Iterable[tuple[int, int]]) -> Array:
        """The blocks of batches with these bounds, as rows of the driver; see `kernels.driver`."""
        rows = []
        for number, (first, last) in enumerate(bounds):
            for start in range(first, last, self.block_size):
                stop = min(start + self.block_size, last)
                place = int(start > first), int(stop == last)
                first_loss = start * self.network.n_members
                rows.append((stop - start, start, number, last - first, first_loss, *place))
        return np.array(rows, np.int64).reshape(-1, kernels.BLOCK_WIDTH)

    def run(self, blocks: Array, updates: Array = NO_CALLS) -> None:
        """Compute blocks, and the updates after each batch, in calls of bounded time."""
        order = self.batches._order
        self.inputs.arrange(None if order is None else np.atleast_2d(order))
        done = 0
        while done < len(blocks):
            count = max(1, int(PLANNED_SECONDS / self._seconds))
            if not self.inputs.are_gathered:
                count = 1
                n, start = blocks[done, :2]
                self.inputs.buffers[:, :n] = self.batches.block(start, start + n).X
            part = blocks[done : done + count]
            started = time.perf_counter()
            self.driver(self.program.table, updates, part, self._block)
            self._seconds = (time.perf_counter() - started) / len(part)
            done += len(part)

    def _fill_gradient(self, start: int, stop: int) -> None:
        self.run(self.blocks([(start, stop)]))


class CompiledSteps:
    """Steps of an optimizer with a scalar form, made in runs by compiled kernels."""

    def __init__(
        self,
        objective: CompiledObjective,
        optimizer: Optimizer,
        moments: dict[str, Any],
        groups: list[Slice],
        clip_norm: float | None,
    ) -> None:
        self.objective, self.optimizer, self.state = objective, optimizer, moments
        self.groups = groups
        network, dtype = objective.network, objective.network.theta.dtype
        vectors = [moments[name] for name in optimizer.moments]
        program, common = Program(), kernels.common(dtype)
        n_weights, penalties = network.weights.size, objective.penalties
        self.penalty = np.zeros(1)
        theta, grad = network.theta, network.grad
        for start, stop, each in penalties:
            program.add(common["penalty"], [theta[start:stop], stop - start, self.penalty], [each])
        # The kernel of the optimizer adds one factor of all weights, unless it is clipped before.
        is_common = clip_norm is None and [each[:2] for each in penalties] == [(0, n_weights)]
        alpha = penalties[0][2] if is_common else 0.0
        for start, stop, each in () if is_common else penalties:
            ints = [theta[start:stop], grad[start:stop], stop - start]
            program.add(common["penalize"], ints, [each])
        if clip_norm is not None:
            for parts in network.parts(grad):
                places = [(part.ctypes.data - grad.ctypes.data) // grad.itemsize for part in parts]
                ints = [n for p, part in zip(places, parts) for n in (p, p + part.size)]
                program.add(common["clip"], [len(parts), grad, *ints], [clip_norm])
        self._calls = []
        cls: Any = type(optimizer)
        kernel = kernels.optimizer(cls, dtype)
        for start, stop, _ in groups:
            decayed = max(0, min(stop, n_weights) - start)
            parts = [vector[start:stop] for vector in vectors]
            ints = [theta[start:stop], grad[start:stop], stop - start, decayed, 0, 0, *parts]
            self._calls.append(program.add(kernel, ints, [alpha]))
        self.program = program
        self._blocks = objective.blocks(objective.batches.bounds())

    def make(self, rates: Floats) -> float:
        """Make a step on each batch of an epoch; see `Steps.make`."""
        blocks, rates = self._planned(rates)
        n_steps = len(rates)
        numbers = self.state["t"] + 1 + np.arange(n_steps)
        # Members that differ make many groups, of few factors.
        factors = {factor for *_, factor in self.groups}
        tables = {factor: self._coefficients(rates * factor, numbers) for factor in factors}
        for (_, _, factor), words in zip(self.groups, self._calls):
            table = tables[factor]
            words[4], words[5] = table.ctypes.data, table.shape[1]
        self.penalty[0] = 0.0
        self.objective.run(blocks, self.program.table)
        self.state["t"] += n_steps
        return float(self.penalty[0])

    def _coefficients(self, rates: Floats, numbers: Integers) -> Floats:
        """The shrinkage of weights and the coefficients of the update, in a row for each step."""
        columns = [self.optimizer.shrinkage(rates), *self.optimizer.coefficients(rates, numbers)]
        table = np.empty((len(rates), len(columns)))
        for column, value in enumerate(columns):
            table[:, column] = value
        return table

    def _planned(self, rates: Floats) -> tuple[Array, Floats]:
        """The blocks of an epoch, and the rates of its steps, without batches of no weight."""
        objective, batches = self.objective, self.objective.batches
        if batches.weights is None:
            return self._blocks, rates
        bounds = list(batches.bounds())
        made = [not objective.skips(*each) for each in bounds]
        bounds = [each for each, is_made in zip(bounds, made) if is_made]
        return objective.blocks(bounds), rates[made]
