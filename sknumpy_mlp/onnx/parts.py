"""The ONNX form of the parts of a network: activations, layers and links.

Activations are written from their scalar form, so that a new one needs nothing here. `LAYERS` and
`LINKS` have an entry for each class, since a subclass may compute something else. To add a layer or
a link, add its function to the table; the tests find a class without one.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from ..core.embeddings import PiecewiseLinearLayer
from ..core.layers import Dense, Dropout, FeatureScale
from ..losses import links
from .graph import FormError, scalar_form


def activation(graph, part, Z):
    """The nodes of ``f(Z)``, from the scalar form `value` of the activation."""
    classes = type(part).__mro__
    writes = {
        name: next(depth for depth, each in enumerate(classes) if name in vars(each))
        for name in ("value", "forward")
    }
    reason = ""
    if part.value is None:
        reason = "it defines no value"
    elif writes["value"] > writes["forward"]:
        # A subclass that writes the array form again must write the scalar form again.
        reason = "it defines forward but not value"
    else:
        try:
            return scalar_form(graph, part.value, Z, part)
        except (FormError, AttributeError) as error:
            reason = f"{error}, which its value needs"
    raise ValueError(
        f"the activation {part!r} cannot be exported to ONNX: {reason}; write its scalar form "
        "value(z, ...) in + - * /, comparisons and the functions of sknumpy_mlp._elementary, as "
        "docs/engines.md shows"
    )


# ---- layers: each takes (..., n, fan_in) and gives (..., n, fan_out) ----


def dense(graph, layer, X):
    """``A = f(X W + b)``."""
    return activation(graph, layer.activation, X @ layer.W + layer.b)


def dropout(graph, layer, X):
    """``A = X`` in prediction."""
    return X


def feature_scale(graph, layer, X):
    """``A = X * s``."""
    return X * layer.s


def piecewise_linear(graph, layer, X):
    """``A = [X, E V]``, with the columns of E V side by side."""
    if not layer.n_columns:
        return X
    (low, high), edges = layer.bounds(), layer.edges[..., np.newaxis, :-1]
    x = X.take(layer.indices(), axis=1).transpose(1, 0).reshape(layer.n_columns, -1, 1)
    E = np.minimum(np.maximum((x - edges) * layer.rates(), low), high)
    H = E @ layer.by_column(layer.V)
    if edges.ndim == 3:
        return graph.concat([X, _side_by_side(H, (), layer)])
    members = len(edges)
    copies = graph.node("Expand", X, np.array([members, 1, 1]))
    return graph.concat([copies, _side_by_side(H, (members,), layer)], axis=-1)


def _side_by_side(H, axes, layer):
    """(..., n_columns, n_samples, size) as (..., n_samples, n_columns * size)."""
    first = len(axes)
    order = *range(first), first + 1, first, first + 2
    return H.transpose(*order).reshape(*axes, -1, layer.n_columns * layer.size)


LAYERS = {
    Dense: dense,
    Dropout: dropout,
    FeatureScale: feature_scale,
    PiecewiseLinearLayer: piecewise_linear,
}


def raw_scores(graph, network, X):
    """The raw scores of a network, (n, n_outputs), or of its members, (k, n, n_outputs)."""
    for layer in network.layers:
        form = LAYERS.get(type(layer))
        if form is None:
            raise ValueError(
                f"the layer {layer!r} cannot be exported to ONNX; those that can are "
                f"{sorted(cls.__name__ for cls in LAYERS)}: choose another embedding"
            )
        X = form(graph, layer, X)
    return X


# ---- links: from raw scores to answers, which are averaged over the members ----


def same(Z):
    """Raw scores, unchanged."""
    return Z


def softmax(Z):
    """``p_k = exp(z_k) / sum_j exp(z_j)``."""
    return Z.graph.node("Softmax", Z, axis=-1)


def normalized_logistic(Z):
    """``p_k = s(z_k) / sum_j s(z_j)`` from the logarithm of s, in case every s underflows."""
    return softmax(np.minimum(Z, 0.0) - np.log1p(np.exp(-np.absolute(Z))))


def both_signs(Z):
    """The log-odds of the first class beside those of the second."""
    return Z.graph.concat([-Z, Z], axis=-1)


def largest(scores, middle):
    """The number of the largest score of each row; the first of equal ones."""
    return scores.graph.node("ArgMax", scores, axis=-1, keepdims=0)


def above(scores, middle):
    """1 where a score is above the middle of its range, 0 elsewhere."""
    return (scores > middle).cast(np.int64)


class LinkForm(NamedTuple):
    """The formulas of a link.

    Attributes
    ----------
    answer : callable
        From raw scores to probabilities or numbers, whose mean is the answer of several members.
    codes : callable or None
        From scores or probabilities to what `Labels.decode` takes; None for numbers.
    scores : callable
        One score for each answer, from the raw scores.
    """

    answer: object
    codes: object = None
    scores: object = same


LINKS = {
    links.Softmax: LinkForm(softmax, largest),
    links.OneVersusRest: LinkForm(normalized_logistic, largest),
    links.Logistic: LinkForm(expit, largest, both_signs),
    links.IndependentLogistic: LinkForm(expit, above),
    links.Identity: LinkForm(same),
    links.Exponential: LinkForm(np.exp),
}


def answers(graph, network, loss, temperature, X):
    """The answers of a network or of the mean of its members, and the codes of its labels.

    Parameters
    ----------
    graph : Graph
    network : Network
        Must have its arrays.
    loss : Loss
    temperature : float or ndarray of shape (n_members,)
    X : Value
        Of shape (n_samples, n_features).

    Returns
    -------
    answers : Value
        Probabilities or numbers, of shape (n_samples, n_classes or n_columns).
    codes : Value or None
        Class indices of shape (n_samples,), 0 and 1 of shape (n_samples, n_labels), or None.
    """
    form = LINKS.get(type(loss.link))
    if form is None:
        raise ValueError(
            f"the loss {loss!r} cannot be exported to ONNX with its link {loss.link!r}; choose a "
            f"loss with a link of {sorted(cls.__name__ for cls in LINKS)}"
        )
    Z = raw_scores(graph, network, X)
    temperatures = np.asarray(temperature)
    if (temperatures != 1).any():
        Z = Z / temperatures[..., np.newaxis, np.newaxis]
    Z = form.scores(Z)
    found, deciding, middle = form.answer(Z), Z, 0.0
    if network.n_members > 1:
        shape = np.array([0])
        total = graph.node("Squeeze", found.sum(axis=0), shape)
        found = deciding = total / network.n_members
        middle = 0.5
    return found, form.codes and form.codes(deciding, middle)
