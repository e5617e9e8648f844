"""What type checkers and editors see of the public names."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import sknumpy_mlp
from sknumpy_mlp import ScratchMLPClassifier, ScratchMLPRegressor
from sknumpy_mlp._estimator.declared import Parameters
from sknumpy_mlp._family import Family
from sknumpy_mlp.callbacks import Checkpoint

from . import typed
from .common import section

ROOT = Path(sknumpy_mlp.__file__).parent
ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]
TRANSFORMERS = [
    sknumpy_mlp.CrossFittedTargetEncoder,
    sknumpy_mlp.GaussianImputer,
    sknumpy_mlp.RobustSmoothScaler,
]
OWN = [*ESTIMATORS, *TRANSFORMERS, Checkpoint]
# A user's program: each line, and what mypy says of it.
LINES = {
    "reveal_type(clf.fit(X, y).coefs_)": "list[*.ndarray[*floating[*",
    "reveal_type(clf.best_iter_)": "int | *ndarray*integer* | None",
    "reveal_type(clf.predict_proba(X))": "*ndarray[*floating[*",
    "reveal_type(clf.partial_fit(X, y, classes=[0, 1]))": "*.ScratchMLPClassifier",
    "reveal_type(clf.set_params(alpha=0.1).summary())": "str",
    "reveal_type(clf.n_iter_no_change)": "int | float | None",
    "reveal_type(reg.fit(X, y).loss_curve_)": "list[float]",
    "reveal_type(RobustSmoothScaler().fit(X).transform(X))": "*ndarray[*",
    'ScratchMLPClassifier(alpha="strong")': 'error: Argument "alpha" *"str"; expected "float"*',
    "make_tabular_mlp(members=4, max_itr=3)": 'error: *"max_itr"*did you mean "max_iter"*',
    'make_tabular_mlp("ranking")': "error: Argument 1 *",
    "clf.from_weights([], [], [0], beta=1)": 'error: *"beta"*',
    "clf.predict(X, 1)": "error: Too many arguments*",
}


def documented(cls, title):
    """The names in the headings of a section of a docstring."""
    headings = re.findall(r"^\*{0,2}(\w[\w, ]*) : ", section(cls.__doc__, title), re.MULTILINE)
    return {name for heading in headings for name in heading.split(", ")}


def test_type_checkers_may_read_the_package():
    assert (ROOT / "py.typed").is_file()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_every_parameter_and_attribute_is_declared_and_no_other(cls):
    declared = {name for name in get_type_hints(cls) if not name.startswith("_")}
    assert declared == documented(cls, "Parameters") | documented(cls, "Attributes")


@pytest.mark.parametrize("cls", TRANSFORMERS)
def test_every_attribute_of_a_transformer_is_declared_and_no_other(cls):
    declared = {name for name in get_type_hints(cls) if not name.startswith("_")}
    assert declared == documented(cls, "Attributes")


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_parameters_have_one_type_wherever_they_are_declared(cls):
    keywords, attributes = get_type_hints(Parameters), get_type_hints(cls)
    arguments = get_type_hints(cls.__init__)
    assert arguments.pop("return") is type(None)
    for name, kind in arguments.items():
        assert keywords[name] == attributes[name] == kind, name
    assert keywords.keys() == {name for each in ESTIMATORS for name in each._get_param_names()}


@pytest.mark.parametrize("cls", OWN, ids=lambda cls: cls.__name__)
def test_every_argument_of_a_public_method_has_a_type(cls):
    methods = {
        name: function
        for name, function in inspect.getmembers(cls, callable)
        if not name.startswith("_") or name == "__init__"
    }
    for name, function in methods.items():
        # scikit-learn's own have none, nor has what its classes make of them.
        if getattr(function, "__module__", "").startswith("sknumpy_mlp"):
            plain = inspect.unwrap(function)
            arguments = [each for each in inspect.signature(plain).parameters if each != "self"]
            missing = {*arguments, "return"} - plain.__annotations__.keys()
            assert not missing, (cls, name, missing)


def pattern(words):
    """A regular expression for words with stars."""
    return ".*".join(map(re.escape, words.split("*")))


# What is typed without a gap, from the bottom up. To type a module, add it here.
STRICT = (
    "_elementary _vectors _family _types activations embeddings initializers losses optimizers "
    "schedules core _estimator.declared"
).split()


def checked(command, folder):
    """Run a type checker in a folder; returns the status and what it prints."""
    environment = dict(os.environ, MYPYPATH=str(ROOT.parent))
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_typed_without_a_gap_stays_so(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    modules = [word for name in STRICT for word in ("-p", f"sknumpy_mlp.{name}")]
    settings = ["--config-file", str(ROOT.parent / "pyproject.toml"), "--cache-dir", str(tmp_path)]
    status, printed = checked(["mypy", *settings, *modules], tmp_path)
    assert status == 0, printed


def test_the_settings_of_mypy_find_what_has_no_type(tmp_path):
    """Were they not strict, the test above could not fail."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "program.py").write_text("def double(x):\n    return 2 * x\n")
    settings = ["--config-file", str(ROOT.parent / "pyproject.toml"), "--cache-dir", str(tmp_path)]
    status, printed = checked(["mypy", *settings, "program.py"], tmp_path)
    assert status == 1 and "[no-untyped-def]" in printed


def mypy(folder, program, *options):
    """Check a user's program; returns the status and what mypy prints."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    (folder / "program.py").write_text(program + "\n")
    command = ["mypy", "--follow-imports=silent", "--ignore-missing-imports", *options]
    return checked([*command, "--cache-dir", str(folder / "cache"), "program.py"], folder)


def test_mypy_finds_the_parts_at_their_public_address(tmp_path):
    parts = [part for family in Family.__subclasses__() for part in (family, *family.members())]
    lines = [
        f"from {part.__module__} import {part.__name__}"
        for part in parts
        if part.__module__.startswith("sknumpy_mlp.") and not part.__name__.startswith("_")
    ]
    assert "from sknumpy_mlp.losses import LogLoss" in lines
    status, printed = mypy(tmp_path, "\n".join(lines), "--strict")
    assert status == 0, printed


def test_mypy_knows_the_types_of_a_users_program(tmp_path):
    head = (
        "import numpy as np\n"
        "from sknumpy_mlp import *\n"
        "X, y = np.eye(4), np.array([0, 1, 0, 1])\n"
        "clf, reg = ScratchMLPClassifier((8,), n_iter_no_change=None), ScratchMLPRegressor()\n"
    )
    _, printed = mypy(tmp_path, head + "\n".join(LINES))
    said = {}
    for number, words in re.findall(r"^program\.py:(\d+): (.*)$", printed, re.MULTILINE):
        # Notes to an error follow it.
        said.setdefault(number, words)
    first = head.count("\n") + 1
    for number, (line, words) in enumerate(LINES.items(), first):
        expected = pattern(words)
        if line.startswith("reveal_type"):
            expected = f'note: Revealed type is "{expected}.*"'
        assert re.match(expected, said.get(str(number), "")), (line, said.get(str(number)))
    errors = [text for text in said.values() if text.startswith("error")]
    assert len(errors) == sum(words.startswith("error") for words in LINES.values()), errors


def test_a_program_with_types_runs(tmp_path):
    typed.main(tmp_path)


def test_mypy_accepts_a_program_with_types(tmp_path):
    status, printed = mypy(tmp_path, inspect.getsource(typed), "--strict")
    assert status == 0, printed


def pyright(folder, program):
    """Check a user's program as editors do; returns the status and what is printed."""
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    (folder / "program.py").write_text(program)
    settings = {"typeCheckingMode": "standard", "extraPaths": [str(ROOT.parent)]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return checked(["basedpyright", "--pythonpath", sys.executable, "--project", "."], folder)


def test_editors_know_the_fitted_attributes(tmp_path):
    status, printed = pyright(tmp_path, inspect.getsource(typed))
    assert status == 0, printed


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_editors_complete_every_documented_attribute(cls, tmp_path):
    names = sorted(documented(cls, "Parameters") | documented(cls, "Attributes"))
    head = f"from sknumpy_mlp import {cls.__name__}\nmodel = {cls.__name__}()\n"
    program = head + "".join(f"reveal_type(model.{name})\n" for name in [*names, "coef_"])
    status, printed = pyright(tmp_path, program)
    unknown = re.findall(r"attribute \"(\w+)\"", printed)
    assert status == 1 and unknown == ["coef_"], printed
