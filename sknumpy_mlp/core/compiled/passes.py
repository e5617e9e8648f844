"""The forward and backward pass of a network as kernel calls, from the forms of its layers."""

import ctypes
from typing import Any

import numpy as np

from ..._types import Floats
from ..layers import Layer
from ..network import Network
from . import kernels
from .forms import slope_reads
from .inputs import Inputs
from .program import Program
from .sources import arguments

# Up to this number of multiplications, OpenBLAS multiplies matrices without packing them: a product
# of 100 rows by 64 x 100 weights takes a fifth less per row than one of 200 rows.
SMALL_PRODUCT = 10**6
# Where no block of so many rows is a small product, blocks are not made for this reason.
SHORTEST_BLOCK = 100


def rows_of_small_products(network: Network) -> int:
    """The most rows for which all products of a network are small; 0 where these are too few."""
    sizes = [np.prod(shape) for layer in network.layers for shape in layer.shapes.values()]
    rows = SMALL_PRODUCT // int(max(sizes, default=1))
    return rows if rows >= SHORTEST_BLOCK else 0


class Passes:
    """Adds the passes of the members of a network to a program.

    Parameters
    ----------
    program : Program
    network : Network
        Must be bound to its parameters.
    inputs : Inputs
        Of each member, or of all.
    training : bool, default=False
        Whether a backward pass follows.
    """

    def __init__(
        self, program: Program, network: Network, inputs: Inputs, training: bool = False
    ) -> None:
        self.program, self.layers = program, network.layers
        self.training = training
        self.dtype = inputs.buffers.dtype
        shared = len(inputs.rows) == 1
        sources = [0 if shared else number for number in range(network.n_members)]
        self._sparse = [inputs.of_sparse(source) for source in sources]
        # The input of each layer, and the output of the last, for each member.
        self._inputs = [[inputs.buffers[source]] for source in sources]
        self._parameters = [
            [_parameters(layer, number, training) for layer in self.layers]
            for number in range(network.n_members)
        ]
        rows = inputs.rows.shape[1:]
        self._buffers = [
            [layer.buffers(rows, self.dtype, "C", training) for layer in self.layers]
            for _ in sources
        ]

    def add_forward(self) -> list[Floats]:
        """Add the calls of the forward pass; returns the raw scores of each member."""
        # As in NumPy, all members draw for a layer before any draws for the next.
        for place in range(len(self.layers)):
            for number, inputs in enumerate(self._inputs):
                inputs.append(self._add_layer_forward(place, number, inputs[-1]))
        return [inputs[-1] for inputs in self._inputs]

    def add_backward(self, number: int) -> None:
        """Add the calls of the backward pass of a member, whose scores hold their gradient."""
        inputs = self._inputs[number]
        dA = inputs[-1]
        for place in reversed(range(len(self.layers))):
            dX = None if place == 0 else self._buffers[number][place - 1].dA
            self._add_layer_backward(place, number, inputs[place], dA, dX)
            dA = dX

    def _given(self, place: int, number: int, **arrays: Floats | None) -> dict[str, Any]:
        """The arrays that the forms of a layer may take, by name."""
        sparse = {} if place else self._sparse[number]
        buffers = vars(self._buffers[number][place])
        return self._parameters[number][place] | buffers | arrays | sparse

    def _add_layer_forward(self, place: int, number: int, X: Floats) -> Floats:
        """Add the calls of a layer's forward pass; returns its output."""
        layer, buffers = self.layers[place], self._buffers[number][place]
        if buffers.A is None:
            # A layer that passes its input on in prediction.
            return X
        f: Any = getattr(layer, "activation", None)
        in_place = f is not None and f.reads == "output"
        A: Floats = buffers.Z if in_place else buffers.A
        # An affine map writes where the activation reads.
        given = self._given(place, number, X=X, A=A if f is None else buffers.Z)
        form = "sparse_forward_rows" if "rows" in given else "forward_rows"
        if not self.training and type(layer).predict_rows is not None:
            form = "predict_rows"
        self._add_form(layer, form, given, number)
        if f is not None:
            cls: Any = type(f)
            kernel = kernels.activation(cls, self.dtype)["forward"]
            ints = [A, given["b"], 0 if in_place else buffers.Z, A.shape[1]]
            self.program.add(kernel, ints, kernels.numbers(f, cls.value, 1))
        return A

    def _add_layer_backward(
        self, place: int, number: int, X: Floats, dA: Floats, dX: Floats | None
    ) -> None:
        """Add the calls of a layer's backward pass."""
        layer = self.layers[place]
        given = self._given(place, number, X=X, dA=dA, dX=dX)
        f = getattr(layer, "activation", None)
        if f is not None:
            cls: Any = type(f)
            kernel = kernels.activation(cls, self.dtype)["backward"]
            ints = [given["Z"], dA, given["db"], dA.shape[1], given["A"]]
            self.program.add(kernel, ints, kernels.numbers(f, cls.slope, slope_reads(cls)))
        form = "sparse_backward_rows" if "rows" in given else "backward_rows"
        if getattr(type(layer), form) is not None:
            self._add_form(layer, form, given, number)
        if dX is not None:
            self._add_form(layer, "input_gradient_rows", given, number)

    def _add_form(self, layer: Layer, form: str, given: dict[str, Any], number: int) -> None:
        """Add the call of one form of a layer, for one member."""
        cls: Any = type(layer)
        kinds: list[str] = []
        ints: list[Any] = []
        floats: list[float] = []
        for name in arguments(getattr(cls, form)):
            value: Any = given.get(name)
            is_parameter = name in layer.shapes or (name[:1] == "d" and name[1:] in layer.shapes)
            if name == "stream":
                kinds.append("stream")
                ints += _stream(layer.generator, self.dtype)
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
                # One for all members, or one for each.
                values = np.ravel(getattr(layer, name))
                floats.append(values[number % len(values)])
        kernel = kernels.layer(cls, form, self.dtype, tuple(kinds))
        self.program.add(kernel, ints, floats)


def _parameters(layer: Layer, number: int, training: bool) -> dict[str, Floats]:
    """The parameters of one member as matrices by name, and in training their gradients."""
    found = {}
    for name in layer.shapes:
        for each in (name, f"d{name}") if training else (name,):
            array = getattr(layer, each)
            matrix = array if array.ndim == 2 else array[number]
            # Users may give a fitted model matrices of any memory order.
            found[each] = matrix if training else np.ascontiguousarray(matrix)
    return found


def _stream(generator: np.random.Generator | None, dtype: np.dtype[Any]) -> list[int | None]:
    """Addresses of the function and of the state that the generator draws from."""
    # Bound to a network with such a layer before training.
    assert generator is not None
    interface = generator.bit_generator.ctypes
    function = interface.next_uint32 if dtype == np.float32 else interface.next_double
    return [ctypes.cast(function, ctypes.c_void_p).value, interface.state_address]
