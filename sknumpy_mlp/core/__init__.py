"""The network and its training, on NumPy and SciPy alone.

Nothing here knows of scikit-learn, labels or data frames. A network is usable by itself:

>>> import numpy as np
>>> from sknumpy_mlp.core import activations, batches, initializers, losses, network
>>> from sknumpy_mlp.core import optimizers, schedules, state, training
>>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
>>> y = np.array([0, 1, 1, 0])
>>> net = network.Network.dense([2, 8, 1], [activations.Tanh()])
>>> net.allocate(np.float64)
>>> net.draw(initializers.GlorotNormal(), np.random.RandomState(0))
>>> loss = losses.LogLoss().for_target("binary")
>>> data = batches.Batches(X, loss.encode_target(y, X.dtype), X.dtype, batch_size=4)
>>> settings = training.Settings(learning_rate_init=0.1, max_iter=100)
>>> start = state.TrainingState(np.random.RandomState(1))
>>> run = training.Training(net, loss, schedules.Constant(), data, settings, start)
>>> outcome = run.train(optimizers.Adam())
>>> Z = net.workspace(4, X.dtype).forward(X)
>>> loss.predict(Z)
array([0, 1, 1, 0])
"""
