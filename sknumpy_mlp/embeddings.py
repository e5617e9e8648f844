"""Embeddings of numeric columns, selected by the parameter `embedding` of the estimators.

An embedding is configuration: what the layer that computes it is made from. The formulas, forward
and backward, are in `core.embeddings`, in the layer that names the embedding in `embeds`.
"""

from ._family import Family, integer


class Embedding(Family):
    """Base class of embeddings: how the first layer turns each numeric column into several.

    Selected by the parameter `embedding` of the estimators: as a name, or as an object.

    See Also
    --------
    PiecewiseLinear : The embedding that there is.

    Examples
    --------
    >>> Embedding.resolve("piecewise_linear", "embedding")
    PiecewiseLinear(n_bins=48, size=4)
    """


class PiecewiseLinear(Embedding):
    r"""A learned piecewise linear function of each column, with knots at its quantiles.

    A column with the edges b_0 < ... < b_m is encoded as m numbers,

    .. math:: e_j(x) = \frac{x - b_{j-1}}{b_j - b_{j-1}}, \quad \text{clipped to } [0, 1],

    In plain text: ``e_j = (x - b_(j-1)) / (b_j - b_(j-1))``, clipped to [0, 1]. The first is not
    clipped below and the last is not clipped above. The layer appends ``h = e V`` to the inputs,
    `size` numbers for each column with more than two values. V starts at zero, so that training
    starts from the network without an embedding. Steps, spikes and integer codes in a single
    column, which a network learns slowly, are learned at once; in small tables without them, the
    embedding overfits more easily.

    Parameters
    ----------
    n_bins : int >= 2, default=48
        Maximum number m of bins of a column. The edges are the distinct quantiles of the training
        samples at multiples of ``1 / n_bins``. Samples of weight zero do not count, and those of
        an integer weight count as often; equal weights change nothing.
    size : int >= 1, default=4
        Number of functions of each column.

    See Also
    --------
    sknumpy_mlp.make_tabular_mlp : The recipe for tables, which uses it.
    sklearn.preprocessing.SplineTransformer : Fixed functions of each column.

    References
    ----------
    Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022. The start at zero is that of version B in their package
    rtdl_num_embeddings.

    Examples
    --------
    A network without hidden layers is linear in its inputs, and here in functions of them:

    >>> import numpy as np
    >>> from sknumpy_mlp import ScratchMLPRegressor
    >>> X = np.linspace(0, 2, 201)[:, np.newaxis]
    >>> y = np.abs(X[:, 0] - 1)
    >>> reg = ScratchMLPRegressor(
    ...     hidden_layer_sizes=(), embedding=PiecewiseLinear(n_bins=4, size=1), solver="lbfgs",
    ...     alpha=0.0, random_state=0,
    ... ).fit(X, y)
    >>> round(reg.score(X, y), 3)
    1.0
    >>> reg.embedding_edges_.round(1)
    array([[0. , 0.5, 1. , 1.5, 2. ]])
    """

    name = "piecewise_linear"
    rules = {"n_bins": integer(2), "size": integer(1)}

    def __init__(self, *, n_bins: int = 48, size: int = 4) -> None:
        self.n_bins = n_bins
        self.size = size
