"""
An activation of your own
=========================

An activation is one class with two methods: ``forward`` writes f(z), and ``backward`` multiplies a
gradient by f'(z). Everything else, from early stopping to members, works with it.
"""

# %%
# A sine that grows
# -----------------
# Snake, :math:`f(z) = z + \sin^2(a z) / a` with :math:`f'(z) = 1 + \sin(2 a z)`, was made for
# periodic targets (Ziyin, Hartwig and Ueda, 2020). The derivative is computed from z, so that
# ``reads`` is "input", and ``forward`` must leave z as it is.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import ScratchMLPRegressor, activations

plt.rcParams.update({"font.size": 11})


class Snake(activations.Activation):
    """f(z) = z + sin(a z)^2 / a, with f' = 1 + sin(2 a z)."""

    reads = "input"
    in_place = False

    def __init__(self, *, a=1.0):
        self.a = a

    def forward(self, Z, out, scratch=None):
        np.multiply(Z, self.a, out=out)
        np.sin(out, out=out)
        np.square(out, out=out)
        out /= self.a
        out += Z

    def backward(self, kept, dA, scratch):
        np.multiply(kept, 2 * self.a, out=scratch)
        np.sin(scratch, out=scratch)
        scratch += 1
        dA *= scratch


z = np.linspace(-5, 5, 500)[:, np.newaxis]
snake, values, slopes = Snake(a=2.0), np.empty_like(z), np.ones_like(z)
snake.forward(z, values)
snake.backward(z, slopes, snake.scratch(z.shape, z.dtype))
# The slope by differences of the values: both methods agree.
differences = np.gradient(values[:, 0], z[:, 0])[1:-1]
print(f"largest error of the derivative: {abs(differences - slopes[1:-1, 0]).max():.4f}")

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(z, values, color="#0072B2", linewidth=2.5, label="f(z)")
ax.plot(z, slopes, "--", color="#D55E00", linewidth=2, label="f'(z)")
ax.axhline(0, color="gray", linewidth=0.8)
ax.set(xlabel="Input z", title="Snake with a = 2")
ax.legend()
plt.show()

# %%
# What it does
# ------------
# Nearly four periods are observed, in the middle. Beyond them, relu continues as a straight line,
# and tanh ends flat. Snake continues the wave for some time.
rng = np.random.default_rng(0)
X = rng.uniform(-6, 6, (600, 1))
y = np.sin(2 * X[:, 0]) + 0.3 * X[:, 0] + 0.1 * rng.standard_normal(600)
x = np.linspace(-10, 10, 600)[:, np.newaxis]

fig, axes = plt.subplots(3, 1, figsize=(6, 7), sharex=True, sharey=True, layout="constrained")
for ax, activation in zip(axes, ("relu", "tanh", Snake(a=2.0))):
    reg = ScratchMLPRegressor(
        hidden_layer_sizes=(32, 32),
        activation=activation,
        init="lecun_normal",
        learning_rate="cosine",
        learning_rate_init=0.01,
        batch_size=50,
        alpha=0.01,
        max_iter=300,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    ax.axvspan(-6, 6, color="#eeeeee", label="training data")
    ax.plot(x, np.sin(2 * x) + 0.3 * x, color="black", linewidth=1, label="true function")
    ax.plot(x, reg.predict(x), "--", color="#0072B2", linewidth=2.5, label="prediction")
    ax.set(title=str(activation), ylabel="y", ylim=(-6, 6))
axes[0].legend(loc="upper left", fontsize=10)
axes[-1].set_xlabel("x")
fig.suptitle("Beyond the training data")
plt.show()
