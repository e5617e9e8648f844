"""
A decision boundary over the epochs
===================================

``partial_fit`` trains for one epoch. After some epochs, this example draws what the network
predicts for each point of the plane.
"""

# %%
# Two half moons
# --------------
# scikit-learn's ``DecisionBoundaryDisplay`` asks the network for probabilities on a grid. The line
# is where both classes have the probability one half. It starts straight, and bends as the hidden
# units move.
import matplotlib.pyplot as plt
from matplotlib.colors import LinearSegmentedColormap
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"font.size": 11})

X, y = make_moons(300, noise=0.2, random_state=0)
clf = ScratchMLPClassifier((16, 16), "tanh", learning_rate_init=0.01, random_state=0, batch_size=30)

colors = LinearSegmentedColormap.from_list("light", ["#f6b26b", "white", "#a79bd0"])
shown = (1, 5, 10, 20, 40, 200)
fig, axes = plt.subplots(3, 2, figsize=(6, 7.4), sharex=True, sharey=True, layout="constrained")
panels = iter(axes.flat)
for epoch in range(1, max(shown) + 1):
    clf.partial_fit(X, y, classes=[0, 1])
    if epoch not in shown:
        continue
    ax = next(panels)
    display = DecisionBoundaryDisplay.from_estimator(
        clf,
        X,
        response_method="predict_proba",
        grid_resolution=80,
        plot_method="pcolormesh",
        cmap=colors,
        vmin=0,
        vmax=1,
        ax=ax,
    )
    ax.contour(display.xx0, display.xx1, display.response, levels=[0.5], colors="black")
    for number, (color, marker) in enumerate((("#7f3b08", "o"), ("#2d004b", "^"))):
        ax.scatter(*X[y == number].T, s=14, color=color, marker=marker, edgecolor="white", lw=0.4)
    accuracy = clf.score(X, y)
    ax.set_title(f"epoch {epoch}: {accuracy:.0%}", fontsize=11)
    ax.set(xlabel="", ylabel="")
fig.colorbar(display.surface_, ax=axes, label="Probability of the second class", aspect=40)
fig.supxlabel("First feature")
fig.supylabel("Second feature")
fig.suptitle("Boundary and accuracy after some epochs")
plt.show()
