"""The table of `summary()`."""

import copy

import numpy as np

from sknumpy_mlp.activations import LeakyReLU

from ..common import brief, digits


def test_summary_prints_a_line_a_layer():
    X, y = digits()
    model = brief(
        max_iter=1,
        hidden_layer_sizes=(100, 1000),
        activation=["tanh", LeakyReLU(negative_slope=0.2)],
    )
    assert model.fit(X, y).summary().splitlines() == [
        "layer     units  activation                     parameters",
        "----------------------------------------------------------",
        "input        64                                          0",
        "hidden 1    100  tanh                                6,500",
        "hidden 2  1,000  LeakyReLU(negative_slope=0.2)     101,000",
        "output       10  softmax                            10,010",
        "----------------------------------------------------------",
        "total                                              117,510",
    ]


def test_pruned_units_are_predicted_without_and_summed_up():
    X, y = digits()
    clf = brief().fit(X, y)
    dead = copy.deepcopy(clf)
    dead.coefs_[1][-1] = 0
    clf.coefs_ = [clf.coefs_[0][:, :-1], clf.coefs_[1][:-1]]
    clf.intercepts_ = [clf.intercepts_[0][:-1], clf.intercepts_[1]]
    np.testing.assert_allclose(clf.predict_proba(X), dead.predict_proba(X), rtol=1e-12)
    # 64 x 7 + 7 + 7 x 10 + 10
    assert clf.summary().splitlines()[-1].split() == ["total", "535"]
