"""Compare the errors, probabilities and times of `make_tabular_mlp` and other models on tables.

The tables are the files ``tabular/*.csv.gz`` (classification) and ``regression/*.csv.gz`` in the
folder of `--data`, or ``*.csv.gz`` in that folder itself. One column is named ``target``. Columns
that are not numeric are categorical.

A recipe that is changed until it wins on these tables is fitted to them. Therefore the tables are
cut into two halves in alphabetical order: ``--half choice`` has the first, third, fifth, ... and
``--half report`` the others. Settings are chosen on the choice half only, by a rule that is written
down before the run. Figures that are quoted are those of the report half.
"""

import argparse
import ast
import csv
import sys
import time
import warnings
from pathlib import Path

from _timing import describe_machine, limit_threads

QUICK = {"classification": ["vehicle", "german"], "regression": ["dietox", "quakes"]}
HALVES = ("choice", "report")
# Others are compared with the first.
BUDGETS = ("default", "fast", "best")
# The published network, instead of the recipe's four networks of half the width.
AS_PUBLISHED = {
    "members": 1,
    "hidden_layer_sizes": (256, 256, 256),
    "max_iter": 256,
    "embedding": None,
    "validation_fraction": 0.2,
    "scoring": None,
}
# The recipe with one part changed or removed.
ABLATION = {
    "one member": {"members": 1},
    "eight members": {"members": 8},
    "128 epochs": {"max_iter": 128},
    "one network of 256 units": {"members": 1, "hidden_layer_sizes": (256, 256, 256)},
    "no feature scale": {"feature_scale": False},
    "no factors of the rate": {"learning_rate_factors": None},
    "biases start at zero": {"init": ("lecun_normal", "zeros")},
    "output layer starts like the others": {"init": "lecun_normal"},
    "standard parametrization": {"parametrization": "standard", "learning_rate_init": 0.004},
    "ReLU": {"activation": "relu"},
    "Adam's usual betas": {"solver": "adam"},
    "label smoothing": {"label_smoothing": 0.1},
    "no embedding": {"embedding": None},
    "embedding at the full rate": {
        "learning_rate_factors": {"biases": 0.1, "feature_scale": 6.0, "embedding": 1.0}
    },
    "one half cosine": {"learning_rate": "cosine"},
    "the last epoch": {"restore_best": False},
    "the first of equals": {"best_of_ties": "first"},
    "the epoch of least loss": {"scoring": "loss"},
    "the epoch of least error": {"scoring": None},
    "no temperature": {"temperature_scaling": False},
}
PACKAGES = ["numpy", "scipy", "sklearn", "numba", "lightgbm", "xgboost", "catboost"]
PACKAGES += ["torch", "pytabkit"]


def main():
    """Fit every contender on every split of every table, in turn."""
    arguments = parse_arguments()
    limit_threads(arguments.threads)
    warnings.simplefilter("ignore")
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import _scores
    import _tables

    task = arguments.task
    paths = chosen_tables(arguments)
    contenders = chosen(make_contenders(task, arguments), arguments.models)
    describe_machine(PACKAGES)
    half = f", the {arguments.half} half" if arguments.half else ""
    print(
        f"{len(paths)} tables of {task}{half}, {arguments.splits} splits, three quarters of the "
        "rows for training; contenders take turns on each split\n"
    )
    done = []
    if arguments.resume and arguments.csv.exists():
        done = _scores.read_fits(arguments.csv, task)
    with Writer(arguments.csv, _scores.columns(task), arguments.resume) as writer:
        known = {(fit["set"], fit["seed"], fit["model"]) for fit in done}
        warm_up(task, _tables.read_table(paths[0], task), contenders)
        for path in paths:
            table = _tables.read_table(path, task)
            for seed in range(arguments.splits):
                for name, make in contenders.items():
                    if (table.name, seed, name) not in known:
                        done.append(run(task, table, seed, name, make))
                        writer.write(done[-1])
            if contenders:
                _scores.report_table(_scores.Results(task, done), table.name)
    report(task, paths, done, arguments)


def chosen_tables(arguments):
    """The paths of the tables that the command line names; exits if there are none."""
    from _tables import NoTablesError, find_tables

    try:
        return find_tables(arguments.data, arguments.task, arguments.half, arguments.tables)
    except NoTablesError as error:
        sys.exit(str(error))


def report(task, paths, done, arguments):
    """Print the comparison of the fits of this run and of the files of ``--baseline``."""
    import _scores
    from _tables import name_of

    names = {name_of(path) for path in paths}
    results = _scores.Results(task, done)
    known = [fit for path in arguments.baseline for fit in _scores.read_fits(path, task)]
    known = [fit for fit in known if fit["set"] in names and fit["seed"] < arguments.splits]
    others = [fit for fit in known if fit["model"] not in results.models]
    everything = _scores.Results(task, [fit for fit in done if fit["set"] in names] + others)
    if not everything.models:
        sys.exit("no fits to report: --models and --baseline name none")
    _scores.report(everything)
    _scores.report_reproduction(results, _scores.Results(task, known))


def warm_up(task, table, contenders):
    """Fit every contender on a few rows: the first fit imports and compiles."""
    from sklearn.model_selection import train_test_split

    stratify = table.y if task == "classification" else None
    n_rows = min(200, len(table.y) // 2)
    rows, _ = train_test_split(range(len(table.y)), train_size=n_rows, stratify=stratify)
    for make in contenders.values():
        model = make(0, table)
        model.fit(table.take(rows), table.y[rows])
        predictor(task, model)(table.take(rows))


def predictor(task, model):
    """The method whose predictions are scored."""
    return model.predict_proba if task == "classification" else model.predict


def run(task, table, seed, name, make):
    """Fit a contender on a split, and return its scores and times as a dict."""
    from _scores import fit_of
    from _tables import split

    train, test = split(table, task, seed)
    model, X_train, X_test = make(seed, table), table.take(train), table.take(test)
    start = time.perf_counter()
    model.fit(X_train, table.y[train])
    seconds = time.perf_counter() - start
    predict = predictor(task, model)
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        predicted = predict(X_test)
        durations.append(time.perf_counter() - start)
    return fit_of(task, table, seed, name, test, predicted, seconds, min(durations))


class Writer:
    """Writes each fit to a CSV file as soon as it is done; does nothing if the path is None."""

    def __init__(self, path, columns, append):
        self._file = None
        if path is not None:
            is_new = not (append and path.exists())
            self._file = open(path, "w" if is_new else "a", newline="")
            self._writer = csv.DictWriter(self._file, columns)
            if is_new:
                self._writer.writeheader()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._file is not None:
            self._file.close()

    def write(self, fit):
        """Append a fit."""
        if self._file is not None:
            self._writer.writerow(fit)
            self._file.flush()


def add_options(parser):
    """Add the options that `arena.py` has too."""
    parser.add_argument("--task", choices=list(QUICK), default="classification")
    parser.add_argument("--splits", type=int, default=4, help="splits per table (default: 4)")
    parser.add_argument(
        "--tables",
        type=lambda text: text.split(",") if text else None,
        help="names, separated by commas (default: all)",
    )
    parser.add_argument(
        "--half", choices=HALVES, help="every second table, see the first lines of tabular.py"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument("--csv", type=Path, help="write every fit to this file")
    parser.add_argument(
        "--baseline",
        type=Path,
        action="append",
        default=[],
        help="take the contenders of a file that --csv wrote into the comparison; can be repeated, "
        "the first fit of a contender on a split counts",
    )


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=Path, help="folder of the tables")
    add_options(parser)
    parser.add_argument("--quick", action="store_true", help="only two small tables")
    parser.add_argument(
        "--models", help="names, separated by semicolons (default: all); an empty text is none"
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        help="one more recipe, as overrides such as 'members=8, max_iter=128'; can be repeated",
    )
    parser.add_argument(
        "--ablation", action="store_true", help="the recipe with one part changed at a time"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue the file of --csv: skip the fits in it"
    )
    arguments = parser.parse_args()
    if arguments.resume and arguments.csv is None:
        parser.error("--resume continues the file of --csv, got none")
    if arguments.quick:
        arguments.tables = QUICK[arguments.task]
    return arguments


def make_contenders(task, arguments):
    """A dict from displayed names to functions that create an estimator from a seed and a table."""
    from _rivals import rivals

    variants = {f"recipe, {text}": recipe(task, **overrides(text)) for text in arguments.variant}
    if arguments.ablation:
        changes = {"recipe": {}} | ABLATION
        parameters = network_class(task)._get_param_names()
        return variants | {
            name: recipe(task, **changed)
            for name, changed in changes.items()
            if set(changed) <= set(parameters)
        }
    return ours(task) | variants | rivals(task, arguments.threads)


def ours(task):
    """The recipe, as it is and with each budget, and our estimator's defaults."""
    import importlib.util

    from _rivals import standardised, standardised_target

    found = {f"recipe, {budget}": recipe(task, budget=budget) for budget in BUDGETS}
    if importlib.util.find_spec("numba"):
        found["recipe in NumPy"] = recipe(task, engine="numpy")
    smoothed = {"label_smoothing": 0.1} if task == "classification" else {}
    found["recipe as published"] = recipe(task, **AS_PUBLISHED, **smoothed)

    def defaults(seed, table):
        network = network_class(task)(random_state=seed)
        return standardised(
            table, network if task == "classification" else standardised_target(network)
        )

    return found | {"our defaults": defaults}


def recipe(task, **changed):
    """A contender: the recipe with overrides."""
    from sknumpy_mlp import make_tabular_mlp

    return lambda seed, table: make_tabular_mlp(task, random_state=seed, **changed)


def network_class(task):
    """The estimator of the recipe."""
    from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor

    return ScratchMLPClassifier if task == "classification" else ScratchMLPRegressor


def overrides(text):
    """The dict of ``name=value, name=value``, where values are Python literals."""
    try:
        call = ast.parse(f"dict({text})", mode="eval").body
        if call.args or not all(keyword.arg for keyword in call.keywords):
            raise ValueError("only keywords can be overridden")
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (AttributeError, SyntaxError, ValueError):
        sys.exit(f"--variant must be like \"members=8, activation='relu'\", got {text!r}")


def chosen(contenders, models):
    """The contenders that ``--models`` names; all contenders by default."""
    if models is None:
        return contenders
    asked = [name.strip() for name in models.split(";") if name.strip()]
    unknown = sorted(set(asked) - set(contenders))
    if unknown:
        sys.exit(f"--models must be among {'; '.join(contenders)}, got {'; '.join(unknown)}")
    return {name: make for name, make in contenders.items() if name in asked}


if __name__ == "__main__":
    main()
