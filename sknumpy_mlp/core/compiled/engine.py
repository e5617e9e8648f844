"""Training through compiled kernels: the objective of a batch, and runs of steps.

`CompiledObjective` fills the gradient as `Objective` does. `CompiledSteps` makes whole steps
without returning to Python between them. Kernels release the GIL.
"""

import ctypes
import time

import numpy as np
from scipy import sparse

from ..objective import Objective
from . import kernels
from .program import Program
from .sources import arguments

# A call into compiled code is planned to take so many seconds: it cannot be interrupted.
PLANNED_SECONDS = 0.05
# Number types that a kernel gathers rows from.
GATHERED = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
)


class CompiledObjective(Objective):
    """`Objective`, with the gradient of a block of rows by compiled kernels."""

    def __init__(self, network, loss, alpha, batches):
        super().__init__(network, loss, alpha, batches)
        self.run = kernels.driver()
        self.step = np.zeros(8, np.int64)
        n_rows = min(self.block_size, batches.batch_size)
        self.program = Program()
        self._buffers(n_rows)
        self.table = self.program.table()

    def _buffers(self, n_rows):
        """Make the buffers of each member, and the calls of the gradient."""
        network, dtype = self.network, self.network.theta.dtype
        self.rows = np.empty((network.n_members, n_rows), np.int64)
        self._place_of_rows = []
        X = self.batches.X
        self._is_sparse = sparse.issparse(X.X)
        width = 0 if self._is_sparse else X.X.shape[1]
        self._inputs = np.empty((network.n_members, n_rows, width), dtype)
        # Numbers of other types, such as float16, are gathered in NumPy, batch by batch.
        self.gathers = self._is_sparse or (X.X.dtype.name in GATHERED and X.X.dtype.isnative)
        if self.gathers and not self._is_sparse and not X.X.flags.c_contiguous:
            if X.X.nbytes <= X.copied_bytes:
                X.X = np.ascontiguousarray(X.X)
        for number in range(network.n_members):
            self._add_gather(number)
        self._add_passes(n_rows)

    def _add_gather(self, number):
        """Add the calls that gather the rows of a member."""
        dtype, batches, program = self.network.theta.dtype, self.batches, self.program
        subset = 0 if batches.subset is None else np.atleast_2d(batches.subset)[number]
        self._place_of_rows.append(len(program.calls))
        program.add(kernels.common(dtype)["index"], [0, subset, self.rows[number]])
        if self.gathers and not self._is_sparse:
            X, inputs = batches.X.X, self._inputs[number]
            steps = [stride // X.itemsize for stride in X.strides]
            kernel = kernels.gather(X.dtype, dtype)
            program.add(kernel, [X, *steps, self.rows[number], inputs, X.shape[1]])

    def _add_passes(self, n_rows):
        """Add the calls of the forward and backward pass: layer by layer, and member by member."""
        network, dtype = self.network, self.network.theta.dtype
        members = range(network.n_members)
        buffers = [
            [layer.buffers((n_rows,), dtype, "C", training=True) for layer in network.layers]
            for _ in members
        ]
        bound = [[_member_of(layer, number) for layer in network.layers] for number in members]
        inputs = [[self._inputs[number]] for number in members]
        # As in NumPy all members draw for a layer before any draws for the next.
        for place, layer in enumerate(network.layers):
            for number in members:
                each, X = buffers[number][place], inputs[number][-1]
                given = {} if place else self._sparse_rows(number)
                A = self._add_forward(layer, each, bound[number][place], X, given)
                inputs[number].append(A)
        for number in members:
            dA = inputs[number][-1]
            self._add_loss(dA, number)
            for place in reversed(range(len(network.layers))):
                dX = None if place == 0 else buffers[number][place - 1].dA
                X, each = inputs[number][place], buffers[number][place]
                given = {} if place else self._sparse_rows(number)
                layer, parameters = network.layers[place], bound[number][place]
                self._add_backward(layer, each, parameters, X, dA, dX, given)
                dA = dX

    def _add_forward(self, layer, buffers, parameters, X, sparse_rows):
        """Add the calls of a layer's forward pass; returns its output."""
        f = getattr(layer, "activation", None)
        A = buffers.Z if f is not None and f.reads == "output" else buffers.A
        # An affine map writes where the activation reads.
        product = A if f is None else buffers.Z
        given = parameters | vars(buffers) | {"X": X, "A": product} | sparse_rows
        self._add_form(layer, "sparse_forward_rows" if sparse_rows else "forward_rows", given)
        if f is not None:
            Z = 0 if f.reads == "output" else buffers.Z
            kernel = kernels.activation(type(f), self.network.theta.dtype)
            self.program.add(
                kernel["forward"],
                [A, parameters["b"], Z, A.shape[1]],
                kernels.numbers(f, type(f).value, 1),
            )
        return A

    def _add_backward(self, layer, buffers, parameters, X, dA, dX, sparse_rows):
        """Add the calls of a layer's backward pass."""
        f = getattr(layer, "activation", None)
        if f is not None:
            kept = buffers.Z
            kernel = kernels.activation(type(f), self.network.theta.dtype)
            self.program.add(
                kernel["backward"],
                [kept, dA, parameters["db"], dA.shape[1]],
                kernels.numbers(f, type(f).slope, 1),
            )
        given = parameters | vars(buffers) | {"X": X, "dA": dA, "dX": dX} | sparse_rows
        form = "sparse_backward_rows" if sparse_rows else "backward_rows"
        if getattr(type(layer), form) is not None:
            self._add_form(layer, form, given)
        if dX is not None:
            self._add_form(layer, "input_gradient_rows", given)

    def _sparse_rows(self, number):
        """The vectors of a sparse input, and the rows of a member in it; nothing if it is dense."""
        if not self._is_sparse:
            return {}
        X = self.batches.X.X
        vectors = {"data": X.data, "indices": X.indices, "indptr": X.indptr}
        return vectors | {"rows": self.rows[number]}

    def _add_form(self, layer, form, given):
        kinds, ints, floats = [], [], []
        for name in arguments(getattr(type(layer), form)):
            value = given.get(name)
            is_parameter = name in layer.shapes or (name[:1] == "d" and name[1:] in layer.shapes)
            if name == "stream":
                kinds.append("stream")
                ints += _stream(layer.generator, self.network.theta.dtype)
            elif is_parameter:
                kinds.append("matrix")
                ints += [value, *value.shape]
            elif name == "rows":
                kinds.append("row numbers")
                ints.append(value)
            elif value is not None and value.ndim == 1:
                kinds.append("numbers" if value.dtype.kind == "f" else value.dtype.name)
                ints += [value, len(value)]
            elif value is not None:
                kinds.append("rows")
                ints += [value, value.shape[1]]
            else:
                kinds.append("number")
                floats.append(getattr(layer, name))
        kernel = kernels.layer(type(layer), form, self.network.theta.dtype, tuple(kinds))
        self.program.add(kernel, ints, floats)

    def _add_loss(self, Z, number):
        y, weights = self.batches.y.X, self.batches.weights
        if weights is not None:
            weights = np.ascontiguousarray(weights.X, Z.dtype)
        is_index = y.ndim == 1
        y = np.ascontiguousarray(y)
        kernel = kernels.loss(type(self.loss), Z.dtype, is_index)
        function = type(self.loss).rows or type(self.loss).output
        self.program.add(
            kernel,
            [
                *(Z, Z.shape[1], y, len(y), self.rows[number]),
                *(0 if weights is None else weights, self.losses, len(self.losses), number),
                *(np.empty(Z.size, Z.dtype), np.empty(len(Z) * y[0].size, y.dtype)),
                np.empty(3 * len(Z), Z.dtype),
            ],
            kernels.numbers(self.loss, function, 4 if type(self.loss).rows else 2),
        )

    def arrange(self):
        """Point the kernels to the order of the rows that the batches have now."""
        order = self.batches._order
        if order is None:
            order = [None] * self.network.n_members
        else:
            order = np.atleast_2d(order)
        for place, each in zip(self._place_of_rows, order):
            words = self.program.words(place)
            words[0] = 0 if each is None else each.ctypes.data
        self._order = order

    def _add_block(self, start, stop, batch_size):
        self.arrange()
        n = stop - start
        steps = np.array([[n, start, 0, batch_size, start * self.network.n_members]], np.int64)
        if not self.gathers:
            self.fill(start, stop)
        self.run(self.table, steps, self.step)

    def fill(self, start, stop):
        """Copy the inputs of rows `start` to `stop`, which no kernel gathers, into the buffers."""
        self._inputs[:, : stop - start] = self.batches.block(start, stop).X


class CompiledSteps:
    """Steps of an optimizer with a scalar form, made in runs by compiled kernels."""

    def __init__(self, objective, optimizer, moments, groups, clip_norm):
        self.objective, self.optimizer, self.state = objective, optimizer, moments
        self.groups = groups
        network, dtype = objective.network, objective.network.theta.dtype
        vectors = [moments[name] for name in optimizer.moments]
        program, common = Program(), kernels.common(dtype)
        program.calls += objective.program.calls
        self._kept = objective.program
        n_weights, alpha = network.weights.size, objective.alpha
        self.penalty = np.zeros(1)
        theta, grad = network.theta, network.grad
        if alpha and n_weights:
            program.add(common["penalty"], [theta, n_weights, self.penalty], [alpha])
        if clip_norm is not None:
            if alpha and n_weights:
                program.add(common["penalize"], [theta, grad, n_weights], [alpha])
            alpha = 0.0
            for parts in network.parts(grad):
                places = [(part.ctypes.data - grad.ctypes.data) // grad.itemsize for part in parts]
                ints = [n for p, part in zip(places, parts) for n in (p, p + part.size)]
                program.add(common["clip"], [len(parts), grad, *ints], [clip_norm])
        self._places = []
        kernel = kernels.optimizer(type(optimizer), dtype)
        for start, stop, _ in groups:
            self._places.append(len(program.calls))
            decayed = max(0, min(stop, n_weights) - start)
            parts = [vector[start:stop] for vector in vectors]
            ints = [theta[start:stop], grad[start:stop], stop - start, decayed, 0, 0, *parts]
            program.add(kernel, ints, [alpha])
        self.program, self.table = program, program.table()
        # Of a step; not known before the first.
        self._seconds = PLANNED_SECONDS

    def make(self, steps):
        """Make all steps, given as (start, stop, rate); see `Steps.make`."""
        objective, rates, rows = self.objective, [], []
        objective.arrange()
        n_members = objective.network.n_members
        for start, stop, rate in steps:
            if not objective.skips(start, stop):
                n = stop - start
                rows.append((n, start, len(rows), n, start * n_members))
                rates.append(rate)
        n_steps, steps = len(rows), np.array(rows, np.int64).reshape(-1, 5)
        rates = np.asarray(rates, np.float64)
        numbers = self.state["t"] + 1 + np.arange(n_steps)
        tables = []
        for (_, _, factor), place in zip(self.groups, self._places):
            given = self.optimizer.coefficients(rates * factor, numbers)
            columns = [self.optimizer.shrinkage(rates * factor), *given]
            table = np.empty((n_steps, len(columns)))
            for column, value in enumerate(columns):
                table[:, column] = value
            words = self.program.words(place)
            words[4], words[5] = table.ctypes.data, len(columns)
            tables.append(table)
        self.penalty[0] = 0.0
        self._run(steps)
        self.state["t"] += n_steps
        return float(self.penalty[0])

    def _run(self, steps):
        """Run the steps in calls of bounded time."""
        objective, done = self.objective, 0
        while done < len(steps):
            if objective.gathers:
                count = max(1, int(PLANNED_SECONDS / self._seconds))
            else:
                count = 1
                n, start = steps[done, :2]
                objective.fill(start, start + n)
            part = np.ascontiguousarray(steps[done : done + count])
            started = time.perf_counter()
            objective.run(self.table, part, objective.step)
            self._seconds = (time.perf_counter() - started) / len(part)
            done += len(part)


def _member_of(layer, number):
    """The parameters of one member, and their gradients, as matrices by name."""
    found = {}
    for name in layer.shapes:
        for each in (name, f"d{name}"):
            array = getattr(layer, each)
            found[each] = array if array.ndim == 2 else array[number]
    return found


def _stream(generator, dtype):
    """Addresses of the function and of the state that the generator draws from."""
    interface = generator.bit_generator.ctypes
    function = interface.next_uint32 if dtype == np.float32 else interface.next_double
    return [ctypes.cast(function, ctypes.c_void_p).value, interface.state_address]
