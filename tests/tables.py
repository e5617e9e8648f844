"""A table with columns of every kind, in every container that holds one."""

import numpy as np
import pandas as pd
import polars as pl

N_ROWS = 120


def columns(n_rows=N_ROWS, seed=0):
    """A table with what tables hold: numbers, booleans and strings, some of each missing."""
    rng = np.random.RandomState(seed)
    age = rng.uniform(18, 80, n_rows)
    color = rng.choice(["red", "green", "blue"], n_rows)
    return {
        "age": [None if i % 10 == 3 else float(a) for i, a in enumerate(age)],
        "income": np.exp(rng.standard_normal(n_rows)).tolist(),
        "children": rng.randint(0, 4, n_rows).tolist(),
        "married": rng.randint(0, 2, n_rows).astype(bool).tolist(),
        "smokes": [None if i % 7 == 2 else bool(i % 2) for i in range(n_rows)],
        "color": [None if i % 9 == 4 else str(c) for i, c in enumerate(color)],
        "city": rng.choice(["Bonn", "Ulm"], n_rows).tolist(),
    }


def labels(table):
    old = [age is not None and age > 45 for age in table["age"]]
    return np.where(np.logical_xor(old, np.array(table["color"]) == "red"), "yes", "no")


FRAMES = {
    "pandas": lambda table: pd.DataFrame(table),
    "pandas nullable": lambda table: pd.DataFrame(table).convert_dtypes(),
    "pandas category": lambda table: pd.DataFrame(table).astype(
        {"color": "category", "city": "category"}
    ),
    "polars": lambda table: pl.DataFrame(table),
    "polars categorical": lambda table: pl.DataFrame(table).with_columns(
        pl.col("color").cast(pl.Categorical), pl.col("city").cast(pl.Enum(["Bonn", "Ulm"]))
    ),
    "array of objects": lambda table: np.array(list(zip(*table.values())), dtype=object),
    "list of lists": lambda table: [list(row) for row in zip(*table.values())],
}
