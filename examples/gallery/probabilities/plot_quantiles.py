"""
Bands of quantiles
==================

A mean says nothing about how far a target may be from it. The loss
:class:`~sknumpy_mlp.losses.Quantiles` lets one network predict several quantiles at once, which do
not cross. Two of them are a band that holds a stated share of the targets.
"""

# %%
# Noise that grows
# ----------------
# The spread of the targets depends on x, and large deviations go upwards. A mean with a fixed error
# bar would be too wide on the left and too narrow on the right.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import ScratchMLPRegressor, losses

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def data(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, n)
    return x[:, None], np.sin(2 * x) + (0.1 + 0.4 * x) * (rng.gamma(2, 1, n) - 2) / 2


X_train, y_train = data(1500, seed=0)
X_test, y_test = data(2000, seed=1)

network = ScratchMLPRegressor(
    losses.Quantiles(quantiles=LEVELS),
    (32, 32),
    activation="tanh",
    learning_rate="cosine",
    learning_rate_init=0.01,
    batch_size=100,
    max_iter=80,
    n_iter_no_change=None,
    random_state=0,
).fit(X_train, y_train)

# %%
# The bands
# ---------
# `predict` returns one column for each quantile.
grid = np.linspace(0, 4, 200)[:, None]
low, lower, median, upper, high = network.predict(grid).T
x = grid[:, 0]

fig, ax = plt.subplots(layout="constrained")
ax.scatter(X_test[:400, 0], y_test[:400], s=9, color="#444444", zorder=2.5, label="new targets")
ax.fill_between(x, low, high, color=BLUE, alpha=0.25, linewidth=0, label="5 % to 95 %")
ax.fill_between(x, lower, upper, color=BLUE, alpha=0.4, linewidth=0, label="25 % to 75 %")
ax.plot(x, median, color=ORANGE, linewidth=2.5, zorder=3, label="median")
ax.set(xlabel="x", ylabel="y", title="Five quantiles by one network", ylim=(-3, 6))
ax.legend(loc="upper left", ncols=2, fontsize=11)
plt.show()

# %%
# Do they hold what they promise?
# -------------------------------
# A quantile of 5 % is right if 5 % of new targets lie below it. The picture shows the share of test
# rows below each quantile. Points on the diagonal are right. Check this on rows that were not
# trained on: a network that overfits its training rows predicts bands that are too narrow.
predicted = network.predict(X_test)
below = (y_test[:, None] <= predicted).mean(axis=0)
for level, share in zip(LEVELS, below):
    print(f"quantile {level:.2f}: {share:.3f} of the test rows are below")

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ax.plot([0, 1], [0, 1], color="black", linestyle=":", label="as promised")
ax.plot(LEVELS, below, "o-", color=BLUE, markersize=9, linewidth=2, label="this network")
ax.set(xlabel="Quantile", ylabel="Share of test rows below", title="Coverage on 2,000 test rows")
ax.legend()
plt.show()

# %%
# Where bands must hold a share that is guaranteed, conformal prediction corrects their width by
# held-out rows: the page on prediction intervals shows how, with the package MAPIE.
