"""Which column of the input each output column of a fitted transformer is made from.

scikit-learn's transformers name their outputs after their inputs. The inputs get names here that
are found again in any other name.
"""

import copy
import re

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

# Private characters of Unicode, which no category contains.
_MARKED = re.compile("\ue000([0-9]+)\ue001")


def origins(transformer, columns):
    """The column that each output column of `transformer` is made from.

    Parameters
    ----------
    transformer : transformer or "passthrough"
        Fitted. Pipelines, column transformers and unions of transformers are followed inside.
    columns : ndarray of int
        The number of the column that each input column is made from.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If the names of the outputs do not tell, or if an output is made from several columns.

    Examples
    --------
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> encoder = OneHotEncoder().fit([["red", 1], ["blue", 1]])
    >>> origins(encoder, np.arange(2)).tolist()
    [0, 0, 1]
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return columns
    if isinstance(transformer, Pipeline):
        for _, step in transformer.steps:
            columns = origins(step, columns)
        return columns
    if isinstance(transformer, ColumnTransformer):
        return _of_column_transformer(transformer, columns)
    if isinstance(transformer, FeatureUnion):
        parts = [origins(t, columns) for _, t in transformer.transformer_list if t != "drop"]
        return np.concatenate(parts)
    return _by_names(transformer, columns)


def _of_column_transformer(transformer, columns):
    found = {}
    for name, part, chosen in transformer.transformers_:
        place = transformer.output_indices_[name]
        if place.stop > place.start:
            found[place.start] = origins(part, columns[_numbers(transformer, chosen)])
    return np.concatenate([found[start] for start in sorted(found)])


def _numbers(transformer, chosen):
    """The numbers of the columns that are chosen by number, name, slice or mask."""
    names = getattr(transformer, "feature_names_in_", np.empty(0, dtype=object)).tolist()
    numbers = np.arange(transformer.n_features_in_)
    if isinstance(chosen, slice):
        ends = [names.index(e) if isinstance(e, str) else e for e in (chosen.start, chosen.stop)]
        # A slice of names includes the last.
        ends[1] = ends[1] + 1 if isinstance(chosen.stop, str) else ends[1]
        return numbers[slice(*ends, chosen.step)]
    chosen = np.atleast_1d(np.asarray(chosen))
    if chosen.dtype.kind in "OU":
        return np.array([names.index(name) for name in chosen.tolist()])
    return numbers[chosen]


def _by_names(transformer, columns):
    # scikit-learn refuses names other than those of `fit`.
    twin = copy.copy(transformer)
    vars(twin).pop("feature_names_in_", None)
    marked = np.array([f"\ue000{number}\ue001" for number in columns], dtype=object)
    what = type(transformer).__name__
    try:
        names = twin.get_feature_names_out(marked)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"model must have transformers with get_feature_names_out, which tells what a column "
            f"is made from, but {what} has none; {_ADVICE}"
        ) from error
    if len(set(columns)) == 1:
        return np.full(len(names), columns[0])
    found = [set(_MARKED.findall(name)) for name in names]
    for each, name in zip(found, names):
        if len(each) != 1:
            shown = _MARKED.sub(r"x\1", name)
            raise ValueError(
                "model must have transformers whose output columns are made from one column each, "
                f"but {what} makes {shown!r} from several or does not tell; {_ADVICE}"
            )
    return np.array([int(*each) for each in found], dtype=int)


_ADVICE = "explain the network alone: pass model[-1] and model[:-1].transform(X)"
