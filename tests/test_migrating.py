"""docs/use/migrate.md: what it says of other libraries, by these libraries where installed."""

import importlib
import importlib.util
import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier, optimizers

from .common import blocks

PAGE = Path(__file__).parent.parent / "docs/use/migrate.md"
DEFAULTS = dict(
    re.findall(r"^\| ([^|]*\w[^|]*?) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
)


def tool(name, monkeypatch):
    """A library, or a skipped test; Keras computes with PyTorch.

    They are gigabytes, which no extra installs: the gate skips these tests too.
    """
    for needed in ("torch", name):
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if name == "keras":
        monkeypatch.setenv("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        # What libraries say of each other while they are imported is not about the page.
        warnings.simplefilter("ignore")
        return importlib.import_module(name)


def of(library, row):
    """The cell of a library in the table of defaults."""
    cells = [cell.strip() for cell in DEFAULTS[row].split("|")]
    return cells[["here", "MLPClassifier", "skorch", "Keras", "PyTorch"].index(library)]


def default(function, name):
    return inspect.signature(function).parameters[name].default


@pytest.mark.parametrize("name", ["torch", "keras"])
def test_weights_carried_over_predict_and_train_as_there(name, monkeypatch):
    tool(name, monkeypatch)
    marked = re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    session = {"__name__": PAGE.stem}
    exec(compile(blocks(PAGE)[0], "block 1", "exec"), session)
    ran = 0
    with warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        for number, block in enumerate(marked):
            if ("keras" in block) == (name == "keras"):
                exec(compile(block, f"{name}, block {number}", "exec"), session)
                ran += 1
    assert ran == {"torch": 2, "keras": 1}[name]


def test_defaults_of_pytorch_are_those_of_the_table(monkeypatch):
    torch = tool("torch", monkeypatch)
    loader = torch.utils.data.DataLoader
    assert of("PyTorch", "rows of a batch") == str(default(loader, "batch_size"))
    assert not default(loader, "shuffle") and of("PyTorch", "order of rows") == "as given"
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        assert of("PyTorch", "learning rate") == str(default(optimizer, "lr"))
        assert of("PyTorch", "L2 term") == str(default(optimizer, "weight_decay"))
    assert of("PyTorch", "momentum of SGD") == str(default(torch.optim.SGD, "momentum"))
    assert float(of("PyTorch", "`epsilon` of Adam").split(",")[0]) == default(
        torch.optim.Adam, "eps"
    )
    assert of("PyTorch", "decay of AdamW") == str(default(torch.optim.AdamW, "weight_decay"))
    layer = torch.nn.Linear(64, 1000)
    for drawn in (layer.weight, layer.bias):
        assert 0.99 / 8 < float(drawn.detach().abs().max()) <= 1 / 8
    assert "1 / √n_in" in of("PyTorch", "starting weights")
    assert of("PyTorch", "starting biases") == "like weights"


def test_defaults_of_keras_are_those_of_the_table(monkeypatch):
    keras = tool("keras", monkeypatch)
    fit, dense = keras.Model.fit, keras.layers.Dense.__init__
    assert of("Keras", "epochs") == str(default(fit, "epochs"))
    assert default(fit, "shuffle") and of("Keras", "order of rows") == "shuffled"
    assert of("Keras", "optimizer").lower() == default(keras.Model.compile, "optimizer")
    rates = (keras.optimizers.RMSprop, keras.optimizers.Adam, keras.optimizers.SGD)
    found = [default(each.__init__, "learning_rate") for each in rates]
    assert found == [0.001, 0.001, 0.01] and of("Keras", "learning rate") == "0.001; SGD 0.01"
    assert float(of("Keras", "momentum of SGD")) == default(
        keras.optimizers.SGD.__init__, "momentum"
    )
    adam = keras.optimizers.Adam.__init__
    assert float(of("Keras", "`epsilon` of Adam")) == default(adam, "epsilon")
    adamw = keras.optimizers.AdamW.__init__
    assert of("Keras", "decay of AdamW") == str(default(adamw, "weight_decay"))
    assert default(dense, "kernel_initializer") == "glorot_uniform"
    assert default(dense, "bias_initializer") == "zeros"
    assert (of("Keras", "starting weights"), of("Keras", "starting biases")) == ("the same", "zero")


def test_defaults_of_skorch_are_those_of_the_table(monkeypatch):
    tool("torch", monkeypatch)
    skorch = tool("skorch", monkeypatch)
    start = skorch.NeuralNet.__init__
    assert of("skorch", "epochs") == str(default(start, "max_epochs"))
    assert of("skorch", "rows of a batch") == str(default(start, "batch_size"))
    assert of("skorch", "learning rate") == str(default(start, "lr"))
    assert of("skorch", "optimizer") == default(start, "optimizer").__name__
    split = default(skorch.NeuralNetClassifier.__init__, "train_split")
    assert split.cv == 5 and of("skorch", "held-out rows") == "a fifth"


def test_our_defaults_are_those_of_the_table():
    start = ScratchMLPClassifier.__init__
    assert of("here", "epochs") == f"at most {default(start, 'max_iter')}"
    assert of("here", "learning rate") == str(default(start, "learning_rate_init"))
    assert of("here", "L2 term") == f"`alpha={default(start, 'alpha')}`"
    assert float(of("here", "`epsilon` of Adam")) == default(start, "epsilon")
    decay = default(optimizers.AdamW.__init__, "weight_decay")
    assert of("here", "decay of AdamW") == str(decay)
    assert (default(start, "momentum"), default(start, "nesterovs_momentum")) == (0.9, True)
    assert of("here", "momentum of SGD") == "0.9, Nesterov's"


def epochs_without_improvement(name, patience, monkeypatch):
    """The epochs that a fit runs after the first, where the loss never changes."""
    X, y = load_digits(return_X_y=True)
    if name == "here":
        model = ScratchMLPClassifier(
            (4,), solver="sgd", learning_rate_init=1e-300, max_iter=30, random_state=0
        )
        return model.set_params(n_iter_no_change=patience - 1).fit(X / 16, y).n_iter_ - 1
    library = tool(name, monkeypatch)
    if name == "keras":
        model = library.Sequential([library.Input((64,)), library.layers.Dense(10, "softmax")])
        model.compile(library.optimizers.SGD(0.0), loss="sparse_categorical_crossentropy")
        stop = library.callbacks.EarlyStopping(monitor="loss", patience=patience)
        fit = model.fit(X / 16, y, epochs=30, verbose=0, shuffle=False, callbacks=[stop])
        return len(fit.epoch) - 1
    torch = tool("torch", monkeypatch)
    stop = library.callbacks.EarlyStopping(patience=patience, sink=lambda words: None)
    module = torch.nn.Sequential(torch.nn.Linear(64, 10), torch.nn.LogSoftmax(-1))
    loss = {"criterion": torch.nn.NLLLoss, "predict_nonlinearity": None}
    net = library.NeuralNet(module, lr=0.0, max_epochs=30, verbose=0, callbacks=[stop], **loss)
    return len(net.fit((X / 16).astype(np.float32), y).history) - 1


@pytest.mark.parametrize("name", ["here", "keras", "skorch"])
def test_a_patience_is_one_more_than_n_iter_no_change(name, monkeypatch):
    with warnings.catch_warnings():
        if name != "here":
            for category in (DeprecationWarning, FutureWarning, UserWarning):
                warnings.simplefilter("ignore", category)
        assert epochs_without_improvement(name, 3, monkeypatch) == 3
