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
from .graph import scalar_form


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
        except (TypeError, AttributeError) as error:
            reason = f"{error}, which its value needs"
    raise ValueError(
        f"the activation {part!r} cannot be exported to ONNX: {reason}; write its scalar form "
        "value(z, ...) in + - * /, comparisons and the functions of sknumpy_mlp._elementary, as "
        "docs/explain/engines.md shows"
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


# ---- links: the formulas of `losses.links`, on raw scores of shape (..., n, n_outputs) ----


def same(Z):
    """Raw scores, unchanged."""
    return Z


def softmax(Z):
    """``p_k = exp(z_k) / sum_j exp(z_j)``."""
    return Z.graph.node("Softmax", Z, axis=-1)


def log_softmax(Z):
    """The logarithms of the softmax."""
    return Z.graph.node("LogSoftmax", Z, axis=-1)


def log_logistic(Z):
    """``log s(z) = min(z, 0) - log(1 + exp(-|z|))``."""
    return np.minimum(Z, 0.0) - np.log1p(np.exp(-np.absolute(Z)))


def one_versus_rest(Z):
    """``p_k = s(z_k) / sum_j s(z_j)``, also valid if every s underflows."""
    return softmax(log_logistic(Z))


def log_one_versus_rest(Z):
    """The logarithms of these probabilities."""
    return log_softmax(log_logistic(Z))


def both_signs(Z):
    """The log-odds of the first class beside those of the second."""
    return Z.graph.concat([-Z, Z])


def both_probabilities(Z):
    """The probabilities of both classes, from the log-odds of the second."""
    return expit(both_signs(Z))


def largest(Z):
    """The index of the largest score of each row; the first of equal ones."""
    return Z.graph.node("ArgMax", Z, axis=1, keepdims=0)


def is_positive(Z):
    """1 where a score is positive, 0 elsewhere."""
    return (Z > 0.0).astype(np.int64)


def second_if_positive(Z):
    """1 for a row whose only score is positive, 0 for others."""
    return Z.graph.node("Squeeze", is_positive(Z), np.array([1]))


def log_odds(log_probabilities):
    """Raw scores of several classes; of two, the log-odds of each."""

    def decision(Z, n_outputs):
        if n_outputs != 2:
            return Z
        return log_probabilities(Z) @ np.array([[1.0, -1.0], [-1.0, 1.0]])

    return decision


def mean(Z, shape):
    """The mean over the members."""
    return Z.graph.node("Squeeze", Z.sum(axis=0), np.array([0])) / shape[0]


def log_mean_exp(Z, shape):
    """``log mean exp z`` over the members."""
    return Z.graph.node("Squeeze", Z.log_sum_exp(axis=0), np.array([0])) - np.log(shape[0])


def mean_of_softmax(Z, shape):
    """The logarithm of the mean probability."""
    return log_mean_exp(log_softmax(Z), shape)


def mean_of_logistic(Z, shape):
    """The log-odds of the mean probability."""
    return log_mean_exp(log_logistic(Z), shape) - log_mean_exp(log_logistic(-Z), shape)


def mean_of_one_versus_rest(Z, shape):
    """The log-odds of the mean probabilities."""
    n_outputs = shape[1]
    if n_outputs == 1:
        return mean(Z, shape)
    log_p = log_one_versus_rest(Z)
    # Row k has all classes but k. Their sum is not rounded to 1, as 1 - p would be to 0.
    others = np.nonzero(~np.eye(n_outputs, dtype=bool))[1].reshape(n_outputs, -1)
    log_q = Z.graph.node("Squeeze", log_p.take(others, axis=2).log_sum_exp(axis=3), np.array([3]))
    return log_mean_exp(log_p, shape) - log_mean_exp(log_q, shape)


def softplus(Z):
    """``log(1 + exp(z))``."""
    return -log_logistic(-Z)


def rising(Z, form):
    """The first score, beside a function of the others."""
    others = Z.graph.node("Slice", Z, np.array([1]), np.array([2**31]), np.array([-1]))
    return Z.graph.concat([Z.take([0], axis=-1), form(others)], axis=-1)


def cumulative_softplus(Z):
    """``q_1 = z_1`` and ``q_k = q_(k-1) + log(1 + exp(z_k))``."""
    return Z.graph.node("CumSum", rising(Z, softplus), np.array(1))


def mean_of_cumulative_softplus(Z, shape):
    """The first score and the differences are averaged; these are softplus again."""
    return rising(mean(rising(Z, softplus), shape), lambda step: step + np.log(-np.expm1(-step)))


class LinkForm(NamedTuple):
    """The formulas of a link.

    Attributes
    ----------
    answer : callable
        Probabilities or numbers from raw scores.
    pool : callable
        The raw scores of the mean answer, from the scores of the members and their shape,
        (n_members, n_outputs).
    codes : callable or None
        What `Labels.decode` takes, from raw scores; None for numbers.
    decision : callable or None
        One column for each class or label, from raw scores and their number; None for numbers.
    """

    answer: object
    pool: object
    codes: object = None
    decision: object = None


LINKS = {
    links.Softmax: LinkForm(softmax, mean_of_softmax, largest, log_odds(log_softmax)),
    links.OneVersusRest: LinkForm(
        one_versus_rest, mean_of_one_versus_rest, largest, log_odds(log_one_versus_rest)
    ),
    links.Logistic: LinkForm(
        both_probabilities, mean_of_logistic, second_if_positive, lambda Z, n_outputs: both_signs(Z)
    ),
    links.IndependentLogistic: LinkForm(
        expit, mean_of_logistic, is_positive, lambda Z, n_outputs: Z
    ),
    links.Identity: LinkForm(same, mean),
    links.Exponential: LinkForm(np.exp, log_mean_exp),
    links.CumulativeSoftplus: LinkForm(cumulative_softplus, mean_of_cumulative_softplus),
}


def link_form(loss):
    """The formulas of the link of a loss; a ValueError if there are none."""
    form = LINKS.get(type(loss.link))
    if form is None:
        raise ValueError(
            f"the loss {loss!r} cannot be exported to ONNX with its link {loss.link!r}; choose a "
            f"loss with a link of {sorted(cls.__name__ for cls in LINKS)}"
        )
    return form


def pooled_scores(graph, network, loss, temperature, X):
    """The raw scores of a network, or those that predict the mean answer of its members.

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
    Value
        Of shape (n_samples, n_outputs).
    """
    form = link_form(loss)
    Z = raw_scores(graph, network, X)
    temperatures = np.asarray(temperature)
    if (temperatures != 1).any():
        Z = Z / temperatures[..., np.newaxis, np.newaxis]
    return Z if network.n_members == 1 else form.pool(Z, (network.n_members, network.units[-1]))
