"""The penalized mean loss of a batch and its gradient, at once and in blocks."""

import numpy as np
import pytest

from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.engines import NumpyEngine
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.optimizers import LBFGS

from .runs import PLAIN, crossentropy, data, logistic, prepare


def test_objective_gives_weighted_rows_their_share_of_loss_and_gradient():
    X, y = data(6)
    training = prepare(X, y)
    weights = np.array([0.0, 1.0, 2.0, 0.5, 0.0, 2.5])
    layer = training.network.layers[0]
    z = X @ layer.W[:, 0] + layer.b[0, 0]
    batches = Batches(X, y[:, np.newaxis].astype(float), np.float64, 6, weights)
    objective = Objective(training.network, training.loss, 0.5, batches)
    penalty = objective.evaluate(0, 6)
    np.testing.assert_allclose(objective.losses, weights * crossentropy(z, y), rtol=1e-13)
    w = layer.W[:, 0]
    np.testing.assert_allclose(penalty, 0.25 * w @ w, rtol=1e-14)
    expected = X.T @ (weights * (logistic(z) - y)) / 6 + 0.5 / 6 * w
    np.testing.assert_allclose(layer.dW[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("solver", [PLAIN, LBFGS()], ids=repr)
def test_a_batch_streamed_in_blocks_is_the_batch_at_once(monkeypatch, solver, weighted):
    X, y = data(23)
    weights = np.linspace(0, 2, 23) if weighted else None
    found, sizes, add_workspace = [], set(), Objective._add_workspace

    def recorded(self, n_samples):
        sizes.add(n_samples)
        return add_workspace(self, n_samples)

    monkeypatch.setattr(Objective, "_add_workspace", recorded)
    for block_elements in (Objective.block_elements, 20):
        monkeypatch.setattr(Objective, "block_elements", block_elements)
        sizes.clear()
        training = prepare(X, y, (4,), 23, weights=weights, max_iter=4, alpha=0.1, tol=1e-12)
        training.fit.engine = NumpyEngine()
        outcome = training.train(solver)
        found.append([outcome.loss, *training.network.theta])
        # 20 elements in the widest layer of 4 units are blocks of 5 rows.
        assert sizes == ({5, 3} if block_elements == 20 else {23})
    # Sums in another order.
    np.testing.assert_allclose(found[1], found[0], rtol=1e-11)
