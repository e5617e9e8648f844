"""What to report to a user whose fit diverged, did not converge, or is about to train badly."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from .._types import Array, Inputs, Parameters
from .._vectors import are_surely_finite
from ..schedules import Clock
from .batches import Rows
from .contracts import Fit, Plan

# The advice to scale the input is given for inputs larger than this.
LARGE_INPUT = 10.0
# `scale_advice` looks at data of at least so many rows, and at no more than so many of them.
FEWEST_ROWS, MOST_ROWS = 200, 1000
# A column of X or y with a larger root mean square should be scaled.
LARGE_COLUMN, LARGE_TARGET = 300.0, 100.0


class DivergedError(ValueError):
    """Training produced parameters that are not finite."""


def check_finite(fit: Fit, loss: float, when: str) -> None:
    """Raise a `DivergedError` unless the loss and all parameters are finite.

    Parameters
    ----------
    fit : Fit
    loss : float
    when : str
        When the loss was computed, for the message.
    """
    if np.isfinite(loss) and np.isfinite(fit.network.theta).all():
        return
    inputs, targets, what = _largest(fit.batches.X.X), 0.0, ""
    if "continuous" in fit.loss.kinds:
        targets = _largest(fit.batches.y.X)
        what = f", the largest absolute target {targets:g}"
    is_large = max(inputs, targets) > LARGE_INPUT and not _steep_terms(fit, inputs)
    raise DivergedError(
        "Solver produced non-finite parameter weights. "
        # The words of scikit-learn.
        + "The input data may contain large values and need to be preprocessed. " * is_large
        + f"It happened {when}; the loss was {loss:g}, the largest absolute input is {inputs:g}"
        f"{what}. {_remedy(fit, inputs, targets)}"
    )


def check_predictions(values: Array, X: Rows, parameters: Parameters) -> None:
    """Raise a ValueError unless all predictions are finite.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_columns)
        The predictions, or raw scores.
    X : DenseRows or SparseRows
        The rows that they belong to, whose numbers are finite.
    parameters : dict of str to list of ndarray
        The parameters of the network by kind, which users may have replaced.
    """
    if values.dtype.kind != "f" or are_surely_finite(values.ravel()):
        return
    is_sound = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if is_sound.all():
        return
    for kind, arrays in parameters.items():
        if not all(np.isfinite(array).all() for array in arrays):
            raise ValueError(f"{kind} of the network must be finite, got nan or infinity")
    row = int(is_sound.argmin())
    raise ValueError(
        f"X must hold rows whose predictions are finite, but that of row {row} overflows; its "
        f"largest absolute input is {_largest(X.slice(row, row + 1)):g}. Scale X as in fit "
        "(StandardScaler, MinMaxScaler)."
    )


def _steep_terms(fit: Fit, largest_input: float) -> list[str]:
    """Parameters whose terms of the gradient are steeper than the loss is in the weights.

    Returns
    -------
    list of str
    """
    plan, found = fit.plan, []
    # A gradient step multiplies the weights by one minus the rate times this.
    alpha = float(np.max(plan.alpha))
    steepness = alpha / fit.state.mean_weight / fit.batches.batch_size
    # The second derivative of the loss by a weight grows with the square of its input.
    if steepness > max(1.0, min(largest_input, 1e150)) ** 2:
        mean = fit.state.mean_weight
        found.append(
            f"alpha={alpha:g}" + (f" (over the mean weight {mean:g})" if mean != 1 else "")
        )
    if abs(plan.optimizer.shrinkage(plan.learning_rate_init)) > 1:
        found.append(f"the weight decay of {plan.optimizer!r}")
    return found


def _remedy(fit: Fit, largest_input: float, largest_target: float) -> str:
    """What to do about a fit that diverged."""
    takes_steps = fit.plan.optimizer.takes_steps
    rate = " or lower learning_rate_init" if takes_steps else ""
    if steep := _steep_terms(fit, largest_input):
        return f"The penalty of {' and '.join(steep)} outweighs the loss: lower it{rate}."
    sizes = {"input": largest_input, "target": largest_target}
    large = [name for name, size in sizes.items() if size > LARGE_INPUT]
    if large:
        return f"Scale the {' and '.join(large)} (StandardScaler, MinMaxScaler){rate}."
    first = "Lower learning_rate_init, or start" if takes_steps else "Start"
    return f"{first} from smaller weights (init)."


def advice(fit: Fit, what: str, values: Sequence[float]) -> str:
    """Describe a fit that did not converge, and what to try next.

    Parameters
    ----------
    fit : Fit
    what : str
        What decides whether training has converged, for the message.
    values : list of float
        Its value after each epoch.

    Returns
    -------
    str
    """
    plan = fit.plan
    words = [
        f"Stochastic Optimizer: Maximum iterations ({plan.max_iter}) reached and the "
        "optimization hasn't converged yet."
    ]
    if len(values) > 1:
        words.append(
            f"In the last epoch the {what} went from {values[-2]:.6g} to {values[-1]:.6g} "
            f"(tol={plan.tol:g})."
        )
    words.append(
        "Raise max_iter or learning_rate_init; n_iter_no_change=None trains for max_iter "
        "epochs without this warning."
    )
    # Reads the whole input: not where nobody will be warned.
    largest = 0.0 if plan.n_iter_no_change is None else _largest(fit.batches.X.X)
    if largest > LARGE_INPUT:
        words.append(
            f"The largest absolute input is {largest:g}: scale the input (StandardScaler, "
            "MinMaxScaler)."
        )
    return " ".join(words)


def _largest(array: Inputs) -> float:
    """The largest absolute value of a dense or sparse array."""
    # The methods of a sparse matrix add up duplicates in place.
    values = array.data if sparse.issparse(array) else array
    return max(abs(float(values.max(initial=0))), abs(float(values.min(initial=0))))


def scale_advice(X: Inputs, y: Array | None = None, names: Sequence[str] | None = None) -> str:
    """Describe a column of inputs or targets that should be scaled before training.

    Parameters
    ----------
    X : array or CSR of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), default=None
        Numbers; None for classes, and where the loss has an exponential link.
    names : sequence of str, default=None
        Names of the columns of `X`.

    Returns
    -------
    str
        Empty if nothing needs to be scaled, or if there are fewer than 200 rows.
    """
    step, words = -(-X.shape[0] // MOST_ROWS), []
    if X.shape[0] < FEWEST_ROWS:
        return ""
    column, size = _largest_column(X[::step])
    if size > LARGE_COLUMN:
        scaler = "MaxAbsScaler" if sparse.issparse(X) else "StandardScaler"
        words.append(
            f"X should be scaled: the root mean square of column "
            f"{column if names is None else repr(str(names[column]))} is about {_one_digit(size)}, "
            f"more than {LARGE_COLUMN:g}. Neural networks train best when all features have a "
            f"similar, small scale: use make_pipeline({scaler}(), network)."
        )
    column, size = (0, 0.0) if y is None else _largest_column(y[::step])
    if y is not None and size > LARGE_TARGET:
        which = f"the root mean square of column {column}" if y.ndim > 1 else "its root mean square"
        words.append(
            f"y should be scaled: {which} is about {_one_digit(size)}, more than {LARGE_TARGET:g}. "
            "Use TransformedTargetRegressor(network, transformer=StandardScaler()), which converts "
            "predictions back."
        )
    return " ".join(words)


def _largest_column(part: Inputs) -> tuple[int, float]:
    """The number of the column with the largest root mean square, and its root mean square."""
    is_sparse = sparse.issparse(part)
    values = part.data if is_sparse else part.reshape(part.shape[0], -1)
    values = values.astype(np.float64)
    # In units of the largest value, so that no square overflows.
    unit = np.abs(values).max(initial=1.0)
    values /= unit
    if is_sparse:
        squares = np.bincount(part.indices, values**2, part.shape[1])
    else:
        squares = np.einsum("ij,ij->j", values, values)
    column = int(squares.argmax())
    return column, float(unit * np.sqrt(squares[column] / part.shape[0]))


def _one_digit(size: float) -> str:
    """A size with one significant digit, so that subsets of the same rows give the same text."""
    return f"{float(f'{size:.0e}'):g}"


def schedule_advice(plan: Plan, clock: Clock) -> str:
    """Describe a schedule that `partial_fit` has outrun.

    Parameters
    ----------
    plan : Plan
    clock : Clock
        After the epoch of the call.

    Returns
    -------
    str
        Empty in every call but the first one beyond `max_iter`.
    """
    schedule = plan.schedule
    if not schedule.reads_fraction or clock.epochs != plan.max_iter + 1:
        return ""
    last = schedule.at(clock)
    # A schedule that ends with a large factor, such as a warmup, does not end training.
    if not last < max(schedule.at(replace(clock, fraction=t)) for t in (0.0, 0.5)):
        return ""
    return (
        "The schedule in learning_rate has reached its end and stays at its last factor, "
        f"{last:g}: it planned for max_iter={plan.max_iter} epochs, and with partial_fit an epoch "
        "is a call. Raise max_iter to the number of planned calls."
    )
