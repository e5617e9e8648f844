"""
Loss of training and of held-out rows
=====================================

The loss of the rows that a network is trained on falls and falls. The loss of rows that it has not
seen rises again once the network learns the noise. ``LossCurveDisplay`` draws both, and the epoch
whose weights are kept.
"""

# %%
# One fit
# -------
# ``early_stopping=True`` holds out a part of the rows and keeps the weights of the best epoch, here
# by their loss. A few of the labels are wrong, as in most real data.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import LossCurveDisplay

plt.rcParams.update({"font.size": 11})

X, y = load_digits(return_X_y=True)
X = X / 16
rng = np.random.default_rng(0)
noisy = np.where(rng.random(len(y)) < 0.1, rng.integers(10, size=len(y)), y)


def network(**parameters):
    return ScratchMLPClassifier(
        **{"hidden_layer_sizes": (128,), "max_iter": 60, "batch_size": 50} | parameters,
        learning_rate_init=0.003,
        early_stopping=True,
        validation_fraction=0.3,
        scoring="loss",
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200], noisy[:1200])


clf = network()
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
LossCurveDisplay.from_estimator(clf, ax=ax, name="Loss", best_epoch_kw={"color": "black"})
ax.set(title=f"Best epoch: {clf.best_iter_} of {clf.n_iter_}", ylim=(0, None))
plt.show()

# %%
# Several fits
# ------------
# ``from_estimators`` draws several fits in one picture. The large network reaches its best epoch
# first, and overfits most.
fits = {f"{units} units": network(hidden_layer_sizes=(units,)) for units in (8, 32, 256)}
fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
styles = [{"color": color} for color in ("#E69F00", "#0072B2", "#000000")]
LossCurveDisplay.from_estimators(fits, ax=ax, curve_kwargs=styles, log_scale=True)
ax.set(title="Three sizes of the hidden layer")
ax.legend(loc="lower left", fontsize=9.5)
plt.show()

for name, model in fits.items():
    print(f"{name}: {model.score(X[1200:], y[1200:]):.1%} of clean test images are read correctly")

# %%
# Members of an ensemble
# ----------------------
# With several members, the curves are their means. Each member holds out rows of its own and has
# its own best epoch.
clf = network(members=4)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
LossCurveDisplay.from_estimator(clf, ax=ax, name="Loss", best_epoch_kw={"color": "black"})
ax.set(title="Four members, and the best epoch of each", ylim=(0, None))
plt.show()
