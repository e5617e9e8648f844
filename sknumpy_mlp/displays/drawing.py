"""What the displays share: axes, styles, and the fitted network inside other estimators.

It is the only place that imports Matplotlib, inside the functions that draw.
"""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._estimator.base import BaseScratchMLP
from .._family import integer
from ..core.embeddings import EmbeddingLayer


def check_matplotlib(caller):
    """Raise an ImportError that names the extra if Matplotlib is not installed.

    Parameters
    ----------
    caller : str
        The method that draws.
    """
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        raise ImportError(f'{caller} needs matplotlib: pip install "sknumpy_mlp[plot]"') from error


def axes(ax):
    """The given axes, or those of a new figure if `ax` is None; after `check_matplotlib`."""
    import matplotlib.pyplot as plt

    return plt.subplots()[1] if ax is None else ax


def line_style(default, *given):
    """Keyword arguments of a line: the default, then what users give, where aliases also count."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    style = dict(default)
    for each in given:
        style |= normalize_kwargs(each or {}, Line2D)
    return style


def final_estimator(model):
    """The estimator that a pipeline, a transformed target or a search ends with, fitted."""
    while True:
        if isinstance(model, Pipeline):
            model = model.steps[-1][1]
            continue
        check_is_fitted(model)
        for attribute in ("regressor_", "best_estimator_"):
            if hasattr(model, attribute):
                model = getattr(model, attribute)
                break
        else:
            return model


def fitted_network(model):
    """As `final_estimator`; a TypeError unless it is an estimator of this package."""
    found = final_estimator(model)
    if not isinstance(found, BaseScratchMLP):
        raise TypeError(
            "estimator must be a ScratchMLPClassifier or ScratchMLPRegressor, or a pipeline, a "
            "search or a TransformedTargetRegressor that ends with one, got "
            f"{type(found).__name__}"
        )
    return found


def has_embedding(network):
    """Whether the first dense layer gets the outputs of an embedding, not the features."""
    return isinstance(network.layers[0], EmbeddingLayer)


def weights_of(model, member):
    """The weights of each layer of one member; the first ones times the learned factors."""
    weights = [member_of(W, member) for W in model.coefs_]
    if hasattr(model, "feature_scale_"):
        scale = np.reshape(model.feature_scale_, (-1, len(weights[0])))[member]
        weights[0] = weights[0] * scale[:, np.newaxis]
    return weights


def member_of(array, member):
    """The array of one member; of a single network, the array itself, and `member` must be 0."""
    n_members = 1 if array.ndim == 2 else len(array)
    integer(0).check("member", member)
    if member >= n_members:
        raise ValueError(
            f"member must be less than the number of members, {n_members}, got {member}"
        )
    return array if array.ndim == 2 else array[member]
