"""Coverage of 90 % intervals by `losses.Quantiles` on regression tables, before and after MAPIE.

    pip install mapie && python benchmarks/intervals.py --data FOLDER

prints a row for each table of FOLDER/regression: the share of the test rows inside the interval and
its mean width, in standard deviations of the target.
"""

import argparse
from pathlib import Path

import numpy as np
from _tables import find_tables, read_table
from mapie.regression import ConformalizedQuantileRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import train_test_split

from sknumpy_mlp import make_tabular_mlp
from sknumpy_mlp.losses import Quantiles

TABLES = ("abalone_shell", "computers", "dietox", "quakes", "wage")
SEEDS = range(3)


class Column(RegressorMixin, BaseEstimator):
    """One column of the predictions of a fitted model."""

    # MAPIE looks for it.
    fitted_ = True

    def __init__(self, model, column):
        self.model = model
        self.column = column

    def fit(self, X, y):
        """Nothing to do."""
        return self

    def predict(self, X):
        """The column."""
        return self.model.predict(X)[:, self.column]


def coverage_and_width(low, high, y):
    """The share of targets inside the interval, and its width in standard deviations."""
    return ((low <= y) & (y <= high)).mean(), (high - low).mean() / y.std()


def measure(table, seed):
    """Coverage and width of the network's intervals, then of those that MAPIE corrects."""
    train, rest = train_test_split(np.arange(len(table.y)), test_size=0.4, random_state=seed)
    held_out, test = train_test_split(rest, test_size=0.5, random_state=seed)
    model = make_tabular_mlp("regression", loss=Quantiles(), random_state=seed)
    model.fit(table.take(train), table.y[train])
    X, y = table.take(test), table.y[test]
    low, _, high = model.predict(X).T
    columns = [Column(model, number) for number in (0, 2, 1)]
    corrected = ConformalizedQuantileRegressor(columns, confidence_level=0.9, prefit=True)
    corrected.conformalize(table.take(held_out), table.y[held_out])
    bounds = corrected.predict_interval(X)[1][:, :, 0].T
    return (*coverage_and_width(low, high, y), *coverage_and_width(*bounds, y))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    paths = find_tables(parser.parse_args().data, "regression", names=TABLES)
    print("| table | rows | inside | width | inside, corrected | width, corrected |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in paths:
        table = read_table(path, "regression")
        found = np.mean([measure(table, seed) for seed in SEEDS], axis=0)
        numbers = f"{found[0]:.1%} | {found[1]:.2f} | {found[2]:.1%} | {found[3]:.2f}"
        print(f"| {table.name} | {len(table.y)} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
