"""Compare error, log-loss and seconds of `fit` of `make_tabular_mlp` and other models on tables.

The tables are the files ``tabular/*.csv.gz`` in the folder of `--data`, or ``*.csv.gz`` in that
folder itself. One column is named ``target``. Columns that are not numeric are categorical.
"""

import argparse
import csv
import gzip
import importlib.util
import logging
import sys
import time
import warnings
from pathlib import Path

from _timing import describe_machine, limit_threads, print_table

QUICK = ("vehicle", "german")
# The published network, instead of the recipe's four networks of half the width.
AS_PUBLISHED = {"members": 1, "hidden_layer_sizes": (256, 256, 256), "max_iter": 256}
# The recipe with one part changed or removed.
ABLATION = {
    "one member": {"members": 1},
    "eight members": {"members": 8},
    "128 epochs": {"max_iter": 128},
    "one network of 256 units": {"members": 1, "hidden_layer_sizes": (256, 256, 256)},
    "no feature scale": {"feature_scale": False, "learning_rate_factors": {"biases": 0.1}},
    "no factors of the rate": {"learning_rate_factors": None},
    "biases start at zero": {"init": ("lecun_normal", "zeros")},
    "output layer starts like the others": {"init": "lecun_normal"},
    "standard parametrization": {"parametrization": "standard", "learning_rate_init": 0.004},
    "ReLU": {"activation": "relu"},
    "Adam's usual betas": {"solver": "adam"},
    "no label smoothing": {"label_smoothing": 0.0},
    "one half cosine": {"learning_rate": "cosine"},
    "the last epoch": {"restore_best": False},
    "the first of equals": {"best_of_ties": "first"},
    "the epoch of least loss": {"scoring": "loss"},
    "no temperature": {"temperature_scaling": False},
}
# The names of contenders in the baseline file.
IN_BASELINE = {
    "MLPClassifier": "sk_mlp",
    "gradient boosting": "hgb",
    "RealMLP-TD-S": "realmlp_s",
    "RealMLP-TD": "realmlp",
}


def main():
    """Fit every contender on every split of every table, in turn."""
    arguments = parse_arguments()
    limit_threads(arguments.threads)
    warnings.simplefilter("ignore")
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import numpy as np
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split

    paths = tables(arguments)
    contenders = make_contenders(arguments)
    describe_machine(["numpy", "scipy", "sklearn", "torch", "pytabkit"])
    print(
        f"{len(paths)} tables, {arguments.splits} splits, three quarters of the rows for training; "
        "contenders take turns on each split\n"
    )
    rows = []
    for path in paths:
        X, y = read_table(path)
        for seed in range(arguments.splits):
            train, test = train_test_split(
                np.arange(len(y)), test_size=0.25, stratify=y, random_state=100 + seed
            )
            for name, make in contenders.items():
                model, X_train = make(seed, X), X.take(train)
                start = time.perf_counter()
                model.fit(X_train, y[train])
                seconds = time.perf_counter() - start
                proba = model.predict_proba(X.take(test))
                error = float(np.mean(model.classes_[proba.argmax(axis=1)] != y[test]))
                # float32 probabilities only sum to one up to rounding; log_loss would warn.
                proba = proba / proba.sum(axis=1, keepdims=True, dtype=np.float64)
                loss = log_loss(y[test], proba, labels=model.classes_)
                rows.append((path.name.split(".")[0], seed, name, error, loss, seconds))
        report_table(rows, path.name.split(".")[0], contenders)
    report(rows, contenders)
    if arguments.baseline:
        compare_to_baseline(rows, arguments.baseline)
    if arguments.csv:
        with open(arguments.csv, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["set", "seed", "model", "error", "log_loss", "fit_seconds"])
            writer.writerows(rows)


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of the tables")
    parser.add_argument("--splits", type=int, default=4, help="splits per table (default: 4)")
    parser.add_argument("--tables", help="names, separated by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help=f"only {' and '.join(QUICK)}")
    parser.add_argument("--models", help="names, separated by semicolons (default: all)")
    parser.add_argument("--epochs", default="64", help="epochs of the recipe, such as 64,128")
    parser.add_argument("--members", default="4", help="members of the recipe, such as 4,8")
    parser.add_argument(
        "--ablation", action="store_true", help="the recipe with one part changed at a time"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument("--csv", type=Path, help="write every fit to this file")
    parser.add_argument("--baseline", type=Path, help="compare with a file that --csv wrote")
    return parser.parse_args()


def tables(arguments):
    """The paths of the selected tables."""
    folder = arguments.data / "tabular"
    paths = sorted((folder if folder.is_dir() else arguments.data).glob("*.csv.gz"))
    names = arguments.tables.split(",") if arguments.tables else QUICK if arguments.quick else None
    paths = [path for path in paths if names is None or path.name.split(".")[0] in names]
    if not paths:
        sys.exit(f"no *.csv.gz with these names in {arguments.data}")
    return paths


class Table:
    """A minimal DataFrame with columns of floats and of strings.

    It keeps pandas out of the benchmark's requirements. `take` returns rows as an array of floats
    if all columns are floats, otherwise as an array of objects.
    """

    def __init__(self, columns):
        self.columns = columns

    @property
    def is_category(self):
        return [values.dtype.kind == "U" for values in self.columns]

    def take(self, index):
        import numpy as np

        if not any(self.is_category):
            return np.column_stack([values[index] for values in self.columns])
        rows = np.empty((len(index), len(self.columns)), dtype=object)
        for number, values in enumerate(self.columns):
            rows[:, number] = values[index]
        return rows


def read_table(path):
    """Read a `Table`, and the target as an array of strings."""
    import numpy as np

    with gzip.open(path, "rt", newline="") as file:
        header, *lines = csv.reader(file)

    def parsed(values):
        try:
            return np.array([float(value) if value else np.nan for value in values])
        except ValueError:
            return np.array(values)

    columns = dict(zip(header, zip(*lines)))
    # Strings even for numbers: a split depends on the order of the classes, where "10" < "2".
    y = np.array(columns.pop("target"))
    return Table([parsed(values) for values in columns.values()]), y


def make_contenders(arguments):
    """A dict from displayed names to functions that create an estimator from a seed and a table."""
    from sknumpy_mlp import ScratchMLPClassifier, make_tabular_mlp

    def recipe(**overrides):
        return lambda seed, X: make_tabular_mlp(random_state=seed, **overrides)

    if arguments.ablation:
        changes = {"recipe": {}} | ABLATION
        contenders = {name: recipe(**changed) for name, changed in changes.items()}
        return chosen(contenders, arguments.models)
    contenders = {
        f"recipe, {members} members, {epochs} epochs": recipe(
            members=int(members), max_iter=int(epochs)
        )
        for members in arguments.members.split(",")
        for epochs in arguments.epochs.split(",")
    }
    if importlib.util.find_spec("numba"):
        contenders["recipe in NumPy"] = recipe(engine="numpy")
    contenders["recipe as published"] = recipe(**AS_PUBLISHED)
    contenders["our defaults"] = lambda seed, X: standardised(X, ScratchMLPClassifier, seed)
    contenders |= scikit_learn() | pytabkit(arguments.threads)
    return chosen(contenders, arguments.models)


def chosen(contenders, models):
    """The contenders that ``--models`` names; all contenders by default."""
    if models is None:
        return contenders
    asked = models.split(";")
    found = {name: make for name, make in contenders.items() if name in asked}
    if len(found) < len(asked):
        sys.exit(f"--models must be among {';'.join(contenders)}, got {models}")
    return found


def standardised(X, cls, seed):
    """A pipeline of standardized numbers, one-hot encoded categories and an estimator."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    is_category = np.array(X.is_category)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ~is_category), ("categories", one_hot, is_category)]
    )
    return make_pipeline(columns, cls(random_state=seed))


def scikit_learn():
    """scikit-learn's network, and its gradient boosting with the categorical columns declared."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    def boosting(seed, X):
        is_category = np.array(X.is_category)
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        columns = ColumnTransformer(
            [("numbers", "passthrough", ~is_category), ("categories", encoder, is_category)]
        )
        n_numbers, n_columns = int((~is_category).sum()), len(is_category)
        model = HistGradientBoostingClassifier(
            categorical_features=list(range(n_numbers, n_columns)) or None, random_state=seed
        )
        return make_pipeline(columns, model)

    return {
        "MLPClassifier": lambda seed, X: standardised(X, MLPClassifier, seed),
        "gradient boosting": boosting,
    }


def pytabkit(n_threads):
    """RealMLP, if pytabkit is installed."""
    if not importlib.util.find_spec("pytabkit"):
        return {}
    import numpy as np
    import pandas as pd
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_S_Classifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    # Lightning logs advice in every fit.
    for name in ("lightning", "lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)

    def real_mlp(cls, n_members=1):
        def make(seed, X):
            def frame(rows):
                columns = dict(enumerate(rows.T))
                kinds = {
                    number: "category" if is_category else np.float64
                    for number, is_category in enumerate(X.is_category)
                }
                return pd.DataFrame(columns).astype(kinds)

            network = cls(random_state=seed, device="cpu", n_threads=n_threads, verbosity=0)
            # The members of a cross-validation each hold out one of `n_members` parts.
            network.set_params(n_cv=n_members)
            return make_pipeline(FunctionTransformer(frame), network)

        return make

    return {
        "RealMLP-TD-S": real_mlp(RealMLP_TD_S_Classifier),
        "RealMLP-TD": real_mlp(RealMLP_TD_Classifier),
        "RealMLP-TD-S, 8 members": real_mlp(RealMLP_TD_S_Classifier, 8),
    }


def means(rows, name, table=None):
    """The mean error, log-loss and seconds of a contender."""
    of = [row[3:] for row in rows if row[2] == name and table in (None, row[0])]
    return [sum(values) / len(of) for values in zip(*of)]


def report_table(rows, table, contenders):
    """Print the results of the contenders on one table."""
    lines = []
    for name in contenders:
        error, loss, seconds = means(rows, name, table)
        lines.append((name, f"{100 * error:.2f}", f"{loss:.3f}", f"{seconds:.2f}"))
    print_table((table, "error %", "log-loss", "fit, s"), lines)
    print()


def report(rows, contenders):
    """Print the means over all tables, and the mean ranks."""
    names = sorted({row[0] for row in rows})
    ranks = {3: dict.fromkeys(contenders, 0.0), 4: dict.fromkeys(contenders, 0.0)}
    for column, ranked in ranks.items():
        for table in names:
            # Rounded, so that equal results are tied.
            values = {name: round(means(rows, name, table)[column - 3], 6) for name in contenders}
            for name, value in values.items():
                # Tied contenders share the mean rank.
                below = sum(other < value for other in values.values())
                same = sum(other == value for other in values.values())
                ranked[name] += (below + (same + 1) / 2) / len(names)
    lines = []
    for name in contenders:
        error, loss, seconds = means(rows, name)
        lines.append(
            (
                name,
                f"{100 * error:.2f}",
                f"{loss:.3f}",
                f"{seconds:.2f}",
                f"{ranks[3][name]:.1f}",
                f"{ranks[4][name]:.1f}",
            )
        )
    title = f"mean of {len(names)} tables"
    print_table((title, "error %", "log-loss", "fit, s", "rank, error", "rank, log-loss"), lines)
    first = next(iter(contenders))
    print(f"\n{first}: tables where it is better, equal, worse, by error; by log-loss")
    for name in list(contenders)[1:]:
        counts = []
        for column in (0, 1):
            pairs = [
                [round(means(rows, each, table)[column], 6) for each in (first, name)]
                for table in names
            ]
            better, equal = sum(a < b for a, b in pairs), sum(a == b for a, b in pairs)
            counts.append(f"{better}, {equal}, {len(names) - better - equal}")
        print(f"    {name}: {counts[0]}; {counts[1]}")


def compare_to_baseline(rows, path):
    """Print the differences from the fits in a file, for the contenders that are in both."""
    with open(path, newline="") as file:
        known = {(r["set"], int(r["seed"]), r["model"]): r for r in csv.DictReader(file)}
    print(f"\nlargest difference from a fit in {path.name}, and mean seconds in that file")
    for name, there in IN_BASELINE.items():
        pairs = [
            (row, known[row[0], row[1], there])
            for row in rows
            if row[2] == name and (row[0], row[1], there) in known
        ]
        if pairs:
            error = max(abs(row[3] - float(each["error"])) for row, each in pairs)
            loss = max(abs(row[4] - float(each["log_loss"])) for row, each in pairs)
            seconds = sum(float(each["fit_seconds"]) for _, each in pairs) / len(pairs)
            print(f"    {name}: error {error:.5f}, log-loss {loss:.5f}; {seconds:.2f} s")


if __name__ == "__main__":
    main()
