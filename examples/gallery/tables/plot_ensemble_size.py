"""
The size of an ensemble
=======================

``members=k`` trains k networks at once and averages their probabilities. This example trains 32
members once and evaluates ensembles of every size up to 32 that can be made from them.
"""

# %%
# Thirty-two networks in one fit
# ------------------------------
# With 300 digits to learn from and three narrow layers, the networks differ in their errors. The
# members are the first axis of the arrays of weights.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=300, stratify=y, random_state=0
)
ensemble = ScratchMLPClassifier(
    (16, 16, 16),
    members=32,
    batch_size=50,
    learning_rate_init=0.01,
    max_iter=40,
    n_iter_no_change=None,
    random_state=0,
).fit(X_train, y_train)
print(ensemble.coefs_[0].shape)

# %%
# Every member as a model of its own
# ----------------------------------
# ``from_weights`` makes a classifier of one member. The mean of all of their probabilities is what
# the ensemble predicts.
members = [
    ScratchMLPClassifier.from_weights(
        [W[k] for W in ensemble.coefs_], [b[k] for b in ensemble.intercepts_], ensemble.classes_
    )
    for k in range(32)
]
probabilities = np.array([member.predict_proba(X_test) for member in members])
np.testing.assert_allclose(probabilities.mean(axis=0), ensemble.predict_proba(X_test))

# %%
# Error and log-loss by size
# --------------------------
# For each size, 200 random ensembles are drawn from the 32 networks. The line is their mean, and
# the band holds nine tenths of them.
#
# By convexity, the log-loss of an average is at most the average of the log-losses: on any data, an
# ensemble is at least as good as its mean member. Each doubling gains less than the one
# before. The band becomes narrow, too: an ensemble depends less on `random_state`. At 32 it is a
# point, since all draws are the same ensemble.
sizes = np.arange(1, 33)
rng = np.random.default_rng(0)
errors, losses = np.empty((2, 32, 200))
for size in sizes:
    for draw in range(200):
        mean = probabilities[rng.permutation(32)[:size]].mean(axis=0)
        errors[size - 1, draw] = 100 * np.mean(ensemble.classes_[mean.argmax(axis=1)] != y_test)
        losses[size - 1, draw] = -np.log(mean[np.arange(len(y_test)), y_test]).mean()
np.testing.assert_allclose(losses[-1], log_loss(y_test, ensemble.predict_proba(X_test)))

fig, axes = plt.subplots(2, 1, sharex=True, figsize=(6, 6), layout="constrained")
for ax, values, color, label in zip(
    axes, (errors, losses), (BLUE, ORANGE), ("Test error, percent", "Test log-loss")
):
    ax.plot(sizes, values.mean(axis=1), color=color, linewidth=2.5)
    ax.fill_between(sizes, *np.quantile(values, [0.05, 0.95], axis=1), color=color, alpha=0.25)
    ax.set(ylabel=label)
axes[0].set_title("The mean, and nine tenths of 200 ensembles")
axes[1].set(xlabel="Number of members", xscale="log", xlim=(1, 32))
axes[1].set_xticks(shown := [1, 2, 4, 8, 16, 32], shown)
axes[1].minorticks_off()
plt.show()

for size in shown:
    print(
        f"{size:2} members: error {errors[size - 1].mean():.2f} %, "
        f"log-loss {losses[size - 1].mean():.3f}"
    )

# %%
# Time and memory of a fit and of a prediction grow with the number of members, so 4 or 8 are a good
# choice, and more are worth it only where predictions need not be fast.
