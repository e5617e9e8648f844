"""
Digits that are confused
========================

A network of one hidden layer trains in a second and misreads about one image in forty. Which digits
does it take for which, and can a person read them?
"""

# %%
# A network for digits
# --------------------
# The pixels have the values 0 to 16. Divided by 16, they all have the same small scale.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"font.size": 11})

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, test_size=0.5, stratify=y, random_state=0
)
clf = ScratchMLPClassifier(
    (64,),
    learning_rate="cosine",
    learning_rate_init=0.01,
    batch_size=64,
    max_iter=30,
    n_iter_no_change=None,
    random_state=0,
).fit(X_train, y_train)
print(f"{clf.score(X_test, y_test):.1%} of {len(y_test)} test images are read correctly")

# %%
# Which digits are confused
# -------------------------
# scikit-learn's ``ConfusionMatrixDisplay`` works on the network as on any classifier. Each row is a
# true digit. What is not on the diagonal is a mistake.
fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
ConfusionMatrixDisplay.from_estimator(clf, X_test, y_test, cmap="Blues", colorbar=False, ax=ax)
ax.set(xlabel="Predicted digit", ylabel="True digit", title="Confusion of held-out digits")
plt.show()

# %%
# The images that are missed
# --------------------------
# The twelve mistakes of which the network is most certain. Some are hard to read for people too.
probabilities = clf.predict_proba(X_test)
predicted = probabilities.argmax(axis=1)
misses = np.flatnonzero(predicted != y_test)
worst = misses[np.argsort(-probabilities[misses].max(axis=1))][:12]

fig, axes = plt.subplots(3, 4, figsize=(6, 5.6), layout="constrained")
for ax, number in zip(axes.flat, worst):
    ax.imshow(X_test[number].reshape(8, 8), cmap="gray_r")
    certainty = probabilities[number, predicted[number]]
    ax.set_title(f"{predicted[number]} ({certainty:.0%}), not {y_test[number]}", fontsize=11)
    ax.set(xticks=[], yticks=[])
for ax in axes.flat[len(worst) :]:
    ax.set_axis_off()
fig.suptitle("Predicted digit, with its probability, and the true one")
plt.show()
