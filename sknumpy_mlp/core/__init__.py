"""The network and its training, on NumPy and SciPy alone.

Nothing in this package depends on scikit-learn, labels or data frames. A network can be used alone.
This example trains a network by hand, with 100 steps of Adam on all rows.

>>> import numpy as np
>>> from sknumpy_mlp import activations, initializers, losses, optimizers
>>> from sknumpy_mlp.core.batches import Batches
>>> from sknumpy_mlp.core.network import perceptron
>>> from sknumpy_mlp.core.objective import Objective
>>> from sknumpy_mlp.core.stepper import Stepper
>>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
>>> y = np.array([0, 1, 1, 0])
>>> network = perceptron([2, 8, 1], [activations.Tanh()])
>>> network.allocate(np.float64)
>>> network.draw(initializers.GlorotNormal(), np.random.RandomState(0))
>>> loss = losses.LogLoss().for_target("binary")
>>> batches = Batches(X, loss.encode_target(y, X.dtype), X.dtype, batch_size=4)
>>> objective = Objective(network, loss, 0.0, batches)
>>> adam = optimizers.Adam()
>>> moments = adam.start(network.theta)
>>> stepper = Stepper(adam, network.theta, network.grad, network.weights.size, moments)
>>> for _ in range(100):
...     penalty = objective.evaluate(0, 4)  # Fills network.grad.
...     stepper.step(rate=0.1)
>>> loss.link.predict(network.workspace(4, X.dtype).forward(X))
array([0, 1, 1, 0])
"""
