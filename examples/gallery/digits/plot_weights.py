"""
What the first layer looks for
==============================

Each unit of the first layer has one weight for each pixel. Drawn as an image, the weights show what
the unit responds to: red pixels excite it, blue pixels inhibit it.
"""

# %%
# Weights before and after training
# ---------------------------------
# Initial weights are random. Training turns them into detectors of strokes. The L2 term (``alpha``)
# removes what is not needed: the weights of pixels that are white in all images, and those of whole
# units, become zero.
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import WeightsDisplay

plt.rcParams.update({"font.size": 11})

X, y = load_digits(return_X_y=True)
X = X / 16


def network(epochs):
    return ScratchMLPClassifier(
        (16,),
        alpha=1.0,
        learning_rate_init=0.01,
        batch_size=100,
        max_iter=epochs,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X[:1200], y[:1200])


fig, axes = plt.subplots(1, 2, figsize=(6, 4.3), layout="constrained")
for ax, epochs in zip(axes, (1, 60)):
    clf = network(epochs)
    name = "1 epoch" if epochs == 1 else f"{epochs} epochs"
    display = WeightsDisplay.from_estimator(
        clf, name=f"Weights after {name}", ax=ax, colorbar=False
    )
    fig.colorbar(display.im_, ax=ax, label="Weight", orientation="horizontal", shrink=0.9)
    print(f"{name}: {clf.score(X[1200:], y[1200:]):.1%} of the test images are read correctly")
plt.show()

# %%
# One unit, and the images that excite it most
# --------------------------------------------
# The unit's input is the sum of the pixels, each times its weight. Here are the weights of the unit
# with the largest ones, and the four images with the largest input.
W = clf.coefs_[0]
unit = abs(W).max(axis=0).argmax()
first = (X[1200:] @ W[:, unit]).argsort()[::-1][:4] + 1200

fig, axes = plt.subplots(1, 5, figsize=(6, 2.3), layout="constrained")
WeightsDisplay.from_estimator(clf, units=[unit], name=f"Unit {unit}", ax=axes[0], colorbar=False)
for ax, number in zip(axes[1:], first):
    ax.imshow(X[number].reshape(8, 8), cmap="gray_r")
    ax.set(title=f"a {y[number]}", xticks=[], yticks=[])
fig.suptitle("A unit, and the images that excite it most")
plt.show()
