"""The rules that the parameters of the estimators obey, and how names become objects.

One table says what each parameter may be; `plan` checks an estimator against it and returns
what the core wants. A new parameter gets one line in `RULES`, beside the estimator's signature.
"""

from collections import namedtuple
from collections.abc import Iterable
from copy import deepcopy
from numbers import Integral, Real

import numpy as np

from .core._family import Rule, boolean, integer, one_of, real
from .core.activations import Activation, Identity
from .core.initializers import Initializer
from .core.losses import Loss
from .core.optimizers import Optimizer
from .core.schedules import Schedule
from .core.training import Settings

RULES = {
    "alpha": real(0, closed="left"),
    "batch_size": one_of("auto", "full") | integer(1),
    "learning_rate_init": real(0, closed="neither"),
    "power_t": real(0, closed="left"),
    "max_iter": integer(1),
    "shuffle": boolean(),
    "random_state": Rule(
        lambda v: (
            v is None
            or isinstance(v, np.random.RandomState)
            or v is np.random
            or (isinstance(v, Integral) and 0 <= v < 2**32)
        ),
        "an integer in [0, 2**32 - 1], a RandomState or None",
    ),
    "tol": real(0, closed="left"),
    "verbose": boolean() | integer(0),
    "warm_start": boolean(),
    "momentum": real(0, 1),
    "nesterovs_momentum": boolean(),
    "early_stopping": boolean(),
    "validation_fraction": real(0, 1, closed="left"),
    "beta_1": real(0, 1, closed="left"),
    "beta_2": real(0, 1, closed="left"),
    "epsilon": real(0, closed="neither"),
    "n_iter_no_change": integer(1)
    | Rule(lambda v: v is None or (isinstance(v, Real) and v == np.inf), "inf or None"),
    "max_fun": integer(1),
}

# What becomes objects, and obeys the rules of the family or the function that makes them.
RESOLVED = ("hidden_layer_sizes", "activation", "solver", "learning_rate", "loss", "init")

Plan = namedtuple(
    "Plan",
    "hidden_units activations output_activation optimizer schedule loss initializer settings",
)
Plan.__doc__ = """An estimator's parameters, checked, with names turned into objects.

`activations` are those of the hidden layers; `output_activation` is what the output layer, which
is linear, tells its initializer: the last of them, so that starting weights are scikit-learn's.
"""


def plan(estimator):
    """Check all parameters of an estimator.

    Returns
    -------
    Plan

    Raises
    ------
    ValueError
        That names the parameter, what it may be, and what it is.
    """
    flat = {name: getattr(estimator, name) for name in (*RULES, *RESOLVED)}
    for name, rule in RULES.items():
        rule.check(name, flat[name])
    hidden_units = _hidden_units(flat["hidden_layer_sizes"])
    activations = _activations(flat["activation"], len(hidden_units))
    optimizer = Optimizer.resolve(flat["solver"], "solver", flat)
    schedule = Schedule.resolve(flat["learning_rate"], "learning_rate", flat)
    if not optimizer.takes_steps and not schedule.classic:
        raise ValueError(
            f"learning_rate must be 'constant', 'invscaling' or 'adaptive' (which it ignores) "
            f"with solver={flat['solver']!r}, which chooses its own step lengths, "
            f"got {flat['learning_rate']!r}"
        )
    return Plan(
        hidden_units,
        deepcopy(activations[: len(hidden_units)]),
        activations[-1],
        optimizer,
        schedule,
        # A copy: the fitted model keeps it, and must not follow later changes of the user's.
        deepcopy(Loss.resolve(flat["loss"], "loss")),
        Initializer.resolve(flat["init"], "init"),
        Settings(**{name: flat[name] for name in Settings.__dataclass_fields__}),
    )


def _hidden_units(sizes):
    is_sequence = isinstance(sizes, Iterable) and np.ndim(sizes) == 1
    units = list(sizes) if is_sequence else [sizes]
    # True is an Integral to Python.
    if not all(isinstance(u, Integral) and not isinstance(u, bool) and u > 0 for u in units):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, an integer or a sequence of integers, got {sizes!r}"
        )
    return [int(unit) for unit in units]


def _activations(activation, n_hidden):
    """One `Activation` per hidden layer; one where there is no hidden layer."""
    if not isinstance(activation, (list, tuple)):
        return [Activation.resolve(activation, "activation")] * max(1, n_hidden)
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation must be one for all hidden layers or one for each of the {n_hidden}, "
            f"got {activation!r}"
        )
    return [Activation.resolve(each, "activation") for each in activation] or [Identity()]
