"""The compiled engine against NumPy, and what is promised of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from numpy import dot
from scipy import sparse

pytest.importorskip("numba", reason="numba is not installed")

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.activations import Activation, Identity, ReLU
from sknumpy_mlp.core.batches import Batches, DenseRows
from sknumpy_mlp.core.compiled.forms import lacks_form
from sknumpy_mlp.core.engines import choose
from sknumpy_mlp.core.layers import Dense, Layer
from sknumpy_mlp.core.network import Network
from sknumpy_mlp.core.objective import Objective
from sknumpy_mlp.initializers import GlorotUniform
from sknumpy_mlp.losses import LogLoss, Loss, SoftmaxCrossEntropy
from sknumpy_mlp.optimizers import Adam, Optimizer
from sknumpy_mlp.schedules import Schedule

from ...common import digits

ENGINES = ("numpy", "compiled")


def fits(X, y, cls=ScratchMLPClassifier, sample_weight=None, **parameters):
    """The same fit by both engines."""
    given = {"hidden_layer_sizes": (9, 5), "max_iter": 4, "n_iter_no_change": None}
    given |= {"batch_size": 40, "random_state": 0} | parameters
    return [cls(**given, engine=engine).fit(X, y, sample_weight) for engine in ENGINES]


def packed(X):
    """Records of a byte and the rows of X."""
    records = np.zeros(len(X), dtype=[("id", "i1"), ("x", "f8", (X.shape[1],))])
    records["x"] = X
    return records


def assert_agree(one, other):
    """Parameters within 1e-9 in float64, and as much as float32 allows."""
    assert (one.engine_, other.engine_) == ENGINES
    close = 1e-9 if one.coefs_[0].dtype == np.float64 else 2e-4
    for W, V in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_]):
        np.testing.assert_allclose(V, W, rtol=0, atol=close)
    np.testing.assert_allclose(other.loss_, one.loss_, rtol=0, atol=close)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        *({"activation": name} for name in Activation.named()),
        *({"solver": name} for name, cls in Optimizer.named().items() if cls.takes_steps),
        *({"learning_rate": name, "solver": "sgd"} for name in Schedule.named()),
        *({"loss": name} for name in Loss.serving("multiclass")),
        {"hidden_layer_sizes": ()},
        {"dropout": 0.3},
        {"feature_scale": True, "parametrization": "ntk"},
        {"clip_norm": 0.1, "alpha": 0.5},
        {"label_smoothing": 0.2, "learning_rate_factors": {"biases": 0.1}},
        {"early_stopping": True, "temperature_scaling": True},
        {"batch_size": "full"},
        # Two blocks: the products of 64 x 156 weights are small up to 100 rows.
        {"hidden_layer_sizes": (156,), "batch_size": "full", "clip_norm": 0.1},
        {"shuffle": False},
    ],
    ids=str,
)
def test_engines_agree(parameters, members, dtype):
    X, y = digits(dtype=dtype)
    assert_agree(*fits(X, y, members=members, **parameters))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("weighted", [False, True])
def test_engines_agree_for_every_kind_of_target(kind, weighted):
    X, y = digits(kind)
    weights = np.arange(len(X)) % 3 if weighted else None
    assert_agree(*fits(X, y, sample_weight=weights))


@pytest.mark.parametrize("loss", Loss.serving("continuous"))
def test_engines_agree_for_numbers(loss):
    X, y = digits()
    assert_agree(*fits(X, np.column_stack([y, y**2]) / 10, ScratchMLPRegressor, loss=loss))


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda X: X[:, ::-1],
        lambda X: (X * 16).astype(np.uint8),
        lambda X: X > 0.5,
        lambda X: X.astype(np.float16),
        lambda X: X.astype(">f8"),
        sparse.csr_array,
        sparse.csc_matrix,
        # Vectors with steps of two.
        lambda X: (sparse.csr_matrix(X) * (1 + 2j)).real,
        # A field of records of 521 bytes, which is no multiple of a number's eight.
        lambda X: packed(X)["x"],
    ],
)
@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("copied_bytes", [DenseRows.copied_bytes, 0])
def test_engines_agree_for_every_form_of_input(form, members, copied_bytes, monkeypatch):
    # Large arrays are not copied to row order; these are not either with a limit of 0.
    monkeypatch.setattr(DenseRows, "copied_bytes", copied_bytes)
    X, y = digits()
    assert_agree(*fits(form(X), y, members=members))


def test_memory_order_changes_no_bit():
    X, y = digits()
    one, other = (fits(form(X), y)[1] for form in (np.ascontiguousarray, np.asfortranarray))
    for W, V in zip(one.coefs_, other.coefs_):
        np.testing.assert_array_equal(W, V)


def test_lbfgs_takes_its_objective_from_the_engine():
    X, y = digits()
    assert_agree(*fits(X, y, solver="lbfgs", max_iter=5, batch_size="auto"))


@pytest.mark.parametrize("name", ["auto", "compiled"])
def test_the_engine_is_compiled_where_it_can_be(name):
    X, y = digits()
    model = ScratchMLPClassifier((4,), max_iter=1, n_iter_no_change=None, engine=name).fit(X, y)
    assert model.engine_ == "compiled"


class Cubed(Activation):
    """An activation of a user's without a scalar form."""

    def forward(self, Z, out, scratch=None):
        np.power(Z, 3, out=out)

    def backward(self, kept, dA, scratch):
        dA *= 3 * np.cbrt(kept) ** 2


class Doubled(ReLU):
    """Another array form than its base, whose scalar form is not its own."""

    def forward(self, Z, out, scratch=None):
        super().forward(Z, out, scratch)
        out *= 2

    def backward(self, kept, dA, scratch):
        super().backward(kept, dA, scratch)
        dA *= 2


class Halved(Activation):
    """f(z) = z / 2, with both forms."""

    def forward(self, Z, out, scratch=None):
        np.multiply(Z, 0.5, out=out)

    def backward(self, kept, dA, scratch):
        dA *= 0.5

    @staticmethod
    def value(z):
        return 0.5 * z

    @staticmethod
    def slope(a):
        return 0.5


class Focal(SoftmaxCrossEntropy):
    """A loss that writes the array form alone again."""

    def value_and_gradient(self, Z, y, losses, scratch=None):
        super().value_and_gradient(Z, y, losses, scratch)


class SignDescent(Optimizer):
    """Whole arrays only: no function of single parameters."""

    def update(self, rate, t, theta, grad, scratch):
        theta -= rate * np.sign(grad) * np.linalg.norm(grad)


@pytest.mark.parametrize(
    "part", [{"activation": Cubed()}, {"activation": Doubled()}, {"loss": Focal()}]
)
def test_a_part_without_a_form_of_its_own_makes_the_fit_run_in_numpy(part):
    X, y = digits()
    given = {"max_iter": 1, "n_iter_no_change": None, **part}
    assert ScratchMLPClassifier((4,), **given).fit(X, y).engine_ == "numpy"
    name = type(next(iter(part.values()))).__name__
    with pytest.raises(ValueError, match=rf"engine must be 'numpy' or 'auto' where {name}"):
        ScratchMLPClassifier((4,), engine="compiled", **given).fit(X, y)


def test_a_user_s_scalar_form_is_compiled():
    X, y = digits()
    assert_agree(*fits(X, y, activation=Halved()))


def test_an_optimizer_of_whole_arrays_steps_in_numpy_on_a_compiled_gradient():
    X, y = digits()
    assert_agree(*fits(X, y, solver=SignDescent(), learning_rate_init=1e-3))


def test_dropout_draws_the_same_in_batches_of_several_blocks(monkeypatch):
    # Blocks of 16 rows and a rest: 40 rows in a batch.
    monkeypatch.setattr(Objective, "block_elements", 64 * 16)
    monkeypatch.setattr(Objective, "shortest_block", 1)
    X, y = digits()
    assert_agree(*fits(X, y, dropout=0.3))


class Bent(Activation):
    """f(z) = z + z^2 / 8, with a slope of z and a."""

    reads, in_place = "input", False

    def forward(self, Z, out, scratch=None):
        np.multiply(Z, Z, out=out)
        out /= 8
        out += Z

    def backward(self, kept, dA, scratch):
        dA *= 1 + kept / 4

    @staticmethod
    def value(z):
        return z + z * z / 8.0

    @staticmethod
    def slope(z, a):
        return 1.0 + 2.0 * (a - z) / z if z != 0.0 else 1.0


class Unread(Bent):
    """The same, which keeps only its output."""

    reads = "output"


class Weighed(SoftmaxCrossEntropy):
    """A loss that writes its array form again, and the form that kernels do not use."""

    def value_and_gradient(self, Z, y, losses, scratch=None):
        super().value_and_gradient(Z, y, losses, scratch)

    @staticmethod
    def output(z, y):
        return z - y, 1.0


def test_a_slope_may_take_z_and_a_where_both_are_kept():
    X, y = digits()
    assert_agree(*fits(X, y, activation=Bent()))
    assert lacks_form(Unread()) == "its slope takes z and a, which needs reads = 'input'"


def test_a_form_that_kernels_do_not_use_is_not_enough():
    assert lacks_form(Weighed()) == "it defines value_and_gradient but not rows"


class Doubling(Dense):
    """A layer with other passes for dense inputs than for sparse ones, which it inherits."""

    def forward(self, X, buffers):
        return super().forward(2 * X, buffers)

    @staticmethod
    def forward_rows(X, W, A):
        dot(2.0 * X, W, A)


def test_an_inherited_form_of_sparse_rows_is_no_form_of_other_passes():
    assert lacks_form(Doubling(2, 1, ReLU())) == "it defines forward but not sparse_forward_rows"


class Centered(Layer):
    """Subtracts a share of a learned offset, and twice as much in training."""

    kinds = {"c": "offsets"}

    def __init__(self, n_features, share):
        # Named as kernels name their number of rows.
        self.width, self.n = n_features, share
        self.shapes = {"c": (n_features,)}

    def draw(self, initializer, random_state):
        self.c[...] = random_state.standard_normal(self.shapes["c"])

    def buffers(self, rows, dtype, order="C", training=False):
        A, dA = (np.empty((*rows, self.width), dtype) for _ in range(2))
        return SimpleNamespace(A=A, dA=dA, training=training)

    def forward(self, X, buffers):
        return np.subtract(X, self.n * (1 + buffers.training) * self.c, out=buffers.A)

    def backward(self, X, dA, buffers, dX=None):
        np.multiply(-2 * self.n, dA.sum(axis=-2, keepdims=True), out=self.dc)
        if dX is not None:
            dX[...] = dA

    @staticmethod
    def forward_rows(X, A, c, n):
        for i in range(len(X)):
            for j in range(X.shape[1]):
                A[i, j] = X[i, j] - 2.0 * n * c[0, j]

    @staticmethod
    def predict_rows(X, A, c, n):
        for i in range(len(X)):
            for j in range(X.shape[1]):
                A[i, j] = X[i, j] - n * c[0, j]

    @staticmethod
    def backward_rows(dA, dc, n):
        dc[0, :] = 0.0
        for i in range(len(dA)):
            for j in range(dA.shape[1]):
                dc[0, j] -= 2.0 * n * dA[i, j]

    @staticmethod
    def input_gradient_rows(dA, dX):
        dX[:, :] = dA


@pytest.mark.parametrize("n_members", [1, 3])
@pytest.mark.parametrize("optimizer", [Adam(), SignDescent()], ids=["scalar form", "whole arrays"])
def test_a_user_s_layer_and_optimizer_are_compiled(optimizer, n_members):
    X, y = digits()
    loss, found = LogLoss().for_target("multiclass"), []
    for name in ENGINES:
        first, second = Dense(64, 5, ReLU()), Dense(5, 10, Identity())
        network = Network([Centered(64, 0.1), first, Centered(5, 0.3), second], n_members)
        network.allocate(np.float64)
        network.draw(GlorotUniform(), np.random.RandomState(0))
        engine = choose(name, network, loss)
        batches = Batches(X, y, np.float64, 40, n_members=n_members)
        objective = engine.objective(network, loss, 0.1, batches)
        groups = network.groups({}, "standard")
        steps = engine.steps(objective, optimizer, optimizer.start(network.theta), groups)
        for _ in range(3):
            steps.make(np.full(batches.n_batches, 1e-3))
        raw = engine.forward(network).scores(batches.X, np.dtype(float))
        found.append((network.theta.copy(), objective.losses.sum(), raw))
    for one, other in zip(*found):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-9)


def test_numba_is_not_imported_with_the_package():
    program = "import sys, sknumpy_mlp; assert not {'numba', 'llvmlite'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_another_engine_than_before_is_refused(call):
    X, y = digits()
    model = ScratchMLPClassifier((4,), max_iter=1, n_iter_no_change=None, warm_start=True)
    model.set_params(engine="numpy").fit(X, y)
    model.set_params(engine="compiled")
    with pytest.raises(ValueError, match=r"engine must stay .*'numpy', got 'compiled'"):
        getattr(model, call)(X, y)


def test_both_engines_diverge_in_the_same_words_and_epoch():
    X, y = digits()
    messages = []
    for engine in ENGINES:
        with pytest.raises(ValueError, match="non-finite") as caught:
            ScratchMLPClassifier(
                (9,),
                solver="sgd",
                learning_rate_init=1e200,
                max_iter=5,
                engine=engine,
                random_state=0,
            ).fit(X, y)
        messages.append(str(caught.value).split("the loss was")[0])
    assert messages[0] == messages[1]


@pytest.mark.usefixtures("usual_handler")
def test_ctrl_c_ends_a_long_epoch_soon():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(400_000, 20)), rng.randint(3, size=400_000)
    model = ScratchMLPClassifier(
        (256, 256), max_iter=1, batch_size=32, n_iter_no_change=None, engine="compiled"
    )
    ScratchMLPClassifier(
        (256, 256), max_iter=1, batch_size=32, n_iter_no_change=None, engine="compiled"
    ).fit(X[:64], y[:64])
    pressed = []

    def press():
        pressed.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(1.0, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    timer.cancel()
    assert pressed
    assert not hasattr(model, "coefs_")


def test_bits_do_not_depend_on_threads_beside():
    X, y = digits()
    alone, found = fits(X, y)[1].coefs_[0].tobytes(), []

    def work():
        for _ in range(5):
            found.append(fits(X, y)[1].coefs_[0].tobytes())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {alone}
