"""The weights of classes in the loss, from the parameter `class_weight`."""

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from ..core.held_out import in_units_of_the_largest


def weights_of_classes(class_weight, rows, incremental):
    """The weight of each class in the loss; None if `class_weight` is None.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    rows : Rows
        The training rows.
    incremental : bool
        Whether rows of other classes may follow, in later calls of `partial_fit`.

    Returns
    -------
    ndarray of shape (n_classes,) or None
    """
    if class_weight is None:
        return None
    target = rows.target
    if target.kind == "multilabel":
        raise ValueError(
            "class_weight must be None for a multilabel target, whose labels are not classes, "
            f"got {class_weight!r}; use sample_weight to weight samples"
        )
    if incremental and not isinstance(class_weight, dict):
        raise ValueError(
            "class_weight must be a dict or None for partial_fit, which cannot count the "
            f"samples of later calls, got {class_weight!r}; "
            "sklearn.utils.class_weight.compute_class_weight computes the weights"
        )
    classes = target.labels.classes
    known = set(classes.tolist())
    named = class_weight if isinstance(class_weight, dict) else ()
    unknown = [name for name in named if name not in known]
    if unknown:
        raise ValueError(
            f"class_weight must be a dict of classes among {classes}, got {class_weight!r}"
        )
    # A class whose samples all have zero weight gets weight 0, not infinity.
    with np.errstate(divide="ignore"):
        weights = compute_class_weight(
            class_weight,
            classes=classes,
            y=classes[target.codes],
            sample_weight=in_units_of_the_largest(rows.sample_weight),
        )
    return np.where(np.isfinite(weights), weights, 0.0)
