"""A user's program with types, which strict type checkers accept and which runs."""

from pathlib import Path
from typing import Any, TypeAlias, assert_type

import numpy as np
from numpy.typing import NDArray

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp
from sknumpy_mlp.activations import GELU
from sknumpy_mlp.callbacks import Checkpoint
from sknumpy_mlp.losses import Huber
from sknumpy_mlp.optimizers import AdamW, Optimizer

Floats: TypeAlias = NDArray[np.floating[Any]]


class SignDescent(Optimizer):
    """An optimizer of the user's own, without moments."""

    def update(
        self, rate: float, t: int, theta: Floats, grad: Floats, scratch: Floats, *moments: Floats
    ) -> None:
        """Move each parameter by the learning rate, against the sign of its gradient."""
        np.sign(grad, out=scratch)
        scratch *= rate
        theta -= scratch


def main(folder: Path) -> None:
    """Fit, read fitted attributes, predict, continue, save checkpoints."""
    X, y = np.tile(np.eye(4), (10, 1)), np.arange(40) % 2

    clf = ScratchMLPClassifier((8,), solver=AdamW(), activation=GELU(), n_iter_no_change=None)
    clf.set_params(max_iter=3, random_state=0)
    assert_type(clf.fit(X, y), ScratchMLPClassifier)
    assert_type(clf.coefs_, list[Floats])
    assert_type(clf.intercepts_, list[Floats])
    assert_type(clf.loss_curve_, list[float])
    assert_type(clf.n_iter_, int)
    assert_type(clf.best_loss_, float | None)
    assert_type(clf.predict_proba(X), Floats)
    print(clf.predict(X).shape, clf.coefs_[0].shape, clf.summary())
    assert_type(clf.partial_fit(X, y), ScratchMLPClassifier)

    reg = ScratchMLPRegressor(Huber(delta=2.0), (8,), solver=SignDescent(), max_iter=3)
    reg.set_params(n_iter_no_change=None)
    print(reg.fit(X, y.astype(float)).predict(X).shape, reg.score(X, y))

    table = make_tabular_mlp("regression", members=2, max_iter=3, random_state=0)
    table.fit(X, y)

    # Callbacks need scikit-learn 1.9.
    if hasattr(clf, "set_callbacks"):
        clf.set_callbacks(Checkpoint(folder / "saved.joblib", seconds=0.0)).fit(X, y)
