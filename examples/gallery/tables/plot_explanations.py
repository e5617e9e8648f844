"""
Permutation importance and partial dependence
=============================================

A fitted network is not a list of coefficients, but scikit-learn's tools of inspection take it like
any other model. This example asks two questions about a model of the progress of diabetes:

- which columns do the predictions need, by :func:`~sklearn.inspection.permutation_importance`;
- how do the predictions change with one column,
  by :class:`~sklearn.inspection.PartialDependenceDisplay`.
"""

# %%
# A model
# -------
# The data have ten columns about 442 patients. The target is a score of the progress of the disease
# one year later, from 25 to 346. :func:`~sknumpy_mlp.make_tabular_mlp` scales columns and target.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.model_selection import train_test_split

from sknumpy_mlp import make_tabular_mlp

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
NAMES = {
    "bp": "blood pressure",
    "s1": "total cholesterol",
    "s2": "LDL",
    "s3": "HDL",
    "s4": "cholesterol / HDL",
    "s5": "log triglycerides",
    "s6": "blood sugar",
}

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X = X.rename(columns=NAMES)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.33, random_state=0)
model = make_tabular_mlp("regression", budget="fast", random_state=0).fit(X_train, y_train)
print(f"R^2 on test rows: {model.score(X_test, y_test):.2f}")

# %%
# Which columns do the predictions need?
# --------------------------------------
# Permutation importance shuffles one column of the test rows and measures how much R² falls. The
# dots are means of thirty shuffles, and the bars hold nine tenths of them. A column whose bar is at
# zero can be shuffled without harm.
found = permutation_importance(model, X_test, y_test, n_repeats=30, random_state=0)
order = found.importances_mean.argsort()

low, high = np.quantile(found.importances[order], [0.05, 0.95], axis=1)
rows = np.arange(len(order))

fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
ax.hlines(rows, low, high, color=BLUE, linewidth=3)
ax.plot(found.importances_mean[order], rows, "o", color=BLUE, markersize=8)
ax.axvline(0, color=GREY, linestyle="--")
ax.set_yticks(rows, X.columns[order])
ax.set(xlabel="Decrease of R² on test rows", title="Importance by shuffling a column")
plt.show()

# %%
# Columns that say nearly the same share their importance: when one is shuffled, the network still
# has the other. The total cholesterol is nearly the sum of its parts, so its bar says little about
# whether cholesterol matters. The correlations show such groups.
print(X_train.corr()["total cholesterol"].drop("total cholesterol").round(2).sort_values())

# %%
# How do predictions change with a column?
# ----------------------------------------
# Partial dependence sets one column to a value in all rows and averages the predictions. The thin
# lines are single patients, whose other columns are kept. Where they are parallel, the effect of
# the column does not depend on the others. The ticks at the bottom are deciles of the training
# rows: outside of them, there is little data.
fig, axes = plt.subplots(2, 1, figsize=(6, 7), layout="constrained")
PartialDependenceDisplay.from_estimator(
    model,
    X_train,
    ["bmi", "log triglycerides"],
    kind="both",
    subsample=40,
    grid_resolution=25,
    random_state=0,
    ax=axes,
    ice_lines_kw={"color": BLUE, "alpha": 0.25},
    pd_line_kw={"color": ORANGE, "linewidth": 3, "linestyle": "-"},
)
for ax in axes:
    ax.set_ylabel("Predicted progress")
    ax.legend(loc="upper left")
axes[0].set_xlabel("Body mass index")
axes[1].set_xlabel("Logarithm of triglycerides")
fig.suptitle("What the network predicts as one column changes")
plt.show()

# %%
# Both tools describe the model and not the disease: they show what the predictions depend on, which
# need not be a cause.
