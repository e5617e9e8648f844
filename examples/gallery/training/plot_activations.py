"""
Activations and their derivatives
=================================

An activation function bends the output of a layer. Without one, several layers are one matrix. The
backward pass multiplies by its derivative, so where the derivative is near zero, units stop
learning.
"""

# %%
# All eleven
# ----------
# ``forward`` writes f(z) into an array, and ``backward`` multiplies an array by f'(z). Depending on
# the function, the derivative is computed from z or from f(z), as ``reads`` says.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp.activations import Activation

plt.rcParams.update({"font.size": 11})

z = np.linspace(-4, 4, 400)[:, np.newaxis]


def values_and_slopes(activation):
    values, slopes = np.empty_like(z), np.ones_like(z)
    activation.forward(z.copy(), values)
    kept = z if activation.reads == "input" else values
    activation.backward(kept.copy(), slopes, activation.scratch(z.shape, z.dtype))
    return values, slopes


fig, axes = plt.subplots(4, 3, figsize=(6, 7.4), sharex=True, sharey=True, layout="constrained")
for ax, (name, cls) in zip(axes.flat, Activation.named().items()):
    values, slopes = values_and_slopes(cls())
    (value_line,) = ax.plot(z, values, color="#0072B2", linewidth=2.5, label="f(z)")
    (slope_line,) = ax.plot(z, slopes, "--", color="#D55E00", linewidth=2, label="f'(z)")
    ax.axhline(0, color="gray", linewidth=0.8)
    ax.axvline(0, color="gray", linewidth=0.8)
    ax.set(title=name, ylim=(-2, 3), xticks=(-3, 0, 3))
axes.flat[-1].set_axis_off()
axes.flat[-1].legend(handles=[value_line, slope_line], loc="center", fontsize=12)
axes.flat[-4].tick_params(labelbottom=True)
fig.supxlabel("Input z")
fig.supylabel("Activation and its derivative")
fig.suptitle("Activations and their derivatives")
plt.show()

# %%
# Where learning slows down
# -------------------------
# Through ten layers, the gradient is multiplied by ten derivatives. The derivative of the logistic
# function is at most 1/4, so at most :math:`4^{-10}` is left, a millionth. That of tanh is 1 at
# zero, and that of relu is 1 for half of the inputs.
print("largest derivatives:")
for name, cls in Activation.named().items():
    print(f"{name:11} {values_and_slopes(cls())[1].max():.3f}")
