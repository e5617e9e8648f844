"""Out of memory is said in words, before a fit begins."""

import re

import pytest

from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp.core import memory
from sknumpy_mlp.core.network import Network
from sknumpy_mlp.embeddings import PiecewiseLinear

from ..common import brief, digits, refusal, state_of

X, Y = digits()


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize(
    "asked",
    [
        {"hidden_layer_sizes": 10**10},
        # No array has an index of so many bits.
        {"hidden_layer_sizes": (10**19, 10**300)},
        {"members": 10**12},
        {"members": 10**300},
        {"embedding": PiecewiseLinear(size=10**12)},
        {"hidden_layer_sizes": 10**12, "solver": "lbfgs"},
    ],
    ids=lambda asked: ", ".join(asked),
)
def test_a_network_that_does_not_fit_is_refused_with_parameter_and_size(cls, asked):
    model = brief(cls, **asked)
    before = state_of(model)
    message = refusal(lambda: model.fit(X, Y), MemoryError)
    name, value = next(iter(asked.items()))
    assert f"{name}={value!r}" in message
    assert re.search(r"ask for [\d,]+ parameters with \d+ features, \S+ GB in all", message)
    assert state_of(model) == before


def test_bins_that_do_not_fit_are_refused():
    model = brief(embedding=PiecewiseLinear(n_bins=10**12))
    message = refusal(lambda: model.fit(X, Y), MemoryError)
    assert "n_bins=1000000000000 of the embedding asks for as many quantiles a column" in message


def test_memory_that_is_refused_by_the_system_is_told_with_the_parameters(monkeypatch):
    def full(self, dtype):
        raise MemoryError("Unable to allocate 3 GB")

    monkeypatch.setattr(Network, "allocate", full)
    message = refusal(lambda: brief().fit(X, Y), MemoryError)
    assert message.startswith("hidden_layer_sizes=(8,), members=1 ask for 610 parameters with 64")
    assert message.endswith("features: Unable to allocate 3 GB")


@pytest.mark.parametrize("error", [AttributeError, OSError, ValueError])
def test_a_system_that_does_not_say_its_memory_refuses_what_no_pointer_reaches(monkeypatch, error):
    def unknown(name):
        raise error(name)

    monkeypatch.setattr(memory.os, "sysconf", unknown, raising=False)
    memory.check_memory(2**62, "anything")
    assert (
        refusal(lambda: memory.check_memory(2**63, "this"), MemoryError)
        == "this, 9.22e+9 GB in all"
    )


def test_the_memory_of_this_machine_is_the_limit(monkeypatch):
    monkeypatch.setattr(memory, "physical_memory", lambda: 10**9)
    memory.check_memory(10**9, "anything")
    message = refusal(lambda: memory.check_memory(10**9 + 1, "this"), MemoryError)
    assert message == "this, 1.0 GB in all, more than the 1.0 GB of this machine"
