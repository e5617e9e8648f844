"""The tables of `tabular.py` and `arena.py`: which files, their columns, and their splits.

A table is a gzipped CSV file with a header. Its column ``target`` contains labels or numbers.
A column is numeric if all of its non-empty values are numbers, otherwise it is categorical.
"""

import csv
import gzip
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

FOLDERS = {"classification": "tabular", "regression": "regression"}
# Position of the first table of a half in alphabetical order; every second table follows.
HALVES = {"choice": 0, "report": 1}


@dataclass
class Table:
    """Columns of floats and of strings, and a target.

    It keeps pandas out of the benchmark's requirements.

    Attributes
    ----------
    name : str
    columns : list of ndarray of shape (n,)
        Floats, where a missing value is nan, or strings.
    y : ndarray of shape (n,)
        Class indices in the order of the sorted labels, or numbers.
    """

    name: str
    columns: list
    y: np.ndarray

    @property
    def is_category(self):
        """For each column, whether it is categorical."""
        return np.array([values.dtype.kind == "U" for values in self.columns])

    @property
    def has_gaps(self):
        """Whether a numeric column has missing values."""
        return any(values.dtype.kind == "f" and np.isnan(values).any() for values in self.columns)

    def take(self, index):
        """Rows as an array of floats if all columns are floats, otherwise of objects."""
        if not self.is_category.any():
            return np.column_stack([values[index] for values in self.columns])
        rows = np.empty((len(index), len(self.columns)), dtype=object)
        for number, values in enumerate(self.columns):
            rows[:, number] = values[index]
        return rows


class NoTablesError(Exception):
    """No table is left to run on."""


def find_tables(folder, task, half=None, names=None):
    """Sorted paths of the tables of a task.

    They are in the subfolder that `FOLDERS` names or, without it, in the folder itself. `half`
    selects every second table, before `names` selects from them.
    """
    subfolder = folder / FOLDERS[task]
    paths = sorted((subfolder if subfolder.is_dir() else folder).glob("*.csv.gz"))
    if half is not None:
        paths = paths[HALVES[half] :: 2]
    known = [name_of(path) for path in paths]
    unknown = sorted(set(names or known) - set(known))
    if unknown or not paths:
        raise NoTablesError(f"no table {', '.join(unknown)} among {known} in {folder}")
    return [path for path in paths if names is None or name_of(path) in names]


def name_of(path):
    """The name of a table: its file name up to the first dot."""
    return path.name.split(".")[0]


def read_table(path, task):
    """Read a `Table`."""
    with gzip.open(path, "rt", newline="") as file:
        header, *lines = csv.reader(file)
    columns = dict(zip(header, zip(*lines)))
    target = columns.pop("target")
    if task == "regression":
        y = np.array(target, dtype=np.float64)
    else:
        # Labels are sorted as strings even if they are numbers: "10" < "2". Splits depend on it.
        y = np.unique(np.array(target), return_inverse=True)[1]
    return Table(name_of(path), [_parsed(values) for values in columns.values()], y)


def _parsed(values):
    try:
        return np.array([float(value) if value else np.nan for value in values])
    except ValueError:
        return np.array(values)


def split(table, task, seed):
    """Row indices of three quarters for training and of the rest; classes are stratified."""
    return train_test_split(
        np.arange(len(table.y)),
        test_size=0.25,
        stratify=table.y if task == "classification" else None,
        random_state=100 + seed,
    )
