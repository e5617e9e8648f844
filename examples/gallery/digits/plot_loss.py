"""
The training loss
=================

A network on scikit-learn's digits, and its loss after each epoch.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
network = ScratchMLPClassifier((32,), max_iter=30, n_iter_no_change=None, random_state=0)
network.fit(X / 16, y)

fig, ax = plt.subplots()
ax.plot(network.loss_curve_)
ax.set(xlabel="epoch", ylabel="training loss")
plt.show()
