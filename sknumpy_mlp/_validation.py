"""What judges a fit on its way: rows that are held out, and the function that scores them.

`core.validation` computes with both after every epoch.
"""

import copy

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from ._checks import check_numbers, check_some_weight, refuse_sparse
from .core.batches import rows
from .core.temperature import fit_temperature
from .core.validation import Validation


def rows_of_members(n_members, n_samples):
    """The numbers of the rows that each member is trained on, if all are; None for one member."""
    return None if n_members == 1 else np.tile(np.arange(n_samples), (n_members, 1))


def split_rows(estimator, data, state):
    """Row numbers to train on, and those held out for early stopping, by member if several."""
    n_samples, fraction = data.X.shape[0], estimator.validation_fraction
    if np.ceil(fraction * n_samples) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset: validation_fraction={fraction}, n_samples={n_samples}."
        )
    options = {"test_size": fraction, "stratify": estimator._strata(data.target)}
    splits = [
        train_test_split(np.arange(n_samples), random_state=state.random_state, **options)
        for _ in range(estimator.members)
    ]
    return splits[0] if len(splits) == 1 else tuple(np.stack(each) for each in zip(*splits))


def validations(estimator, network, loss, data, X_rows, data_val, split, class_weight):
    """What judges every epoch, one `Validation` for each member; none without rows to judge by.

    Parameters
    ----------
    estimator : estimator
    network : Network
        In training.
    loss : Loss
    data : Data
        All rows that were given to train on.
    X_rows : DenseRows or SparseRows
        Their inputs.
    data_val : Data or None
        Those that were given to validate on.
    split : tuple of integer ndarray or None
        From `split_rows`.
    class_weight : ndarray or None
    """
    judges = []
    if data_val is None and split is not None:
        for member, index in zip(network.members, np.atleast_2d(split[1])):
            part = data.take(index)
            judges.append(_judge(estimator, member, loss, part, X_rows, class_weight, index))
    elif data_val is not None:
        _check_like(data_val, data, X_rows.dtype, estimator.feature_scale)
        rows_val = rows(data_val.X, X_rows.dtype)
        for member in network.members:
            judges.append(_judge(estimator, member, loss, data_val, rows_val, class_weight))
    elif estimator.temperature_scaling:
        raise ValueError(
            "temperature_scaling must be False where no rows validate, got True; "
            "early_stopping=True holds some out, X_val and y_val give some"
        )
    return judges


def _check_like(data_val, data, dtype, feature_scale):
    """Raise a ValueError unless given validation rows suit the network and the training rows."""
    check_numbers(data_val.X, dtype, "X_val")
    refuse_sparse(data_val.X, "X_val", feature_scale)
    check_numbers(data_val.target.codes, dtype, "y_val")
    if data_val.target.n_columns != data.target.n_columns:
        raise ValueError(
            f"y_val must have as many columns as y, {data.target.n_columns}, "
            f"got {data_val.target.n_columns}"
        )


def _judge(estimator, member, loss, data_val, rows_val, class_weight, index=None):
    """The `Validation` of one member by these rows; `index` is where they are in `rows_val`."""
    weights = data_val.loss_weights(class_weight)
    check_some_weight(weights, "held out by early_stopping or given as X_val")
    codes = loss.encode_target(data_val.target.codes, rows_val.dtype)
    score = score_function(estimator, member, loss, data_val, weights, index)
    return Validation(member, loss, rows_val, codes, weights, index, score)


def score_function(estimator, network, loss, data, weights, index=None):
    """What turns raw scores of validation rows into a score; None for minus their loss.

    Parameters
    ----------
    estimator : estimator
    network : Network
        In training.
    loss : Loss
    data : Data
        The validation rows.
    weights : ndarray of shape (n_samples,) or None
        Their weights in the loss.
    index : integer ndarray of shape (n_samples,) or None
        Which rows of ``data.X`` they are; all, if None.
    """
    if isinstance(estimator.scoring, str) and estimator.scoring == "loss":
        return None
    if estimator.scoring is None:
        codes = data.target.codes
        return lambda raw: estimator._score_codes(codes, loss.predict(raw), weights)
    scorer = check_scoring(estimator, estimator.scoring)
    # A twin that computes with the network in training; the rows have no column names.
    twin = copy.copy(estimator)
    vars(twin).pop("feature_names_in_", None)
    vars(twin).update(estimator._network_attributes(network, loss))
    X = data.X if index is None else data.X[index]
    weight = {} if data.sample_weight is None else {"sample_weight": data.sample_weight}
    return lambda raw: scorer(twin, X, data.y, **weight)


def temperature(judge):
    """The temperature that fits the validation rows best, with the network as it is now."""
    return fit_temperature(judge.loss, judge.raw_scores(), judge.y, judge.weights)
