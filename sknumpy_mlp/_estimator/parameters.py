"""The rules of the estimators' parameters, and the `Plan`: parameters checked, names made objects.

A new parameter of training gets one line in `RULES`, beside the estimators' signatures, and the
core finds it in the plan under its name. Rules of what a named part takes (`beta_1`, `power_t`,
...) are read from the part.
"""

import inspect
import re
import warnings
from collections.abc import Iterable, Mapping
from copy import deepcopy
from numbers import Integral
from types import SimpleNamespace
from typing import cast

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.utils.metaestimators import available_if

from .._family import Rule, as_float, as_text, boolean, integer, is_integer, one_of, real, shown
from .._keywords import Method
from ..activations import Activation, Identity
from ..core.batches import consecutively, equally
from ..core.engines import NAMES as ENGINES
from ..core.network import TRAINED_KINDS
from ..embeddings import Embedding
from ..initializers import Initializer
from ..losses import Loss
from ..optimizers import Optimizer
from ..schedules import Schedule

# A batch size that is only a limit: all rows where there are fewer.
UP_TO = re.compile(r"(equal )?up to ([1-9]\d*)")
# The value of `scoring` that is only for classes.
CALIBRATED_LOSS = "calibrated_loss"
SCORE_OF_NUMBERS = Rule(lambda v: v != CALIBRATED_LOSS, "a score of numbers")
NONE = Rule(lambda v: v is None, "None")
NOT_NEGATIVE = real(0, np.inf, closed="left")
# Parameters of which each member may have its own value.
OF_EACH_MEMBER = ["alpha", "dropout", "learning_rate_factors", "learning_rate_init"]


def _has_lists_of_members(own):
    """Whether a dict has lists of one length, under names of parameters that may differ."""
    if not own or not own.keys() <= set(OF_EACH_MEMBER):
        return False
    lists = [*own.values()]
    # Lists of rates by layer may have several lengths, which np.ndim refuses.
    are_lists = all(isinstance(v, (list, tuple)) or getattr(v, "ndim", 0) == 1 for v in lists)
    return are_lists and len({len(each) for each in lists}) == 1 and len(lists[0]) > 0


def rules_of_parts(*families):
    """The rules of the flat parameters that named parts take, by the first part that takes each."""
    rules = {}
    for family in families:
        for part in family.named().values():
            for name in part.flat:
                rules.setdefault(name, part.rules[name])
    return rules


RULES = rules_of_parts(Optimizer, Schedule, Loss) | {
    "alpha": real(0, closed="left"),
    "batch_size": one_of("auto", "full")
    | Rule(
        lambda v: isinstance(v, str) and UP_TO.fullmatch(v),
        "'up to N' or 'equal up to N'",
        as_text,
    )
    | integer(1),
    "learning_rate_init": real(0, closed="neither"),
    "max_iter": integer(1),
    "shuffle": boolean(),
    "random_state": Rule(
        lambda v: (
            v is None
            or isinstance(v, np.random.RandomState)
            or v is np.random
            or (is_integer(v) and 0 <= v < 2**32)
        ),
        "an integer in [0, 2**32 - 1], a RandomState or None",
        lambda v: int(v) if isinstance(v, Integral) else v,
    ),
    "tol": real(0, closed="left"),
    "verbose": boolean() | integer(0),
    "warm_start": boolean(),
    "early_stopping": boolean(),
    "validation_fraction": real(0, 1, closed="left"),
    "n_iter_no_change": integer(1)
    | Rule(
        lambda v: v is None or as_float(v) == np.inf,
        "inf or None",
        lambda v: None if v is None else float(v),
    ),
    "members": integer(1)
    | Rule(
        lambda v: isinstance(v, Mapping) and _has_lists_of_members(v),
        f"a dict from some of {OF_EACH_MEMBER} to lists of one length >= 1",
    ),
    "class_weight": one_of("balanced")
    | NONE
    | Rule(
        lambda v: isinstance(v, dict) and all(NOT_NEGATIVE.holds(w) for w in v.values()),
        "a dict from classes to finite weights >= 0",
        lambda v: {k: w if isinstance(w, int) else float(w) for k, w in v.items()},
    ),
    "scoring": one_of("loss", CALIBRATED_LOSS)
    | Rule(
        lambda v: v is None or callable(v) or (isinstance(v, str) and v in get_scorer_names()),
        "None, a name in sklearn.metrics.get_scorer_names() or a function of an estimator, X and y",
    ),
    "restore_best": boolean(),
    "best_of_ties": one_of("first", "last"),
    "clip_norm": NONE | real(0, closed="neither"),
    "feature_scale": boolean(),
    "parametrization": one_of("standard", "ntk"),
    "learning_rate_factors": NONE
    | Rule(
        lambda v: (
            isinstance(v, dict)
            and v.keys() <= set(TRAINED_KINDS)
            and all(NOT_NEGATIVE.holds(factor) for factor in v.values())
        ),
        f"a dict from some of {TRAINED_KINDS} to finite factors >= 0",
        lambda v: {kind: float(factor) for kind, factor in v.items()},
    ),
    "temperature_scaling": boolean(),
    "engine": one_of(*ENGINES),
}

# Parameters whose values are names or objects.
FAMILIES = {
    "activation": Activation,
    "solver": Optimizer,
    "learning_rate": Schedule,
    "loss": Loss,
    "init": Initializer,
    "embedding": Embedding,
}

# Parameters that must have their default with a solver that takes no steps.
NOT_WITH_LBFGS = {
    "clip_norm",
    "dropout",
    "learning_rate_factors",
    "members",
    "parametrization",
    "temperature_scaling",
}


class Plan(SimpleNamespace):
    """The parameters of an estimator, checked, with names resolved to objects.

    Every parameter of the estimator is an attribute under its own name. Numbers are Python's, of
    whatever type they came, so that nothing is computed in few bits. Some parameters are resolved
    to other attributes:

    Attributes
    ----------
    hidden_units : list of int
    activations : list of Activation
        Of the hidden layers.
    output_activation : Activation
        The activation that the initializer of the linear output layer assumes: the last hidden
        activation, so that initial weights are the same as in scikit-learn.
    members : int
        Number of members.
    alpha : float or ndarray of shape (members,)
        An array if the members differ.
    dropout : list of float or ndarray of shape (members,)
        The dropout rate after each hidden layer.
    learning_rate_init : float
        The largest of all members.
    learning_rate_factors : dict of str to float or ndarray of shape (members,)
        By kind of parameter. They include the factor from `learning_rate_init` to the initial
        rate of each member.
    optimizer : Optimizer
    schedule : Schedule
    loss : Loss
    embedding : Embedding or None
    initializer, output_initializer : Initializer
        For the hidden layers, and for the output layer.
    """

    # Parameters of the classifier alone.
    temperature_scaling = False
    class_weight = None

    @classmethod
    def of(cls, estimator):
        """Check all parameters of an estimator.

        Raises
        ------
        ValueError
            Names the parameter, its rule, and its value.
        """
        flat = estimator.get_params(deep=False)
        flat |= {name: RULES[name].check(name, flat[name]) for name in flat if name in RULES}
        if estimator._y_numeric:
            SCORE_OF_NUMBERS.check("scoring", flat["scoring"])
        # Unless it says otherwise, a loss is one of classes.
        losses = Loss.serving(*(("continuous",) if estimator._y_numeric else Loss.kinds))
        _check_places(estimator, flat, losses)
        hidden_units = SIZES.check("hidden_layer_sizes", flat["hidden_layer_sizes"])
        activations = _activations(flat["activation"], len(hidden_units))
        optimizer = Optimizer.resolve(flat["solver"], "solver", flat)
        schedule = Schedule.resolve(flat["learning_rate"], "learning_rate", flat)
        of_members = _of_members(flat, len(hidden_units))
        if not optimizer.takes_steps:
            _check_without_steps(flat, schedule, estimator)
        initializer, output_initializer = _initializers(flat["init"])
        made = {
            "hidden_units": hidden_units,
            "activations": deepcopy(activations[: len(hidden_units)]),
            "output_activation": activations[-1],
            "optimizer": optimizer,
            "schedule": schedule,
            # A copy: the fitted model keeps it, and must not follow later changes of the user's.
            "loss": deepcopy(_loss(flat, losses)),
            "embedding": _embedding(flat["embedding"]),
            "initializer": initializer,
            "output_initializer": output_initializer,
        }
        return cls(**flat | of_members | made)

    def rows_of_a_step(self, n_samples, warn=True):
        """Number of rows in a step.

        Parameters
        ----------
        n_samples : int
            Number of rows to train on.
        warn : bool, default=True
            Whether to warn of a `batch_size` larger than `n_samples`. If data arrive in small
            blocks, one warning is enough.
        """
        size = self.batch_size if self.optimizer.takes_steps else "full"
        if size == "full":
            return n_samples
        if isinstance(size, str):
            return min(200 if size == "auto" else int(UP_TO.fullmatch(size)[2]), n_samples)
        if size > n_samples and warn:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                f"clipped: batch_size={size}, n_samples={n_samples}; "
                "batch_size='full' takes all rows without this warning, and "
                f"batch_size='up to {size}' at most so many"
            )
        # True is a size of one, as in scikit-learn.
        return int(min(size, n_samples))

    @property
    def cut(self):
        """The function that cuts the rows of an epoch into batches."""
        size = self.batch_size
        return equally if isinstance(size, str) and size.startswith("equal") else consecutively


def takes_steps(estimator):
    """Whether the solver makes steps, as `partial_fit` requires; raises AttributeError if not."""
    named = Optimizer.named()
    solver = estimator.solver
    solver = named.get(as_text(solver)) if isinstance(solver, str) else solver
    # An invalid solver is reported by the check of parameters.
    if getattr(solver, "takes_steps", True):
        return True
    raise AttributeError(
        "partial_fit is only available for solvers that take steps, "
        f"{sorted(name for name, member in named.items() if member.takes_steps)}; "
        f"{estimator.solver!r} is not one"
    )


def needs_steps(method: Method) -> Method:
    """Decorate a method that an estimator does not have with a solver that takes no steps."""
    return cast(Method, available_if(takes_steps)(method))


def _check_places(estimator, flat, losses):
    """Raise a ValueError for sizes of layers in the place of the loss or of the activation."""
    given = flat["hidden_layer_sizes"]
    loss = _sizes(flat["loss"]) if estimator._y_numeric else ()
    activation = _sizes(flat["activation"])
    if not loss and not activation:
        return
    is_default = isinstance(given, tuple) and given == (100,)
    right = f"hidden_layer_sizes={loss + (() if is_default else _sizes(given)) + activation}"
    try:
        if loss:
            Loss.resolve(flat["loss"], "loss", choices=losses)
        Activation.resolve(flat["activation"], "activation")
    except ValueError as error:
        advice = f"hidden_layer_sizes takes all layers: {right}"
        if loss:
            name = type(estimator).__name__
            advice = f"loss is the first argument of {name}: give the layers by keyword, {right}"
            advice += f", activation={given!r}" if isinstance(given, str) else ""
        raise ValueError(f"{error}; {advice}") from None


def _sizes(value):
    """Sizes of layers as a tuple; empty if the value is something else."""
    sizes = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return sizes if all(map(_is_size, sizes)) else ()


def _is_size(value):
    # True is an integer to Python.
    return is_integer(value) and not isinstance(value, bool) and value > 0


def _list_of_sizes(sizes):
    return list(sizes) if isinstance(sizes, Iterable) and np.ndim(sizes) == 1 else [sizes]


SIZES = Rule(
    lambda v: all(map(_is_size, _list_of_sizes(v))),
    "> 0, an integer or a sequence of integers",
    lambda v: [int(size) for size in _list_of_sizes(v)],
)


def _check_one_for_each(name, one, given, n_hidden):
    """Raise a ValueError unless a list has an entry for each hidden layer."""
    if len(given) != n_hidden:
        raise ValueError(
            f"{name} must be {one} for all hidden layers or one for each of the {n_hidden}, "
            f"got {shown(given)}"
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
            f"output layer, got {shown(init)}"
        )
    return [Initializer.resolve(each, "init") for each in pair]


def _embedding(embedding):
    """The embedding; None without one."""
    return None if embedding is None else Embedding.resolve(embedding, "embedding")


def _dropout(dropout, n_hidden, name):
    """One rate per hidden layer."""
    rule = real(0, 1, closed="left")
    if not isinstance(dropout, (list, tuple)):
        return [rule.check(name, dropout)] * n_hidden
    _check_one_for_each(name, "one rate", dropout, n_hidden)
    return [rule.check(f"each rate of {name}", rate) for rate in dropout]


def _of_members(flat, n_hidden):
    """The number of members, and the parameters that may differ between them."""
    members = flat["members"]
    given = members if isinstance(members, Mapping) else {}
    own = {
        name: [
            _of_member(name, value, n_hidden, f'members["{name}"][{number}]')
            for number, value in enumerate(values)
        ]
        for name, values in given.items()
    }
    # One value for all members, or one for each.
    alphas, dropouts, factors, rates = (
        own.get(name) or [_of_member(name, flat[name], n_hidden, name)] for name in OF_EACH_MEMBER
    )
    relative = np.divide(rates, max(rates))
    return {
        "members": len(next(iter(own.values()))) if own else members,
        "alpha": _common(alphas),
        "dropout": [_common(each) for each in zip(*dropouts)],
        "learning_rate_init": max(rates),
        "learning_rate_factors": {
            kind: _common([(each or {}).get(kind, 1.0) for each in factors] * relative)
            for kind in TRAINED_KINDS
        },
    }


def _of_member(name, value, n_hidden, place):
    """The value of a parameter that members may have of their own, checked."""
    if name == "dropout":
        return _dropout(value, n_hidden, place)
    return RULES[name].check(place, value)


def _common(values):
    """The value of all members, or an array if they differ."""
    values = np.array(values, np.float64)
    return float(values[0]) if (values == values[0]).all() else values


def _check_without_steps(flat, schedule, estimator):
    """Raise a ValueError for a parameter that a solver without steps does not support."""
    if not schedule.sgd_only:
        raise ValueError(
            f"learning_rate must be 'constant', 'invscaling' or 'adaptive' (which it ignores) "
            f"with solver={flat['solver']!r}, which chooses its own step lengths, "
            f"got {flat['learning_rate']!r}"
        )
    signature = inspect.signature(type(estimator)).parameters
    for name in sorted(NOT_WITH_LBFGS & flat.keys()):
        given, default = flat[name], signature[name].default
        # Rates by layer may all be zero.
        if any(given) if isinstance(given, (list, tuple)) else given != default:
            raise ValueError(
                f"{name} must be {default!r} with solver={flat['solver']!r}, which takes no "
                f"steps, got {given!r}"
            )


def _loss(flat, names):
    """The loss, one of these names or an object; a name may be of one that cannot smooth labels."""
    loss = Loss.resolve(flat["loss"], "loss", flat, names)
    smoothing = flat.get("label_smoothing", 0)
    if smoothing and isinstance(flat["loss"], str) and "label_smoothing" not in loss.flat:
        can = sorted(n for n, c in Loss.named().items() if "label_smoothing" in c.flat)
        raise ValueError(
            f"label_smoothing must be 0 with loss={flat['loss']!r}, which has none ({can} have), "
            f"got {smoothing!r}"
        )
    return loss
