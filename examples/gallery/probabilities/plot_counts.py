"""
Counts
======

Numbers of calls, claims or visits are not negative, and their spread grows with their mean.
``loss="poisson"`` is made for them: the network predicts the logarithm of a mean, so that means are
always positive. This example predicts calls by the hour, and compares with the squared error.
"""

# %%
# Calls by hour and weekday
# -------------------------
# Calls come in two waves, fewer of them at night and at weekends. The true means are known, since
# the counts are drawn from them.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import mean_poisson_deviance

from sknumpy_mlp import ScratchMLPRegressor

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"


def true_mean(hour, weekend):
    waves = 12 * np.exp(-((hour - 10) ** 2) / 6) + 9 * np.exp(-((hour - 17) ** 2) / 8)
    return (0.05 + waves) * np.where(weekend, 0.3, 1.0)


def inputs(hour, weekend):
    """The hour on a circle, since 24 is 0, and the weekend."""
    angle = 2 * np.pi * hour / 24
    return np.column_stack([np.sin(angle), np.cos(angle), weekend])


rng = np.random.default_rng(0)
hour, weekend = rng.uniform(0, 24, 2400), rng.random(2400) < 2 / 7
calls = rng.poisson(true_mean(hour, weekend))
train, test = np.arange(400), np.arange(400, 2400)
X = inputs(hour, weekend)

# %%
# Two losses
# ----------
# Both networks have the same settings but the loss.
models = {
    loss: ScratchMLPRegressor(
        loss,
        (32, 32),
        learning_rate="cosine",
        learning_rate_init=0.005,
        batch_size=50,
        max_iter=120,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[train], calls[train])
    for loss in ("squared_error", "poisson")
}

day = np.linspace(0, 24, 241)
workdays = train[~weekend[train]]
fig, axes = plt.subplots(
    2, 1, sharex=True, figsize=(6, 6.5), height_ratios=[3, 2], layout="constrained"
)
for ax in axes:
    ax.scatter(hour[workdays], calls[workdays], s=9, color="#888888", label="counts to train on")
    ax.plot(day, true_mean(day, False), color="black", linewidth=1.5, label="true mean")
    for (loss, model), color, style in zip(models.items(), (ORANGE, BLUE), ("--", "-")):
        curve = model.predict(inputs(day, np.zeros_like(day)))
        ax.plot(day, curve, style, color=color, linewidth=2.5, label=loss)
    ax.axhline(0, color="black", linewidth=0.8)
axes[0].set(ylabel="Calls in an hour", title="Predicted mean of calls")
axes[0].legend(loc="upper left", fontsize=11)
axes[1].set(ylabel="The same, near zero", xlabel="Hour of a working day", ylim=(-0.3, 0.9))
axes[1].set_xticks(range(0, 25, 6))
plt.show()

# %%
# At night, where nearly no one calls, the squared error predicts negative numbers. They have no
# Poisson deviance: they must be raised to a small positive number first, and the choice of this
# number matters.
for loss, model in models.items():
    print(f"{loss}: lowest prediction {model.predict(X[test]).min():.3f}")
for loss, model in models.items():
    for least in (0.1, 0.001):
        deviance = mean_poisson_deviance(calls[test], model.predict(X[test]).clip(least))
        print(f"{loss:13} at least {least:5}: deviance {deviance:.3f}")

# %%
# Rates: counts over unequal times
# --------------------------------
# If rows cover unequal times, predict the rate: the target is the count over the time, and the time
# is its weight. This is the same loss as that of the counts with the time as an offset.
#
# The picture compares rates by tenths of the test rows, sorted by their prediction. A model of
# counts is calibrated if the observed rate is the predicted one in each tenth.
hours = rng.uniform(0.25, 4, 2400)
counted = rng.poisson(hours * true_mean(hour, weekend))
rates = (
    ScratchMLPRegressor(
        "poisson",
        (32, 32),
        learning_rate="cosine",
        learning_rate_init=0.005,
        batch_size=50,
        max_iter=120,
        n_iter_no_change=None,
        random_state=0,
    )
    .fit(X[train], counted[train] / hours[train], sample_weight=hours[train])
    .predict(X[test])
)
tenths = np.array_split(np.argsort(rates), 10)
predicted = [np.average(rates[rows], weights=hours[test][rows]) for rows in tenths]
observed = [counted[test][rows].sum() / hours[test][rows].sum() for rows in tenths]

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ax.plot([0, 13], [0, 13], color="black", linestyle=":", label="calibrated")
ax.plot(
    predicted, observed, "o-", color=BLUE, markersize=9, linewidth=2, label="ten groups of rows"
)
ax.set(xlabel="Predicted calls in an hour", ylabel="Observed calls in an hour")
ax.set_title("Rates on 2,000 test rows")
ax.legend()
plt.show()
