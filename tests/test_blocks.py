"""Data in blocks: tables block by block, and data sets larger than the memory that is given."""

import os
import re
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sknumpy_mlp import ScratchMLPRegressor, make_tabular_mlp
from sknumpy_mlp.tabular import StandardizedTarget, TargetScaler

from .common import assert_same_weights, brief, frozen, refusal

# One step an epoch: calls of partial_fit on all rows are then the epochs of a fit.
SMALL = {"hidden_layer_sizes": (8,), "members": 2, "early_stopping": False, "random_state": 0}
WHOLE = SMALL | {"max_iter": 5, "batch_size": "full", "shuffle": False}
MEGABYTE = 2**20


def table(n_rows=200, seed=0):
    """A frame with text and gaps, labels and numbers."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n_rows).astype(float)
    city = rng.choice(np.array(["Graz", "Linz", None], dtype=object), n_rows)
    number = 1e4 + 100 * age + 2e3 * (city == "Graz")
    label = np.where((age > 45) ^ (city == "Graz"), "yes", "no")
    age[::7] = np.nan
    frame = pd.DataFrame({"age": age, "city": city, "member": rng.random(n_rows) < 0.4})
    return frame, label, number


def network_of(model):
    network = model["network"]
    return getattr(network, "regressor_", network)


def recipe(task, settings):
    if task == "classification":
        settings = settings | {"temperature_scaling": False}
    return make_tabular_mlp(task, **settings)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_table_in_one_block_gives_the_pipeline_that_fit_gives(task):
    frame, label, number = table()
    y, classes = (label, {"classes": ["no", "yes"]}) if task[0] == "c" else (number, {})
    fitted = recipe(task, WHOLE).fit(frame, y)
    in_blocks = recipe(task, WHOLE)
    columns, network = in_blocks["columns"].fit(frame, y), in_blocks["network"]
    for _ in range(WHOLE["max_iter"]):
        network.partial_fit(columns.transform(frame), y, **classes)
    assert_same_weights(network_of(in_blocks), network_of(fitted))
    np.testing.assert_array_equal(in_blocks.predict(frame), fitted.predict(frame))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_table_from_a_file_is_learned_block_by_block(task, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    frame, label, number = table(4_000)
    y, classes = (label, {"classes": ["no", "yes"]}) if task[0] == "c" else (number, {})
    path = tmp_path / "table.parquet"
    frame.assign(y=y).to_parquet(path, row_group_size=1_000)
    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 4
    model = recipe(task, SMALL | {"max_iter": 40})
    # Only the first block is seen by the columns.
    block = file.read_row_group(0).to_pandas()
    columns, network = model["columns"].fit(block.drop(columns="y"), block["y"]), model["network"]
    for _ in range(10):
        for number_of_block in range(file.num_row_groups):
            block = file.read_row_group(number_of_block).to_pandas()
            X = columns.transform(block.drop(columns="y"))
            network.partial_fit(X, block["y"], **classes)
    test, label, number = table(1_000, seed=1)
    # A seventh of the ages, which decide, is missing.
    assert model.score(test, label if task[0] == "c" else number) > 0.8


class TestStandardizedTarget:
    def make(self, **parameters):
        return StandardizedTarget(
            brief(ScratchMLPRegressor, **parameters), transformer=TargetScaler()
        )

    def test_the_first_call_standardizes_and_later_calls_keep_it(self):
        X = np.linspace(-1, 1, 40)[:, None]
        y = 5 + 100 * X.ravel()
        model = self.make().partial_fit(X, y)
        plain = brief(ScratchMLPRegressor)
        mean, deviation = y.mean(), y.std()
        plain.partial_fit(X, (y - mean) / deviation)
        # Other numbers, by the mean and deviation of the first.
        model.partial_fit(X, 3 * y + 1, X_val=X, y_val=y)
        plain.partial_fit(X, (3 * y + 1 - mean) / deviation, X_val=X, y_val=(y - mean) / deviation)
        assert_same_weights(model.regressor_, plain, atol=1e-12)
        np.testing.assert_allclose(
            model.regressor_.validation_loss_curve_, plain.validation_loss_curve_, rtol=1e-12
        )
        np.testing.assert_allclose(model.predict(X), mean + deviation * plain.predict(X))
        assert not hasattr(model.regressor, "coefs_")

    def test_several_columns_are_standardized_each(self):
        X = np.linspace(-1, 1, 40)[:, None]
        Y = np.hstack([5 + 100 * X, 1e-3 * X])
        model = self.make().partial_fit(X, Y)
        plain = brief(ScratchMLPRegressor).partial_fit(X, (Y - Y.mean(0)) / Y.std(0))
        assert_same_weights(model.regressor_, plain, atol=1e-12)
        assert model.predict(X).shape == Y.shape

    def test_a_failed_call_changes_nothing(self):
        X = np.linspace(-1, 1, 40)[:, None]
        y = 5 + 100 * X.ravel()
        for model in (self.make(), self.make().partial_fit(X, y)):
            before = frozen(vars(model))
            gap = np.where(y > 100, np.nan, y)
            wrong = {
                "y": lambda: model.partial_fit(X, gap),  # noqa: B023
                "y_val": lambda: model.partial_fit(X, y, X_val=X, y_val=gap),  # noqa: B023
                "X": lambda: model.partial_fit(X * np.inf, y),  # noqa: B023
            }
            for name, call in wrong.items():
                assert re.search(rf"\b{name}\b", refusal(call))
                assert frozen(vars(model)) == before

    def test_it_has_partial_fit_where_the_regressor_has(self):
        assert hasattr(self.make(), "partial_fit")
        assert not hasattr(self.make(solver="lbfgs"), "partial_fit")
        assert hasattr(clone(self.make()), "partial_fit")


# ---- larger than memory ----


# 25,000 rows of 64 numbers a row group, and a label.
ROWS, COLUMNS, GROUPS, GIVEN = 25_000, 64, 24, 200
CHILD = """
import resource, sys
import numpy as np, pandas, pyarrow.parquet as parquet
from sknumpy_mlp import ScratchMLPClassifier

path, how, given = sys.argv[1], sys.argv[2], int(sys.argv[3])
# What is imported late is imported now.
tiny = ScratchMLPClassifier((2,), batch_size=2, max_iter=1, n_iter_no_change=None)
tiny.fit(np.eye(4), [0, 1] * 2)
network = ScratchMLPClassifier((8,), batch_size=1_000, learning_rate_init=0.01, random_state=0)
file = parquet.ParquetFile(path)
lines = open("/proc/self/status").read().splitlines()
(used,) = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")]
resource.setrlimit(resource.RLIMIT_DATA, (used + given, used + given))
if how == "whole":
    try:
        parquet.read_table(path).to_pandas()
    except MemoryError:
        print("too large")
else:
    for number in range(file.num_row_groups):
        block = file.read_row_group(number).to_pandas()
        X, y = block.drop(columns="y").to_numpy() / 16, block["y"]
        network.partial_fit(X, y, classes=[0, 1])
    print(network.t_, network.loss_curve_[0], network.loss_curve_[-1])
"""


def run(code, *arguments):
    """What a new process prints that reads by one thread and takes memory from the system."""
    alone = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
    alone |= {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | alone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
def test_a_file_larger_than_memory_is_learned_by_row_groups(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path, given = tmp_path / "large.parquet", GIVEN * MEGABYTE
    rng = np.random.default_rng(0)
    X = rng.integers(0, 16, (ROWS, COLUMNS)).astype(float)
    group = {f"x{k}": column for k, column in enumerate(X.T)}
    group = pa.table(group | {"y": (X[:, :8].sum(axis=1) > 60).astype(int)})
    with parquet.ParquetWriter(path, group.schema) as writer:
        for _ in range(GROUPS):
            writer.write_table(group)
    # The whole takes half as much again as there is.
    assert X.nbytes * GROUPS > 1.4 * given
    assert run(CHILD, path, "whole", given) == ["too", "large"]
    seen, first, last = run(CHILD, path, "blocks", given)
    assert int(seen) == ROWS * GROUPS
    assert float(last) < 0.5 * float(first)
