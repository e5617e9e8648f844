"""Draw the figures of the pages in docs/explain.

Usage: python docs/_figures/make.py [folder]

The folder is docs/_static/figures by default. Every figure is a function here, drawn with the parts
of the package, and becomes a file of its name.
"""

import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from scipy.special import softmax
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPRegressor, initializers, losses, optimizers
from sknumpy_mlp.activations import Activation, ReLU, Tanh
from sknumpy_mlp.core.batches import Batches
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.core.objective import Objective

# Colours that the colour-blind can tell apart (Okabe and Ito), with line styles.
BLUE, ORANGE, GREEN, RED, PURPLE, BLACK = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#000000"),
)
STYLES = [(BLUE, "-"), (RED, "--"), (GREEN, "-."), (PURPLE, ":"), (BLACK, (0, (5, 1, 1, 1)))]


def panels(rows=1, columns=1, width=4.2, height=3.2):
    """A figure and its axes, without matplotlib's global state."""
    size = width * columns, height * rows
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.grid(alpha=0.25)
    return figure, axes.ravel()


def linear():
    """Three linear layers fit a straight line; with ReLU between them, a curve."""
    figure, (ax,) = panels(width=5.5)
    x = np.linspace(-3, 3, 60)[:, np.newaxis]
    y = np.sin(1.5 * x[:, 0])
    ax.plot(x, y, "o", color="#999999", ms=4, label="data")
    for activation, (color, style) in zip(("identity", "relu"), STYLES):
        network = ScratchMLPRegressor(
            hidden_layer_sizes=(16, 16),
            activation=activation,
            solver="lbfgs",
            max_iter=2000,
            random_state=0,
        )
        label = f"three layers, {activation}"
        ax.plot(x, network.fit(x, y).predict(x), color=color, linestyle=style, label=label)
    ax.set(xlabel="x", ylabel="y", ylim=(-1.2, 2.1))
    ax.legend()
    return figure


def softmax_and_slopes():
    """Probabilities, and their derivatives by one score, as this score changes."""
    figure, (left, right) = panels(columns=2)
    z = np.linspace(-6, 6, 200)
    P = softmax(np.column_stack([z, np.zeros_like(z), np.ones_like(z)]), axis=1)
    for k, (color, style) in zip(range(3), STYLES):
        left.plot(z, P[:, k], color=color, linestyle=style, label=f"$p_{k + 1}$")
        slope = P[:, 0] * ((k == 0) - P[:, k])
        label = rf"$\partial p_{k + 1} / \partial z_1$"
        right.plot(z, slope, color=color, linestyle=style, label=label)
    left.set(xlabel="$z_1$, with $z_2 = 0$, $z_3 = 1$", ylabel="probability")
    right.set(xlabel="$z_1$", ylabel="derivative")
    left.legend()
    right.legend()
    return figure


def mean():
    """The gradient of a sum grows with the batch; that of a mean does not."""
    figure, (ax,) = panels(width=5.5)
    X, y = load_digits(return_X_y=True)
    network = perceptron([64, 32, 10], [ReLU()])
    network.allocate(np.float64)
    network.draw(initializers.GlorotUniform(), np.random.RandomState(0))
    batches = Batches(X / 16, y, np.float64, batch_size=len(X))
    objective = Objective(network, losses.SoftmaxCrossEntropy(), 0.0, batches)
    sizes, norms = np.unique(np.geomspace(4, len(X), 20).astype(int)), []
    for n in sizes:
        objective.evaluate(0, n)
        norms.append(np.linalg.norm(network.grad))
    ax.loglog(sizes, np.array(norms) * sizes, color=RED, linestyle="--", label="sum over rows")
    ax.loglog(sizes, norms, color=BLUE, label="mean over rows")
    ax.set(xlabel="rows of the batch, n", ylabel="norm of the gradient")
    ax.legend()
    return figure


def regression_losses():
    """Losses of a regressor against the residual, and their gradients."""
    figure, (left, right) = panels(columns=2)
    r = np.linspace(-3, 3, 301)
    shown = {
        "squared_error": losses.SquaredError(),
        "absolute_error": losses.AbsoluteError(),
        "huber": losses.Huber(delta=1.0),
        "pinball, q = 0.9": losses.Pinball(quantile=0.9),
    }
    for (name, loss), (color, style) in zip(shown.items(), STYLES):
        gradient, values = r[:, np.newaxis].copy(), np.empty(len(r))
        zeros = np.zeros_like(gradient)
        loss.for_target("continuous").value_and_gradient(gradient, zeros, values)
        left.plot(r, values, color=color, linestyle=style, label=name)
        right.plot(r, gradient[:, 0], color=color, linestyle=style, label=name)
    left.set(xlabel="residual $r = z - y$", ylabel="loss", ylim=(0, 4))
    right.set(xlabel="residual $r = z - y$", ylabel="gradient")
    left.legend()
    return figure


def activations():
    """Every activation and its derivative."""
    named = Activation.named()
    figure, axes = panels(rows=4, columns=3, width=2.4, height=2.1)
    z = np.linspace(-4, 4, 401)
    for ax, (name, cls) in zip(axes, named.items()):
        f = cls()
        Z, A, slope = z[np.newaxis].copy(), np.empty((1, len(z))), np.ones((1, len(z)))
        f.forward(Z.copy(), A)
        value = A[0].copy()
        f.backward(Z if f.reads == "input" else A, slope, f.scratch(Z.shape, Z.dtype))
        ax.plot(z, value, color=BLUE, label="f")
        ax.plot(z, slope[0], color=RED, linestyle="--", label="f'")
        ax.set(title=name, ylim=(-1.5, 2.5), xticks=[-4, 0, 4])
    for ax in axes[len(named) :]:
        ax.set_axis_off()
    axes[0].legend()
    return figure


def chain():
    """The chain rule for one weight of a hidden layer."""
    figure = Figure(figsize=(7.5, 2.6), facecolor="white")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 10), ylim=(0, 3.4))
    ax.set_axis_off()
    boxes = ["$x_i$", "$z_j$", "$a_j$", "$z_k$", r"$\ell$"]
    forward = ["$w_{ij}$", "$f$", "$v_{jk}$", "loss"]
    backward = ["$x_i$", "$f'(z_j)$", r"$\sum_k v_{jk}\,\cdot$", "$p_k - y_k$"]
    for place, text in enumerate(boxes):
        x = 0.8 + 2.1 * place
        outline = FancyBboxPatch(
            (x - 0.35, 1.45), 0.7, 0.7, boxstyle="round,pad=0.08", fc="#e8f1f8", ec=BLUE
        )
        ax.add_patch(outline)
        ax.text(x, 1.8, text, ha="center", va="center", fontsize=15)
    for place, (there, back) in enumerate(zip(forward, backward)):
        x = 0.8 + 2.1 * place
        arrow = {"arrowstyle": "->", "lw": 1.5}
        ax.annotate("", (x + 1.6, 2.0), (x + 0.5, 2.0), arrowprops=arrow | {"color": BLUE})
        ax.annotate("", (x + 0.5, 1.6), (x + 1.6, 1.6), arrowprops=arrow | {"color": RED})
        ax.text(x + 1.05, 2.25, there, ha="center", color=BLUE, fontsize=13)
        ax.text(x + 1.05, 1.05, back, ha="center", color=RED, fontsize=13)
    whole = r"$\partial \ell / \partial w_{ij} = x_i \; f'(z_j) \; \sum_k v_{jk} \, (p_k - y_k)$"
    ax.text(5, 0.35, whole, ha="center", color=RED, fontsize=14)
    ax.text(5, 3.0, "forward: left to right; backward: right to left", ha="center", fontsize=11)
    return figure


def path(optimizer, rate, n_steps, slope, start):
    """The places of an optimizer that starts there and follows a gradient."""
    theta = np.array(start, float)
    state, places = optimizer.start(theta), [theta.copy()]
    for t in range(1, n_steps + 1):
        moments = [state[name] for name in optimizer.moments]
        optimizer.update(rate, t, theta, slope(theta), np.empty_like(theta), *moments)
        places.append(theta.copy())
    return np.array(places)


def valley():
    """Paths of optimizers through a long valley, and how soon they come to its end."""
    figure, (left, right) = panels(columns=2, width=4.6, height=3.6)
    steepness = np.array([1.0, 30.0])
    x, y = np.meshgrid(np.linspace(-2.4, 0.6, 120), np.linspace(-0.7, 0.7, 100))
    height = 0.5 * (steepness[0] * x**2 + steepness[1] * y**2)
    left.contour(x, y, height, levels=np.geomspace(0.02, 8, 10), colors="#bbbbbb", linewidths=0.8)
    shown = {
        "gradient descent": (optimizers.SGD(momentum=0.0), 0.06),
        "momentum": (optimizers.Momentum(momentum=0.9), 0.2),
        "RMSprop": (optimizers.RMSprop(rho=0.9), 0.05),
        "AdaGrad": (optimizers.AdaGrad(), 0.4),
        "Adam": (optimizers.Adam(), 0.15),
    }
    for (name, (optimizer, rate)), (color, style) in zip(shown.items(), STYLES):
        places = path(optimizer, rate, 60, lambda theta: steepness * theta, (-2.2, 0.5))
        left.plot(*places.T, color=color, linestyle=style, label=name)
        heights = 0.5 * places**2 @ steepness
        right.semilogy(heights, color=color, linestyle=style, label=name)
    left.plot(0, 0, "k*", ms=10)
    left.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    right.set(xlabel="step", ylabel="height", ylim=(1e-6, 20))
    right.legend(fontsize=8)
    return figure


def bias_correction():
    """Adam's averages of a noisy gradient, with and without the correction."""
    figure, (ax,) = panels(width=5.5)
    g = 1 + 0.5 * np.random.default_rng(0).normal(size=60)
    m, averages = 0.0, []
    for each in g:
        m = 0.9 * m + 0.1 * each
        averages.append(m)
    t = np.arange(1, 61)
    ax.plot(t, g, ".", color="#999999", label="gradients")
    ax.plot(t, averages, color=RED, linestyle="--", label="$m_t$")
    ax.plot(t, averages / (1 - 0.9**t), color=BLUE, label=r"$m_t / (1 - \beta_1^t)$")
    ax.set(xlabel="step t", ylabel="gradient")
    ax.legend()
    return figure


def spread():
    """The spread of activations in ten layers, by initializer."""
    figure, axes = panels(columns=2)
    shown = {
        "Normal(0.01)": initializers.Normal(scale=0.01),
        "Normal(1)": initializers.Normal(scale=1.0),
        "glorot_normal": initializers.GlorotNormal(),
        "he_normal": initializers.HeNormal(),
        "lecun_normal": initializers.LecunNormal(),
    }
    X = np.random.default_rng(0).normal(size=(500, 100))
    for ax, f in zip(axes, (Tanh(), ReLU())):
        for (name, initializer), (color, style) in zip(shown.items(), STYLES):
            network = perceptron([100] * 11 + [1], [f] * 10)
            network.allocate(np.float64)
            network.draw(initializer, np.random.RandomState(0))
            A, sizes = X, []
            for layer in network.layers[:-1]:
                A = layer.forward(A, layer.buffers((500,), np.float64)).copy()
                sizes.append(np.sqrt(np.mean(A**2)))
            ax.semilogy(range(1, 11), sizes, color=color, linestyle=style, label=name)
        ax.set(xlabel="layer", title=f.name, ylim=(1e-8, 1e8))
    axes[0].set_ylabel("root mean square of activations")
    axes[1].legend(fontsize=8)
    return figure


def smoothing():
    """The loss of a row against its margin, with and without smoothed labels."""
    figure, (ax,) = panels(width=5.5)
    margin = np.linspace(-2, 12, 200)
    for epsilon, (color, style) in zip((0.0, 0.03, 0.1, 0.3), STYLES):
        Z = np.zeros((len(margin), 10))
        Z[:, 0] = margin
        values = np.empty(len(margin))
        loss = losses.SoftmaxCrossEntropy(label_smoothing=epsilon)
        loss.value_and_gradient(Z, np.zeros(len(margin), int), values)
        ax.plot(margin, values, color=color, linestyle=style, label=rf"$\epsilon$ = {epsilon:g}")
    ax.set(xlabel="score of the true class above the others", ylabel="loss", ylim=(0, 5))
    ax.legend()
    return figure


def temperature():
    """The loss of scores that are too large, against the temperature."""
    figure, (ax,) = panels(width=5.5)
    rng = np.random.default_rng(0)
    fair = rng.normal(size=(300, 3)) * 1.5
    y = (softmax(fair, axis=1).cumsum(axis=1) < rng.random((300, 1))).sum(axis=1)
    T = np.geomspace(0.3, 20, 100)
    for scale, (color, style) in zip((3.0, 1.0, 0.5), STYLES):
        Z, values, curve = scale * fair, np.empty(300), []
        for each in T:
            losses.SoftmaxCrossEntropy().value_and_gradient(Z / each, y, values)
            curve.append(values.mean())
        ax.semilogx(
            T, curve, color=color, linestyle=style, label=f"{scale:g} times the fair scores"
        )
        ax.plot(T[np.argmin(curve)], min(curve), "o", color=color)
    ax.set(xlabel="temperature T", ylabel="loss of held-out rows", ylim=(0.6, 2))
    ax.legend()
    return figure


FIGURES = {
    "linear": linear,
    "softmax": softmax_and_slopes,
    "mean": mean,
    "regression-losses": regression_losses,
    "activations": activations,
    "chain": chain,
    "valley": valley,
    "bias-correction": bias_correction,
    "spread": spread,
    "smoothing": smoothing,
    "temperature": temperature,
}


def main():
    """Draw every figure into the folder."""
    default = Path(__file__).parent.parent / "_static" / "figures"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    # The same names of elements in every run, so that a figure changes only if it is drawn anew.
    matplotlib.rcParams["svg.hashsalt"] = "sknumpy_mlp"
    for name, draw in FIGURES.items():
        draw().savefig(folder / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
