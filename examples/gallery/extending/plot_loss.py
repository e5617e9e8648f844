"""
A loss of your own
==================

A loss for numbers is one class with its formula: the loss of each row, and its derivative by the
prediction. The logarithm of the hyperbolic cosine is quadratic near zero and linear far away, so
that outliers pull less.
"""

# %%
# log-cosh
# --------
# :math:`\ell = \log \cosh(z - y)`, with the derivative :math:`\tanh(z - y)`.
# ``value_and_gradient`` writes the losses of the rows and replaces the scores Z by their gradient.
# ``scratch`` makes the array that it needs, once for each batch size.
import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.losses import ContinuousSquaredError, NumericLoss

plt.rcParams.update({"font.size": 11})


class LogCosh(NumericLoss):
    """l = log(cosh(z - y)), with dz = tanh(z - y); log(cosh r) = log(e^r + e^-r) - log 2."""

    def scratch(self, Z):
        return np.empty_like(Z)

    def value_and_gradient(self, Z, y, losses, scratch=None):
        scratch = self.scratch(Z) if scratch is None else scratch
        Z -= y
        np.negative(Z, out=scratch)
        np.logaddexp(Z, scratch, out=scratch)
        np.sum(scratch, axis=1, out=losses)
        losses -= Z.shape[1] * np.log(2)
        np.tanh(Z, out=Z)


residuals = np.linspace(-4, 4, 401)[:, np.newaxis]
fig, axes = plt.subplots(1, 2, figsize=(6, 3.6), layout="constrained")
styles = {
    LogCosh: ("#0072B2", "-", "log-cosh"),
    ContinuousSquaredError: ("#E69F00", "--", "squared"),
}
for cls, (color, style, name) in styles.items():
    dZ, values = residuals.copy(), np.empty(len(residuals))
    cls().value_and_gradient(dZ, np.zeros_like(dZ), values)
    axes[0].plot(residuals, values, style, color=color, linewidth=2.5, label=name)
    axes[1].plot(residuals, dZ, style, color=color, linewidth=2.5)
axes[0].set(title="Loss", xlabel="Residual z - y")
axes[1].set(title="Derivative", xlabel="Residual z - y")
axes[0].legend()
fig.suptitle("log-cosh beside the squared error")
plt.show()

# %%
# What it does
# ------------
# One row in ten has an outlier above the curve. The squared error follows them, log-cosh hardly
# does.
rng = np.random.default_rng(0)
X = rng.uniform(-3, 3, (400, 1))
y = np.sin(2 * X[:, 0]) + 0.15 * rng.standard_normal(400)
outliers = rng.random(400) < 0.1
y[outliers] += rng.uniform(3, 9, outliers.sum())
x = np.linspace(-3, 3, 300)[:, np.newaxis]

fig, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
ax.scatter(X, y, s=8, color="#999999", label="rows")
ax.plot(x, np.sin(2 * x), color="black", linewidth=1.5, label="true function")
for cls, (color, style, name) in styles.items():
    loss = LogCosh() if cls is LogCosh else "squared_error"
    reg = ScratchMLPRegressor(
        loss,
        (32,),
        "tanh",
        learning_rate="cosine",
        learning_rate_init=0.02,
        batch_size=50,
        max_iter=200,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    error = abs(reg.predict(x) - np.sin(2 * x[:, 0])).mean()
    ax.plot(
        x, reg.predict(x), style, color=color, linewidth=2.5, label=f"{name}, error {error:.2f}"
    )
ax.set(xlabel="x", ylabel="y", title="Prediction with outliers")
ax.legend(fontsize=10)
plt.show()
