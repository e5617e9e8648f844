"""Fits of each kind end where they ended when their numbers were recorded.

tests/recorded/fits.py records them, in NumPy. What may change them: a change of what is fitted,
which CHANGELOG.md then announces. What must not: another NumPy, BLAS, processor or engine.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from .kinds import KINDS, shown, trained

RECORDED = json.loads((Path(__file__).parent / "recorded/fits.json").read_text())
# Rounding of 1e-16 grows in the 25 steps of these fits to some 1e-13, in float32 from 1e-7 to some
# 1e-5. L-BFGS, a temperature and a median, whose gradient is a sign, can turn rounding into more.
# A changed formula, draw or order of rows moves these numbers by 1e-3 or more.
TOLERANCES = dict.fromkeys(KINDS, 1e-9) | {
    "float32": 1e-4,
    **dict.fromkeys(["lbfgs", "temperature", "members", "median", "quantile"], 1e-6),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_is_what_it_was(kind):
    model, expected = trained(kind), RECORDED[kind]
    close = {"rtol": TOLERANCES[kind], "atol": TOLERANCES[kind]}
    assert_allclose(vars(model).get("loss_curve_", []), expected["loss_curve"], **close)
    assert_allclose(shown(model, kind), expected["shown"], **close)


def test_every_kind_is_recorded_and_none_is_like_another():
    assert RECORDED.keys() == KINDS.keys()
    # Apart from the fit in float32, which is that in float64 up to rounding.
    shapes = {kind: np.shape(each["shown"]) for kind, each in RECORDED.items() if kind != "float32"}
    for one, other in combinations(shapes, 2):
        if shapes[one] == shapes[other]:
            apart = np.subtract(RECORDED[one]["shown"], RECORDED[other]["shown"])
            assert np.nanmax(abs(apart)) > 1e-5, (one, other)
