"""
Error and time on ten tables
============================

The results of ten tables with labels, as the page of benchmarks has them: the mean error on test
rows against the mean time of a fit on one thread. Lower and further left is better.
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt

# The script runs in its folder; the numbers are read from the page, so that they are the same.
page = Path("../../../docs/reference/benchmarks.md").read_text(encoding="utf-8")
labels = page.partition("### Labels")[2].partition("Error and log-loss by table")[0]
results = {}
for row in re.findall(r"^\| (.+?) \| ([\d.]+) \| .* \| ([\d.]+) \| \d+ \|$", labels, re.MULTILINE):
    results[row[0]] = float(row[1]), float(row[2])

# %%
# One shape and one colour for each family of models.

names = {
    "`make_tabular_mlp()`": ("sknumpy_mlp", "default", (8, 0)),
    '`budget="fast"`': ("sknumpy_mlp", "fast", (8, 0)),
    '`budget="best"`': ("sknumpy_mlp", "best", (8, 0)),
    "`MLPClassifier()`, standardised columns": ("MLPClassifier", "", (8, 0)),
    "`HistGradientBoostingClassifier()`": ("gradient boosting", "scikit-learn", (8, 0)),
    "LightGBM, tuned defaults, temperature": ("gradient boosting", "LightGBM, tuned", (8, 6)),
    "XGBoost, tuned defaults": ("gradient boosting", "XGBoost, tuned", (8, -5)),
    "CatBoost, tuned defaults, temperature": ("gradient boosting", "CatBoost, tuned", (-8, -13)),
}
looks = {
    "sknumpy_mlp": ("o", "#b34700"),
    "MLPClassifier": ("s", "#5b5b5b"),
    "gradient boosting": ("^", "#005f9e"),
}

fig, ax = plt.subplots(figsize=(6.4, 4.6), layout="constrained")
for family, (marker, colour) in looks.items():
    points = [results[row] for row, (of, *_) in names.items() if of == family]
    errors, seconds = zip(*points)
    ax.scatter(seconds, errors, s=80, marker=marker, color=colour, label=family)
for row, (family, text, offset) in names.items():
    error, seconds = results[row]
    ax.annotate(
        text,
        (seconds, error),
        offset,
        textcoords="offset points",
        va="center",
        ha="left" if offset[0] > 0 else "center",
        fontsize=13,
        color=looks[family][1],
    )
ax.set_xscale("log")
ax.set_xlim(0.4, 16)
ax.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
ax.minorticks_off()
ax.set_xlabel("seconds of a fit (logarithmic)", fontsize=13)
ax.set_ylabel("mean error on test rows, %", fontsize=13)
ax.tick_params(labelsize=12)
ax.grid(alpha=0.3)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(fontsize=12, frameon=False, loc="lower left")
ax.set_title("Ten tables with labels", fontsize=12)
plt.show()
