"""A hundred steps of every optimizer, from the same weights as PyTorch's, end where PyTorch's do.

The numbers are recorded: tests/recorded/pytorch.py writes them, and the README.md beside it lists
where definitions differ.
"""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Optimizer, RMSprop

RECORDED = json.loads((Path(__file__).parent / "recorded/pytorch.json").read_text())
X, Y = np.array(RECORDED["X"]), np.array(RECORDED["y"])
OURS = {
    "sgd": SGD(momentum=0.0),
    "sgd with momentum": SGD(momentum=0.9, nesterovs_momentum=False),
    "sgd with Nesterov's momentum": SGD(momentum=0.9),
    "momentum": Momentum(momentum=0.9),
    "rmsprop": RMSprop(rho=0.9),
    "adagrad": AdaGrad(),
    "adam": Adam(epsilon=1e-30),
    "adam with the default epsilon": Adam(),
    "adam with other betas": Adam(beta_1=0.5, beta_2=0.9, epsilon=1e-30),
    "adamw": AdamW(epsilon=1e-30, weight_decay=0.1),
}
# Rounding of 1e-16 grows in a hundred steps, at most to 4e-11: Adam divides by what may be small.
# The place of epsilon moves a parameter by epsilon over the size of its gradient in each step.
TOLERANCES = dict.fromkeys(OURS, 1e-9) | {"adam with the default epsilon": 1e-4}
HAS_NUMBA = importlib.util.find_spec("numba") is not None
ENGINES = ["numpy", "compiled"] if HAS_NUMBA else ["numpy"]


def trained(optimizer, n_steps, engine):
    """The recorded starting weights after so many steps on all rows."""
    model = ScratchMLPClassifier.from_weights(
        RECORDED["coefs"],
        RECORDED["intercepts"],
        np.unique(Y),
        activation="tanh",
        solver=optimizer,
        learning_rate_init=RECORDED["rate"],
        alpha=0,
        batch_size="full",
        max_iter=n_steps,
        n_iter_no_change=None,
        warm_start=True,
        engine=engine,
    )
    return model.fit(X, Y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", RECORDED["steps"])
def test_steps_are_those_of_pytorch(name, engine):
    theirs, close = RECORDED["steps"][name], TOLERANCES[name]
    for n_steps, parameters in theirs["after"].items():
        model = trained(OURS[name], int(n_steps), engine)
        assert_allclose(model.loss_curve_, theirs["losses"][: int(n_steps)], rtol=close)
        for ours, expected in zip(
            model.coefs_ + model.intercepts_, parameters["coefs"] + parameters["intercepts"]
        ):
            assert_allclose(ours, expected, rtol=0, atol=close)


def test_lbfgs_finds_the_minimum_that_pytorch_s_finds():
    theirs = RECORDED["lbfgs"]
    model = ScratchMLPClassifier(
        (), solver="lbfgs", alpha=1.0, max_iter=1000, tol=1e-12, random_state=0
    ).fit(X, Y)
    # SciPy stops where an iteration lowers the loss by less than 2e-9 of it. The loss is flat at
    # its minimum: weights and probabilities are known to the root of that.
    assert_allclose(model.loss_, theirs["loss"], rtol=2e-9)
    assert_allclose(model.coefs_[0], theirs["coefs"], atol=2e-4)
    assert_allclose(model.predict_proba(X), theirs["probabilities"], atol=2e-4)


def test_every_optimizer_has_recorded_steps():
    assert OURS.keys() == RECORDED["steps"].keys()
    stepping = {cls for cls in Optimizer.named().values() if cls.takes_steps}
    assert {type(each) for each in OURS.values()} == stepping
