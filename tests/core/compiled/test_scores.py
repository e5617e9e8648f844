"""Raw scores by compiled kernels against those of the network."""

import numpy as np
import pytest
from scipy import sparse

pytest.importorskip("numba", reason="numba is not installed")

from sknumpy_mlp.activations import Activation
from sknumpy_mlp.core.batches import rows
from sknumpy_mlp.core.compiled.scores import CompiledScores
from sknumpy_mlp.core.network import perceptron
from sknumpy_mlp.initializers import GlorotUniform

from ...families import all_examples

FORMS = {
    "float64": np.asarray,
    "Fortran order": np.asfortranarray,
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "float16": lambda X: X.astype(np.float16),
    "swapped bytes": lambda X: X.astype(">f8"),
    "uint8": lambda X: (abs(X) * 50).astype(np.uint8),
    "csr": sparse.csr_array,
    "csc": sparse.csc_array,
}


def network(units=(6, 5, 3), dtype=np.float64, activation=None, **options):
    activations = [activation or all_examples(Activation)[0]] * (len(units) - 2)
    made = perceptron(units, activations, **options)
    made.allocate(np.dtype(dtype))
    made.draw(GlorotUniform(), np.random.RandomState(0))
    return made


def assert_agree(made, X, dtype, index=None):
    given = rows(X, dtype)
    expected = made.scores(given, dtype, index)
    scores = CompiledScores(made)
    # The second call finds the passes of the first.
    for _ in range(2):
        found = scores.scores(given, dtype, index)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(found, expected, rtol=100 * eps, atol=100 * eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", all_examples(Activation), ids=repr)
def test_every_activation(activation, dtype):
    X = np.random.RandomState(1).normal(size=(31, 6))
    assert_agree(network(dtype=dtype, activation=activation), X, np.dtype(dtype))


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("index", [None, [4, 4, 0, 29]], ids=["all rows", "some rows"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_input(form, index, members):
    X = FORMS[form](np.random.RandomState(1).normal(size=(31, 6)))
    index = None if index is None else np.array(index)
    assert_agree(network(n_members=members), X, np.dtype(float), index)


@pytest.mark.parametrize("units", [(6, 3), (6, 5, 1), (3, 200, 300, 2)])
@pytest.mark.parametrize("options", [{}, {"feature_scale": True}])
def test_every_shape_of_network_in_blocks_and_rests_of_blocks(units, options):
    made = network(units, **options)
    block = CompiledScores(made)._block_size
    for n_samples in (1, block - 1, block, 2 * block + 1):
        X = np.random.RandomState(1).normal(size=(n_samples, units[0]))
        assert_agree(made, X, np.dtype(float))


def test_dropout_is_off():
    made = network((6, 5, 4, 3), dropout=[0.5, 0.0])
    assert_agree(made, np.random.RandomState(1).normal(size=(31, 6)), np.dtype(float))


def test_one_object_reads_dense_and_sparse_rows_in_turn():
    made = network()
    scores = CompiledScores(made)
    for seed in range(3):
        X = np.random.RandomState(seed).normal(size=(31, 6))
        expected = made.scores(rows(X, float), np.dtype(float))
        for form in (np.asarray, sparse.csr_array):
            found = scores.scores(rows(form(X), float), np.dtype(float))
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
