"""Containers and values for the tests of odd input: dense and sparse rows, labels, tables."""

import importlib.util
import warnings
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import strategies as st
from scipy import sparse

N_ROWS, N_COLUMNS = 12, 3
HAS_ARROW = importlib.util.find_spec("pyarrow") is not None


def picture(value):
    """What can be seen of an argument, to be compared before and after a call."""
    if isinstance(value, np.ma.MaskedArray):
        return picture(value.data), picture(np.ma.getmaskarray(value))
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return type(value), value.dtype.str, value.shape, value.strides, content
    if sparse.issparse(value):
        arrays = {k: picture(v) for k, v in vars(value).items() if isinstance(v, np.ndarray)}
        return type(value), value.shape, arrays or repr(value.todok().items())
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return type(value), repr(value.dtypes), repr(value.astype(object).to_numpy().tolist())
    if isinstance(value, pd.api.extensions.ExtensionArray):
        # One without dimensions has no text.
        return type(value), repr(np.asarray(value, dtype=object).tolist())
    if isinstance(value, WithArray):
        return picture(value.X)
    try:
        return type(value), repr(value)
    except pl.exceptions.PanicException:
        # Of nested objects polars cannot make a text.
        return type(value), len(value)


# ---- containers of rows ----


def strided(X):
    """Every second row and column of a larger array, from the end to the start."""
    larger = np.full((2 * X.shape[0], 2 * X.shape[1]), 77, X.dtype)
    larger[::2, ::2] = X[::-1, ::-1]
    return larger[::2, ::2][::-1, ::-1]


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def aligned_by_a_byte(X):
    """An array whose numbers begin between the words of memory."""
    buffer = np.zeros(X.nbytes + 1, np.uint8)
    view = buffer[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


def with_doubles(X, form):
    """Sparse rows with unsorted indices, some of them twice, and zeros that are stored."""
    X = sparse.coo_matrix(X.astype(float) if X.dtype.kind != "f" else X)
    order = np.random.RandomState(0).permutation(X.nnz)
    row, column = np.r_[X.row[order], X.row, 0], np.r_[X.col[order], X.col, 1]
    data = np.r_[X.data[order] * 2, -X.data, 0]
    out = sparse.coo_matrix((data, (row, column)), X.shape)
    if form == "coo":
        return out
    # Conversions would add them up.
    order = np.argsort(row, kind="stable")
    counts = np.bincount(row, minlength=X.shape[0])
    return sparse.csr_matrix((data[order], column[order], np.r_[0, np.cumsum(counts)]), X.shape)


def with_long_indices(X):
    X = sparse.csr_matrix(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


class WithArray:
    """An object that is an array only by `__array__`."""

    def __init__(self, X):
        self.X = X

    def __array__(self, dtype=None, copy=None):
        return np.array(self.X, dtype)


def frame(X):
    return pd.DataFrame(X, columns=list("abc")[: X.shape[1]], index=[7] * len(X))


SPARSE = {
    **{
        f"{name}_{kind}": getattr(sparse, f"{name}_{kind}")
        for name in ("csr", "csc", "coo", "bsr", "lil", "dok", "dia")
        for kind in ("matrix", "array")
    },
    "doubles, csr": lambda X: with_doubles(X, "csr"),
    "doubles, coo": lambda X: with_doubles(X, "coo"),
    "long indices": with_long_indices,
}
DENSE = {
    "C": np.copy,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "read-only": read_only,
    "unaligned": aligned_by_a_byte,
    "swapped": lambda X: X.astype(X.dtype.newbyteorder(">")),
    "masked, no mask": np.ma.masked_array,
    "matrix subclass": lambda X: X.view(type("Rows", (np.ndarray,), {})),
    "list": lambda X: X.tolist(),
    "tuples": lambda X: tuple(map(tuple, X.tolist())),
    "objects": lambda X: X.astype(object),
    "list of arrays": list,
    "__array__": WithArray,
    "pandas": frame,
    "pandas objects": lambda X: frame(X).astype(object),
    "pandas nullable": lambda X: frame(X).convert_dtypes(),
    "polars": lambda X: pl.DataFrame(X, schema=list("abc")[: X.shape[1]]),
}
if HAS_ARROW:
    DENSE["pandas arrow"] = lambda X: frame(X).convert_dtypes(dtype_backend="pyarrow")
DTYPES = ["f8", "f4", "f2", "g", "i1", "i8", "u1", "u8", "?"]
# These exist in native bytes and dtypes of NumPy only.
NUMPY_ONLY = {"swapped", "unaligned", "strided", "C", "Fortran", "read-only", "__array__"}


LAYOUTS = {**DENSE, **SPARSE}


@st.composite
def tables_of_numbers(draw):
    """Rows of eighths, which every dtype of floats holds, or of what an integer holds."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    n_rows = draw(st.sampled_from([1, 2, N_ROWS]))
    share = draw(st.sampled_from([0.0, 0.5, 0.9]))
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    X = rng.randint(-8, 9, (n_rows, N_COLUMNS)) * (rng.random_sample((n_rows, N_COLUMNS)) >= share)
    return (np.abs(X) if dtype.kind in "u?" else X / 8 if dtype.kind == "f" else X).astype(dtype)


# ---- labels ----

LABELS = {
    "integers": lambda codes: codes * 3 - 5,
    "large integers": lambda codes: np.array([2**62, 2**62 + 1, 2**63 - 1])[codes],
    "unsigned": lambda codes: np.array([1, 2**64 - 2, 2**64 - 1], np.uint64)[codes],
    "booleans": lambda codes: codes > 0,
    "floats": lambda codes: codes * 2.0 - 1,
    "half floats": lambda codes: codes.astype(np.float16),
    "words": lambda codes: np.array(["x", "yy", "z"])[codes],
    "objects": lambda codes: np.array(["x", "yy", "z"], object)[codes],
    "days": lambda codes: np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "M8[D]")[codes],
    "nanoseconds": lambda codes: np.array([1, 2, 3], "M8[ns]")[codes],
    "spans": lambda codes: np.array([-1, 0, 1], "m8[s]")[codes],
    "nullable": lambda codes: pd.Series(codes, dtype="Int64"),
    "nullable booleans": lambda codes: pd.Series(codes > 0, dtype="boolean"),
    "strings": lambda codes: pd.Series(np.array(["x", "yy", "z"])[codes], dtype="string"),
    "categories": lambda codes: pd.Series(pd.Categorical.from_codes(codes, ["z", "x", "yy"])),
    "ordered": lambda codes: pd.Categorical.from_codes(codes, [3, 1, 2], ordered=True),
    "index": lambda codes: pd.Index(codes),
    "polars words": lambda codes: pl.Series(np.array(["x", "yy", "z"])[codes].tolist()),
    "polars categories": lambda codes: pl.Series(
        np.array(["x", "yy", "z"])[codes].tolist(), dtype=pl.Categorical
    ),
    "list": lambda codes: codes.tolist(),
    "tuple": lambda codes: tuple(np.array(["x", "yy", "z"])[codes].tolist()),
    "fortran": lambda codes: np.asfortranarray(np.column_stack([codes, codes]))[:, 1],
    "swapped": lambda codes: codes.astype(">i8"),
    "read-only": lambda codes: read_only(codes),
}
if HAS_ARROW:
    LABELS["arrow"] = lambda codes: pd.Series(codes).convert_dtypes(dtype_backend="pyarrow")
SEVERAL = {
    "integers": lambda Y: Y,
    "booleans": lambda Y: Y.astype(bool),
    "floats": lambda Y: Y.astype(float),
    "list": lambda Y: Y.tolist(),
    "fortran": np.asfortranarray,
    "strided": strided,
    "pandas": frame,
    "polars": LAYOUTS["polars"],
    **{name: SPARSE[name] for name in ("csr_matrix", "csc_array", "coo_array", "lil_matrix")},
}

# ---- anything at all ----

NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 5e-324, -2.3e-308, 1.7e308, -1.7e308, 1e160, 3.5e38, 2.0**-150]),
    st.floats(-3, 3),
)
OBJECTS = st.one_of(
    NUMBERS,
    st.integers(),
    st.sampled_from([10**400, -(2**64), 2**63, Decimal("sNaN"), Decimal("1.5"), Fraction(1, 3)]),
    st.sampled_from(
        [None, pd.NA, pd.NaT, True, False, "", "a", "1.5", "nan", b"x", b"\xff", "\x00"]
    ),
    st.sampled_from(
        [1j, 2 + 0j, datetime(2026, 1, 1), date(2026, 1, 1), np.datetime64("NaT", "s")]
    ),
    st.sampled_from(
        [(), (1, 2), [1], {}, {1}, object, len, range(3), np.float32(2), np.bool_(True)]
    ),
    st.text(max_size=3),
    st.complex_numbers(max_magnitude=3),
)
SHAPES = st.sampled_from(
    [(N_ROWS, N_COLUMNS)] * 6
    + [(N_ROWS,), (N_ROWS, 1), (N_ROWS, 2), (1, N_COLUMNS), (N_COLUMNS,), (), (0,), (1,)]
    + [(0, N_COLUMNS), (N_ROWS, 0), (N_ROWS, N_COLUMNS, 1), (2, N_ROWS, N_COLUMNS), (5, N_COLUMNS)]
)
STRANGE_DTYPES = ["f8", "f4", "f2", "g", "c8", "c16", "i8", "u8", "?", "U3", "S2", "V4", "M8[s]"]
STRANGE_DTYPES += ["m8[ns]", "O", ">f4", "T"]


@st.composite
def arrays(draw):
    """Arrays of any shape and dtype, most of a few values that repeat."""
    shape = draw(SHAPES)
    dtype = draw(st.sampled_from(STRANGE_DTYPES))
    size = int(np.prod(shape))
    pool = draw(st.lists(OBJECTS if dtype == "O" else NUMBERS, min_size=1, max_size=4))
    order = np.random.RandomState(draw(st.integers(0, 2**32 - 1))).randint(len(pool), size=size)
    values = np.empty(size, object)
    for position, number in enumerate(order):
        values[position] = pool[number]
    values = values.reshape(shape)
    if dtype == "O":
        return values
    try:
        with np.errstate(all="ignore"):
            return values.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        # No such dtype in this NumPy, or no such value of it.
        return np.zeros(shape, "f8")


@st.composite
def anything(draw):
    """Arrays, what holds them, and what is none."""
    kind = draw(
        st.sampled_from(["array"] * 5 + ["held"] * 3 + ["nested", "object", "masked", "odd"])
    )
    if kind == "object":
        return draw(OBJECTS)
    if kind == "nested":
        row = st.lists(OBJECTS, max_size=3)
        return draw(st.lists(st.one_of(row, OBJECTS), max_size=N_ROWS))
    if kind == "odd":
        rows = np.zeros(N_ROWS, [("a", "f8"), ("b", "i4")])
        others = [
            rows,
            {"a": [1.0] * N_ROWS},
            iter([[1.0]] * N_ROWS),
            np.nan,
            "abc",
            b"abc",
            object(),
        ]
        return draw(st.sampled_from(others))
    found = draw(arrays())
    if kind == "masked":
        mask = np.random.RandomState(0).random_sample(found.shape) < 0.2
        return np.ma.masked_array(found, mask)
    if kind == "held":
        holders = [*LAYOUTS.values(), pd.Series, pd.Categorical, pd.array, list]
        if found.dtype.kind in "biufU":
            # Of other objects polars cannot even make a text.
            holders += [pl.Series]
        else:
            holders.remove(LAYOUTS["polars"])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return draw(st.sampled_from(holders))(found)
        except (Exception, pl.exceptions.PanicException):
            # Not every container holds every array.
            return found
    return found


COLUMNS = {
    "floats": st.lists(NUMBERS, min_size=N_ROWS, max_size=N_ROWS),
    "objects": st.lists(OBJECTS, min_size=N_ROWS, max_size=N_ROWS),
    "words": st.lists(st.text(max_size=4), min_size=N_ROWS, max_size=N_ROWS),
    "small": st.lists(st.floats(-9, 9), min_size=N_ROWS, max_size=N_ROWS),
    "gaps": st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=N_ROWS, max_size=N_ROWS),
    "truths": st.lists(st.one_of(st.none(), st.booleans()), min_size=N_ROWS, max_size=N_ROWS),
}


def or_pandas(make):
    """The container, or pandas' with objects where it cannot hold the values."""

    def made(table):
        try:
            return make(table)
        except (Exception, pl.exceptions.PanicException):
            return pd.DataFrame(table, dtype=object)

    return made


TABLES = {
    "pandas": or_pandas(pd.DataFrame),
    "nullable": or_pandas(lambda table: pd.DataFrame(table).convert_dtypes()),
    "categories": or_pandas(lambda table: pd.DataFrame(table).astype("category")),
    "polars": or_pandas(lambda table: pl.DataFrame(table, strict=False)),
    "objects": lambda table: pd.DataFrame(table, dtype=object).to_numpy(),
    "lists": lambda table: [list(row) for row in zip(*table.values())],
}
