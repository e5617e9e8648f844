"""
Shapes, forward and backward
============================

One training step is a chain of matrix products. Rows are samples everywhere: a batch of 40 images
of 64 pixels is an array of shape (40, 64). This example computes one step in NumPy, draws every
product to scale, and compares the gradient with that of the package.
"""

# %%
# Forward
# -------
# A network with 24 hidden units and 10 classes: :math:`Z_1 = X W_1 + b_1`, :math:`A_1 = f(Z_1)`,
# :math:`Z_2 = A_1 W_2 + b_2`. The inner sizes of each product agree and disappear.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknumpy_mlp import activations, initializers, losses
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.objective import Objective

plt.rcParams.update({"font.size": 11})

digits = load_digits()
X, y = digits.data[:40] / 16, digits.target[:40]
network = perceptron([64, 24, 10], [activations.ReLU()])
network.allocate(np.float64)
network.draw(initializers.HeNormal(), np.random.RandomState(0))
(W1, W2), (b1, b2) = network.parameters()["weights"], network.parameters()["biases"]

Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2


def draw_product(ax, title, left, right, result):
    """Draw left @ right = result as images, to scale, each with its name and shape."""
    x = 0
    for (name, array), sign in zip((left, right, result), ("@", "=", "")):
        height, width = array.shape
        bound = abs(array).max()
        ax.imshow(
            array,
            extent=(x, x + width, -height / 2, height / 2),
            cmap="RdBu_r",
            vmin=-bound,
            vmax=bound,
        )
        ax.add_patch(plt.Rectangle((x, -height / 2), width, height, fill=False, linewidth=1))
        middle = x + width / 2
        ax.text(middle, height / 2 + 3, name, ha="center", va="bottom")
        ax.text(middle, -height / 2 - 3, f"{height} x {width}", ha="center", va="top")
        ax.text(x + width + 8, 0, sign, ha="center", va="center", fontsize=14)
        x += width + 16
    tallest = max(array.shape[0] for _, array in (left, right, result))
    middle = (x - 16) / 2
    ax.set(xlim=(middle - 76, middle + 76), ylim=(-tallest / 2 - 12, tallest / 2 + 12), title=title)
    ax.set_axis_off()


fig, axes = plt.subplots(2, 1, figsize=(6, 7), height_ratios=[88, 64], layout="constrained")
draw_product(axes[0], "Hidden layer", ("X", X), ("$W_1$", W1), ("$Z_1 - b_1$", X @ W1))
draw_product(axes[1], "Output layer", ("$A_1$", A1), ("$W_2$", W2), ("$Z_2 - b_2$", A1 @ W2))
fig.suptitle("Forward: red is positive, blue negative")
plt.show()

# %%
# Backward
# --------
# With the softmax :math:`P` and the coded classes :math:`Y`, the gradient of the mean loss by the
# scores is :math:`dZ_2 = (P - Y) / 40`. Each product then has a transposed factor:
# :math:`dW_2 = A_1^T dZ_2`, :math:`dA_1 = dZ_2 W_2^T`, :math:`dW_1 = X^T dZ_1`, where
# :math:`dZ_1 = dA_1 f'(Z_1)`. A gradient has the shape of what it is the gradient of.
P = np.exp(Z2 - Z2.max(axis=1, keepdims=True))
P /= P.sum(axis=1, keepdims=True)
dZ2 = (P - np.eye(10)[y]) / len(X)
dW2, db2 = A1.T @ dZ2, dZ2.sum(axis=0)
dA1 = dZ2 @ W2.T
dZ1 = dA1 * (Z1 > 0)
dW1, db1 = X.T @ dZ1, dZ1.sum(axis=0)

fig, axes = plt.subplots(3, 1, figsize=(6, 9.4), height_ratios=[64, 64, 88], layout="constrained")
draw_product(
    axes[0], "Gradient of the output weights", ("$A_1^T$", A1.T), ("$dZ_2$", dZ2), ("$dW_2$", dW2)
)
draw_product(
    axes[1], "Gradient of the hidden layer", ("$dZ_2$", dZ2), ("$W_2^T$", W2.T), ("$dA_1$", dA1)
)
draw_product(
    axes[2], "Gradient of the hidden weights", ("$X^T$", X.T), ("$dZ_1$", dZ1), ("$dW_1$", dW1)
)
fig.suptitle("Backward")
plt.show()

# %%
# The same gradient
# -----------------
# The network keeps all weights, then all biases, in one flat vector, and their gradient in another.
loss = losses.SoftmaxCrossEntropy()
batches = Batches(X, loss.encode_target(y, X.dtype), X.dtype, batch_size=len(X))
Objective(network, loss, 0.0, batches).evaluate(0, len(X))
ours = np.concatenate([each.ravel() for each in (dW1, dW2, db1, db2)])
print("largest difference:", abs(network.grad - ours).max())
