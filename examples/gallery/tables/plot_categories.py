"""
A table with categories, end to end
===================================

:func:`~sknumpy_mlp.make_tabular_mlp` takes a DataFrame with numbers, categories and gaps. This
example goes from such a table to a fitted model: drop what is no feature, replace dates by numbers,
fit, score, and look at the predictions.

The table is generated, so that the best possible error is known: it describes 1,200 flats for rent.
"""

# %%
# The table
# ---------
# The rent grows with the area, by a rate that depends on the district. Flats with a garden are in
# demand in spring, so the month matters. A tenth of the years and some kinds of heating are
# missing.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import RidgeCV
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline

from sknumpy_mlp import make_tabular_mlp

plt.rcParams.update({"figure.figsize": (6, 4), "font.size": 12})
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"

rng = np.random.default_rng(0)
n = 1200
rates = {"Harbour": 19, "Old town": 16, "Station": 11, "Hill": 14, "Park": 13, "Mill": 9}
flats = pd.DataFrame(
    {
        "flat_id": [f"F{number:05d}" for number in rng.permutation(n)],
        "offered": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
        "area": rng.gamma(6, 12, n).clip(18, 200).round(),
        "year": rng.integers(1900, 2024, n).astype(float),
        "district": rng.choice(list(rates), n, p=[0.1, 0.15, 0.25, 0.15, 0.15, 0.2]),
        "heating": rng.choice(["gas", "district", "heat pump", "electric"], n),
        "garden": rng.random(n) < 0.3,
    }
)
rate = flats["district"].map(rates) + 3 * (flats["year"] > 1995)
spring = flats["garden"] * np.cos((flats["offered"].dt.month - 4) / 12 * 2 * np.pi)
true_rent = (
    120 + rate * flats["area"] ** 0.95 + 150 * spring - 60 * (flats["heating"] == "electric")
)
noise = 50.0
rent = true_rent + noise * rng.standard_normal(n)
flats.loc[rng.random(n) < 0.1, "year"] = np.nan
flats.loc[rng.random(n) < 0.1, "heating"] = None
print(flats.head())


# %%
# Columns that need a decision
# ----------------------------
# A number or text that names a row is no feature: drop it. Dates are rejected by the model, since
# what matters of them depends on the table. Here, the month and the number of days may matter.
def features(frame):
    offered = frame["offered"]
    return frame.drop(columns=["flat_id", "offered"]).assign(
        month=offered.dt.month, days=(offered - pd.Timestamp("2024-01-01")).dt.days
    )


X = features(flats)
X_train, X_test, y_train, y_test = X[:900], X[900:], rent[:900], rent[900:]

# %%
# Fit, and compare with simpler models
# ------------------------------------
# Numbers are scaled, categories become columns of 0 and 1, missing numbers are estimated from the
# other columns, and gaps are marked. The target is standardized, and predictions are scaled back.
#
# ``budget="fast"`` trains a smaller ensemble than the default. A linear model on the same columns
# shows what the network gains. No model can have a lower error than the noise in the rents, on
# average over new flats.
model = make_tabular_mlp("regression", budget="fast", random_state=0)
models = {
    "mean rent": DummyRegressor(),
    "linear model": make_pipeline(model["columns"], RidgeCV(np.logspace(-3, 3, 13))),
    "make_tabular_mlp": model,
}
errors = {
    name: root_mean_squared_error(y_test, each.fit(X_train, y_train).predict(X_test))
    for name, each in models.items()
}

fig, ax = plt.subplots(layout="constrained")
bars = ax.barh(list(errors), list(errors.values()), color=[GREY, ORANGE, BLUE])
ax.bar_label(bars, fmt="%.0f", padding=4)
ax.axvline(noise, color="black", linestyle="--")
ax.text(noise + 6, -0.7, "noise", va="center")
ax.set(xlabel="Test error (RMSE, in units of the rent)", ylim=(-1, 2.6))
ax.set_xlim(right=1.12 * max(errors.values()))
ax.set_title("Error on 300 new flats")
plt.show()

# %%
# Look at the predictions
# -----------------------
# Points near the diagonal are predicted well. Flats whose year of construction is missing are
# marked: the model predicts them too, with a larger error.
predicted = model.predict(X_test)
gap = X_test["year"].isna().to_numpy()

fig, ax = plt.subplots(layout="constrained")
ax.scatter(y_test[~gap], predicted[~gap], s=16, color=BLUE, alpha=0.6, label="year is known")
ax.scatter(y_test[gap], predicted[gap], s=40, color=ORANGE, marker="x", label="year is missing")
ends = [rent.min(), rent.max()]
ax.plot(ends, ends, color="black", linewidth=1)
ax.set(xlabel="Rent", ylabel="Predicted rent", title="Predictions for new flats")
ax.legend()
plt.show()

# %%
# New rows
# --------
# A category that was not in the training rows is encoded as all zeros, and a gap in a column that
# had none is estimated. Neither is an error.
new = X_test[:3].copy()
new["district"] = ["Harbour", "Airport", None]
new.loc[new.index[0], "area"] = np.nan
print(model.predict(new).round())
