"""
Outliers in the target
======================

A squared error makes one wild target count as much as hundreds of good ones. Two other losses of
:class:`~sknumpy_mlp.ScratchMLPRegressor` do not: ``"huber"`` is squared near zero and linear
beyond `delta`, and ``"absolute_error"`` fits the median. This example spoils a part of the targets
and shows what each loss makes of them.
"""

# %%
# Data with wild targets
# ----------------------
# One target in eight is replaced by a large number, as a broken sensor would do.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import ScratchMLPRegressor

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
STYLES = {
    "squared_error": ("#D55E00", "--"),
    "huber": ("#009E73", "-."),
    "absolute_error": ("#0072B2", "-"),
}


def true_mean(x):
    return np.sin(2 * x) + 0.3 * x


def data(n, share, rng):
    x = rng.uniform(-3, 3, n)
    y = true_mean(x) + 0.15 * rng.standard_normal(n)
    broken = rng.random(n) < share
    return x, np.where(broken, rng.uniform(3, 8, n), y), broken


def network(loss):
    return ScratchMLPRegressor(
        loss,
        (32, 32),
        activation="tanh",
        learning_rate="cosine",
        learning_rate_init=0.01,
        batch_size=50,
        max_iter=120,
        n_iter_no_change=None,
        random_state=0,
    )


x, y, broken = data(400, 0.125, np.random.default_rng(0))
grid = np.linspace(-3, 3, 300)

# %%
# Three losses
# ------------
# The curve of the squared error is pulled upwards everywhere, by about the share of wild targets
# times their distance. The median stays, since most targets are good ones.
fig, ax = plt.subplots(layout="constrained")
ax.scatter(x[~broken], y[~broken], s=9, color="#888888", label="good targets")
ax.scatter(x[broken], y[broken], s=24, marker="x", color="black", label="wild targets")
ax.plot(grid, true_mean(grid), color="black", linewidth=1.5, label="true mean")
for loss, (color, style) in STYLES.items():
    curve = network(loss).fit(x[:, None], y).predict(grid[:, None])
    ax.plot(grid, curve, style, color=color, linewidth=2.5, label=loss)
ax.set(xlabel="x", ylabel="y", title="One target in eight is wild", ylim=(-2.5, 13.5))
ax.set_yticks([-2, 0, 2, 4, 6, 8])
ax.legend(ncols=2, loc="upper left", fontsize=11)
plt.show()

# %%
# How many can each loss bear?
# ----------------------------
# The error is measured against the true mean, on new points. Without wild targets, all
# three losses are about equally good. With more of them, the error of the squared loss grows with
# their share, and that of the median grows least.
shares = [0.0, 0.1, 0.2, 0.3]
errors = {loss: [] for loss in STYLES}
for share in shares:
    x, y, _ = data(400, share, np.random.default_rng(1))
    for loss in STYLES:
        curve = network(loss).fit(x[:, None], y).predict(grid[:, None])
        errors[loss].append(np.sqrt(np.mean((curve - true_mean(grid)) ** 2)))

fig, ax = plt.subplots(layout="constrained")
for loss, (color, style) in STYLES.items():
    ax.plot(shares, errors[loss], style, marker="o", color=color, linewidth=2.5, label=loss)
    print(f"{loss:15}", *(f"{error:6.2f}" for error in errors[loss]))
ax.set(
    xlabel="Share of wild targets",
    ylabel="Error against the true mean (RMSE)",
    title="Error by loss",
    ylim=(0, None),
)
ax.legend()
plt.show()

# %%
# `delta` of :class:`~sknumpy_mlp.losses.Huber` is the residual beyond which a target counts as an
# outlier, in the units of the target. ``losses.Huber(delta=0.3)`` here, about twice the noise, is
# nearly the median. If wild targets carry meaning, such as rare large claims, none of this is
# right: the mean includes them.
