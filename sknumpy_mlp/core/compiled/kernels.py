"""The kernels, as source around the scalar forms of the parts.

Every cached function returns the address of a kernel, or a dict of addresses by name. In a kernel,
``i`` holds the addresses and sizes, ``x`` the numbers, and ``s`` the block of rows (see `driver`).
Arrays of a batch have the rows of the block.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..._types import Form
from .forms import slope_reads
from .sources import arguments, kernels, text_of

# How many numbers describe a block of rows to the `driver`.
BLOCK_WIDTH = 7

_OPEN = """
@kernel
def {name}(ints, floats, block):
    i = carray(pointer(ints), 64, np.int64)
    x = carray(pointer(floats), 64, np.float64)
    s = carray(pointer(block), 8, np.int64)
    n = s[0]
"""


def _given(names: Sequence[str], sequences: Sequence[str] = ()) -> tuple[str, str]:
    """The attributes of a part as arguments of its form, and the lines that read them."""
    # Read before the loops: a load in a loop may be of what the loop writes, for all LLVM knows.
    lines = "".join(
        f"    x{k} = x[{k}:]\n" if name in sequences else f"    x{k} = T(x[{k}])\n"
        for k, name in enumerate(names)
    )
    return "".join(f", x{k}" for k in range(len(names))), lines


def numbers(part: object, function: Form, n_first: int) -> list[float]:
    """The values of the arguments of a scalar form that are attributes of the part."""
    names = arguments(function)[n_first:]
    return [float(each) for name in names for each in np.ravel(getattr(part, name))]


@cache
def activation(cls: type[Any], dtype: np.dtype[Any]) -> dict[str, int]:
    """Kernels "forward" and "backward" of an activation, fused with the biases.

    forward: i = A, b, Z, m; with A the activations in place where Z is 0.
    backward: i = kept, dA, db, m, A; with A the activations where the slope reads z and a.
    """
    value, slope = cls.value, cls.slope
    given, lines = _given(arguments(value)[1:])
    n_read = slope_reads(cls)
    given_slope, lines_of_slope = _given(arguments(slope)[n_read:])
    read = "kept[r, c], A[r, c]" if n_read == 2 else "kept[r, c]"
    in_place = cls.reads == "output"
    text = f"@form\n{text_of(value, 'value')}\n\n@form\n{text_of(slope, 'slope')}\n"
    text += _OPEN.format(name="forward")
    text += """
    m = i[3]
    A, b = array(i[0], (n, m)), array(i[1], m)
"""
    if not in_place:
        text += "    Z = array(i[2], (n, m))\n"
    text += lines
    text += f"""
    for r in range(n):
        for c in range(m):
            z = {"A" if in_place else "Z"}[r, c] + b[c]
            {"" if in_place else "Z[r, c] = z"}
            A[r, c] = value(z{given})
"""
    text += _OPEN.format(name="backward")
    text += f"""
    m = i[3]
    kept, dA, db = array(i[0], (n, m)), array(i[1], (n, m)), array(i[2], m)
    {"A = array(i[4], (n, m))" if n_read == 2 else ""}
{lines_of_slope}
    for c in range(m):
        db[c] = T(0)
    for r in range(n):
        for c in range(m):
            d = dA[r, c] * slope({read}{given_slope})
            dA[r, c] = d
            db[c] += d
"""
    return kernels(f"activation_{cls.__name__}", text, dtype)


@cache
def layer(cls: type[Any], form: str, dtype: np.dtype[Any], kinds: tuple[str, ...]) -> int:
    """The kernel of one form of a layer.

    Parameters
    ----------
    cls : type
        The layer.
    form : str
        The name of the form, such as "forward_rows".
    dtype : dtype
    kinds : tuple of str
        Of the arguments: "rows" for an array of a batch, "matrix" for a parameter, "stream" for
        the random stream, "number" for an attribute; "row numbers" of the batch, "numbers" and
        "int32" or "int64" for the vectors of a sparse matrix.
    """
    function = getattr(cls, form)
    text = _OPEN.format(name="run")
    position = n_numbers = 0
    given = []
    uses_stream = False
    for argument, kind in zip(arguments(function), kinds):
        # Not the name itself, which may be one of the kernel's own.
        name = f"given_{argument}"
        if kind == "rows":
            text += f"    {name} = array(i[{position}], (n, i[{position + 1}]))\n"
            position += 2
        elif kind == "matrix":
            text += f"    {name} = array(i[{position}], (i[{position + 1}], i[{position + 2}]))\n"
            position += 3
        elif kind == "row numbers":
            text += f"    {name} = carray(pointer(i[{position}]), n, np.int64)\n"
            position += 1
        elif kind in ("numbers", "int32", "int64"):
            T = "T" if kind == "numbers" else f"np.{kind}"
            text += f"    {name} = carray(pointer(i[{position}]), i[{position + 1}], {T})\n"
            position += 2
        elif kind == "stream":
            text += f"    {name} = i[{position}], i[{position + 1}]\n"
            position += 2
            uses_stream = True
        else:
            text += f"    {name} = T(x[{n_numbers}])\n"
            n_numbers += 1
        given.append(name)
    text += f"    formula({', '.join(given)})\n"
    body = text_of(function, "formula")
    head = _UNIFORM if uses_stream else ""
    name = f"layer_{cls.__name__}_{form}"
    address: int = kernels(name, f"{head}@form\n{body}\n{text}", dtype)["run"]
    return address


_UNIFORM = """
@form
def uniform(stream):
    if T is np.float32:
        return np.float32(next_uint32(stream[0], stream[1]) >> np.uint32(8)) * np.float32(2.0**-24)
    return next_double(stream[0], stream[1])


"""


def form_of_loss(cls: type[Any]) -> tuple[Form, int]:
    """The scalar form that the kernel of a loss uses, and how many arguments are no attributes."""
    return (cls.rows, 4) if cls.rows else (cls.output, 2)


@cache
def loss(cls: type[Any], dtype: np.dtype[Any], is_index: bool) -> int:
    """The kernel of a loss, fused with the weights and the factor 1 / n.

    Overwrites scores by their scaled gradient, and writes the weighted loss of each row.
    i = scores, m, targets, number of targets, rows, weights or 0, losses, number of losses, member,
    then buffers: for the scores and the targets of the batch, output by output, and for three
    numbers a row. x = attributes.
    """
    function, n_first = form_of_loss(cls)
    text = f"@form\n{text_of(function, 'formula')}\n"
    text += _OPEN.format(name="run")
    text += """
    m = i[1]
    Z, rows = array(i[0], (n, m)), carray(pointer(i[4]), n, np.int64)
    first = s[4] + i[8] * n
    losses = array(i[6], i[7])[first:first + n]
    # Output by output: a loop over rows is vectorized, whatever the number of outputs.
    S, scratch = array(i[9], (m, n)), array(i[11], (3, n))
    for r in range(n):
        for c in range(m):
            S[c, r] = Z[r, c]
"""
    text += _TARGETS_OF_CLASSES if is_index else _TARGETS
    given, lines = _given(arguments(function)[n_first:], cls.sequences)
    text += lines
    if cls.rows:
        text += f"    formula(S.T, y, losses, scratch{given})\n"
    else:
        target = "T(1) if y[r] == c else T(0)" if is_index else "y[r, c]"
        text += _LOSS_BY_OUTPUT.format(target=target, given=given)
    text += """
    share = T(1) / T(s[3])
    if i[5] == 0:
        for r in range(n):
            for c in range(m):
                Z[r, c] = S[c, r] * share
    else:
        weights = array(i[5], i[3])
        for r in range(n):
            weight = weights[rows[r]]
            losses[r] *= weight
            for c in range(m):
                Z[r, c] = S[c, r] * weight * share
"""
    name = f"loss_{cls.__name__}_{'index' if is_index else 'matrix'}"
    address: int = kernels(name, text, dtype)["run"]
    return address


_TARGETS_OF_CLASSES = """
    targets, y = carray(pointer(i[2]), i[3], np.int64), carray(pointer(i[10]), n, np.int64)
    for r in range(n):
        y[r] = targets[rows[r]]
"""
_TARGETS = """
    targets, y = array(i[2], (i[3], m)), array(i[10], (m, n)).T
    for r in range(n):
        for c in range(m):
            y[r, c] = targets[rows[r], c]
"""


_LOSS_BY_OUTPUT = """
    for r in range(n):
        losses[r] = T(0)
    for c in range(m):
        for r in range(n):
            value, gradient = formula(S[c, r], {target}{given})
            losses[r] += value
            S[c, r] = gradient
"""


@cache
def optimizer(cls: type[Any], dtype: np.dtype[Any]) -> int:
    """The kernel of an optimizer, fused with the L2 term, clipping and decay.

    i = theta, grad, number of parameters, of weights among them, address of a row of coefficients
    for each step, their number, moments; x = alpha. The first coefficient is the shrinkage of
    weights.
    """
    n_moments = len(cls.moments)
    n_coefficients = len(arguments(cls.move)) - 2 - n_moments
    moments = [f"m{k}" for k in range(n_moments)]
    text = f"@form\n{text_of(cls.move, 'move')}\n"
    text += _OPEN.format(name="run")
    text += """
    size, n_weights = i[2], i[3]
    theta, grad = array(i[0], size), array(i[1], size)
    row = carray(pointer(i[4]), (s[2] + 1, i[5]), np.float64)[s[2]]
    shrinkage = T(row[0])
    penalty = T(x[0] / s[3])
"""
    for k, name in enumerate(moments):
        text += f"    {name} = array(i[{6 + k}], size)\n"
    for k in range(n_coefficients):
        text += f"    c{k} = T(row[{1 + k}])\n"
    coefficients = "".join(f", c{k}" for k in range(n_coefficients))
    old = "".join(f", {name}[p]" for name in moments)
    new = ", ".join(["theta[p]", *(f"{name}[p]" for name in moments)])
    move = "move({}, {}" + old + coefficients + ")"
    text += f"""
    for p in range(n_weights):
        w = theta[p]
        {new} = {move.format("w * shrinkage", "grad[p] + penalty * w")}
    theta, grad = theta[n_weights:], grad[n_weights:]
    {" ".join(f"{name} = {name}[n_weights:];" for name in moments)}
    for p in range(size - n_weights):
        {new} = {move.format("theta[p]", "grad[p]")}
"""
    address: int = kernels(f"optimizer_{cls.__name__}", text, dtype)["run"]
    return address


# Kernels that belong to no part; `common` says what their integers and numbers are.
_COMMON = {
    "index": """
    rows, first = carray(pointer(i[2]), n, np.int64), s[1]
    for r in range(n):
        row = first + r
        if i[0] != 0:
            row = carray(pointer(i[0]), first + n, np.int64)[row]
        if i[1] != 0:
            row = carray(pointer(i[1]), row + 1, np.int64)[row]
        rows[r] = row
""",
    "accumulate": """
    total, grad = array(i[0], i[2]), array(i[1], i[2])
    if s[5] == 0:
        for p in range(i[2]):
            total[p] = grad[p]
    elif s[6] == 0:
        for p in range(i[2]):
            total[p] += grad[p]
    else:
        for p in range(i[2]):
            grad[p] += total[p]
""",
    "penalty": """
    W, total = array(i[0], i[1]), carray(pointer(i[2]), 1, np.float64)
    total[0] += 0.5 * x[0] * dot(W, W)
""",
    "penalize": """
    W, dW = array(i[0], i[2]), array(i[1], i[2])
    penalty = T(x[0] / s[3])
    for p in range(i[2]):
        dW[p] += penalty * W[p]
""",
    "clip": """
    total = T(0)
    for k in range(i[0]):
        part = array(i[1], i[3 + 2 * k])[i[2 + 2 * k]:]
        total += dot(part, part)
    norm = np.float64(sqrt(total))
    if norm == np.inf:
        exact = 0.0
        for k in range(i[0]):
            part = array(i[1], i[3 + 2 * k])[i[2 + 2 * k]:]
            for p in range(len(part)):
                exact += np.float64(part[p]) * np.float64(part[p])
        norm = sqrt(exact)
    if norm > x[0]:
        factor = T(x[0] / norm)
        for k in range(i[0]):
            part = array(i[1], i[3 + 2 * k])[i[2 + 2 * k]:]
            for p in range(len(part)):
                part[p] *= factor
""",
}


@cache
def common(dtype: np.dtype[Any]) -> dict[str, int]:
    """Kernels that belong to no part.

    "index": i = order or 0, subset or 0, rows: the row numbers of the batch.
    "accumulate": i = total, grad, n_parameters: at the last block of a batch, adds the gradients of
    all to its own.
    "penalty": i = theta, n_weights, total: adds half of alpha times the squared norm.
    "clip": i = n_parts, grad, then start and stop of each part; x = norm.
    "penalize": i = theta, grad, n_weights; x = alpha.
    """
    text = "".join(_OPEN.format(name=name) + body for name, body in _COMMON.items())
    return kernels("common", text, dtype)


@cache
def gather(source: np.dtype[Any], dtype: np.dtype[Any]) -> int:
    """The kernel that gathers rows of numbers of another type into a buffer.

    i = X, steps from row to row and from column to column in numbers, rows, buffer, m.
    """
    # Older versions of NumPy have no np.bool.
    kind = "np.bool_" if source.kind == "b" else f"np.{source.name}"
    text = _OPEN.format(name="run")
    text += f"""
    m = i[5]
    rows, out = carray(pointer(i[3]), n, np.int64), array(i[4], (n, m))
    for r in range(n):
        start = i[0] + rows[r] * i[1] * {source.itemsize}
        if i[2] == 1:
            X = carray(pointer(start), m, {kind})
            for c in range(m):
                out[r, c] = X[c]
        else:
            X = carray(pointer(start), m * i[2], {kind})
            for c in range(m):
                out[r, c] = X[c * i[2]]
"""
    address: int = kernels(f"gather_{source.name}", text, dtype)["run"]
    return address


@cache
def driver() -> Callable[..., None]:
    """The function that runs tables of kernels for blocks of rows.

    Its arguments are the calls of every block, the calls after the last block of each batch, the
    blocks, and an array for the block at work. A block is a row of numbers: of its rows, its first
    row in the order, of the step, of the rows of the batch, the place of its first loss; then
    whether a block of the batch came before, and whether it is the last.
    """
    text = """
@njit("void(int64[:,::1], int64[:,::1], int64[:,::1], int64[::1])", nogil=True, cache=IS_CACHED)
def run(passes, updates, blocks, block):
    for k in range(blocks.shape[0]):
        for c in range(blocks.shape[1]):
            block[c] = blocks[k, c]
        for c in range(passes.shape[0]):
            call(passes[c, 0], passes[c, 1], passes[c, 2], block.ctypes.data)
        if block[6] == 1:
            for c in range(updates.shape[0]):
                call(updates[c, 0], updates[c, 1], updates[c, 2], block.ctypes.data)


addresses["run"] = run
"""
    run: Callable[..., None] = kernels("driver", text, np.dtype(np.float64))["run"]
    return run
