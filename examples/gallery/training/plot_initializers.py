"""
Starting weights, layer by layer
================================

Starting weights decide how large the activations of a deep network are. If each layer shrinks them,
the last layers see nothing. If each layer grows them, they overflow. The initializers are made so
that the spread stays the same.
"""

# %%
# Spread of the activations through twenty layers
# -----------------------------------------------
# A network of twenty layers with 100 units each gets random inputs with standard deviation one.
# No training takes place.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import activations, initializers
from sknumpy_mlp.core.network import perceptron

plt.rcParams.update({"font.size": 11})

X = np.random.RandomState(0).standard_normal((500, 100))
depth = 20


def layers(activation, initializer):
    """The activations of each hidden layer."""
    network = perceptron([100] * (depth + 1) + [1], [activation] * depth)
    network.allocate(np.float64)
    network.draw(initializer, np.random.RandomState(1))
    found, A = [], X
    for layer in network.layers[:-1]:
        A = layer.forward(A, layer.buffers((len(X),), np.float64))
        found.append(A)
    return found


choices = {
    "normal, 0.01": (initializers.Normal(scale=0.01), "#999999", "o"),
    "normal, 0.2": (initializers.Normal(scale=0.2), "#000000", "s"),
    "lecun_normal": (initializers.LecunNormal(), "#E69F00", "^"),
    "he_normal": (initializers.HeNormal(), "#0072B2", "D"),
}
fig, axes = plt.subplots(2, 1, figsize=(6, 7.4), sharex=True, layout="constrained")
for ax, activation in zip(axes, (activations.Tanh(), activations.ReLU())):
    for name, (initializer, color, marker) in choices.items():
        spreads = [A.std() for A in layers(activation, initializer)]
        numbers = range(1, depth + 1)
        ax.plot(numbers, spreads, marker=marker, color=color, markersize=5, label=name)
    ax.set(yscale="log", ylim=(1e-6, 1e4), ylabel="Standard deviation of A")
    ax.set_title(activation.label)
axes[0].legend(ncols=2, fontsize=10, loc="upper left")
axes[1].set(xlabel="Layer", xticks=range(0, depth + 1, 5))
fig.suptitle("Spread of the activations, layer by layer")
plt.show()

# %%
# relu sets half of the inputs to zero. Only ``he_normal`` makes up for that: its variance, 2 over
# the number of inputs, is twice that of ``lecun_normal``. tanh shrinks its inputs, slowly with
# ``lecun_normal``, which was derived for it. Larger weights do not overflow, since tanh is at most
# one, but they saturate it. In a layer with as many outputs as inputs, ``glorot_normal`` is the
# same as ``lecun_normal``.

# %%
# Saturated units
# ---------------
# The same layers as histograms. Where tanh is near -1 or 1, its derivative is near zero.
shown = (1, 5, 20)
fig, axes = plt.subplots(3, 3, figsize=(6, 5.6), sharex=True, layout="constrained")
for row, name in zip(axes, ("normal, 0.01", "lecun_normal", "normal, 0.2")):
    found = layers(activations.Tanh(), choices[name][0])
    for ax, number in zip(row, shown):
        ax.hist(found[number - 1].ravel(), bins=np.linspace(-1, 1, 41), color=choices[name][1])
        ax.set(yticks=[], xticks=(-1, 0, 1))
        if ax is row[0]:
            ax.set_ylabel(name.replace(", ", "\n"))
for ax, number in zip(axes[0], shown):
    ax.set_title(f"layer {number}", fontsize=11)
fig.suptitle("Share of units by their activation, tanh")
fig.supxlabel("Activation")
plt.show()
