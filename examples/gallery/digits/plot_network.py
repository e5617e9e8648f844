"""
The diagram of a network
========================

``NetworkDisplay`` draws the units of every layer and the weights between them, of each network that
the estimators can build.
"""

# %%
# A small classifier
# ------------------
# Four measurements of iris flowers go in at the left, the scores of three species come out at the
# right. Red weights are positive, blue ones negative, and strong lines are large weights.
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknumpy_mlp import ScratchMLPClassifier
from sknumpy_mlp.displays import NetworkDisplay

plt.rcParams.update({"font.size": 11})

iris = load_iris()
model = make_pipeline(
    StandardScaler(),
    ScratchMLPClassifier(
        (6, 5), "tanh", learning_rate_init=0.02, n_iter_no_change=None, random_state=0
    ),
).fit(iris.data, iris.target_names[iris.target])

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
display = NetworkDisplay.from_estimator(model, ax=ax, name="Iris: 4 features, 3 species")
plt.show()

# %%
# An ensemble for images
# ----------------------
# A layer with many units is elided: the first and the last ones are drawn. Several members are
# drawn as a stack, with the weights of one of them. ``summary`` has the numbers.
X, y = load_digits(return_X_y=True)
clf = ScratchMLPClassifier(
    (64, 32), members=4, max_iter=10, n_iter_no_change=None, random_state=0
).fit(X / 16, y)
print(clf.summary())

fig, ax = plt.subplots(figsize=(6, 4.6), layout="constrained")
NetworkDisplay.from_estimator(clf, max_units=10, ax=ax, name="Digits")
plt.show()
