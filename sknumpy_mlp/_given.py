"""Fitted estimators made of weights that are there already.

Nothing is trained: the arrays are checked, copied and published as those of a fit would be.
"""

import numpy as np

from ._checks import check_arrays
from ._parameters import plan
from .callbacks import Progress
from .core.network import Network
from .core.state import Outcome, TrainingState


def fitted_with(cls, coefs, intercepts, kind, n_columns, parameters):
    """A fitted estimator with copies of these arrays, for this kind of target."""
    coefs, intercepts = check_arrays(coefs, intercepts)
    hidden_units = tuple(len(b) for b in intercepts[:-1])
    estimator = cls(**{"hidden_layer_sizes": hidden_units} | parameters)
    planned = plan(estimator)
    loss = planned.loss.for_target(kind)
    n_columns = n_columns or len(intercepts[-1])
    given = [coefs[0].shape[0], *(len(b) for b in intercepts)]
    units = [given[0], *planned.hidden_units, loss.n_outputs(kind, n_columns)]
    if units != given:
        raise ValueError(
            "coefs and intercepts must have the units that hidden_layer_sizes, loss and target "
            f"ask for, from input to output {units}, got {given}"
        )
    for name in ("feature_scale", "temperature_scaling"):
        if getattr(estimator, name):
            raise ValueError(
                f"{name} must be False for given weights, got True; multiply the rows of the "
                "first matrix by the factors, divide the last layer by the temperature"
            )
    if estimator.members > 1:
        raise ValueError(f"members must be 1 for given weights, got {estimator.members}")
    network = Network.dense(units, planned.activations, planned.output_activation)
    network.bind(coefs, intercepts)
    progress = Progress(Outcome(loss=np.nan), None, {})
    state = TrainingState(estimator._new_stream())
    estimator.n_features_in_ = units[0]
    vars(estimator).update(estimator._fitted_attributes(network, loss, progress, state))
    return estimator
