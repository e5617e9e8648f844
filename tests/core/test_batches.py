import numpy as np
import pytest
from scipy import sparse

from sknumpy_mlp.core.batches import Batches, DenseRows, consecutively, equally, rows

N_ROWS, N_FEATURES = 23, 4
DTYPES = [np.float64, np.float32]


def values():
    """Whole numbers from 0 to 2, exact in every type; many zeros."""
    return np.random.RandomState(0).randint(3, size=(N_ROWS, N_FEATURES))


def memory_mapped(X, folder, order="C"):
    mapped = np.memmap(folder / "X", X.dtype, mode="w+", shape=X.shape, order=order)
    mapped[:] = X
    mapped.flush()
    return np.memmap(folder / "X", X.dtype, mode="r", shape=X.shape, order=order)


KINDS = {
    "float64": lambda X, _: X.astype(np.float64),
    "float32": lambda X, _: X.astype(np.float32),
    "float16": lambda X, _: X.astype(np.float16),
    "uint8": lambda X, _: X.astype(np.uint8),
    "int64": lambda X, _: X.astype(np.int64),
    "big-endian": lambda X, _: X.astype(">f8"),
    "Fortran order": lambda X, _: np.asfortranarray(X, dtype=np.float64),
    "Fortran order uint8": lambda X, _: np.asfortranarray(X, dtype=np.uint8),
    "every second column": lambda X, _: np.repeat(X, 2, axis=1).astype(np.float64)[:, ::2],
    "rows backwards": lambda X, _: X[::-1].astype(np.float64)[::-1],
    "memory-mapped": lambda X, folder: memory_mapped(X.astype(np.float64), folder),
    "memory-mapped uint8": lambda X, folder: memory_mapped(X.astype(np.uint8), folder),
    "memory-mapped Fortran": lambda X, folder: memory_mapped(X.astype(float), folder, "F"),
    "csr_array": lambda X, _: sparse.csr_array(X.astype(np.float64)),
    "csr_matrix": lambda X, _: sparse.csr_matrix(X.astype(np.float32)),
    "csr_array uint8": lambda X, _: sparse.csr_array(X.astype(np.uint8)),
    "csc_array": lambda X, _: sparse.csc_array(X.astype(np.float64)),
    "csc_matrix": lambda X, _: sparse.csc_matrix(X.astype(np.int64)),
}


def dense(X):
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


@pytest.fixture(params=KINDS)
def X(request, tmp_path):
    return KINDS[request.param](values(), tmp_path)


@pytest.mark.parametrize("dtype", DTYPES)
def test_slices_and_takes_are_the_right_rows_in_the_network_s_dtype(X, dtype):
    given = rows(X, dtype)
    assert len(given) == N_ROWS
    index = np.array([3, 0, 22, 3])
    for got, expected in [
        (given.slice(2, 7), values()[2:7]),
        (given.slice(20, 23), values()[20:]),
        (given.take(index), values()[index]),
        (given.take(index[:1]), values()[index[:1]]),
    ]:
        assert got.dtype == dtype
        assert got.shape == expected.shape
        assert type(got) is np.ndarray or got.format == "csr"
        np.testing.assert_array_equal(dense(got), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_data_are_never_written_to(X, dtype):
    before = dense(X).copy()
    given = rows(X, dtype)
    given.slice(0, 5)
    given.take(np.array([4, 1]))
    np.testing.assert_array_equal(dense(X), before)


def test_booleans_become_zero_and_one():
    X = values() > 0
    for given in (X, np.asfortranarray(X), sparse.csr_array(X)):
        for got in (rows(given, np.float32).slice(0, 9), rows(given, np.float32).take(np.r_[0:9])):
            assert got.dtype == np.float32
            np.testing.assert_array_equal(dense(got), X[:9])


def test_a_slice_of_the_right_dtype_is_a_view():
    X = values().astype(np.float64)
    assert np.shares_memory(rows(X, np.float64).slice(3, 8), X)


def test_rows_of_vectors_are_taken_too():
    y = np.arange(N_ROWS)
    np.testing.assert_array_equal(rows(y, y.dtype).take(np.array([5, 2])), [5, 2])
    np.testing.assert_array_equal(rows(y, y.dtype).slice(5, 7), [5, 6])


def epoch(batches, order=None):
    """The blocks of an epoch; each is a batch."""
    batches.arrange(order)
    for start, stop in batches.bounds():
        yield batches.block(start, stop)


def kept(batches, order=None):
    """The batches of an epoch, copied, since buffers are used again."""
    return [
        (
            dense(batch.X).copy(),
            batch.y.copy(),
            None if batch.weights is None else batch.weights.copy(),
            batch.start,
            batch.stop,
        )
        for batch in epoch(batches, order)
    ]


@pytest.mark.parametrize("batch_size", [1, 5, 22, 23, 1000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_an_epoch_covers_each_row_once_with_its_target_and_weight(X, batch_size, shuffled):
    y, weights = np.arange(N_ROWS), np.linspace(0, 1, N_ROWS)
    batches = Batches(X, y, np.float64, batch_size, weights)
    order = np.random.RandomState(1).permutation(N_ROWS) if shuffled else None
    got = kept(batches, order)
    size = min(batch_size, N_ROWS)
    assert batches.batch_size == size
    assert len(got) == batches.n_batches == int(np.ceil(N_ROWS / size))
    sizes = [stop - start for *_, start, stop in got]
    # All full but the last, which may be short.
    assert sizes[:-1] == [size] * (len(got) - 1)
    assert sum(sizes) == N_ROWS
    assert [start for *_, start, _ in got] == list(range(0, N_ROWS, size))
    expected = np.arange(N_ROWS) if order is None else order
    np.testing.assert_array_equal(np.concatenate([y for _, y, *_ in got]), expected)
    np.testing.assert_array_equal(np.concatenate([X for X, *_ in got]), values()[expected])
    np.testing.assert_array_equal(
        np.concatenate([weights for _, _, weights, *_ in got]), weights[expected]
    )
    for rows_, targets, weighted, start, stop in got:
        assert len(rows_) == len(targets) == len(weighted) == stop - start


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_subset_is_an_epoch_of_its_rows_alone(X, shuffled):
    subset = np.array([20, 3, 4, 11, 0, 7])
    batches = Batches(X, np.arange(N_ROWS), np.float32, 4, np.arange(N_ROWS) / 2.0, subset)
    assert batches.n_samples == 6
    assert batches.n_batches == 2
    order = np.array([5, 0, 2, 1, 4, 3]) if shuffled else None
    expected = subset if order is None else subset[order]
    got = kept(batches, order)
    np.testing.assert_array_equal(np.concatenate([y for _, y, *_ in got]), expected)
    np.testing.assert_array_equal(np.concatenate([X for X, *_ in got]), values()[expected])
    np.testing.assert_array_equal(np.concatenate([w for _, _, w, *_ in got]), expected / 2)


def test_targets_keep_their_dtype_and_weights_take_the_network_s():
    X = values().astype(np.float32)
    Y = np.random.RandomState(0).randint(2, size=(N_ROWS, 3)).astype(np.float32)
    weights = np.arange(N_ROWS, dtype=np.float64)
    for y in (np.arange(N_ROWS), Y):
        for order in (None, np.arange(N_ROWS)[::-1]):
            for batch in epoch(Batches(X, y, np.float32, 10, weights), order):
                assert batch.y.dtype == y.dtype
                assert batch.y.shape == (batch.stop - batch.start, *y.shape[1:])
                assert batch.weights.dtype == np.float32


def test_without_weights_a_batch_has_none():
    (batch,) = epoch(Batches(values(), np.arange(N_ROWS), np.float64, 100))
    assert batch.weights is None


def test_a_large_array_that_lies_column_by_column_is_gathered_without_a_copy(monkeypatch):
    X = np.asfortranarray(values())
    index = np.array([5, 0, 19, 5])
    for copied_bytes, is_copied in ((DenseRows.copied_bytes, True), (0, False)):
        monkeypatch.setattr(DenseRows, "copied_bytes", copied_bytes)
        part = rows(X, np.float32)
        np.testing.assert_array_equal(part.take(index), values()[index].astype(np.float32))
        assert np.shares_memory(part.X, X) != is_copied


@pytest.mark.parametrize("n_samples", [1, 5, 255, 256, 257, 513, 1000, 255_001])
@pytest.mark.parametrize("batch_size", [1, 32, 256])
def test_equal_batches_are_as_many_and_differ_by_one_row(n_samples, batch_size):
    bounds = list(equally(n_samples, batch_size))
    assert len(bounds) == len(list(consecutively(n_samples, batch_size)))
    starts, stops = zip(*bounds)
    assert (starts[0], stops[-1]) == (0, n_samples)
    assert starts[1:] == stops[:-1]
    sizes = {stop - start for start, stop in bounds}
    assert max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1
