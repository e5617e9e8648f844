"""Run the recipe for tables by the protocol of TabArena: one configuration, bags of eight folds.

``arena.py --output DIR`` runs TabArena's own tasks, which it downloads, and compares the results
with its published ones. It needs the package tabarena, which needs AutoGluon.

``arena.py --data DIR`` needs only autogluon.core. It bags the same model in the same way on the
splits of `tabular.py`, and writes and reads the same files. The bag trains a recipe without each
eighth of the training rows and predicts the mean of the eight.

The protocol is that of Erickson et al., "TabArena: a living benchmark for machine learning on
tabular data", NeurIPS 2025.
"""

import argparse
import importlib.util
import sys
import tempfile
import time
import warnings
from pathlib import Path

import tabular
from _timing import describe_machine, limit_threads

N_FOLDS = 8
PACKAGES = ["numpy", "scipy", "sklearn", "numba", "autogluon.core", "tabarena"]


def main():
    """Run TabArena's tasks, or the tables at hand."""
    arguments = parse_arguments()
    limit_threads(arguments.threads)
    require("autogluon.core")
    if arguments.output is not None:
        require("tabarena")
        run_tabarena(arguments)
    else:
        warnings.simplefilter("ignore")
        run_tables(arguments)


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--output", type=Path, help="run TabArena's tasks, with results in here")
    where.add_argument("--data", type=Path, help="run the tables of this folder, see tabular.py")
    parser.add_argument("--full", action="store_true", help="all splits of TabArena, not its lite")
    parser.add_argument("--datasets", help="names of TabArena's datasets, separated by commas")
    tabular.add_options(parser)
    return parser.parse_args()


def require(package):
    """Exit with what to install if a package is missing."""
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None:
        sys.exit(f"{package} is not installed: pip install {package}")


def run_tabarena(arguments):
    """Run TabArena's tasks and print its leaderboard."""
    from _arena_model import TabularMLPModel
    from tabarena.contexts import TabArenaContext

    context = TabArenaContext()
    scope = {} if arguments.full else {"split_indices": "lite"}
    if arguments.datasets:
        scope["dataset_names"] = arguments.datasets.split(",")
    context.build_and_run_jobs(
        experiments(TabularMLPModel), expname=arguments.output / "runs", build_kwargs=scope
    )
    print(context.compare(arguments.output / "leaderboard", only_valid_tasks=True).to_string())


def experiments(model_class):
    """TabArena's experiment of a model: its defaults, in a bag of eight folds."""
    from tabarena.utils.config_utils import ConfigGenerator

    generator = ConfigGenerator(model_cls=model_class, manual_configs=[{}], search_space={})
    # One fold after the other, in this process.
    return generator.generate_all_bag_experiments(
        num_random_configs=0, fold_fitting_strategy="sequential_local"
    )


def run_tables(arguments):
    """Bag the recipe on every split of every table."""
    import _scores
    import _tables

    paths = tabular.chosen_tables(arguments)
    describe_machine(PACKAGES)
    fits = []
    with tabular.Writer(arguments.csv, _scores.columns(arguments.task), append=False) as writer:
        for path in paths:
            table = _tables.read_table(path, arguments.task)
            for seed in range(arguments.splits):
                fits.append(run(arguments.task, table, seed, arguments.threads))
                writer.write(fits[-1])
    tabular.report(arguments.task, paths, fits, arguments)


def run(task, table, seed, n_threads):
    """Bag the recipe on a split, and return its scores and times as a dict."""
    from _scores import fit_of
    from _tables import split

    train, test = split(table, task, seed)
    X, y = frame(table), target(table)
    with tempfile.TemporaryDirectory() as folder:
        bag = make_bag(task, table, seed, folder)
        start = time.perf_counter()
        bag.fit(X=X.iloc[train], y=y.iloc[train], k_fold=N_FOLDS, num_cpus=n_threads, num_gpus=0)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        predicted = predictions(bag, task, X.iloc[test])
        predict_seconds = time.perf_counter() - start
    name = f"recipe, bag of {N_FOLDS}"
    return fit_of(task, table, seed, name, test, predicted, seconds, predict_seconds)


def make_bag(task, table, seed, folder):
    """An unfitted bag of the recipe, whose models AutoGluon saves in a folder."""
    from _arena_model import TabularMLPModel
    from autogluon.core.metrics import log_loss, root_mean_squared_error
    from autogluon.core.models import BaggedEnsembleModel

    problem_type, metric = "regression", root_mean_squared_error
    if task == "classification":
        problem_type = "binary" if table.y.max() == 1 else "multiclass"
        metric = log_loss
    model = TabularMLPModel(
        path=folder, name="recipe", problem_type=problem_type, eval_metric=metric
    )
    return BaggedEnsembleModel(
        model,
        path=folder,
        name="bag",
        random_state=seed,
        hyperparameters={
            "fold_fitting_strategy": "sequential_local",
            "model_random_seed": seed,
            "vary_seed_across_folds": True,
        },
    )


def frame(table):
    """The columns of a `Table` as a pandas DataFrame."""
    import pandas as pd

    columns = {f"x{number}": values for number, values in enumerate(table.columns)}
    kinds = {f"x{number}": "category" for number in table.is_category.nonzero()[0]}
    return pd.DataFrame(columns).astype(kinds)


def target(table):
    """The target of a `Table` as a pandas Series."""
    import pandas as pd

    return pd.Series(table.y, name="target")


def predictions(bag, task, X):
    """Probabilities of shape (n, n_classes), or numbers of shape (n,)."""
    import numpy as np

    if task == "regression":
        return bag.predict(X)
    proba = bag.predict_proba(X)
    # AutoGluon returns only the probability of the second of two classes.
    return proba if proba.ndim == 2 else np.column_stack([1 - proba, proba])


if __name__ == "__main__":
    main()
