"""Convert a `Fit` to fitted attributes, and fitted attributes back to a network.

Only `attributes` defines the fitted attributes of an estimator.
"""

from itertools import pairwise

import numpy as np

from .._family import shown
from ..core.engines import choose
from ..core.network import KINDS, Network, perceptron
from ..core.state import Record, TrainingState
from .fit import Fit, Past
from .passes import ForwardPasses
from .rows import as_floats

# Attribute names that scikit-learn defines; other kinds of parameters are stored as <kind>_.
ATTRIBUTES = {"weights": "coefs_", "biases": "intercepts_"}
# A call that continues training appends to these curves.
CURVES = ("loss_curve_", "validation_loss_curve_", "validation_scores_")
# Number of epochs of earlier calls that a warm fit and a partial_fit keep in the curves: neither
# the time of a call nor the size of its model grows with the number of calls.
KEPT, KEPT_BY_PARTIAL_FIT = 10_000, 1_000
# Attributes that not every fit sets.
OPTIONAL = (
    *CURVES,
    "best_loss_",
    "best_validation_score_",
    "best_iter_",
    *(f"{kind}_" for kind in KINDS if kind not in ATTRIBUTES),
)


def network_attributes(network, loss, labels):
    """The fitted attributes that predictions are computed from, as a dict.

    Parameters
    ----------
    network : Network
    loss : Loss
    labels : Labels or None
        The classes of a classifier.
    """
    parameters = network.parameters()
    # Any other kind occurs only once in a network, so its list has one array.
    found = {attribute: parameters.pop(kind) for kind, attribute in ATTRIBUTES.items()}
    found |= {f"{kind}_": array for kind, (array,) in parameters.items()}
    if labels is not None:
        found |= {"classes_": labels.classes, "_labels": labels}
    return found | {
        "_network": network.unbound(),
        "_passes": ForwardPasses(),
        "_loss": loss,
        "n_layers_": len(found["coefs_"]) + 1,
        "n_outputs_": loss.link.n_columns(network.units[-1]),
        "out_activation_": loss.link.out_activation,
    }


def attributes(fit):
    """Every attribute that a fit sets, as a dict, as if the fit ended now."""
    record, curves = fit.record, fit.curves
    found = network_attributes(fit.network, fit.loss, fit.labels) | {
        "_training": fit.state,
        "n_iter_": record.n_iter,
        "t_": fit.state.samples_seen,
        "loss_": record.loss,
        "engine_": fit.engine.name,
    }
    if record.temperatures:
        found["temperature_"] = _one_or_each(record.temperatures)
    if record.loss_curve is None:
        return found
    loss_curve = [*curves.get("loss_curve_", []), *record.loss_curve]
    best_loss = min(record.loss_curve, default=fit.best_loss)
    if fit.best_loss is not None:
        best_loss = min(best_loss, fit.best_loss)
    found |= {"loss_curve_": loss_curve, "best_loss_": best_loss}
    if not record.scores:
        nothing = ("validation_loss_curve_", "validation_scores_", "best_validation_score_")
        return found | dict.fromkeys((*nothing, "best_iter_"))
    losses = [*curves.get("validation_loss_curve_", []), *record.held_out_losses]
    scores = [*curves.get("validation_scores_", []), *record.scores]
    if fit.network.n_members > 1:
        found["best_validation_scores_"] = np.array(record.best_scores)
    return found | {
        "best_loss_": None if fit.plan.early_stopping else found["best_loss_"],
        "validation_loss_curve_": losses,
        "validation_scores_": scores,
        "best_validation_score_": float(np.mean(record.best_scores)),
        "best_iter_": _one_or_each(record.best_iters),
    }


def past(model, state, kept=KEPT):
    """The `Past` of a call that continues the fitted network with this training state.

    Its curves have the last `kept` epochs of the earlier calls.
    """
    curves = {name: (vars(model).get(name) or [])[-kept:] for name in CURVES}
    # Kept apart from the curve, which is shortened; early stopping does not report it.
    best_loss = vars(model).get("best_loss_")
    if best_loss is None:
        best_loss = min(curves["loss_curve_"], default=None)
    trained_by = model.engine_ if model.t_ else None
    labels = vars(model).get("_labels")
    given = parameters(model)
    check_shapes(given, model._network)
    return Past(given, state, curves, labels, engine=trained_by, best_loss=best_loss)


def parameters(model):
    """The parameters of a fitted model by kind, from attributes that users may have changed."""
    found = {}
    for kind in model._network.kinds:
        value = vars(model)[ATTRIBUTES.get(kind, f"{kind}_")]
        found[kind] = value if kind in ATTRIBUTES else [value]
    return found


def dtype(model):
    """The dtype of the network: that of `coefs_`, or float64 if users set another dtype there."""
    found = model.coefs_[0].dtype
    return found if found in (np.float32, np.float64) else np.dtype(np.float64)


def check_shapes(given, fitted):
    """Raise a ValueError unless these parameters, which users may have replaced, fit together.

    Parameters
    ----------
    given : dict of str to list of ndarray
    fitted : Network
        The network as it was fitted, whose inputs remain.
    """
    weights, biases = given["weights"], given["biases"]
    axes = weights[0].shape[:-2]
    n_features = fitted.dense_layers[0].fan_in
    others = [
        (given[kind][0].shape, (*axes, *layer.shapes[name]))
        for layer in fitted.layers
        for name, kind in layer.kinds.items()
        if kind not in ATTRIBUTES
    ]
    fit = (
        _are_consecutive(weights, biases)
        and all(W.shape[:-2] == axes == b.shape[:-1] for W, b in zip(weights, biases))
        and weights[0].shape[-2] == n_features
        and all(shape == expected for shape, expected in others)
    )
    if not fit:
        raise ValueError(
            f"coefs_ and intercepts_ must be of shapes (n_in, n_out) and (n_out,) of consecutive "
            f"layers for {n_features} features, got {[W.shape for W in weights]} and "
            f"{[b.shape for b in biases]}" + (f", with {others[0][0]}" if others else "")
        )


def network(model, given=None):
    """A network that computes with the fitted attributes, which users may have replaced.

    Parameters
    ----------
    model : BaseScratchMLP
    given : dict of str to list of ndarray, default=None
        The `parameters` of the model, if they are known already.
    """
    given = given or parameters(model)
    check_shapes(given, model._network)
    weights = given["weights"]
    wanted = dtype(model)
    n_members = 1 if weights[0].ndim == 2 else len(weights[0])
    found = Network(model._network.unbound().layers, n_members)
    found.bind(
        {
            kind: [each if each.dtype == wanted else each.astype(wanted) for each in arrays]
            for kind, arrays in given.items()
        }
    )
    return found


def forward(model, given):
    """What computes the raw scores of a fitted model; by compiled kernels where they can be had."""
    found = network(model, given)
    return choose("auto", found, model._loss).forward(found)


def given(plan, stream, coefs, intercepts, kind, labels=None):
    """A `Fit` without any training, with the given weights and biases.

    Parameters
    ----------
    plan : Plan
    stream : numpy.random.RandomState
    coefs, intercepts : list of ndarray
        Weights and biases of one network, from `checked_arrays`.
    kind : str
        The kind of target.
    labels : Labels, default=None
        The classes of a classifier.
    """
    loss = plan.loss.for_target(kind)
    n_columns = len(intercepts[-1]) if labels is None else len(labels.classes)
    found = [coefs[0].shape[0], *(len(b) for b in intercepts)]
    units = [found[0], *plan.hidden_units, loss.link.n_outputs(n_columns)]
    if units != found:
        raise ValueError(
            "coefs and intercepts must have the units that hidden_layer_sizes, loss and target "
            f"require, from input to output {units}, got {found}"
        )
    if plan.embedding is not None:
        raise ValueError(f"embedding must be None for given weights, got {plan.embedding!r}")
    for name in ("feature_scale", "temperature_scaling"):
        if getattr(plan, name):
            raise ValueError(
                f"{name} must be False for given weights, got True; multiply the rows of the "
                "first matrix by the factors, or divide the last layer by the temperature"
            )
    if plan.members > 1:
        raise ValueError(f"members must be 1 for given weights, got {plan.members}")
    made = perceptron(units, plan.activations, plan.output_activation)
    made.bind({"weights": coefs, "biases": intercepts})
    state = TrainingState(stream)
    engine = choose(plan.engine, made, loss)
    return Fit(plan, None, made, loss, state, Record(loss=np.nan), labels, engine=engine)


def _are_consecutive(coefs, intercepts):
    """Whether these are the weights and the biases of consecutive layers."""
    return (
        len(coefs) == len(intercepts) > 0
        and all(W.ndim == b.ndim + 1 > 1 for W, b in zip(coefs, intercepts))
        and all(b.shape[-1:] == W.shape[-1:] for W, b in zip(coefs, intercepts))
        and all(W.shape[-1] == next_W.shape[-2] for W, next_W in pairwise(coefs))
    )


def _one_or_each(values):
    """The only value, or an array with one value per member."""
    return values[0] if len(values) == 1 else np.array(values)


def checked_arrays(coefs, intercepts):
    """Copies of the weights and biases of consecutive layers, as arrays of one float dtype.

    Raises
    ------
    ValueError
        If they are not finite numbers of a single network, or the shapes do not match.
    """
    coefs, intercepts = (
        [
            as_floats(each, f"{name}[{number}]", [np.float64, np.float32])
            for number, each in enumerate(_as_list(given, name))
        ]
        for name, given in (("coefs", coefs), ("intercepts", intercepts))
    )
    if any(W.ndim == 3 for W in coefs):
        raise ValueError(
            "coefs must be the matrices of one network, (n_in, n_out), got arrays of three axes; "
            "[W[0] for W in coefs_] are the matrices of the first member"
        )
    if not _are_consecutive(coefs, intercepts):
        raise ValueError(
            "coefs and intercepts must be of shapes (n_in, n_out) and (n_out,) for each layer, and "
            "the n_out of a layer must be the n_in of the next, "
            f"got {[W.shape for W in coefs]} and {[b.shape for b in intercepts]}"
        )
    common = np.result_type(*coefs, *intercepts)
    return [W.astype(common) for W in coefs], [b.astype(common) for b in intercepts]


def _as_list(given, name):
    try:
        return list(given)
    except Exception as error:
        raise ValueError(f"{name} must be a list of arrays, got {shown(given)}") from error


def checked_classes(classes):
    """Class labels as an array.

    Raises
    ------
    ValueError
        If they are not sorted and unique labels that can be compared.
    """
    try:
        found = np.asarray(classes)
        # NumPy makes text of numbers beside text.
        are_alike = (
            len({isinstance(each, str) for each in np.ravel(np.asarray(classes, object))}) == 1
        )
        is_sorted = (
            found.ndim == 1
            and are_alike
            and found.dtype.kind not in "cV"
            and np.array_equal(found, np.unique(found))
        )
    except Exception:
        # None and numbers, for example, have no order.
        is_sorted = False
    if not is_sorted:
        raise ValueError(f"classes must be sorted and unique, got {shown(classes)}")
    return found
