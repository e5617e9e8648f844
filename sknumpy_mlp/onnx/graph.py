"""ONNX nodes written as NumPy formulas.

A `Value` is the output of a node. NumPy's functions and Python's operators make new nodes from
values, arrays and numbers, so that a converter reads like the formula that it converts. `UFUNCS`
has the nodes of each function of NumPy; to add one, add its row.
"""

import inspect
from functools import partial

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from onnx import TensorProto, helper, numpy_helper
from scipy.special import expit, ndtr
from skl2onnx.common.data_types import DoubleTensorType

# The forms of operators that the graph writes are those from this version on.
OLDEST_OPSET = 13
# The version of LabelEncoder that has lists as attributes.
ML_OPSET = 2
# More choices in one scalar form are taken for a loop without an end.
MOST_CHOICES = 12


class FormError(TypeError):
    """A formula that cannot be written as ONNX nodes."""


class Undecided(Exception):
    """A condition that a formula asks for while it is traced."""

    def __init__(self, condition):
        super().__init__("a choice between two numbers")
        self.condition = condition


class Value(NDArrayOperatorsMixin):
    """The output of a node, or an input of the graph.

    Parameters
    ----------
    graph : Graph
    name : str
    """

    def __init__(self, graph, name):
        self.graph = graph
        self.name = name

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        form = UFUNCS.get(ufunc)
        if form is None or method != "__call__" or options:
            raise FormError(f"{ufunc.__name__} has no ONNX form")
        values = [self.graph.value(each) for each in inputs]
        return self.graph.node(form, *values) if isinstance(form, str) else form(*values)

    def __array_function__(self, function, types, args, kwargs):
        raise FormError(f"{function.__name__} has no ONNX form")

    def __bool__(self):
        return self.graph.decide(self)

    def cast(self, dtype):
        """The same numbers in another dtype."""
        to = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.graph.node("Cast", self, to=to)

    astype = cast

    def take(self, indices, axis):
        """Those at these indices of an axis."""
        return self.graph.node("Gather", self, np.asarray(indices, np.int64), axis=axis)

    def sum(self, axis):
        """The sum over an axis, which remains with length one."""
        return self.graph.node("ReduceSum", self, np.array([axis]), keepdims=1)

    def log_sum_exp(self, axis):
        """``log sum exp`` over an axis, which remains with length one."""
        if self.graph.container.target_opset < 18:
            return self.graph.node("ReduceLogSumExp", self, axes=[axis], keepdims=1)
        return self.graph.node("ReduceLogSumExp", self, np.array([axis]), keepdims=1)

    def reshape(self, *shape):
        """The same numbers in another shape; 0 keeps the length of an axis."""
        return self.graph.node("Reshape", self, np.array(shape))

    def transpose(self, *axes):
        """The axes in another order."""
        return self.graph.node("Transpose", self, perm=list(axes))


def _log1p(z):
    return np.log(1.0 + z)


def _expm1(z):
    return np.exp(z) - 1.0


def _ndtr(z):
    scaled, dtype = z * np.sqrt(0.5), z.graph.dtype
    if dtype == np.float32:
        return 0.5 * (1.0 + z.graph.node("Erf", scaled))
    # onnxruntime has Erf in float32 only: the error is 1e-7.
    return 0.5 * (1.0 + z.graph.node("Erf", scaled.cast(np.float32)).cast(dtype))


# The operator of a function, or the function of its values that makes several nodes. onnxruntime
# has each of these operators in float64.
UFUNCS = {
    np.add: "Add",
    np.subtract: "Sub",
    np.multiply: "Mul",
    np.divide: "Div",
    np.power: "Pow",
    np.matmul: "MatMul",
    np.negative: "Neg",
    np.positive: lambda z: z,
    np.absolute: "Abs",
    np.maximum: "Max",
    np.minimum: "Min",
    np.greater: "Greater",
    np.greater_equal: "GreaterOrEqual",
    np.less: "Less",
    np.less_equal: "LessOrEqual",
    np.equal: "Equal",
    np.isnan: "IsNaN",
    np.exp: "Exp",
    np.log: "Log",
    np.sqrt: "Sqrt",
    np.square: lambda z: z * z,
    np.tanh: "Tanh",
    np.log1p: _log1p,
    np.expm1: _expm1,
    expit: "Sigmoid",
    ndtr: _ndtr,
}


class Graph:
    """The nodes of one converter. Equal nodes are made once, and written if an output needs them.

    Parameters
    ----------
    scope : skl2onnx.common._topology.Scope
    container : skl2onnx.common._container.ModelComponentContainer
    dtype : dtype
        float32 or float64, that of numbers and of arrays of floats.
    """

    def __init__(self, scope, container, dtype):
        if container.target_opset < OLDEST_OPSET:
            raise ValueError(
                f"target_opset must be at least {OLDEST_OPSET} for sknumpy_mlp, "
                f"got {container.target_opset}"
            )
        self.scope = scope
        self.container = container
        self.dtype = np.dtype(dtype)
        self._decided = None
        self._known = {}
        self._made = {}
        self._pending = []

    def inputs(self, operator):
        """The inputs of an operator, side by side, in the dtype of the graph."""
        values = [Value(self, each.full_name) for each in operator.inputs]
        wanted = helper.np_dtype_to_tensor_dtype(self.dtype)
        for number, variable in enumerate(operator.inputs):
            if variable.type.to_onnx_type().tensor_type.elem_type != wanted:
                values[number] = values[number].cast(self.dtype)
        return self.concat(values)

    def output(self, variable, value):
        """Make a value the output of an operator, and write the nodes that it needs.

        Parameters
        ----------
        variable : skl2onnx.common._topology.Variable
        value : Value
            In the dtype of the graph if the variable is of floats, otherwise of its type.
        """
        to = variable.type.to_onnx_type().tensor_type.elem_type
        is_float = to in (TensorProto.FLOAT, TensorProto.DOUBLE)
        if is_float and to != helper.np_dtype_to_tensor_dtype(self.dtype):
            self._add("Cast", [value.name], [variable.full_name], {"to": to})
        else:
            self._add("Identity", [value.name], [variable.full_name], {})
        needed, later, now = {variable.full_name}, [], []
        for write, inputs, outputs in reversed(self._pending):
            is_needed = not needed.isdisjoint(outputs)
            (now if is_needed else later).append((write, inputs, outputs))
            needed.update(inputs if is_needed else ())
        self._pending = later[::-1]
        for write, *_ in reversed(now):
            write()

    def value(self, x):
        """A value; numbers and arrays become constants, floats in the dtype of the graph."""
        if isinstance(x, Value):
            return x
        array = np.asarray(x)
        if not isinstance(x, np.ndarray) or array.dtype.kind == "f":
            try:
                array = array.astype(self.dtype)
            except (TypeError, ValueError) as error:
                raise FormError(f"{x!r} is not a number") from error
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self._constant(array)
        return self._known[key]

    def node(self, op, *inputs, domain="", **attributes):
        """Add a node with one output, or take the equal node that there is."""
        inputs = [self.value(each) for each in inputs]
        names = [each.name for each in inputs]
        key = op, tuple(names), repr(attributes)
        if key not in self._known:
            output = self._name(op)
            self._add(op, names, [output], attributes, domain)
            self._known[key] = Value(self, output)
            self._made[output] = op, names
        return self._known[key]

    def concat(self, values, axis=1):
        """Values side by side."""
        return values[0] if len(values) == 1 else self.node("Concat", *values, axis=axis)

    def where(self, condition, a, b):
        """a where the condition holds, b otherwise."""
        a, b = self.value(a), self.value(b)
        zero = self.value(0.0)
        if a is zero and self._made.get(condition.name) == ("Less", [b.name, zero.name]):
            return self.node("Relu", b)
        return self.node("Where", condition, a, b)

    def loop(self, step, condition, values, largest):
        """Repeat ``condition, *values = step(*values)`` while the condition holds.

        Parameters
        ----------
        step : callable
            Takes values and returns the condition, and the values of the next step.
        condition : Value
            Whether there is a first step.
        values : list of Value
        largest : int
            Maximum number of steps.

        Returns
        -------
        list of Value
        """
        body = _Body(self)
        outputs = body.run(step, len(values))
        names = [self._name("Loop") for _ in values]
        inputs = [self.value(np.array(largest)), condition, *values]
        names_in = [each.name for each in inputs]
        self._add("Loop", names_in, names, {"body": body.proto(outputs)})
        return [Value(self, name) for name in names]

    def trace(self, function, *arguments):
        """The nodes of a function of numbers; a choice between two numbers becomes a Where."""
        try:
            return self._explore(function, arguments, {})
        finally:
            self._decided = None

    def trace_of(self, transformer, word, function, options, X):
        """The nodes of a function that a user has given to a transformer, in the graph's dtype.

        Parameters
        ----------
        transformer : FunctionTransformer
        word : str
            What the function is to the transformer, for the message.
        function : callable
        options : dict or None
            Further arguments of the function.
        X : Value
        """
        try:
            found = self.trace(lambda values: function(values, **options or {}), X)
            return found.astype(self.dtype)
        except (TypeError, AttributeError) as error:
            raise ValueError(
                f"{transformer!r} cannot be exported to ONNX: {error}; write its {word} in "
                "+ - * / and NumPy's exp, expm1, log, log1p, sqrt, square and tanh"
            ) from error

    def decide(self, condition):
        """The answer that the traced function goes on with."""
        if self._decided is None:
            raise FormError("a condition has no answer before the graph runs")
        if condition.name not in self._decided:
            raise Undecided(condition)
        return self._decided[condition.name]

    def _explore(self, function, arguments, decided):
        self._decided = decided
        try:
            return self.value(function(*arguments))
        except Undecided as choice:
            condition = choice.condition
        if len(decided) == MOST_CHOICES:
            raise FormError(f"it makes more than {MOST_CHOICES} choices")
        a, b = (
            self._explore(function, arguments, decided | {condition.name: answer})
            for answer in (True, False)
        )
        return self.where(condition, a, b)

    def _name(self, op):
        return self.scope.get_unique_variable_name(op.lower())

    def _constant(self, array):
        name = self._name("constant")
        if array.dtype.kind == "U":
            content = [each.encode() for each in array.ravel().tolist()]
            arguments = name, TensorProto.STRING, array.shape, content
        else:
            arguments = name, None, None, numpy_helper.from_array(array, name)
        self._pending.append((partial(self.container.add_initializer, *arguments), [], [name]))
        return Value(self, name)

    def _add(self, op, inputs, outputs, attributes, domain=""):
        name = self.scope.get_unique_operator_name(op)
        # skl2onnx refuses the latest version of that domain.
        options = {"op_domain": domain, "op_version": ML_OPSET} if domain else {}
        add = self.container.add_node
        write = partial(add, op, inputs, outputs, name=name, **options, **attributes)
        self._pending.append((write, inputs, outputs))


class _Body(Graph):
    """The graph inside a loop, which has constants of its own and reads nothing outside."""

    def __init__(self, outer):
        super().__init__(outer.scope, outer.container, outer.dtype)
        self.nodes, self.constants, self.values = [], [], []

    def run(self, step, n_values):
        """The outputs of a step: the condition, then the values."""
        self.values = [Value(self, self._name("state")) for _ in range(n_values)]
        return list(step(*self.values))

    def proto(self, outputs):
        """The graph as ONNX wants it: the number of the step and the condition come first."""
        inputs = [
            helper.make_tensor_value_info(self._name("step"), TensorProto.INT64, []),
            self._info(self._name("condition"), np.bool_, []),
            *(self._info(value.name) for value in self.values),
        ]
        names = [self._name("next") for _ in outputs]
        for name, each in zip(names, outputs):
            # An output must be that of a node of its own.
            self._add("Identity", [each.name], [name], {})
        condition, *others = names
        infos = [self._info(condition, np.bool_, []), *map(self._info, others)]
        return helper.make_graph(self.nodes, self._name("body"), inputs, infos, self.constants)

    def _info(self, name, dtype=None, shape=None):
        of = helper.np_dtype_to_tensor_dtype(np.dtype(dtype or self.dtype))
        return helper.make_tensor_value_info(name, of, shape)

    def _constant(self, array):
        name = self._name("constant")
        self.constants.append(numpy_helper.from_array(array, name))
        return Value(self, name)

    def _add(self, op, inputs, outputs, attributes, domain=""):
        name = self.scope.get_unique_operator_name(op)
        self.nodes.append(helper.make_node(op, inputs, outputs, name, domain=domain, **attributes))


def dtype_of(operator):
    """float64 if an input of the operator is, otherwise float32."""
    is_double = any(isinstance(each.type, DoubleTensorType) for each in operator.inputs)
    return np.dtype(np.float64 if is_double else np.float32)


def scalar_form(graph, function, z, part):
    """The nodes of a scalar form, whose further arguments are attributes of the part."""
    names = list(inspect.signature(function).parameters)[1:]
    return graph.trace(function, z, *(getattr(part, name) for name in names))
