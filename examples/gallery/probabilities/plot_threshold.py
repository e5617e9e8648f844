"""
A threshold chosen by its costs
===============================

`predict` takes the class with the larger probability: the threshold is one half. If one kind of
error costs more than the other, another threshold is better.
:class:`~sklearn.model_selection.TunedThresholdClassifierCV` finds it by cross-validation, from the
costs that you state.
"""

# %%
# Costs
# -----
# One row in twenty is a fraud. A fraud that is missed costs 100, and a check of a row costs 8,
# whatever the check finds. To check every row or none are the costs to compare with.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import confusion_matrix, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"
MISSED, CHECK = 100, 8


def cost(y_true, y_predicted):
    """The mean cost of a row."""
    (_, checked_in_vain), (missed, found) = confusion_matrix(y_true, y_predicted, labels=[0, 1])
    return (MISSED * missed + CHECK * (checked_in_vain + found)) / len(y_true)


X, y = make_classification(
    8000,
    20,
    n_informative=6,
    n_clusters_per_class=3,
    weights=[0.95],
    flip_y=0.01,
    class_sep=1.2,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, test_size=0.5, random_state=0)

# %%
# The threshold
# -------------
# Each candidate threshold is scored on rows that the network of its fold has not seen.
network = ScratchMLPClassifier(
    (32,), learning_rate_init=0.005, max_iter=20, n_iter_no_change=None, random_state=0
)
model = TunedThresholdClassifierCV(
    network,
    scoring=make_scorer(cost, greater_is_better=False),
    store_cv_results=True,
    random_state=0,
).fit(X_train, y_train)
print(f"threshold {model.best_threshold_:.3f}")

# %%
# If probabilities are exact, a check pays where the probability times 100 is more than 8: this is a
# threshold of 0.08. The tuned threshold is nearly the same, so these probabilities are good. Where
# they are not, for example with ``class_weight="balanced"``, which predicts the rare class with a
# higher probability than it has, the tuned threshold makes up for that. The curve is flat around
# its minimum, so the exact place does not matter.
rows = {
    "threshold 0.5": (0.5, ORANGE, "--"),
    f"tuned: {model.best_threshold_:.2f}": (model.best_threshold_, BLUE, "-"),
}
curve = model.cv_results_

fig, ax = plt.subplots(layout="constrained")
ax.plot(curve["thresholds"], -curve["scores"], color="black", linewidth=2.5)
for name, (threshold, color, style) in rows.items():
    ax.axvline(threshold, color=color, linestyle=style, linewidth=2, label=name)
ax.set(
    xlabel="Threshold on the probability of a fraud",
    ylabel="Mean cost of a row (cross-validated)",
    title="Cost by threshold",
    ylim=(0, None),
)
ax.legend(loc="lower right")
plt.show()

# %%
# What it saves
# -------------
# On new rows, the costs of the two thresholds, beside those of no check and of a check of all.
probability = model.predict_proba(X_test)[:, 1]
costs = {name: cost(y_test, probability >= t) for name, (t, *_) in rows.items()}
costs = {"check none": cost(y_test, np.zeros(len(y_test))), **costs}
costs["check all"] = cost(y_test, np.ones(len(y_test)))
np.testing.assert_allclose(
    cost(y_test, model.predict(X_test)), cost(y_test, probability >= model.best_threshold_)
)

fig, ax = plt.subplots(layout="constrained")
colors = ["#666666", ORANGE, BLUE, "#666666"]
bars = ax.barh(list(costs), list(costs.values()), color=colors)
ax.bar_label(bars, fmt="%.2f", padding=4)
ax.set(xlabel="Mean cost of a test row", xlim=(0, 1.15 * max(costs.values())))
ax.set_title("Cost on new rows")
ax.invert_yaxis()
plt.show()
