"""Five published from-scratch networks, reproduced and improved with ScratchMLPClassifier.

Usage: python examples/recipes.py [--data DIR] [--seeds N] [--only R0 R4 ...] [--output DIR]

Each network is one call of ScratchMLPClassifier. Prints the published accuracy next to the median
accuracy reached over seeds. R0 and R4 use the 8 x 8 digits that come with scikit-learn. R1, R2 and
R3 use MNIST: DIR contains mnist.npz with the arrays X_train, y_train, X_test and y_test; without
--data, MNIST is fetched from OpenML. The loss curves of R4 are drawn into the output folder, by
default `output` next to this file; this needs matplotlib. replay.py repeats the published logs of
R0 and R3 digit by digit.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from joblib import Parallel, cpu_count, delayed
from sklearn.datasets import fetch_openml, load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler
from threadpoolctl import threadpool_limits

from sknumpy_mlp import ScratchMLPClassifier, initializers, optimizers, schedules

MNIST_ARRAYS = "X_train", "y_train", "X_test", "y_test"

# The tutorials. Of R1, R2 and R4, neither the title nor the author is on record.
TUTORIALS = {
    "R0": '"Artificial neural network from scratch for handwritten digit recognition"',
    "R1": "a tutorial on MNIST's 42,000 rows: 784-10-10, ReLU",
    "R2": "a tutorial on MNIST: 784-10-10, sigmoid",
    "R3": '"Neural network from scratch" by Qi Wang',
    "R4": "a tutorial on the 8 x 8 digits: 64-64-10, sigmoid",
}


@dataclass(frozen=True)
class Recipe:
    """One network: its data, its settings, and its published results.

    Attributes
    ----------
    key, title : str
    data : str
        Key of `DATA`, which maps to a function of this file that splits the data.
    measured_on : {"test", "train"}
        The rows on which the published accuracy was measured.
    settings : dict
        All parameters passed to `ScratchMLPClassifier`, except the seed.
    published : float or None
        Accuracy in percent; None if only a verbal claim was published.
    test_rows : int or None
        Number of rows in the published test set. The accuracy reached may be lower than the
        published one by the binomial error of this set. The same tolerance is used for training
        rows, where different starting weights alone make as much of a difference.
    claim : str
        The published verbal claim.
    """

    key: str
    title: str
    data: str
    measured_on: str
    settings: dict
    published: float | None = None
    test_rows: int | None = None
    claim: str = ""

    @property
    def error(self):
        """The binomial standard error of the published accuracy, in percent."""
        share = self.published / 100
        return 100 * (share * (1 - share) / self.test_rows) ** 0.5

    @property
    def group(self):
        """The name used by --only: the key without the "+" of an improved recipe."""
        return self.key.rstrip("+")


# ---- recipes ----

PLAIN = {"solver": optimizers.SGD(momentum=0.0), "alpha": 0.0, "n_iter_no_change": None}
# Each epoch is one step on all rows, so their order only changes the rounding.
FULL = PLAIN | {"batch_size": "full", "shuffle": False}

R0 = PLAIN | {
    "hidden_layer_sizes": (64, 16),
    "init": initializers.Normal(scale=0.01, biases=initializers.Normal(scale=1.0)),
    "batch_size": 64,
    "learning_rate_init": 0.01,
    "max_iter": 100,
}
R0_FULL = R0 | FULL
R0B = R0_FULL | {"learning_rate_init": 0.05}
R0B_LONG = R0_FULL | {"learning_rate_init": 0.1, "max_iter": 1000}
R0B_FAST = R0_FULL | {"learning_rate_init": 0.2}
R0C = R0B_FAST | {"solver": optimizers.Momentum(momentum=0.9)}
R0D = R0_FULL | {"solver": "adam"}
R0E = R0_FULL | {"solver": optimizers.RMSprop(rho=0.9)}
R1 = FULL | {
    "hidden_layer_sizes": (10,),
    "init": initializers.Uniform(low=-0.5, high=0.5, biases="same"),
    "learning_rate_init": 1.0,
    "max_iter": 500,
}
R2 = PLAIN | {
    "hidden_layer_sizes": (10,),
    "activation": "logistic",
    "init": "lecun_normal",
    "batch_size": 64,
    "learning_rate_init": 0.1,
    "max_iter": 100,
}
R3 = FULL | {
    "hidden_layer_sizes": (16, 16),
    "activation": "tanh",
    "init": initializers.Normal(scale=0.1),
    "learning_rate_init": 1.0,
    "learning_rate": schedules.Step(boundaries=[0.5], factors=[1.0, 0.1]),
    "max_iter": 150,
}
R3_LOG = R3 | {
    "learning_rate_init": 0.5,
    "learning_rate": schedules.Step(boundaries=[0.5], factors=[1.0, 0.2]),
}
R4 = FULL | {
    "hidden_layer_sizes": (64,),
    "activation": "logistic",
    "init": initializers.Normal(scale=1.0),
    "learning_rate_init": 0.1,
    "max_iter": 1000,
}

RECIPES = [
    # The tutorial's own split. Its network, of one seed, has 88.06 % there: see replay.py.
    Recipe("R0", "last 20 % of rows", "digits_last", "test", R0, claim="88.06 by 1 seed"),
    Recipe("R0", "the same, random test rows", "digits", "test", R0, 95.3, 64),
    Recipe("R0b", "one batch, rate 0.05", "digits", "test", R0B, claim="smooth curve"),
    Recipe("R0b", "to its end: 1,000 at 0.1", "digits", "test", R0B_LONG, claim="smooth curve"),
    Recipe("R0b", "one batch, rate 0.2", "digits", "test", R0B_FAST, claim="-"),
    Recipe("R0c", "momentum, rate 0.2", "digits", "test", R0C, claim="steadier, sooner"),
    Recipe("R0d", "Adam", "digits", "test", R0D, claim="best of the four"),
    Recipe("R0e", "RMSprop", "digits", "test", R0E, claim="formula"),
    Recipe("R1", "one batch, rate 1", "mnist_42000", "train", R1, 91.7, 1000),
    Recipe("R1", "the same, held-out rows", "mnist_42000", "test", R1, claim="-"),
    Recipe("R2", "mini-batches of 64", "mnist", "test", R2, 92.3, 10_000),
    Recipe("R2", "the same, training rows", "mnist", "train", R2, 95.45, 10_000),
    # The code of the tutorial has a rate of 1, but its log was made with 0.5: see replay.py.
    Recipe("R3", "one batch, rate 1, then 0.1", "mnist", "train", R3, 85.9, 10_000),
    Recipe("R3", "the same, held-out rows", "mnist", "test", R3, claim="-"),
    Recipe("R3", "one batch, rate 0.5, then 0.1", "mnist", "train", R3_LOG, 85.9, 10_000),
    Recipe("R3", "the same, held-out rows", "mnist", "test", R3_LOG, claim="-"),
    Recipe("R4", "one batch, rate 0.1", "digits_scaled", "test", R4, 93.06, 360),
    Recipe(
        "R4b",
        "squared error, rate 3",
        "digits_scaled",
        "test",
        R4 | {"loss": "squared_error", "learning_rate_init": 3.0},
        claim="an option",
    ),
    # The squared error gives saturated outputs no gradient: with N(0, 1), most seeds lose a class.
    Recipe(
        "R4b",
        "the same, Glorot start",
        "digits_scaled",
        "test",
        R4 | {"loss": "squared_error", "learning_rate_init": 3.0, "init": "glorot_normal"},
        claim="-",
    ),
    Recipe(
        "R4b",
        "binary log-loss, rate 0.1",
        "digits_scaled",
        "test",
        R4 | {"loss": "binary_log_loss"},
        claim="an option",
    ),
]

# The same layers and activations, with our choice of initializer, solver and schedule.
OURS = {
    "init": "glorot_normal",
    "solver": optimizers.AdamW(weight_decay=0.1),
    "learning_rate": schedules.Warmup(fraction=0.05, then="cosine"),
    "learning_rate_init": 0.01,
    "batch_size": 32,
    "shuffle": True,
    "max_iter": 100,
}
OURS_MNIST = OURS | {
    "batch_size": 128,
    "max_iter": 30,
    "solver": optimizers.AdamW(weight_decay=0.001),
}
# Ten logistic units between pixels and classes overfit: use a stronger penalty and more epochs.
OURS_R2 = {
    "solver": optimizers.SGD(momentum=0.9),
    "learning_rate_init": 0.3,
    "alpha": 0.01,
    "max_iter": 100,
}
# Other writers are in the test rows of the tutorial's own split: smoothed labels generalize better.
OURS_R0 = OURS | {"label_smoothing": 0.1}
IMPROVED = [
    Recipe("R0+", "last 20 % of rows", "digits_last", "test", R0 | OURS_R0, 88.06, 360),
    Recipe("R0+", "64-64-16-10 relu", "digits", "test", R0 | OURS, 95.3, 64),
    Recipe("R1+", "784-10-10 relu", "mnist_42000", "train", R1 | OURS_MNIST, 91.7, 1000),
    Recipe("R1+", "the same, held-out rows", "mnist_42000", "test", R1 | OURS_MNIST, claim="-"),
    Recipe("R2+", "784-10-10 logistic", "mnist", "test", R2 | OURS_MNIST | OURS_R2, 92.3, 10_000),
    Recipe("R3+", "784-16-16-10 tanh", "mnist", "train", R3 | OURS_MNIST, 85.9, 10_000),
    Recipe("R4+", "64-64-10 logistic", "digits_scaled", "test", R4 | OURS, 93.06, 360),
]


# ---- data: each function returns X_train, X_test, y_train, y_test ----


def digits(seed, mnist):
    """The 8 x 8 digits with unscaled pixels (0 to 16); 20 % random test rows."""
    return train_test_split(*load_digits(return_X_y=True), test_size=0.2, random_state=seed)


def digits_last(seed, mnist):
    """The same, tested on the last 20 % of the rows, which were written by other people."""
    return train_test_split(*load_digits(return_X_y=True), test_size=0.2, shuffle=False)


def digits_scaled(seed, mnist):
    """Pixels scaled to [0, 1] based on the training rows; the same split for all seeds."""
    split = train_test_split(*load_digits(return_X_y=True), test_size=0.2, random_state=42)
    X_train, X_test, y_train, y_test = split
    scaler = MinMaxScaler().fit(X_train)
    return scaler.transform(X_train), scaler.transform(X_test), y_train, y_test


def mnist_60000(seed, mnist):
    """All of MNIST, with pixels divided by 255, in float32, which halves the time."""
    X_train, y_train, X_test, y_test = mnist
    return _unit(X_train), _unit(X_test), y_train, y_test


def mnist_42000(seed, mnist):
    """42,000 training rows of MNIST, 1,000 of them held out."""
    X, y = _unit(mnist[0][:42_000]), mnist[1][:42_000]
    return train_test_split(X, y, test_size=1000, random_state=seed)


def _unit(pixels):
    return pixels.astype(np.float32) / np.float32(255)


DATA = {
    "digits": digits,
    "digits_last": digits_last,
    "digits_scaled": digits_scaled,
    "mnist": mnist_60000,
    "mnist_42000": mnist_42000,
}


def load_mnist(folder):
    """Load the four MNIST arrays from a folder or OpenML; on failure, print why and return None."""
    if folder is not None:
        with np.load(folder / "mnist.npz") as file:
            return tuple(file[name] for name in MNIST_ARRAYS)
    print("Fetching MNIST from OpenML ...", flush=True)
    try:
        X, y = fetch_openml(
            "mnist_784", version=1, return_X_y=True, as_frame=False, parser="liac-arff"
        )
    except Exception as error:  # Downloads fail in many ways; the digits should still run.
        print(
            f"MNIST could not be fetched ({type(error).__name__}: {error}).\n"
            "R1, R2 and R3 are skipped. To run them, pass --data DIR, a folder with mnist.npz "
            f"that contains the arrays {', '.join(MNIST_ARRAYS)}.\n"
        )
        return None
    X, y = X.astype(np.uint8), y.astype(int)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]


# ---- running ----


@dataclass(frozen=True)
class Run:
    """Results of one seed: accuracies in percent, the loss of every epoch, seconds of `fit`."""

    test: float
    train: float
    loss_curve: np.ndarray
    seconds: float

    def first_epoch_below(self, loss):
        """Number of the first epoch whose loss is below `loss`, or None."""
        below = np.flatnonzero(self.loss_curve < loss)
        return int(below[0]) + 1 if len(below) else None

    @property
    def rises(self):
        """Number of epochs in which the loss rose."""
        return int((np.diff(self.loss_curve) > 0).sum())


def run(recipe, seed, mnist=None):
    """Train one recipe with one seed."""
    X_train, X_test, y_train, y_test = DATA[recipe.data](seed, mnist)
    classifier = ScratchMLPClassifier(**recipe.settings, random_state=seed)
    started = time.perf_counter()
    # Matrix products this small gain nothing from BLAS threads; running two seeds at a time does.
    with threadpool_limits(1, "blas"):
        classifier.fit(X_train, y_train)
        seconds = time.perf_counter() - started
        test = 100 * classifier.score(X_test, y_test)
        train = 100 * classifier.score(X_train, y_train)
    return Run(test, train, np.array(classifier.loss_curve_), seconds)


def settings_key(recipe):
    """Recipes with the same key differ only in the measured rows, so they share one run."""
    return recipe.data, repr(sorted(recipe.settings.items()))


def print_table(recipes, run_all):
    """Print one line per recipe with the published and the reached accuracy."""
    header = f"{'':5} {'':29} {'rows':5} {'published':>16}  {'reached':>7}  {'over seeds':>13}"
    print(header + f"  {'':8} {'s/fit':>6}")
    print("-" * (len(header) + 17))
    for recipe in recipes:
        runs = run_all(recipe)
        reached = [getattr(run, recipe.measured_on) for run in runs]
        published, verdict = recipe.claim, ""
        if recipe.published is not None:
            published = f"{recipe.published:.2f} +- {recipe.error:.2f}"
            gain = median(reached) - recipe.published
            verdict = "reached" if gain >= -recipe.error else "MISSED"
            if recipe.key.endswith("+"):
                verdict = f"{gain:+.2f}"
        seeds = f"{min(reached):.2f}..{max(reached):.2f}"
        print(
            f"{recipe.key:5} {recipe.title:29} {recipe.measured_on:5} {published:>16}  "
            f"{median(reached):7.2f}  {seeds:>13}  {verdict:8} "
            f"{median(run.seconds for run in runs):6.1f}",
            flush=True,
        )
    print()


def print_descent(recipes, run_all, threshold=1.0):
    """Print how soon and how steadily the loss of the R0 variants falls."""
    print(f"R0 to R0e: first epoch with training loss below {threshold}, and how often it rises")
    for recipe in recipes:
        runs = run_all(recipe)
        n_epochs = len(runs[0].loss_curve)
        # A run that never reaches the threshold counts as one epoch after the last.
        first = median(run.first_epoch_below(threshold) or n_epochs + 1 for run in runs)
        sooner = f"from epoch {first:.0f}," if first <= n_epochs else "not reached,"
        rises = median(run.rises for run in runs)
        final = median(run.loss_curve[-1] for run in runs)
        print(
            f"{recipe.key:5} {recipe.title:29} {sooner:14} rises in {rises:2.0f} of {n_epochs - 1} "
            f"epochs, ends at {final:.4f}"
        )
    print()


def curves_of(recipe):
    """Train with `partial_fit`; returns the classifier and the test loss of each epoch."""
    X_train, X_test, y_train, y_test = DATA[recipe.data](0, None)
    classifier = ScratchMLPClassifier(**recipe.settings, random_state=0)
    classes = np.unique(y_train)
    test_curve = []
    with threadpool_limits(1, "blas"):
        for _ in range(recipe.settings["max_iter"]):
            classifier.partial_fit(X_train, y_train, classes=classes)
            test_curve.append(log_loss(y_test, classifier.predict_proba(X_test)))
    return classifier, test_curve


def show_curves(recipe, folder):
    """Print and draw the training and the test loss of each epoch."""
    classifier, test_curve = curves_of(recipe)
    training_curve = classifier.loss_curve_
    print(f"{recipe.key}: training and test loss, recorded for {len(test_curve)} epochs")
    for epoch in (1, 3, 10, 30, 100, 300, 1000):
        train, test = training_curve[epoch - 1], test_curve[epoch - 1]
        print(f"  epoch {epoch:4d}   training {train:.4f}   test {test:.4f}")
    print(classifier.summary(), "\n")
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / f"{recipe.key}.png"
    try:
        draw_curves(picture, training_curve, test_curve)
        print(f"Picture: {picture}\n")
    except ModuleNotFoundError:
        print('No picture: install matplotlib (pip install ".[plot]" or pip install matplotlib).')


def draw_curves(picture, training_curve, test_curve):
    """Draw the loss of training and test rows against the epoch, both axes logarithmic."""
    # A separate Figure needs neither a display nor matplotlib's global state.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    epochs = np.arange(1, len(test_curve) + 1)
    axes.plot(epochs, training_curve, color="#0072b2", label="training rows")
    axes.plot(epochs, test_curve, color="#d55e00", linestyle="--", label="test rows")
    axes.set(xlabel="epoch", ylabel="log-loss", xscale="log", yscale="log", title="R4")
    axes.legend()
    axes.grid(alpha=0.25)
    figure.savefig(picture, dpi=110)


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder with mnist.npz")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="number (default: 5)")
    groups = list(dict.fromkeys(recipe.group for recipe in RECIPES))
    parser.add_argument("--only", nargs="+", choices=groups, default=groups, help="recipes to run")
    default = Path(__file__).resolve().parent / "output"
    parser.add_argument("--output", type=Path, default=default, metavar="DIR", help="for pictures")
    options = parser.parse_args()
    if options.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {options.seeds}")
    if options.data is not None and not (options.data / "mnist.npz").is_file():
        parser.error(f"--data must be a folder that holds mnist.npz, got {options.data}")
    return options


def main():
    """Run the selected recipes and print the tables."""
    options = parse_arguments()
    started = time.perf_counter()
    chosen = [recipe for recipe in RECIPES if recipe.group in options.only]
    improved = [recipe for recipe in IMPROVED if recipe.group in options.only]
    mnist = None
    if any(recipe.data.startswith("mnist") for recipe in chosen):
        mnist = load_mnist(options.data)
    if mnist is None:
        chosen, improved = (
            [recipe for recipe in recipes if not recipe.data.startswith("mnist")]
            for recipes in (chosen, improved)
        )
    if not chosen:
        sys.exit("No recipe is left to run.")

    done = {}
    # max_nbytes=None sends arrays directly; memory maps of them would accumulate.
    workers = Parallel(n_jobs=min(options.seeds, cpu_count()), max_nbytes=None)

    def run_all(recipe):
        key = settings_key(recipe)
        if key not in done:
            arrays = mnist if recipe.data.startswith("mnist") else None
            done[key] = workers(delayed(run)(recipe, seed, arrays) for seed in range(options.seeds))
        return done[key]

    for key, tutorial in TUTORIALS.items():
        print(f"{key}: {tutorial}")
    print(
        f"\nAccuracy in percent, median of {options.seeds} seeds; +- is the binomial standard error"
    )
    print_table(chosen, run_all)
    if variants := [recipe for recipe in chosen if recipe.group.startswith("R0")]:
        print_descent(variants, run_all)
    if improved:
        print("The same layers and activations with a different initializer, solver and schedule")
        print_table(improved, run_all)
    for recipe in chosen:
        if recipe.key == "R4":
            show_curves(recipe, options.output)
    print(f"Done in {(time.perf_counter() - started) / 60:.1f} minutes.")


if __name__ == "__main__":
    main()
