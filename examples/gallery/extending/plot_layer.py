"""
A layer of your own
===================

A layer says what its parameters are, and has a forward and a backward pass. This one embeds each
number: it turns a column into cosines and sines of learned frequencies (Gorishniy, Rubachev and
Babenko, 2022), so that a network can follow what changes fast.
"""

# %%
# Periodic embeddings
# -------------------
# :math:`A = [\cos(2 \pi c x), \sin(2 \pi c x)]` for each column x and each of its frequencies c.
# The backward pass writes the gradient of the frequencies into ``dc``, and that of the inputs into
# ``dX``. The layer works on the last two axes, so that it also serves several members, which have
# an axis in front.
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.core.embeddings import EmbeddingLayer
from sknumpy_mlp.displays import NetworkDisplay
from sknumpy_mlp.embeddings import Embedding

plt.rcParams.update({"font.size": 11})


class Periodic(Embedding):
    """Cosines and sines of `n_frequencies` multiples of each column."""

    def __init__(self, *, n_frequencies=8, scale=1.0):
        self.n_frequencies = n_frequencies
        self.scale = scale


class PeriodicLayer(EmbeddingLayer):
    embeds = Periodic
    kinds = {"c": "frequencies"}

    def __init__(self, n_features, n_frequencies, scale):
        self.n_inputs, self.scale = n_features, scale
        self.shapes = {"c": (n_features, n_frequencies)}
        self.width = 2 * n_features * n_frequencies

    @classmethod
    def of(cls, embedding, X, weights=None):
        return cls(X.shape[1], embedding.n_frequencies, embedding.scale)

    def draw(self, initializer, random_state):
        self.c[...] = self.scale * random_state.standard_normal(self.c.shape)

    def buffers(self, rows, dtype, order="C", training=False):
        return SimpleNamespace(
            A=np.empty((*rows, self.width), dtype),
            dA=np.empty((*rows, self.width), dtype),
            angles=np.empty((*rows, *self.shapes["c"]), dtype),
        )

    def halves(self, A):
        """Views of the cosines and of the sines, (..., n_samples, n_features, n_frequencies)."""
        A = A.reshape(*A.shape[:-1], 2, *self.shapes["c"])
        return A[..., 0, :, :], A[..., 1, :, :]

    def forward(self, X, buffers):
        cos, sin = self.halves(buffers.A)
        frequencies = 2 * np.pi * self.c[..., np.newaxis, :, :]
        np.multiply(X[..., np.newaxis], frequencies, out=buffers.angles)
        np.cos(buffers.angles, out=cos)
        np.sin(buffers.angles, out=sin)
        return buffers.A

    def backward(self, X, dA, buffers, dX=None):
        (cos, sin), (dcos, dsin) = self.halves(buffers.A), self.halves(dA)
        dangles = np.multiply(dsin, cos, out=buffers.angles)
        dcos *= sin
        dangles -= dcos
        dangles *= 2 * np.pi
        np.einsum("...ij,...ijk->...jk", X, dangles, out=self.dc)
        if dX is not None:
            np.einsum("...ijk,...jk->...ij", dangles, self.c, out=dX)


# %%
# What it does
# ------------
# The configuration is passed as ``embedding``. A plain network of two hidden layers follows a
# wave that becomes faster for a period and a half, and then gives up. The same network with eight
# cosines and sines follows it to the end.
rng = np.random.default_rng(0)
X = rng.uniform(0, 2, (800, 1))


def wave(x):
    return np.sin(2 * np.pi * x**3)


y = wave(X[:, 0]) + 0.1 * rng.standard_normal(800)
x = np.linspace(0, 2, 500)[:, np.newaxis]
choices = (("without", None), ("with a periodic embedding", Periodic(scale=2.0)))

fig, axes = plt.subplots(2, 1, figsize=(6, 6), sharex=True, layout="constrained")
for ax, (name, embedding) in zip(axes, choices):
    reg = ScratchMLPRegressor(
        hidden_layer_sizes=(32, 32),
        embedding=embedding,
        learning_rate="cosine",
        learning_rate_init=0.01,
        batch_size=50,
        max_iter=150,
        n_iter_no_change=None,
        random_state=0,
    ).fit(X, y)
    ax.plot(x, wave(x), color="black", linewidth=1, label="true function")
    ax.plot(x, reg.predict(x), "--", color="#0072B2", linewidth=2, label="prediction")
    ax.set(title=f"{name}: $R^2$ = {reg.score(x, wave(x[:, 0])):.2f}", ylabel="y", ylim=(-1.9, 1.6))
axes[0].legend(loc="lower left", ncols=2, fontsize=10)
axes[-1].set_xlabel("x")
fig.suptitle("A wave that becomes faster")
plt.show()

# %%
# A new kind of parameter
# -----------------------
# The frequencies are a kind of parameter of their own: they are published as ``frequencies_``, and
# the displays know the layer.
print("learned frequencies:", reg.frequencies_.round(2))

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
NetworkDisplay.from_estimator(reg, max_units=10, ax=ax, name="A number in, a number out")
plt.show()
