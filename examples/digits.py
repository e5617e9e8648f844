"""Classify handwritten digits, from a pipeline to a saved model and a picture.

Usage: python examples/digits.py [output folder]

All files are written to the output folder, by default `output` next to this file. The picture
needs matplotlib; everything else works without it.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknumpy_mlp import ScratchMLPClassifier

GRID = {
    "scratchmlpclassifier__activation": ["relu", "silu", "tanh"],
    "scratchmlpclassifier__learning_rate_init": [0.005, 0.02],
}

# Run in a separate Python process, so the model can only come from the file.
LOAD_AND_PREDICT = """
import sys, joblib, numpy
model_file, rows_file, probabilities_file = sys.argv[1:]
model = joblib.load(model_file)
numpy.save(probabilities_file, model.predict_proba(numpy.load(rows_file)))
"""


def new_pipeline(verbose):
    """Pixels scaled to [0, 1], then a network with one hidden layer."""
    return make_pipeline(
        MinMaxScaler(),
        ScratchMLPClassifier(
            hidden_layer_sizes=(64,),
            learning_rate="cosine",
            learning_rate_init=0.005,
            batch_size=64,
            max_iter=30,
            n_iter_no_change=None,
            random_state=0,
            verbose=verbose,
        ),
    )


def print_confusion(true, predicted):
    """A table with one row per true digit and one column per predicted digit."""
    print("true \\ predicted  " + " ".join(f"{digit:3d}" for digit in range(10)))
    for digit, counts in enumerate(confusion_matrix(true, predicted)):
        print(f"{digit:16d}  " + " ".join(f"{n:3d}" if n else "  ." for n in counts))


def predict_in_new_process(model_file, X, folder):
    """Predict probabilities with the saved model in a new Python process."""
    rows_file, probabilities_file = folder / "rows.npy", folder / "probabilities.npy"
    np.save(rows_file, X)
    arguments = [str(path) for path in (model_file, rows_file, probabilities_file)]
    subprocess.run([sys.executable, "-c", LOAD_AND_PREDICT, *arguments], check=True)
    return np.load(probabilities_file)


def draw(picture_file, loss_curve, X, y, predicted):
    """Plot the loss per epoch and test digits with their predicted labels."""
    # A separate Figure needs neither a display nor matplotlib's global state.
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    figure = Figure(figsize=(13, 5.2), layout="constrained", facecolor="white")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25], wspace=0.03)

    axes = left.subplots()
    axes.plot(np.arange(1, len(loss_curve) + 1), loss_curve, color="#1f5fa8", lw=2)
    axes.set(xlabel="epoch", ylabel="training loss", yscale="log", xlim=(1, len(loss_curve)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title("Training loss per epoch", fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)

    wrong = np.flatnonzero(predicted != y)
    shown = np.r_[wrong[:8], np.flatnonzero(predicted == y)][:40]
    right.suptitle(
        f"Test digits and predicted labels ({len(wrong)} of {len(y)} wrong, in red)", fontsize=13
    )
    for axes, row in zip(right.subplots(5, 8).flat, shown):
        axes.imshow(X[row].reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#cccccc")
        if predicted[row] == y[row]:
            axes.set_title(predicted[row], fontsize=11, pad=3)
        else:
            label = f"{predicted[row]}, is {y[row]}"
            axes.set_title(label, fontsize=10, pad=3, color="#c0182b", weight="bold")
            axes.spines[:].set(color="#c0182b", linewidth=1.5)
    figure.savefig(picture_file, dpi=110)


def main():
    """Train, evaluate, search, save, load and plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent / "output"
    parser.add_argument("output", nargs="?", type=Path, default=default, help="output folder")
    folder = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    print(f"{len(X_train)} training digits and {len(X_test)} test digits of 8 x 8 pixels\n")

    print("Training")
    model = new_pipeline(verbose=True).fit(X_train, y_train)
    network = model[-1]
    print(f"\nThe network\n{network.summary()}\n")
    print(f"Test accuracy: {model.score(X_test, y_test):.4f}\n")

    print("Searching", " x ".join(name.split("__")[1] for name in GRID), "with 3-fold validation")
    search = GridSearchCV(new_pipeline(verbose=False), GRID, cv=3).fit(X_train, y_train)
    results = search.cv_results_
    for values, accuracy in zip(results["params"], results["mean_test_score"]):
        settings = ", ".join(f"{name.split('__')[1]}={value}" for name, value in values.items())
        print(f"  {accuracy:.4f}  {settings}")
    best = search.best_estimator_
    predicted = best.predict(X_test)
    print(f"Test accuracy of the best model: {best.score(X_test, y_test):.4f}\n")
    print_confusion(y_test, predicted)

    one = X_test[:1]
    probability = best.predict_proba(one)[0]
    print(f"\nOne single image, a {y_test[0]}:")
    print(f"  predicted {best.predict(one)[0]} with probability {probability.max():.4f}")

    model_file = folder / "digits.joblib"
    joblib.dump(best, model_file)
    print(f"\nSaved the best pipeline: {model_file} ({model_file.stat().st_size:,} bytes)")
    again = predict_in_new_process(model_file, X_test, folder)
    if again.tobytes() != best.predict_proba(X_test).tobytes():
        sys.exit("The model loaded in a new process gives different probabilities.")
    print("Loaded in a new process, its probabilities are the same to the bit.")

    picture_file = folder / "digits.png"
    try:
        draw(picture_file, best[-1].loss_curve_, X_test, y_test, predicted)
        print(f"Picture: {picture_file}")
    except ModuleNotFoundError:
        print('No picture: install matplotlib (pip install ".[plot]" or pip install matplotlib).')
    print(f"Done in {time.perf_counter() - started:.1f} seconds.")


if __name__ == "__main__":
    main()
