"""The layers of the embeddings: the first layer of a network, which sees more in a number.

To add an embedding, subclass `EmbeddingLayer` with its configuration in `embeds`.
"""

from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from .._types import Array, Floats, Integers, Parameters
from ..embeddings import Embedding, PiecewiseLinear
from ..initializers import Initializer
from .layers import Layer
from .matrices import empty, transposed
from .memory import check_memory

# Bins that are narrower, as a share of the range of their column, join the next.
NARROWEST = 1e-6


class EmbeddingLayer(Layer):
    """Base of the layers that are made from an embedding and from the columns of the data.

    Attributes
    ----------
    embeds : type
        The class of the embedding.
    """

    embeds: ClassVar[type[Embedding]]

    @classmethod
    def of(cls, embedding: Any, X: Array, weights: Floats | None = None) -> Self:
        """A layer with statistics of the columns of `X`.

        Parameters
        ----------
        embedding : Embedding
        X : ndarray of shape (n_samples, n_features)
        weights : ndarray of shape (n_samples,), default=None
            Not all zero. An integer weight equals repeating the row; None is one for all.
        """
        raise NotImplementedError

    @classmethod
    def like(cls, embedding: Any, n_features: int, parameters: Parameters) -> Self:
        """A layer of the shapes of `parameters`, arrays of a fitted network by kind."""
        raise NotImplementedError


def layer_class(embedding: Embedding) -> type[EmbeddingLayer]:
    """The class of layers that computes an embedding; a ValueError if there is none."""
    found = [cls for cls in EmbeddingLayer.__subclasses__() if isinstance(embedding, cls.embeds)]
    if not found:
        known = sorted(cls.embeds.__name__ for cls in EmbeddingLayer.__subclasses__())
        raise ValueError(
            f"embedding must be of a class with an EmbeddingLayer, a subclass of {known}, "
            f"got {embedding!r}"
        )
    return found[-1]


class PiecewiseLinearLayer(EmbeddingLayer):
    r"""``A = [X, E V]``: the inputs, and piecewise linear functions of each of them.

    E has, for each embedded column x with the edges :math:`b_0 < \dots < b_m`, the m numbers
    :math:`e_j = (x - b_{j-1}) / (b_j - b_{j-1})`, clipped to [0, 1] but for the first, which is not
    clipped below, and the last, which is not clipped above. The backward pass computes
    :math:`dV = E^T dH` of each column, where ``dA = [dX, dH]``.

    Parameters
    ----------
    n_features : int
    columns : ndarray of shape (n_columns,)
        Indices of the embedded columns.
    edges : ndarray of shape (n_columns, n_bins + 1)
        A column with fewer bins repeats its last edge.
    size : int
        Number of functions of each column.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022.

    Examples
    --------
    >>> layer = PiecewiseLinearLayer(1, np.array([0]), np.array([[0.0, 1.0, 3.0]]), size=1)
    >>> layer.V = np.array([[10.0], [100.0]])
    >>> layer.forward(np.array([[0.5], [2.0], [5.0]]), layer.buffers((3,), np.float64))
    array([[  0.5,   5. ],
           [  2. ,  60. ],
           [  5. , 210. ]])
    """

    embeds = PiecewiseLinear
    kinds: ClassVar[dict[str, str]] = {
        "V": "embedding",
        "edges": "embedding_edges",
        "columns": "embedding_columns",
    }
    statistics = ("edges", "columns")
    V: Floats
    dV: Floats
    edges: Floats
    columns: Floats
    n_inputs: int
    n_columns: int
    n_bins: int

    def __init__(self, n_features: int, columns: Array, edges: Floats, size: int) -> None:
        self.n_inputs = n_features
        self.n_columns, self.n_bins = edges.shape[-2], edges.shape[-1] - 1
        self.size = size
        self.edges, self.columns = edges, columns.astype(edges.dtype)

    @classmethod
    def of(cls, embedding: PiecewiseLinear, X: Array, weights: Floats | None = None) -> Self:
        """A layer with the edges of the columns of `X`."""
        return cls(X.shape[1], *columns_and_edges(X, embedding.n_bins, weights), embedding.size)

    @classmethod
    def like(cls, embedding: PiecewiseLinear, n_features: int, parameters: Parameters) -> Self:
        """A layer of the shapes of `parameters`, arrays of a fitted network by kind."""
        (edges,), (columns,) = parameters["embedding_edges"], parameters["embedding_columns"]
        return cls(n_features, columns, edges, embedding.size)

    @property
    def width(self) -> int:  # type: ignore[override]
        """Number of outputs: of the features, and of the functions of all embedded columns."""
        return self.n_inputs + self.n_columns * self.size

    @property
    def largest_buffer(self) -> int:
        """Number of elements of E in a row."""
        return max(self.width, self.n_columns * self.n_bins)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:  # type: ignore[override]
        """Names and shapes of the parameters."""
        return {
            "V": (self.n_columns * self.n_bins, self.size),
            "edges": (self.n_columns, self.n_bins + 1),
            "columns": (self.n_columns,),
        }

    def draw(self, initializer: Initializer, random_state: np.random.RandomState) -> None:
        """Initialize V to zero, whatever the initializer."""
        self.V[...] = 0

    def buffers(
        self, rows: tuple[int, ...], dtype: DTypeLike, order: str = "C", training: bool = False
    ) -> SimpleNamespace:
        """Create the arrays for one batch size.

        These are A and dA, the embedded columns x, their encoding E and its product H with V for
        NumPy, and for kernels the bin of each x, its part of the bin, where the bins start, one
        over their widths, and the sums of V over the bins below.
        """
        *axes, n_samples = rows
        n_bins = self.n_columns * self.n_bins
        columns = *axes, self.n_columns, n_samples
        return SimpleNamespace(
            A=empty(rows, self.width, dtype, order),
            dA=empty(rows, self.width, dtype, order),
            x=np.empty((*rows, self.n_columns), dtype),
            E=np.empty((*columns, self.n_bins), dtype),
            H=np.empty((*columns, self.size), dtype),
            bins=np.empty((*rows, self.n_columns), dtype),
            parts=np.empty((*rows, self.n_columns), dtype),
            starts=np.empty(n_bins, dtype),
            rates=np.empty(n_bins, dtype),
            sums=np.empty(n_bins * self.size, dtype),
        )

    def forward(self, X: Floats, buffers: SimpleNamespace) -> Floats:
        """Return ``A``, which is in the buffers."""
        A: Floats = buffers.A
        A[..., : self.n_inputs] = X
        np.matmul(self.encode(X, buffers), self.by_column(self.V), out=buffers.H)
        self.functions(A)[...] = buffers.H.swapaxes(-3, -2)
        return A

    def backward(
        self, X: Floats, dA: Floats, buffers: SimpleNamespace, dX: Floats | None = None
    ) -> None:
        """Compute ``dV``, and `dX` unless it is None."""
        buffers.H[...] = self.functions(dA).swapaxes(-3, -2)
        np.matmul(transposed(buffers.E), buffers.H, out=self.by_column(self.dV))
        if dX is not None:
            self.input_gradient(X, dA, buffers, dX)

    def input_gradient(self, X: Floats, dA: Floats, buffers: SimpleNamespace, dX: Floats) -> None:
        """Compute `dX` alone."""
        buffers.H[...] = self.functions(dA).swapaxes(-3, -2)
        dX[...] = dA[..., : self.n_inputs]
        E, (low, high) = buffers.E, self.bounds()
        inside = (E > low) & (E < high)
        dE = np.matmul(buffers.H, transposed(self.by_column(self.V)))
        dx = np.einsum("...ij,...ij->...i", dE * inside, np.broadcast_to(self.rates(), E.shape))
        # Each column is embedded once, so no index occurs twice.
        dX[..., self.indices()] += dx.swapaxes(-2, -1)

    def encode(self, X: Floats, buffers: SimpleNamespace) -> Floats:
        """Fill E, of shape (..., n_columns, n_samples, n_bins), and return it."""
        np.take(X, self.indices(), axis=-1, out=buffers.x, mode="clip")
        E: Floats = buffers.E
        x = buffers.x.swapaxes(-2, -1)[..., np.newaxis]
        np.subtract(x, self.edges[..., np.newaxis, :-1], out=E)
        E *= self.rates()
        np.clip(E, *self.bounds(), out=E)
        return E

    def rates(self) -> Floats:
        """``1 / (b_j - b_(j-1))`` as (..., n_columns, 1, n_bins); 0 where there is no bin."""
        widths = np.diff(self.edges)[..., np.newaxis, :]
        return np.divide(1, widths, out=np.zeros_like(widths), where=widths > 0)

    def bounds(self) -> tuple[Floats, Floats]:
        """What E is clipped to, two arrays of shape (..., n_columns, 1, n_bins)."""
        edges = self.edges[..., np.newaxis, :]
        low, high = np.zeros_like(edges[..., 1:]), np.ones_like(edges[..., 1:])
        low[..., 0] = -np.inf
        high[edges[..., 1:] == edges[..., -1:]] = np.inf
        return low, high

    def indices(self) -> Integers:
        """The indices of the embedded columns, which are the same for all members."""
        return self.columns.ravel()[: self.n_columns].astype(np.intp)

    def by_column(self, V: Floats) -> Floats:
        """A view of V as (..., n_columns, n_bins, size)."""
        return V.reshape(*V.shape[:-2], self.n_columns, self.n_bins, self.size)

    def functions(self, A: Floats) -> Floats:
        """A view of the functions in A, as (..., n_samples, n_columns, size)."""
        return A[..., self.n_inputs :].reshape(*A.shape[:-1], self.n_columns, self.size)

    # The compiled form adds up V once a batch instead of once a row: E V is the sum of the bins
    # below x, and a part of the bin of x.

    @staticmethod
    def forward_rows(
        X: Floats,
        V: Floats,
        edges: Floats,
        columns: Floats,
        A: Floats,
        bins: Floats,
        parts: Floats,
        sums: Floats,
        starts: Floats,
        rates: Floats,
    ) -> None:
        n_features, n_bins, size = X.shape[1], edges.shape[1] - 1, V.shape[1]
        for k in range(len(V)):
            c = k // n_bins
            low, high = edges[c, k - c * n_bins], edges[c, k - c * n_bins + 1]
            # The repeated last edge begins no bin.
            starts[k] = low if low < high else 1e400
            rates[k] = 1.0 / (high - low) if low < high else 0.0
            for q in range(size):
                below = sums[(k - 1) * size + q] + V[k - 1, q] if k > c * n_bins else 0.0
                sums[k * size + q] = below
        for i in range(len(X)):
            for j in range(n_features):
                A[i, j] = X[i, j]
            for c in range(len(edges)):
                x = X[i, int(columns[0, c])]
                # A search by halves without branches takes a fifth of the time of one with them.
                k = c * n_bins
                rest = n_bins
                while rest > 1:
                    half = rest // 2
                    k = k + half if starts[k + half] <= x else k
                    rest -= half
                part = (x - starts[k]) * rates[k]
                bins[i, c] = float(k)
                parts[i, c] = part
                for q in range(size):
                    A[i, n_features + c * size + q] = sums[k * size + q] + part * V[k, q]

    @staticmethod
    def backward_rows(
        dA: Floats, dV: Floats, edges: Floats, bins: Floats, parts: Floats, sums: Floats
    ) -> None:
        n_bins, size = edges.shape[1] - 1, dV.shape[1]
        n_features = dA.shape[1] - len(edges) * size
        for k in range(len(dV)):
            for q in range(size):
                dV[k, q] = 0.0
                sums[k * size + q] = 0.0
        for i in range(len(dA)):
            for c in range(len(edges)):
                k = int(bins[i, c])
                for q in range(size):
                    dH = dA[i, n_features + c * size + q]
                    dV[k, q] += parts[i, c] * dH
                    sums[k * size + q] += dH
        # All of a bin counts for the rows above it.
        for k in range(len(dV) - 2, -1, -1):
            if k % n_bins < n_bins - 1:
                for q in range(size):
                    dV[k, q] += sums[(k + 1) * size + q]
                    sums[k * size + q] += sums[(k + 1) * size + q]

    @staticmethod
    def input_gradient_rows(
        dA: Floats,
        V: Floats,
        edges: Floats,
        columns: Floats,
        bins: Floats,
        rates: Floats,
        dX: Floats,
    ) -> None:
        n_features, size = dX.shape[1], V.shape[1]
        for i in range(len(dA)):
            for j in range(n_features):
                dX[i, j] = dA[i, j]
            for c in range(len(edges)):
                k = int(bins[i, c])
                for q in range(size):
                    slope = V[k, q] * rates[k]
                    dX[i, int(columns[0, c])] += dA[i, n_features + c * size + q] * slope

    def __repr__(self) -> str:
        return f"PiecewiseLinearLayer({self.n_inputs}, {self.n_columns} embedded)"


def columns_and_edges(
    X: Floats, n_bins: int, weights: Floats | None = None
) -> tuple[Integers, Floats]:
    """The columns of `X` with more than two values, and the edges of their bins.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    n_bins : int
    weights : ndarray of shape (n_samples,), default=None
        Rows without weight are left out. Equal weights are none.

    Returns
    -------
    columns : ndarray of shape (n_columns,)
    edges : ndarray of shape (n_columns, n_bins + 1)
        The distinct quantiles; a column with fewer repeats the last.
    """
    if weights is not None:
        if not weights.all():
            X, weights = X[weights > 0], weights[weights > 0]
        weights = weights if (weights != weights[0]).any() else None
    low, high = X.min(axis=0), X.max(axis=0)
    columns = np.flatnonzero(((X != low) & (X != high)).any(axis=0))
    # Half of it does not overflow.
    too_wide = np.flatnonzero(high / 2 - low / 2 > np.finfo(X.dtype).max / 2)
    if len(too_wide):
        raise ValueError(
            f"X must have columns whose range is finite in {X.dtype} with an embedding, "
            f"got columns {too_wide.tolist()} of range infinity"
        )
    # A quantile computes with some ten vectors of this length.
    n_bytes = (len(columns) * X.itemsize + 10 * 8) * (n_bins + 1)
    check_memory(n_bytes, f"n_bins={n_bins} of the embedding asks for as many quantiles a column")
    edges = np.empty((len(columns), n_bins + 1), X.dtype)
    levels = np.linspace(0, 1, n_bins + 1)
    for row, values in zip(edges, X.T[columns]):
        distinct = np.unique(quantiles(values, levels, weights).astype(X.dtype))
        widest = distinct[-1] - distinct[0]
        distinct = distinct[np.append(True, np.diff(distinct) > NARROWEST * widest)]
        row[: len(distinct)], row[len(distinct) :] = distinct, distinct[-1]
    return columns, edges


def quantiles(values: Floats, levels: Floats, weights: Floats | None = None) -> Floats:
    r"""Quantiles of weighted values; an integer weight equals repeating the value.

    In sorted order, value i fills the places from :math:`s_i = w_1 + \dots + w_{i-1}` to
    :math:`s_{i+1}`. The quantile of level q is at the place :math:`q (s_{n+1} - u)`. In the last
    :math:`u` of its places, a value is interpolated linearly to the next. The unit u is 1, or the
    smallest weight if that is less.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    levels : ndarray of shape (n_levels,)
        In [0, 1].
    weights : ndarray of shape (n_samples,), default=None
        Positive. None is one for all, the quantiles of NumPy.

    Examples
    --------
    >>> quantiles(np.array([4.0, 1.0]), np.array([0.0, 0.5, 0.75, 1.0]), np.array([1.0, 2.0]))
    array([1. , 1. , 2.5, 4. ])
    >>> quantiles(np.array([4.0, 1.0, 1.0]), np.array([0.0, 0.5, 0.75, 1.0]))
    array([1. , 1. , 2.5, 4. ])
    """
    if weights is None:
        plain: Floats = np.quantile(values, levels)
        return plain
    order = np.argsort(values)
    values, stops = values[order], np.cumsum(weights[order], dtype=float)
    unit, last = min(1.0, float(weights.min())), len(values) - 1
    places = levels * (stops[-1] - unit)
    below = np.minimum(np.searchsorted(stops, places, side="right"), last)
    above = np.minimum(below + 1, last)
    share: Floats = np.clip(places - (stops[below] - unit), 0.0, unit) / unit
    found: Floats = values[below] + (values[above] - values[below]) * share
    return found
