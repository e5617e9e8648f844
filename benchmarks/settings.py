"""Measure what each setting in the search spaces of docs/use/searches.md is worth.

One setting at a time is changed, from a network with usual values and from the fast recipe for
tables. Three quarters of a table are for the search: a fifth of these rows chooses among the values
of a setting, the one of the base included, as a search would. The other quarter gives the error:
log-loss for labels, the root of the mean squared error for numbers. *Chosen* is the change from the
base to the chosen value, *worst* that to the worst value, both in percent of the base's error: the
geometric mean over tables and splits, with its standard error.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

from _timing import describe_machine, limit_threads

TABLES = {"classification": ["german", "vowel"], "regression": ["bikeshare", "quakes"]}
BASE = {
    "hidden_layer_sizes": (64,),
    "learning_rate_init": 0.01,
    "learning_rate": "cosine",
    "batch_size": 64,
    "max_iter": 100,
    "n_iter_no_change": None,
}
OF_NETWORKS = {
    "learning_rate_init": [1e-4, 1e-3, 0.1],
    "hidden_layer_sizes": [(16,), (256,), (64, 64), (64, 64, 64)],
    "alpha": [1e-7, 1e-2, 0.1, 1.0],
    "max_iter": [30, 300],
    "activation": ["selu", "mish"],
    "dropout": [0.25, 0.5],
    "batch_size": [32, 256],
    "beta_2": [0.95, 0.99],
    "epsilon": [1e-6, 1e-4],
    "members": [4, 8],
}
OF_RECIPES = {
    "learning_rate_init": [1 / 3, 3.0],  # Times that of the recipe.
    "members": [8, 16],
    "dropout": [0.1, 0.3],
    "label_smoothing": [0.0, 0.1],
    "hidden_layer_sizes": [(128,) * 3, (256,) * 3],
    "embedding__n_bins": [8, 16],
    "alpha": [1e-3, 0.1],
}


def main():
    """Fit the base and every change of it on every split, and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of tables")
    parser.add_argument("--splits", type=int, default=3, help="splits of a table (default: 3)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a search (default: 1000)")
    arguments = parser.parse_args()
    limit_threads(1)
    warnings.simplefilter("ignore")
    describe_machine(["numpy", "sklearn", "numba"])
    for title, changes, make in [
        ("networks", OF_NETWORKS, network),
        ("the fast recipe for tables", OF_RECIPES, recipe),
    ]:
        started = time.process_time()
        errors = [
            measured(*each, changes, make)
            for task, names in TABLES.items()
            for each in searches(arguments, task, names)
        ]
        print(f"\n## {title}, {time.process_time() - started:.0f} s\n")
        report(changes, errors)


def searches(arguments, task, names):
    """Yield the task, the seed, and the rows and targets of every split of every table."""
    from _tables import NoTablesError, find_tables, read_table, split
    from sklearn.model_selection import train_test_split

    try:
        paths = find_tables(arguments.data, task, names=names)
    except NoTablesError as error:
        sys.exit(str(error))
    for table in (read_table(path, task) for path in paths):
        for seed in range(arguments.splits):
            search, test = split(table, task, seed)
            fit, choose = train_test_split(
                search[: arguments.rows], test_size=0.2, random_state=seed
            )
            yield task, seed, [(table.take(index), table.y[index]) for index in (fit, choose, test)]


def step_of(task):
    """The name of the network in the pipeline for tables."""
    return "network" if task == "classification" else "network__regressor"


def network(task, seed, **changed):
    """The base with a change, behind the columns of the recipe."""
    from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp

    cls = ScratchMLPClassifier if task == "classification" else ScratchMLPRegressor
    model = cls(**BASE | changed, random_state=seed)
    return make_tabular_mlp(task, random_state=seed).set_params(**{step_of(task): model})


def recipe(task, seed, **changed):
    """The fast recipe with a change; None where the task has no such setting."""
    from sknumpy_mlp import make_tabular_mlp

    if task == "regression" and "label_smoothing" in changed:
        return None
    model = make_tabular_mlp(task, budget="fast", random_state=seed)
    step = step_of(task)
    parameters = {f"{step}__{name}": value for name, value in changed.items()}
    rate = f"{step}__learning_rate_init"
    if rate in parameters:
        parameters[rate] *= model.get_params()[rate]
    return model.set_params(**parameters)


def measured(task, seed, parts, changes, make):
    """The errors on the rows that choose and on those of the test, of the base and each change.

    Returns
    -------
    dict of (str or None, int) to (float, float)
        By the setting and the number of its value; the base is (None, 0).
    """
    cases = {(None, 0): {}} | {
        (name, number): {name: value}
        for name, values in changes.items()
        for number, value in enumerate(values)
    }
    models = {case: make(task, seed, **changed) for case, changed in cases.items()}
    return {
        case: errors(task, model.fit(*parts[0]), parts[1:])
        for case, model in models.items()
        if model is not None
    }


def errors(task, model, parts):
    """The log-loss, or the root of the mean squared error, of each part."""
    from sklearn.metrics import log_loss, root_mean_squared_error

    if task == "regression":
        return tuple(root_mean_squared_error(y, model.predict(X)) for X, y in parts)
    return tuple(log_loss(y, model.predict_proba(X), labels=model.classes_) for X, y in parts)


def changes_of(name, found):
    """Logarithms of the test errors of the chosen and of the worst value, over that of the base."""
    import numpy as np

    values = [pair for (setting, _), pair in found.items() if setting in (name, None)]
    (_, base), *others = values
    if not others:
        return None
    chosen = min(values)[1]
    return np.log(chosen / base), np.log(max(test for _, test in others) / base)


def report(changes, errors):
    """Print a row for each setting, those whose choice gains most first."""
    import numpy as np

    rows = []
    for name, values in changes.items():
        logs = [each for each in (changes_of(name, found) for found in errors) if each is not None]
        means, spread = np.mean(logs, axis=0), np.std(logs, axis=0, ddof=1) / np.sqrt(len(logs))
        rows.append((means, f"| `{name}` | {shown(values)} | {percent(means, spread)} |"))
    print("| setting | values beside the base's | chosen | worst |\n| --- | --- | --- | --- |")
    for _, row in sorted(rows, key=lambda row: row[0][0]):
        print(row)


def shown(values):
    """The values, separated by commas."""
    return ", ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in values)


def percent(means, errors):
    """The changes in percent, with their standard errors."""
    import numpy as np

    return " | ".join(
        f"{100 * np.expm1(mean):+.1f} ± {100 * error:.1f} %" for mean, error in zip(means, errors)
    )


if __name__ == "__main__":
    main()
