"""
Reliability before and after temperature scaling
================================================

A network that is trained for long is too sure: of the rows to which it gives 95 %, fewer than 95 %
belong to the class. ``temperature_scaling=True`` divides the scores by one number, the temperature,
which is fitted to held-out rows. This example shows the reliability curve before and after, and how
the temperature is found.
"""

# %%
# An overconfident network
# ------------------------
# The classes overlap, and a network that is trained to the last epoch follows the noise. The
# held-out rows are used for the temperature only: ``restore_best=False`` keeps the last epoch.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = make_classification(
    6000, 20, n_informative=6, n_redundant=0, flip_y=0.2, class_sep=0.8, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=1500, random_state=0)
after = ScratchMLPClassifier(
    (32,),
    learning_rate_init=0.01,
    max_iter=60,
    n_iter_no_change=None,
    early_stopping=True,
    validation_fraction=0.2,
    restore_best=False,
    temperature_scaling=True,
    random_state=0,
).fit(X_train, y_train)
print(f"temperature {after.temperature_:.2f}")

# %%
# Before and after
# ----------------
# ``from_weights`` makes a classifier of the same weights without a temperature: the network before.
# Labels are the same, since a temperature does not change which class has the larger probability.
before = ScratchMLPClassifier.from_weights(after.coefs_, after.intercepts_, after.classes_)
assert (before.predict(X_test) == after.predict(X_test)).all()

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
for model, name, color, marker in (
    (before, "before", ORANGE, "s"),
    (after, "after", BLUE, "o"),
):
    loss = log_loss(y_test, model.predict_proba(X_test))
    CalibrationDisplay.from_estimator(
        model,
        X_test,
        y_test,
        n_bins=10,
        strategy="quantile",
        name=f"{name}: log-loss {loss:.2f}",
        ax=ax,
        color=color,
        marker=marker,
        linewidth=2.5,
    )
ax.set(
    xlabel="Predicted probability of class 1",
    ylabel="Share of class 1",
    title="Reliability on 4,500 test rows",
)
ax.legend(loc="upper left")
plt.show()

# %%
# How the temperature is found
# ----------------------------
# Scores are divided by the temperature before they become probabilities. Above one, probabilities
# move towards one half. `fit` takes the temperature with the lowest loss on its 300 held-out rows,
# under a mild preference for one. The test rows have their minimum nearby.
scores = before.decision_function(X_test)
temperatures = np.geomspace(0.5, 10, 60)
losses = [log_loss(y_test, 1 / (1 + np.exp(-scores / temperature))) for temperature in temperatures]

fig, ax = plt.subplots(layout="constrained")
ax.plot(temperatures, losses, color="black", linewidth=2.5)
ax.axvline(1, color=ORANGE, linestyle="--", linewidth=2, label="before")
ax.axvline(after.temperature_, color=BLUE, linewidth=2, label="after")
ax.set(xlabel="Temperature", ylabel="Log-loss of the test rows", xscale="log")
ax.set_xticks(ticks := [0.5, 1, 2, 4, 8], ticks)
ax.minorticks_off()
ax.set_title("Log-loss by temperature")
ax.legend(loc="upper right")
plt.show()

# %%
# One number cannot mend a curve that is wrong in its shape, but it needs few rows and never changes
# a label. :class:`~sklearn.calibration.CalibratedClassifierCV` has more flexible methods, which
# need more rows.
