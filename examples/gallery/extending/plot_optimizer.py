"""
An optimizer of your own
========================

An optimizer is one class with one method: ``update`` makes a step on the flat vector of all
parameters, in place. The vectors that it remembers from step to step are named in ``moments``.
"""

# %%
# Lion
# ----
# Lion (Chen et al., 2023) moves every parameter by the same amount, the rate, in the direction of
# the sign of a momentum. It needs one moment where Adam needs two.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier, optimizers
from sknumpy_mlp.displays import LossCurveDisplay

plt.rcParams.update({"font.size": 11})


class Lion(optimizers.Optimizer):
    """Steps by the sign of a momentum (Chen et al., 2023)."""

    flat = ("beta_1", "beta_2")
    moments = ("m",)

    def __init__(self, *, beta_1=0.9, beta_2=0.99):
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def update(self, rate, t, theta, grad, scratch, m):
        m -= grad
        np.multiply(m, self.beta_1, out=scratch)
        scratch += grad  # beta_1 m + (1 - beta_1) grad
        np.sign(scratch, out=scratch)
        scratch *= rate
        theta -= scratch
        m *= self.beta_2
        m += grad  # beta_2 m + (1 - beta_2) grad


# %%
# What its steps look like
# ------------------------
# In the valley :math:`f(x, y) = (x^2 + 30 y^2) / 2`, all steps go along the diagonals, whatever the
# size of the gradient. They do not become shorter near the minimum, and the long momentum carries
# them past it: Lion needs a falling rate.
def path(optimizer, rates):
    theta = np.array([-9.0, 1.8])
    state = optimizer.start(theta)
    moments = [state[name] for name in optimizer.moments]
    points = [theta.copy()]
    for t, rate in enumerate(rates, 1):
        grad = np.array([1.0, 30.0]) * theta
        optimizer.update(rate, t, theta, grad, np.empty_like(theta), *moments)
        points.append(theta.copy())
    return np.array(points)


falling = 0.6 * np.linspace(1, 0, 60)
x, y = np.meshgrid(np.linspace(-10, 7, 171), np.linspace(-2.6, 2.6, 105))
fig, axes = plt.subplots(2, 1, figsize=(6, 4.8), sharex=True, layout="constrained")
for ax, name, rates in zip(axes, ("constant", "falling"), (np.full(60, 0.3), falling)):
    ax.contour(x, y, (x**2 + 30 * y**2) / 2, levels=[1, 5, 15, 30, 50, 75, 105], colors="#bbbbbb")
    points = path(Lion(), rates)
    ax.plot(*points.T, "o-", color="#0072B2", markersize=4, linewidth=1.2)
    ax.plot(0, 0, "*", color="#D55E00", markersize=14)
    ax.set_title(f"{name} rate: {np.hypot(*points[-1]):.2g} from the minimum", fontsize=11)
    ax.set_ylim(-2.6, 2.6)
axes[-1].set_xlabel("x, along the valley")
fig.supylabel("y, across the valley")
fig.suptitle("Sixty steps of Lion")
plt.show()

# %%
# On the digits
# -------------
# Pass an object to ``solver``. Rates of Lion are three to ten times smaller than those of Adam.
X, labels = load_digits(return_X_y=True)
X = X / 16
fits = {
    name: ScratchMLPClassifier(
        (32,),
        solver=solver,
        learning_rate="cosine",
        learning_rate_init=rate,
        batch_size=64,
        max_iter=30,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200], labels[:1200])
    for name, solver, rate in (("adam", "adam", 0.01), ("Lion", Lion(), 0.003))
}
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
styles = [{"color": "#E69F00", "ls": "--", "lw": 2}, {"color": "#0072B2", "lw": 2}]
LossCurveDisplay.from_estimators(fits, ax=ax, curve_kwargs=styles, log_scale=True)
ax.set(title="Digits: training loss", ylabel="Training loss")
plt.show()
for name, fit in fits.items():
    error = 1 - fit.score(X[1200:], labels[1200:])
    print(f"{name}: {error:.1%} of the test images are misread")
