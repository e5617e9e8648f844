"""
Learning-rate schedules
=======================

A schedule maps the fraction of training done to a factor of the learning rate. Large steps at the
beginning go far, and small steps at the end settle.
"""

# %%
# The shapes
# ----------
# Each schedule is a function from 0 to 1. "invscaling" and "adaptive" depend on the number of rows
# seen and on plateaus of the loss, and have no fixed shape.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import LossCurveDisplay
from sknumpy_mlp.schedules import Schedule, Warmup

plt.rcParams.update({"font.size": 11})

fraction = np.linspace(0, 1, 401)
names = ("constant", "step", "exponential", "cosine", "coslog4", "one_cycle", "warmup")
schedules = {name: Schedule.named()[name]() for name in names}
schedules["warmup, then cosine"] = Warmup(fraction=0.1, then="cosine")

fig, axes = plt.subplots(4, 2, figsize=(6, 7), sharex=True, sharey=True, layout="constrained")
for ax, (name, schedule) in zip(axes.flat, schedules.items()):
    factors = [schedule(t) for t in fraction]
    ax.fill_between(fraction, factors, color="#0072B2", alpha=0.2)
    ax.plot(fraction, factors, color="#0072B2", linewidth=2)
    ax.set_title(name, fontsize=11)
fig.supxlabel("Fraction of training done")
fig.supylabel("Factor of the learning rate")
fig.suptitle("Schedules, with their defaults")
plt.show()

# %%
# What they do
# ------------
# With a constant rate, loss and error jump to the end. With a falling rate, they settle.
X, y = load_digits(return_X_y=True)
X = X / 16
fits = {
    name: ScratchMLPClassifier(
        (32,),
        learning_rate=name,
        learning_rate_init=0.03,
        batch_size=32,
        max_iter=25,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200], y[:1200], X_val=X[1200:], y_val=y[1200:])
    for name in ("constant", "cosine", "one_cycle")
}
fig, axes = plt.subplots(2, 1, figsize=(6, 6.6), sharex=True, layout="constrained")
colors = ("#999999", "#0072B2", "#E69F00")
styles = [{"color": color, "ls": style} for color, style in zip(colors, ("-", "--", "-."))]
display = LossCurveDisplay(losses=[fit.loss_curve_ for fit in fits.values()], name=[*fits])
display.plot(axes[0], curve_kwargs=styles, log_scale=True)
axes[0].set(title="Training loss", ylabel="Loss", xlabel="")
for (name, fit), style in zip(fits.items(), styles):
    axes[1].plot(range(1, 26), 1 - np.array(fit.validation_scores_), label=name, **style)
axes[1].set(title="Error on test images", ylabel="Error", xlabel="Epoch", ylim=(0, 0.25))
fig.suptitle("Three schedules on the digits")
plt.show()
