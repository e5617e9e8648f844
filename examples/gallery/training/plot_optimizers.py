"""
Four optimizers
===============

All optimizers move the weights against the gradient. They differ in what they remember: momentum
remembers the direction, and the others also the size of each gradient.
"""

# %%
# In a narrow valley
# ------------------
# The function :math:`f(x, y) = (x^2 + 30 y^2) / 2` has its minimum at zero. It is thirty times as
# steep across the valley as along it. Plain gradient descent jumps from side to side. An optimizer
# is called as the network calls it: with the rate, the number of the step, the parameters and their
# gradient.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import LossCurveDisplay
from sknumpy_mlp.optimizers import SGD, Adam, RMSprop

plt.rcParams.update({"font.size": 11})

steepness = np.array([1.0, 30.0])
optimizers = {
    "sgd, no momentum": (SGD(momentum=0.0), 0.06),
    "sgd, momentum 0.9": (SGD(momentum=0.9), 0.01),
    "rmsprop": (RMSprop(), 0.2),
    "adam": (Adam(), 0.4),
}


def path(optimizer, rate, n_steps=40):
    theta = np.array([-9.0, 1.8])
    state = optimizer.start(theta)
    moments = [state[name] for name in optimizer.moments]
    points = [theta.copy()]
    for t in range(1, n_steps + 1):
        grad = steepness * theta
        optimizer.update(rate, t, theta, grad, np.empty_like(theta), *moments)
        points.append(theta.copy())
    return np.array(points)


x, y = np.meshgrid(np.linspace(-10, 4, 141), np.linspace(-2.6, 2.6, 105))
height = (x**2 + 30 * y**2) / 2
fig, axes = plt.subplots(4, 1, figsize=(6, 8.4), sharex=True, layout="constrained")
for ax, (name, (optimizer, rate)) in zip(axes, optimizers.items()):
    ax.contour(x, y, height, levels=[1, 5, 15, 30, 50, 75, 105], colors="#bbbbbb", linewidths=1)
    points = path(optimizer, rate)
    ax.plot(*points.T, "o-", color="#0072B2", markersize=4, linewidth=1.2)
    ax.plot(0, 0, "*", color="#D55E00", markersize=14)
    last = np.hypot(*points[-1])
    ax.set_title(f"{name}, rate {rate:g}: {last:.2g} from the minimum", fontsize=11)
    ax.set_ylim(-2.6, 2.6)
axes[-1].set_xlabel("x, along the valley")
fig.supylabel("y, across the valley")
fig.suptitle("Forty steps")
plt.show()

# %%
# On the digits
# -------------
# The same four train a network. Three or four rates of each were tried, and the one with the
# smallest training loss is shown. Momentum and Adam end with about a fifth of the loss of the
# others. The errors on test images differ less.
X, labels = load_digits(return_X_y=True)
solvers = {
    "sgd, no momentum": (SGD(momentum=0.0), 1.0),
    "sgd, momentum 0.9": (SGD(momentum=0.9), 0.3),
    "rmsprop": (RMSprop(), 0.01),
    "adam": (Adam(), 0.03),
}
fits = {
    name: ScratchMLPClassifier(
        (32,),
        solver=solver,
        learning_rate_init=rate,
        batch_size=64,
        max_iter=30,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200] / 16, labels[:1200])
    for name, (solver, rate) in solvers.items()
}
fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
styles = zip(("#999999", "#56B4E9", "#E69F00", "#0072B2"), ("-", "--", "-.", "-"))
styles = [{"color": color, "ls": style, "lw": 2} for color, style in styles]
LossCurveDisplay.from_estimators(fits, ax=ax, curve_kwargs=styles, log_scale=True)
ax.set(title="Digits: training loss", ylabel="Training loss")
plt.show()
for name, fit in fits.items():
    error = 1 - fit.score(X[1200:] / 16, labels[1200:])
    print(f"{name}: {error:.1%} of the test images are misread")
