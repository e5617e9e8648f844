"""
Against gradient boosting on a table of your own
================================================

Networks win on some tables and gradient boosting on others. Which one wins on yours is quickly
measured. This example has a function that compares both on any frame, split by split. It runs on
three tables: the network is ahead on one, boosting on another, and on the third it is a draw.
"""

# %%
# The comparison
# --------------
# Both models get the same splits, so that differences are not those of the splits. The log-loss
# says more than the error, since it also counts how sure a model is. Both models see categories:
# :class:`~sklearn.ensemble.HistGradientBoostingClassifier` needs the categorical type of pandas.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import ShuffleSplit, cross_validate

from sknumpy_mlp import make_tabular_mlp

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE = "#0072B2", "#D55E00"

MODELS = {
    "network": make_tabular_mlp(budget="fast", random_state=0),
    "boosting": HistGradientBoostingClassifier(early_stopping=True, random_state=0),
}


def compare(frame, target, n_splits=4):
    """Test error in percent and log-loss: one row for each split, one column for each model."""
    text = frame.select_dtypes(exclude=["number", "bool"]).columns
    frame = frame.astype(dict.fromkeys(text, "category"))
    splits = ShuffleSplit(n_splits, test_size=0.25, random_state=0)
    scores = {
        name: cross_validate(
            model,
            frame,
            target,
            cv=splits,
            scoring=["accuracy", "neg_log_loss"],
            error_score="raise",
        )
        for name, model in MODELS.items()
    }
    errors = pd.DataFrame({name: 100 - 100 * s["test_accuracy"] for name, s in scores.items()})
    losses = pd.DataFrame({name: -s["test_neg_log_loss"] for name, s in scores.items()})
    return errors, losses


# %%
# Three tables
# ------------
# One table is measured: cells of 569 tumours. The other two are made: 1,000 rows with a category.
# In "smooth", the class changes along curves that cross many columns. In "intervals", it depends on
# intervals of two columns, and ten more columns mean nothing: that is what trees are made for. In
# both, a tenth of the labels is wrong. To compare on a frame of your own, put it here.
def made(label, n_columns, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.random((1000, n_columns))).rename(columns="c{}".format)
    frame["kind"] = rng.choice(["x", "y", "z"], 1000)
    is_high = label(frame) ^ (rng.random(1000) < 0.1)
    return frame, np.where(is_high, "high", "low")


def smooth(frame):
    waves = np.sin(3 * (frame["c0"] + frame["c1"])) + np.cos(4 * (frame["c2"] - frame["c3"]))
    return waves + (frame["c4"] - 0.5) * 2 + 0.4 * (frame["kind"] == "x") > 0.9


def intervals(frame):
    left = frame["c0"].between(0.3, 0.55) | (frame["c0"] > 0.8)
    return (left ^ (frame["c1"] > 0.5)) & (frame["kind"] != "x")


tables = {
    "smooth": made(smooth, 6, seed=0),
    "breast\ncancer": load_breast_cancer(return_X_y=True, as_frame=True),
    "intervals": made(intervals, 12, seed=1),
}
results = {name: compare(frame, target) for name, (frame, target) in tables.items()}
for name, (errors, losses) in results.items():
    print(f"{' '.join(name.split())}: means of {len(errors)} splits")
    print(pd.DataFrame({"error, %": errors.mean(), "log-loss": losses.mean()}).round(3), "\n")

# %%
# The picture
# -----------
# Each dot is one split: the log-loss of boosting minus that of the network. If all dots are on one
# side of zero, the difference does not depend on the split. If they are on both sides, as on the
# cells, it is within chance.
fig, ax = plt.subplots(layout="constrained")
for row, (_, losses) in enumerate(results.values()):
    gain = losses["boosting"] - losses["network"]
    for side, color, marker in ((gain > 0, BLUE, "o"), (gain <= 0, ORANGE, "s")):
        ax.plot(gain[side], [row] * side.sum(), marker, color=color, markersize=10, alpha=0.7)
ax.axvline(0, color="black", linestyle="--")
ax.set_yticks(range(len(results)), list(results))
ax.set(xlabel="Log-loss of boosting minus log-loss of the network", ylim=(2.5, -0.9))
widest = 1.15 * max(
    np.abs(losses["boosting"] - losses["network"]).max() for _, losses in results.values()
)
ax.set_xlim(-widest, widest)
ax.text(-0.03 * widest, -0.6, "boosting is better", ha="right", color=ORANGE)
ax.text(0.03 * widest, -0.6, "the network is better", ha="left", color=BLUE)
ax.set_title("Network and boosting on three tables", fontsize=12)
plt.show()

# %%
# Before a decision, take more splits, and `budget="default"` of the network: "fast" is its smallest
# budget. If rows belong together, such as several measurements of a patient, split by
# :class:`~sklearn.model_selection.GroupShuffleSplit` instead. Boosting has settings that can be
# tuned, and so has the network; tune both or none.
