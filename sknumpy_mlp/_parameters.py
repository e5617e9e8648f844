"""The rules that the parameters of the estimators obey, and how names become objects.

One table says what each parameter may be; `plan` checks an estimator against it and returns
what the core wants. A new parameter gets one line in `RULES`, beside the estimator's signature.
"""

import re
import warnings
from collections import namedtuple
from collections.abc import Iterable
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from sklearn.metrics import get_scorer_names

from .core._family import Rule, boolean, integer, one_of, real
from .core.activations import Activation, Identity
from .core.initializers import Initializer
from .core.layers import Layer
from .core.losses import LogLoss, Loss
from .core.optimizers import Optimizer
from .core.schedules import Schedule
from .core.training import Settings

KINDS_OF_PARAMETERS = {kind for layer in Layer.__subclasses__() for kind in layer.kinds.values()}
# A batch size that is no more than a limit: all rows where there are fewer.
UP_TO = re.compile(r"up to ([1-9]\d*)")
NOT_NEGATIVE = real(0, np.inf, closed="left")

RULES = {
    "alpha": real(0, closed="left"),
    "batch_size": one_of("auto", "full")
    | Rule(lambda v: isinstance(v, str) and UP_TO.fullmatch(v), "'up to N'")
    | integer(1),
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
    "members": integer(1),
    "class_weight": one_of("balanced")
    | Rule(lambda v: v is None, "None")
    | Rule(
        lambda v: isinstance(v, dict) and all(NOT_NEGATIVE.holds(w) for w in v.values()),
        "a dict from classes to finite weights >= 0",
    ),
    "scoring": one_of("loss")
    | Rule(
        lambda v: v is None or callable(v) or (isinstance(v, str) and v in get_scorer_names()),
        "None, a name in sklearn.metrics.get_scorer_names() or a function of an estimator, X and y",
    ),
    "restore_best": boolean(),
    "best_of_ties": one_of("first", "last"),
    "label_smoothing": LogLoss.rules["label_smoothing"],
    "clip_norm": Rule(lambda v: v is None, "None") | real(0, closed="neither"),
    "feature_scale": boolean(),
    "parametrization": one_of("standard", "ntk"),
    "learning_rate_factors": Rule(lambda v: v is None, "None")
    | Rule(
        lambda v: (
            isinstance(v, dict)
            and v.keys() <= KINDS_OF_PARAMETERS
            and all(NOT_NEGATIVE.holds(factor) for factor in v.values())
        ),
        f"a dict from some of {sorted(KINDS_OF_PARAMETERS)} to finite factors >= 0",
    ),
    "temperature_scaling": boolean(),
}

# What becomes objects, and obeys the rules of the family or the function that makes them.
RESOLVED = (
    "hidden_layer_sizes",
    "activation",
    "solver",
    "learning_rate",
    "loss",
    "init",
    "dropout",
)

# What a solver without steps refuses, and the value that says that it is not wanted.
FOR_STEPS_ONLY = {
    "clip_norm": None,
    "dropout": 0,
    "learning_rate_factors": None,
    "members": 1,
    "parametrization": "standard",
    "temperature_scaling": False,
}

Plan = namedtuple(
    "Plan",
    "hidden_units activations output_activation dropout "
    "optimizer schedule loss initializer output_initializer settings",
)
Plan.__doc__ = """An estimator's parameters, checked, with names turned into objects.

`activations` are those of the hidden layers; `output_activation` is what the output layer, which
is linear, tells its initializer: the last of them, so that starting weights are scikit-learn's.
`dropout` is the rate behind each hidden layer, `output_initializer` that of the last layer.
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
    flat = estimator.get_params(deep=False)
    for name in RULES.keys() & flat.keys():
        RULES[name].check(name, flat[name])
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
    dropout = _dropout(flat["dropout"], len(hidden_units))
    if not optimizer.takes_steps:
        _refuse_for_steps_only(flat)
    return Plan(
        hidden_units,
        deepcopy(activations[: len(hidden_units)]),
        activations[-1],
        dropout,
        optimizer,
        schedule,
        # A copy: the fitted model keeps it, and must not follow later changes of the user's.
        deepcopy(_loss(flat)),
        *_initializers(flat["init"]),
        Settings(**{name: flat[name] for name in Settings.__dataclass_fields__}),
    )


def rows_of_a_step(batch_size, n_samples, warn=True):
    """How many rows a step has, by a batch size that keeps its rule.

    Parameters
    ----------
    batch_size : int or str
    n_samples : int
        Rows that there are.
    warn : bool, default=True
        Whether to warn of a number that is larger. Blocks that come in one after another may all
        be small: it is said with the first.
    """
    if batch_size == "full":
        return n_samples
    if isinstance(batch_size, str):
        limit = 200 if batch_size == "auto" else int(UP_TO.fullmatch(batch_size)[1])
        return min(limit, n_samples)
    if batch_size > n_samples and warn:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be "
            f"clipped: batch_size={batch_size}, n_samples={n_samples}; "
            "batch_size='full' takes all rows without this warning, and "
            f"batch_size='up to {batch_size}' at most so many"
        )
    return min(batch_size, n_samples)


def _hidden_units(sizes):
    is_sequence = isinstance(sizes, Iterable) and np.ndim(sizes) == 1
    units = list(sizes) if is_sequence else [sizes]
    # True is an Integral to Python.
    if not all(isinstance(u, Integral) and not isinstance(u, bool) and u > 0 for u in units):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, an integer or a sequence of integers, got {sizes!r}"
        )
    return [int(unit) for unit in units]


def _check_one_for_each(name, one, given, n_hidden):
    """Raise a ValueError unless a list has an entry for each hidden layer."""
    if len(given) != n_hidden:
        raise ValueError(
            f"{name} must be {one} for all hidden layers or one for each of the {n_hidden}, "
            f"got {given!r}"
        )


def _activations(activation, n_hidden):
    """One `Activation` per hidden layer; one where there is no hidden layer."""
    if not isinstance(activation, (list, tuple)):
        return [Activation.resolve(activation, "activation")] * max(1, n_hidden)
    _check_one_for_each("activation", "one", activation, n_hidden)
    return [Activation.resolve(each, "activation") for each in activation] or [Identity()]


def _initializers(init):
    """The initializer of the hidden layers and that of the output layer."""
    pair = init if isinstance(init, (list, tuple)) else (init, init)
    if len(pair) != 2:
        raise ValueError(
            "init must be an Initializer, a name, or a pair of them for hidden layers and for the "
            f"output layer, got {init!r}"
        )
    return [Initializer.resolve(each, "init") for each in pair]


def _dropout(dropout, n_hidden):
    """One rate per hidden layer."""
    rule = real(0, 1, closed="left")
    if not isinstance(dropout, (list, tuple)):
        rule.check("dropout", dropout)
        return [float(dropout)] * n_hidden
    _check_one_for_each("dropout", "one rate", dropout, n_hidden)
    for rate in dropout:
        rule.check("each rate of dropout", rate)
    return [float(rate) for rate in dropout]


def _refuse_for_steps_only(flat):
    for name, unwanted in FOR_STEPS_ONLY.items():
        given = flat.get(name, unwanted)
        # Rates by layer may all be zero.
        is_wanted = any(given) if isinstance(given, (list, tuple)) else given != unwanted
        if is_wanted:
            raise ValueError(
                f"{name} must be {unwanted!r} with solver={flat['solver']!r}, which takes no "
                f"steps, got {given!r}"
            )


def _loss(flat):
    """The loss; a name that cannot smooth labels refuses to be told to."""
    loss = Loss.resolve(flat["loss"], "loss", flat)
    smoothing = flat.get("label_smoothing", 0)
    if smoothing and isinstance(flat["loss"], str) and "label_smoothing" not in loss.rules:
        can = sorted(n for n, c in Loss.named().items() if "label_smoothing" in c.rules)
        raise ValueError(
            f"label_smoothing must be 0 with loss={flat['loss']!r}, which has none ({can} have), "
            f"got {smoothing!r}"
        )
    return loss


def takes_steps(estimator):
    """Whether the solver does, so that there is a `partial_fit`; raises AttributeError if not."""
    named = Optimizer.named()
    solver = estimator.solver
    solver = named.get(solver) if isinstance(solver, str) else solver
    # A solver that is no solver at all is told by the check of parameters.
    if getattr(solver, "takes_steps", True):
        return True
    raise AttributeError(
        "partial_fit is only available for solvers that take steps, "
        f"{sorted(name for name, member in named.items() if member.takes_steps)}; "
        f"{estimator.solver!r} is not one"
    )
