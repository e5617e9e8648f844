"""SECURITY.md, held to the source of the package and to what a fit opens, starts and runs."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sknumpy_mlp

from .recorder import needs_callbacks

ROOT = Path(sknumpy_mlp.__file__).parent
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")
}
# What is allowed, and where; SECURITY.md says why.
RUNS_CODE = {"core.compiled.sources": {"compile", "exec", "exec_module", "spec_from_file_location"}}
SERIALIZES = {
    # One compares parameters by their hashes, the other writes.
    "_estimator.checkpoint": {"joblib"},
    "_estimator.files": {"joblib"},
    "core.compiled.bytecode": {"marshal"},
}
WRITES = {"_estimator.files", "core.compiled.sources"}

CODE = {
    *("eval", "exec", "compile", "__import__", "execfile", "runpy", "interact", "exec_module"),
    *("import_module", "spec_from_file_location", "load_module", "run_path"),
}
FORMATS = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib", "yaml"),
}
ELSEWHERE = {
    *("socket", "ssl", "urllib", "urllib3", "http", "ftplib", "smtplib", "requests", "httpx"),
    *("asyncio", "xmlrpc", "socketserver", "telnetlib", "webbrowser", "subprocess", "pty"),
    *("multiprocessing", "concurrent"),
}
PROCESSES = {"system", "popen", "fork", "forkpty", "spawnv", "execv", "execve", "posix_spawn"}
FILES = {
    *("open", "fdopen", "mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile", "mkdir"),
    *("makedirs", "unlink", "rmdir", "rmtree", "rename", "renames", "symlink_to", "hardlink_to"),
    *("write_text", "write_bytes", "tofile", "savetxt", "savez", "memmap", "touch"),
    *("utime", "chmod", "symlink"),
}


def called(tree):
    """The last name of everything that is called, or passed on to be called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            # A method of regular expressions; code is compiled by the builtin.
            yield "" if ast.unparse(node) == "re.compile" else node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def imported(tree):
    """The first name of everything that is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def faults(name, text):
    """What a module calls or imports against the rules."""
    tree = ast.parse(text)
    names, modules = {*called(tree)}, {*imported(tree)}
    code = (names & CODE) - RUNS_CODE.get(name, set())
    # Of NumPy's own, which reads pickles if it is told to.
    code |= {"allow_pickle"} & {
        k.arg for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords
    }
    formats = (modules & FORMATS) - SERIALIZES.get(name, set())
    files = set() if name in WRITES else names & FILES
    return sorted(code | formats | files | modules & ELSEWHERE | names & PROCESSES)


@pytest.mark.parametrize("name", PATHS)
def test_no_module_runs_loads_fetches_or_writes_what_it_should_not(name):
    assert faults(name, PATHS[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "eval('1')",
        "run = exec",
        "import builtins\nbuiltins.exec('1')",
        "compile('1', '', 'eval')",
        "import pickle",
        "from pickle import loads",
        "import joblib as j",
        "import urllib.request",
        "from http import client",
        "import subprocess",
        "import os\nos.system('ls')",
        "open('file', 'w')",
        "from pathlib import Path\nPath('file').write_text('')",
        "import numpy as np\nnp.load('file', allow_pickle=True)",
        "import tempfile\ntempfile.mkstemp()",
    ],
)
def test_reading_finds_what_is_forbidden(text):
    """Were nothing found, nothing above could fail."""
    assert faults("classifier", text)


def test_every_exception_is_needed():
    for name in {*RUNS_CODE, *SERIALIZES, *WRITES}:
        tree = ast.parse(PATHS[name].read_text(encoding="utf-8"))
        names, modules = {*called(tree)}, {*imported(tree)}
        assert RUNS_CODE.get(name, set()) <= names and SERIALIZES.get(name, set()) <= modules
        assert name not in WRITES or names & FILES


# What Python reports of itself while an estimator is fitted, saved, resumed and asked.
PROGRAM = """
import json, os, sys
import numpy as np
from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor, make_tabular_mlp
folder = sys.argv[1]
X = np.random.RandomState(0).standard_normal((40, 3))
y = (X[:, 0] > 0).astype(int)
settings = {"max_iter": 3, "n_iter_no_change": None, "random_state": 0}

def everything(callbacks):
    for model in (ScratchMLPClassifier(**settings), ScratchMLPRegressor(**settings)):
        model.fit(X, y).predict(X)
        model.partial_fit(X, y)
        model.score(X, y)
    make_tabular_mlp(max_iter=2).fit(X, y).predict(X)
    if callbacks:
        from sknumpy_mlp.callbacks import Checkpoint
        path = os.path.join(folder, "fit.joblib")
        ScratchMLPClassifier(**settings).set_callbacks(Checkpoint(path)).fit(X, y)
        ScratchMLPClassifier(**settings | {"max_iter": 5}).fit(X, y, resume_from=path)

try:
    import sklearn.callback
    callbacks = True
except ImportError:
    callbacks = False
# Lazy imports of other packages come first.
everything(callbacks)
seen, on = [], [True]

def hear(event, args):
    if not on[0]:
        return
    if event == "open":
        path, mode, flags = args
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and isinstance(path, (str, bytes)):
            seen.append(["open", os.path.realpath(os.fsdecode(path))])
    elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link"):
        seen.append([event, os.path.realpath(os.fsdecode(args[0]))])
    elif event.split(".")[0] in ("socket", "subprocess", "urllib", "http", "ftplib", "smtplib"):
        seen.append([event, ""])
    elif event in ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"):
        seen.append([event, repr(args)])
    # Code of a file is that of a module that is imported.
    elif event == "exec" and args[0].co_filename[0] == "<" and "frozen" not in args[0].co_filename:
        seen.append([event, args[0].co_filename])

sys.addaudithook(hear)
everything(callbacks)
on[0] = False
print(json.dumps(seen))
"""


def test_a_fit_touches_nothing_but_the_folders_that_it_is_given(tmp_path):
    cache, folder, elsewhere = (tmp_path / name for name in ("cache", "given", "home"))
    for each in (cache, folder, elsewhere):
        each.mkdir()
    environment = dict(
        os.environ,
        NUMBA_CACHE_DIR=str(cache),
        HOME=str(elsewhere),
        PYTHONPATH=os.pathsep.join([str(ROOT.parent), os.environ.get("PYTHONPATH", "")]),
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(folder)],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    has_numba = importlib.util.find_spec("numba") is not None
    for event, path in json.loads(run.stdout):
        inside = any(Path(path).is_relative_to(each.resolve()) for each in (folder, cache))
        assert inside or (event == "exec" and has_numba), (event, path)
    assert not any(path.is_file() for path in elsewhere.rglob("*"))
    assert any(cache.iterdir()) == has_numba


@needs_callbacks
def test_the_record_of_a_fit_hears_of_its_checkpoint(tmp_path):
    """Were nothing heard, nothing above could fail."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path)],
        env=dict(os.environ, PYTHONPATH=str(ROOT.parent)),
        capture_output=True,
        text=True,
        check=True,
    )
    events = {event for event, _ in json.loads(run.stdout)}
    assert {"open", "os.rename"} <= events
