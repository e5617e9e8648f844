"""
Five learning rates
===================

The learning rate is the size of a step, and the first setting to tune. Too small, and training is
slow. Too large, and steps jump over the valley that they should descend.
"""

# %%
# Stochastic gradient descent on the digits
# -----------------------------------------
# The same network, the same starting weights and the same batches, with five learning rates. With
# the largest, the first steps throw the weights so far away that the network never recovers.
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import LossCurveDisplay

plt.rcParams.update({"font.size": 11})

X, y = load_digits(return_X_y=True)
X = X / 16
styles = {
    0.001: ("#999999", "-"),
    0.01: ("#56B4E9", "--"),
    0.1: ("#0072B2", "-"),
    1.0: ("#E69F00", "--"),
    3.0: ("#D55E00", "-."),
}


def network(solver, rate):
    return ScratchMLPClassifier(
        (32,),
        solver=solver,
        momentum=0.0,
        learning_rate_init=rate,
        batch_size=64,
        max_iter=40,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200], y[:1200])


fits = {f"{rate:g}": network("sgd", rate) for rate in styles}
fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
kwargs = [{"color": color, "ls": style, "lw": 2} for color, style in styles.values()]
LossCurveDisplay.from_estimators(fits, ax=ax, curve_kwargs=kwargs, log_scale=True)
ax.set(title="Training loss by learning rate (sgd)", ylabel="Training loss")
ax.legend(title="Rate", fontsize=10, ncols=2)
plt.show()

# %%
# Which rate is best depends on the optimizer
# -------------------------------------------
# Adam divides each step by the size of recent gradients, so that its rates mean something else.
# Here, its best rate is a hundred times smaller.
rates = (0.0001, 0.001, 0.01, 0.1, 1.0)
fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
for solver, color, marker in (("sgd", "#0072B2", "o"), ("adam", "#E69F00", "s")):
    errors = [1 - network(solver, rate).score(X[1200:], y[1200:]) for rate in rates]
    ax.plot(rates, errors, color=color, marker=marker, markersize=8, lw=2, label=solver)
ax.set(
    xscale="log",
    yscale="log",
    yticks=(0.05, 0.1, 0.2, 0.5, 1),
    yticklabels=("5 %", "10 %", "20 %", "50 %", "100 %"),
    xlabel="Learning rate",
    ylabel="Error on test images",
    title="Error after 40 epochs by learning rate",
)
ax.minorticks_off()
ax.legend()
plt.show()
