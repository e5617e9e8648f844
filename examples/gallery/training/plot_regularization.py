"""
Dropout and label smoothing
===========================

A network with more weights than it needs learns its rows by heart. Dropout omits random units in
each step, so that no unit can rely on another. Label smoothing asks for a probability below one, so
that weights need not grow.
"""

# %%
# Dropout
# -------
# There are 300 digits to train on, and one label in ten is drawn at random. Without dropout, the
# network learns the wrong labels too, and the loss of test images rises after some fifteen epochs.
# With dropout it rises little, and the training loss, that of thinned networks, stays above zero.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import LossCurveDisplay

plt.rcParams.update({"font.size": 11})

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=300, stratify=y, random_state=0)
rng = np.random.default_rng(0)
y = np.where(rng.random(300) < 0.1, rng.integers(10, size=300), y)


def network(**parameters):
    return ScratchMLPClassifier(
        (128, 128),
        learning_rate_init=0.002,
        batch_size=30,
        max_iter=80,
        n_iter_no_change=None,
        random_state=0,
        **parameters,
    ).fit(X, y, X_val=X_test, y_val=y_test)


fits = {"no dropout": network(), "dropout 0.5": network(dropout=0.5)}
fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
styles = [{"color": "#E69F00", "lw": 2}, {"color": "#0072B2", "lw": 2}]
LossCurveDisplay.from_estimators(
    fits, ax=ax, curve_kwargs=styles, log_scale=True, plot_best_epoch=False
)
ax.set_title("Loss with and without dropout")
plt.show()

# %%
# Label smoothing
# ---------------
# The share 0.1 of each target is spread over all classes. The network is then less certain, also
# where it is wrong.
fits["smoothing 0.1"] = network(label_smoothing=0.1)
fig, axes = plt.subplots(3, 1, figsize=(6, 6.6), sharex=True, layout="constrained")
bins = np.linspace(0, 1, 26)
for ax, (name, fit) in zip(axes, fits.items()):
    probabilities = fit.predict_proba(X_test)
    is_right = probabilities.argmax(axis=1) == y_test
    certainty = probabilities.max(axis=1)
    ax.hist(
        [certainty[is_right], certainty[~is_right]],
        bins=bins,
        stacked=True,
        color=["#0072B2", "#E69F00"],
        label=["right", "wrong"],
    )
    loss = -np.log(probabilities[range(len(certainty)), y_test]).mean()
    ax.set_title(f"{name}: {is_right.mean():.1%} right, loss {loss:.3f}", fontsize=11)
    ax.set(yscale="log", ylabel="Images")
axes[0].legend(loc="upper left")
axes[-1].set_xlabel("Probability of the predicted digit")
fig.suptitle("Certainty of right and wrong predictions")
plt.show()
