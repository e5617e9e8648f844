"""Drawn networks, rows at the edges and drawn tables, exported to ONNX."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp
from sknumpy_mlp.activations import Activation
from sknumpy_mlp.losses import Loss

from ..common import KINDS, brief
from ..exported import assert_same_classes, assert_same_numbers, exported
from . import cases

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

from sknumpy_mlp.onnx import column_types  # isort: skip

N_FEATURES = 4
EDGES = {
    np.float32: [0.0, -0.0, 1e-45, -1e-30, 1e-7, 0.5, 1.0, -1.0, 3.0, -10.0, 10.0],
    np.float64: [0.0, -0.0, 5e-324, -1e-300, 1e-15, 0.5, 1.0, -1.0, 1e4, -1e6, 1e6],
}


@st.composite
def networks(draw, names):
    """Parameters of a small network."""
    return {
        "hidden_layer_sizes": tuple(draw(st.lists(st.integers(1, 6), max_size=3))),
        "activation": draw(st.sampled_from(sorted(Activation.named()))),
        "loss": draw(st.sampled_from(names)),
        "members": draw(st.sampled_from([1, 1, 2, 3])),
        "feature_scale": draw(st.booleans()),
        "embedding": draw(st.sampled_from([None, "piecewise_linear"])),
        "random_state": draw(st.integers(0, 99)),
        "learning_rate_factors": {"feature_scale": 20.0, "embedding": 20.0},
        "max_iter": draw(st.integers(1, 6)),
        "engine": "numpy",
    }


def rows_at_the_edges(data, dtype):
    row = st.lists(st.sampled_from(EDGES[dtype]), min_size=N_FEATURES, max_size=N_FEATURES)
    return np.array(data.draw(st.lists(row, min_size=1, max_size=8)), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=cases(20, 300), deadline=None)
@given(data=st.data())
def test_probabilities_agree_at_the_edges(kind, dtype, data):
    parameters = data.draw(networks(Loss.serving(kind)))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    X = rng.standard_normal((60, N_FEATURES)).astype(dtype)
    y = {
        "binary": rng.randint(0, 2, 60),
        "multiclass": np.array(["a", "b", "c"])[rng.randint(0, 3, 60)],
        "multilabel": rng.randint(0, 2, (60, 3)),
    }[kind]
    model = brief(ScratchMLPClassifier, **parameters).fit(X, y)
    rows = rows_at_the_edges(data, dtype)
    # A training row too, whose labels are surely clear.
    rows = np.concatenate([rows, X])
    assert_same_classes(model, rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=cases(20, 300), deadline=None)
@given(data=st.data())
def test_numbers_agree_at_the_edges(dtype, data):
    parameters = data.draw(networks(sorted(set(Loss.serving("continuous")) - {"poisson"})))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    X = rng.standard_normal((60, N_FEATURES)).astype(dtype)
    y = rng.standard_normal((60, data.draw(st.integers(1, 2))))
    model = brief(ScratchMLPRegressor, **parameters).fit(X, y[:, 0] if y.shape[1] == 1 else y)
    assert_same_numbers(model, rows_at_the_edges(data, dtype))


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
numbers = st.one_of(st.none(), st.sampled_from([0.0, 1.0, -1e30, 1e30, 1e-30]), st.floats(width=32))


@st.composite
def tables(draw, n_rows):
    """Rows of three columns of numbers and two of text, with gaps."""
    finite = numbers.filter(lambda value: value is None or np.isfinite(value))
    words = draw(st.lists(text, min_size=2, max_size=6, unique=True))
    word = st.one_of(st.none(), st.sampled_from(words), text)
    columns = {f"n{k}": finite for k in range(3)} | {f"t{k}": word for k in range(2)}
    return pd.DataFrame(
        {
            name: pd.Series(
                draw(st.lists(each, min_size=n_rows, max_size=n_rows)),
                dtype=object if name[0] == "t" else float,
            )
            for name, each in columns.items()
        }
    )


@pytest.mark.filterwarnings("ignore:X may have columns", "ignore:Found unknown categories")
@settings(max_examples=cases(10, 150), deadline=None)
@given(data=st.data())
def test_tables_agree(data):
    frame, rows = data.draw(tables(24)), data.draw(tables(12))
    # Text that is numbers is read as numbers, and a column of nothing has no kind.
    frame.loc[0, ["t0", "t1"]] = "word"
    y = np.arange(24) % 3
    model = make_tabular_mlp(
        budget="fast", max_iter=2, random_state=0, batch_size="up to 8", validation_fraction=0.25
    )
    try:
        model.fit(frame, y)
    except ValueError as error:
        assert "range is finite" in str(error)
        return
    types = column_types(model)
    run = exported(model, None, {"zipmap": False}, initial_types=types)
    for each in (frame, rows):
        arrays = [
            (
                each[name].where(each[name].notna(), "").to_numpy(object)
                if name[0] == "t"
                else each[name].to_numpy(np.float32)
            )[:, np.newaxis]
            for name in each
        ]
        assert_same_classes(model, each, *arrays, run=run)
