"""Generated source: what a form becomes, and a cache that nothing breaks for long."""

import errno
import linecache
import logging
import os
import sys

import numpy as np
import pytest

pytest.importorskip("numba", reason="numba is not installed")

import numba

from sknumpy_mlp.activations import Activation
from sknumpy_mlp.core.compiled import sources
from sknumpy_mlp.losses import Loss
from sknumpy_mlp.optimizers import Optimizer

from ...families import members

# ---- one kernel, in this process ----

ONE = """
@kernel
def run(ints, floats, step):
    carray(pointer(floats), 1, T)[0] = exp(T(1))
"""


def made(text=ONE, dtype="float64"):
    """A module of one kernel, as another process would make it."""
    return sources._compiled.__wrapped__("one", text, dtype)


def result(module, *given):
    """What the kernel of a module makes of these numbers, in place."""
    numbers = np.array([0.0, *given], module.T)
    (kernel,) = module.functions
    kernel.ctypes(0, numbers.ctypes.data, 0)
    return numbers[0]


def is_from_cache(module):
    return module.functions[0].cache_hits == 1


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    return tmp_path


@pytest.fixture(params=["beside the source", "in NUMBA_CACHE_DIR"])
def each_place(request, place, monkeypatch):
    """An empty cache folder, in each of the layouts that Numba has."""
    if request.param == "in NUMBA_CACHE_DIR":
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(place))
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(place))
    return place


def test_a_module_is_compiled_once(each_place, caplog):
    caplog.set_level(logging.INFO, "sknumpy_mlp")
    assert not is_from_cache(made())
    assert [r.message.startswith("compiled one_float64_") for r in caplog.records] == [True]
    assert is_from_cache(made())
    assert len(caplog.records) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: np.random.RandomState(0).bytes(len(content)),
    ],
    ids=["truncated", "empty", "random"],
)
def test_a_damaged_file_of_numba_is_replaced(suffix, damage, each_place):
    expected = result(made())
    (path,) = each_place.rglob(f"*{suffix}")
    path.write_bytes(damage(path.read_bytes()))
    again = made()
    assert result(again) == expected and not is_from_cache(again)
    assert is_from_cache(made())


@pytest.mark.parametrize("suffix", [".py", ".pyc"])
def test_a_damaged_file_of_python_is_replaced(suffix, place, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    expected = result(made())
    (path,) = place.rglob(f"one*{suffix}")
    path.write_bytes(path.read_bytes()[:100])
    assert result(made()) == expected
    assert is_from_cache(made())


def test_two_writers_of_a_module_agree_on_its_time(place):
    """Older versions of Numba compile again where it is another."""
    made()
    (path,) = place.rglob("one*.py")
    before = path.stat().st_mtime
    path.unlink()
    assert is_from_cache(made())
    assert path.stat().st_mtime == before


def test_unfinished_files_go_when_they_are_old(each_place, monkeypatch):
    made()
    folders = {path.parent for path in each_place.rglob("one*") if path.is_file()}
    left = [folder / name for folder in folders for name in ("a.nbc.tmp.0", "b.tmp")]
    for path in left:
        path.touch()
    for seconds, remain in ((sources.STALE_SECONDS, True), (-1, False)):
        monkeypatch.setattr(sources, "STALE_SECONDS", seconds)
        sources._sweep.cache_clear()
        made(ONE + f"# {seconds}")
        assert {path.exists() for path in left} == {remain}


def test_a_full_disk_costs_the_cache_only(place, monkeypatch, caplog):
    def write(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    caplog.set_level(logging.INFO, "sknumpy_mlp")
    monkeypatch.setattr(sources, "_write", write)
    assert result(made()) == pytest.approx(np.e)
    assert "cannot be cached: [Errno 28]" in caplog.text


def test_a_form_that_cannot_be_compiled_fails_as_numba_says(place):
    # The second time, the first kernel is in the cache.
    for _ in range(2):
        with pytest.raises(numba.core.errors.TypingError):
            made(ONE + ONE.replace("run", "other").replace("exp", "no_such_name"))


# ---- forms with and without source ----

FORMS = '''from __future__ import annotations


def steep(z, given):
    """A docstring,
    of two lines."""
    return 0.1 * z + tanh(given) / 3.0 if z > 0.5 else -1.5


def loops(z, given):
    total, pair = 0.0, (0.25, 3)
    for k in range(pair[1]):
        total += float(k) * pair[0] + exp(z) ** 2
    return total * given


def annotated(z: no_such_name, given: no_such_name = 2.0) -> no_such_name:
    return z * given

'''
USES = """
@form
{definition}

@kernel
def run(ints, floats, step):
    x = carray(pointer(floats), 3, T)
    x[0] = formula(x[1], x[2])
"""


def from_file(folder, text, name):
    path = folder / "written.py"
    path.write_text(text)
    linecache.checkcache()
    space = {}
    exec(compile(text, str(path), "exec"), space)
    return space[name]


def from_nowhere(text, name):
    space = {}
    exec(text, space)
    return space[name]


def evaluate(function, *given, dtype="float64"):
    text = USES.format(definition=sources.text_of(function, "formula"))
    return result(made(text, dtype), *given)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["steep", "loops", "annotated"])
def test_a_form_without_source_gives_the_bits_of_one_with_source(name, dtype, tmp_path, place):
    written, unwritten = from_file(tmp_path, FORMS, name), from_nowhere(FORMS, name)
    assert "from_code" not in sources.text_of(written, "formula")
    assert "from_code" in sources.text_of(unwritten, "formula")
    for z in (0.3, 0.7):
        found = evaluate(unwritten, z, 1.3, dtype=dtype)
        assert found == evaluate(written, z, 1.3, dtype=dtype)
        assert found.dtype == dtype


def test_a_form_without_source_leaves_no_file_and_is_told_once(place, caplog):
    caplog.set_level(logging.INFO, "sknumpy_mlp")
    function = from_nowhere(FORMS, "steep")
    for _ in range(2):
        evaluate(function, 0.3, 1.3)
    assert not [path for path in place.rglob("*") if path.is_file()]
    assert [r.message for r in caplog.records if "source" in r.message] == [
        "steep is compiled without a cache, in each process again: its source cannot be read"
    ]


def test_the_package_s_own_forms_are_read():
    names = ("value", "slope", "rows", "output", "move")
    parts = [cls for family in (Activation, Loss, Optimizer) for cls in members(family)]
    forms = [getattr(cls, name, None) for cls in parts for name in names]
    forms = [form for form in forms if form is not None]
    assert len(forms) > len(parts)
    for form in forms:
        assert "from_code" not in sources.text_of(form, "formula")


def test_forms_that_differ_in_a_number_are_two():
    text = "def f(z, given):\n    return {} * z"
    # In the same place of files of the same name.
    assert [evaluate(from_nowhere(text.format(c), "f"), 1.0, 0.0) for c in (2.0, 3.0)] == [2.0, 3.0]


def test_a_lambda_is_compiled():
    assert evaluate((lambda z, given: 2.0 * z + given), 1.0, 0.5) == 2.5


def test_a_form_is_what_python_runs_and_not_what_its_file_says_now(tmp_path):
    text = "def f(z, given):\n    return 2.0 * z\n"
    running = from_file(tmp_path, text, "f")
    from_file(tmp_path, text.replace("2.0", "3.0"), "f")
    assert evaluate(running, 1.0, 0.0) == 2.0


def closed(factor):
    def form(z):
        return factor * z

    return form


@pytest.mark.parametrize(
    "function, words",
    [
        (np.tanh, "<ufunc 'tanh'> is no Python function"),
        (lambda z: np.tanh(z), r"<lambda> uses \['np'\]; a scalar form may use its arguments and"),
        (from_nowhere("def f(z):\n    return g(z)", "f"), r"f uses \['g'\]; a scalar form may"),
        (closed(2.0), r"closed.<locals>.form uses \['factor'\]"),
        (lambda z, *more: z, r"uses \['more'\]"),
    ],
)
def test_a_form_of_other_names_is_refused(function, words):
    with pytest.raises(sources.FormError, match=words):
        sources.check(function)


def test_attributes_and_numbers_of_the_outside_are_told_apart():
    sources.check(lambda X, A: dot(X.T, A.reshape(len(X))))  # noqa: F821
