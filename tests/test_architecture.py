"""The plan of the house, read from the source: which way imports point, and what lives where.

Imports point one way: `classifier, regressor -> _estimator -> core -> the families ->
_family`. A new module gets its place in `LEVELS` of house.py.
"""

import ast
import doctest
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import sknumpy_mlp
from sknumpy_mlp import _family, displays
from sknumpy_mlp.callbacks import Checkpoint

from .common import section
from .house import LEVELS, ORACLES

ROOT = Path(sknumpy_mlp.__file__).parent
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in ROOT.rglob("*.py")
}
PACKAGES = {path.parent.name for path in ROOT.rglob("__init__.py")} - {ROOT.name}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in PATHS.items()}
ESTIMATORS = [sknumpy_mlp.ScratchMLPClassifier, sknumpy_mlp.ScratchMLPRegressor]
FAMILIES = ["activations", "embeddings", "initializers", "losses", "optimizers", "schedules"]

LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}

# The only importers of an extra.
NEEDS_NUMBA = {n for n in PATHS if n.startswith("core.compiled.")} - {"core.compiled.__init__"}
NEEDS_ONNX = {n for n in PATHS if n.startswith("onnx.")} - {"onnx.__init__"}
# The network and what it is made of: NumPy and SciPy alone. The parts are at their public address.
PARTS = {name for name in PATHS if name.split(".")[0] in FAMILIES}
NETWORK = sorted(
    name
    for name in PATHS
    if name.startswith(("core.", "_elementary", "_family", "_types", "_vectors"))
)
NUMERICAL = sorted({*NETWORK, *(name for name in PATHS if name in PARTS)})
# A transformer is its formula, and so is a converter.
APART = {
    "__init__",
    "onnx.__init__",
    *(name for name in PATHS if name.startswith("preprocessing.")),
    *NEEDS_ONNX,
}
ESTIMATOR = [name for name in PATHS if name not in NUMERICAL and name not in APART]

# What computes: operators are counted apart. Array handling (shapes, searches, counts) is allowed.
MATHEMATICS = set(
    "cbrt convolve cos cosh cumprod dot einsum exp exp2 expm1 fft hypot inner kron linalg log log10"
    " log1p log2 logaddexp matmul outer power reciprocal sin sinh sqrt square tan tanh tensordot"
    " trapezoid vdot".split()
)

TESTS = Path(__file__).parent

MUTATORS = set(
    "add append clear discard extend insert pop popitem remove setdefault sort update".split()
)


def imports(name):
    """Yield what a module imports, at any depth of its code, as absolute dotted names."""
    package = ["sknumpy_mlp", *name.split(".")[:-1]]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                is_module = inner.removeprefix("sknumpy_mlp.") in {*PATHS, *PACKAGES}
                yield inner if inner.startswith("sknumpy_mlp") and is_module else source


def own_imports(name):
    """Yield the modules of the package that a module imports, by their names in `PATHS`."""
    for imported in imports(name):
        if imported.split(".")[0] == "sknumpy_mlp":
            inner = imported.removeprefix("sknumpy_mlp").removeprefix(".")
            yield inner if inner in PATHS else f"{inner}.__init__".removeprefix(".")


def module(name):
    if name in NEEDS_NUMBA:
        pytest.importorskip("numba", reason="numba is not installed")
    if name in NEEDS_ONNX:
        pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    return importlib.import_module(f"sknumpy_mlp.{name}".removesuffix(".__init__"))


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def public_classes():
    """Every class of the public API: estimators, callbacks, displays, members of the families."""
    members = [
        value
        for family in FAMILIES
        for value in vars(module(family)).values()
        if inspect.isclass(value)
        and issubclass(value, _family.Family)
        and value is not _family.Family
        and not value.__name__.startswith("_")
    ]
    exported = [getattr(sknumpy_mlp, name) for name in sknumpy_mlp.__all__]
    drawn = [getattr(displays, name) for name in displays.__all__]
    return [*(value for value in exported if inspect.isclass(value)), Checkpoint, *drawn, *members]


def lines_of_code(name):
    """Number of lines of a module that are neither blank nor docstring."""
    lines = PATHS[name].read_text(encoding="utf-8").splitlines()
    skipped = set()
    for node in ast.walk(TREES[name]):
        kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            skipped |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return sum(number not in skipped and bool(line.strip()) for number, line in enumerate(lines, 1))


class TestImports:
    @pytest.mark.parametrize("name", PATHS)
    def test_every_module_has_a_level(self, name):
        assert name in LEVEL

    @pytest.mark.parametrize("name", PATHS)
    def test_imports_point_one_way(self, name):
        for imported in own_imports(name):
            assert LEVEL[imported] < LEVEL[name], f"{name} imports {imported}"

    @pytest.mark.parametrize("name", NUMERICAL)
    def test_the_network_imports_numpy_and_scipy_only(self, name):
        allowed = {"numpy", "scipy", "sknumpy_mlp", *sys.stdlib_module_names}
        allowed |= {"numba", "llvmlite"} if name.startswith("core.compiled.") else set()
        for imported in imports(name):
            assert imported.split(".")[0] in allowed, imported
        for imported in own_imports(name):
            assert imported in NUMERICAL or imported == "__init__", imported

    @pytest.mark.parametrize("name", sorted(PARTS))
    def test_parts_import_what_parts_share_and_nothing_else(self, name):
        for imported in own_imports(name):
            within = imported.split(".")[0] == name.split(".")[0]
            assert imported in ("_elementary", "_family", "_types", "_vectors") or within, imported

    @pytest.mark.parametrize("name", PATHS)
    def test_the_package_imports_what_it_depends_on(self, name):
        allowed = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "sknumpy_mlp"}
        allowed |= {"numba", "llvmlite"} if name.startswith("core.compiled.") else set()
        allowed |= {"onnx", "skl2onnx"} if name.startswith("onnx.") else set()
        allowed |= {"matplotlib"} if name.startswith("displays.") else set()
        # Imported where a result is converted, by users who have it.
        allowed |= {"shap"} if name == "inspection" else set()
        for imported in imports(name):
            assert imported.split(".")[0] in allowed | sys.stdlib_module_names, imported

    def test_reading_of_imports_finds_the_arrows_that_are_there(self):
        """Were nothing found, nothing above could fail."""
        found = {name: set(own_imports(name)) for name in PATHS}
        assert "_estimator.base" in found["classifier"] and "_estimator.base" in found["regressor"]
        assert "core.training" in found["_estimator.base"]
        assert "core.layers" in found["core.network"]
        # Losses reach it by their base class, which two files share.
        assert "_family" in found["losses.base"]
        assert "_family" in found["activations.base"]
        assert all("_family" in found[family] for family in FAMILIES if family in found)

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_part_is_at_its_public_address(self, family):
        spec = importlib.util.find_spec(f"sknumpy_mlp.{family}")
        assert spec is not None and spec.origin is not None
        for cls in public_classes():
            if inspect.getmodule(cls) is module(family):
                assert cls.__module__ == f"sknumpy_mlp.{family}"
        assert sknumpy_mlp.optimizers.Adam.__module__ == "sknumpy_mlp.optimizers"
        assert sknumpy_mlp.losses.LogLoss.__module__ == "sknumpy_mlp.losses"
        assert sknumpy_mlp.RobustSmoothScaler.__module__ == "sknumpy_mlp.preprocessing"

    def test_importing_the_package_imports_no_optional_one(self):
        program = (
            "import sys, sklearn.neural_network, sklearn.model_selection\n"
            "before = set(sys.modules)  # Some versions of scikit-learn import pandas.\n"
            "import sknumpy_mlp\n"
            "print(*{name.split('.')[0] for name in set(sys.modules) - before})\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert "sknumpy_mlp" in run.stdout.split()
        assert not {"matplotlib", "numba", "pandas", "polars", "shap", "skl2onnx"} & set(
            run.stdout.split()
        )


class TestRooms:
    @pytest.mark.parametrize("name", ESTIMATOR)
    def test_the_estimator_holds_no_mathematics(self, name):
        for node in ast.walk(TREES[name]):
            assert not isinstance(node, ast.MatMult), "a matrix product"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = f"{node.value.id}.{node.attr}"
                assert node.value.id not in ("np", "math") or node.attr not in MATHEMATICS, called
        numerical = ("scipy.special", "scipy.optimize", "scipy.linalg", "math")
        assert not [each for each in imports(name) if each.startswith(numerical)]

    @pytest.mark.parametrize("name", PATHS)
    def test_nobody_draws_from_the_global_stream(self, name):
        for node in ast.walk(TREES[name]):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np.random":
                assert node.attr in ("RandomState", "Generator", "default_rng", "SeedSequence")

    @pytest.mark.parametrize("name", PATHS)
    def test_module_level_names_are_constants(self, name):
        """Nothing rebinds or mutates them: two threads would see it."""
        constants = set()
        for node in TREES[name].body:
            targets = getattr(node, "targets", [getattr(node, "target", None)])
            constants |= {target.id for target in targets if isinstance(target, ast.Name)}
        for node in chain.from_iterable(map(ast.walk, functions(TREES[name]))):
            assert not isinstance(node, ast.Global)
            if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                assert ast.unparse(node.value) not in constants
            if isinstance(node, ast.Attribute) and node.attr in MUTATORS:
                assert ast.unparse(node.value) not in constants

    def test_training_changes_no_module_and_no_class(self):
        def state():
            held = {}
            for name in PATHS.keys() - NEEDS_NUMBA - NEEDS_ONNX:
                for key, value in vars(module(name)).items():
                    # A fit imports the modules of an extra, which a package then holds.
                    if not key.startswith("__") and not inspect.ismodule(value):
                        held[name, key] = repr(value)
                    if inspect.isclass(value) and value.__module__.startswith("sknumpy_mlp"):
                        held[name, key] = repr(
                            {k: v for k, v in vars(value).items() if k[0] != "_"}
                        )
            return held

        # The first look imports what nothing has imported yet.
        state()
        before = state()
        X, y = np.eye(6), np.array([0, 1, 2] * 2)
        for name in sknumpy_mlp.optimizers.Optimizer.named():
            model = sknumpy_mlp.ScratchMLPClassifier(solver=name, max_iter=50, tol=1.0)
            model.fit(X, y).predict(X)
        assert state() == before

    @pytest.mark.parametrize("name", PATHS)
    def test_no_file_is_longer_than_500_lines(self, name):
        assert len(PATHS[name].read_text(encoding="utf-8").splitlines()) <= 500

    @pytest.mark.parametrize("name", PATHS)
    def test_no_function_is_longer_than_50_lines_of_code(self, name):
        lines = PATHS[name].read_text(encoding="utf-8").splitlines()
        for function in functions(TREES[name]):
            skipped = set()
            if ast.get_docstring(function) is not None:
                text = function.body[0]
                skipped = set(range(text.lineno, text.end_lineno + 1))
            code = [
                number
                for number in range(function.lineno, function.end_lineno + 1)
                if number not in skipped and lines[number - 1].strip(" ")
            ]
            assert len(code) <= 50, f"{function.name} has {len(code)} lines"

    def test_no_room_is_over_a_third_of_the_house(self):
        """Lines without docstrings: of each folder, and of each set of top-level files."""
        rooms = {}
        for name in PATHS:
            folder, _, _ = name.rpartition(".")
            room = folder or ("parts" if name in PARTS else "shared" if name[0] == "_" else "names")
            rooms[room] = rooms.get(room, 0) + lines_of_code(name)
        assert max(rooms.values()) <= sum(rooms.values()) / 3, rooms


class TestTests:
    # A room is a module or a package; the tests of `_family.py` are in test_family.py.
    rooms = {
        ".".join([*name.split(".")[:-1], "test_" + name.split(".")[-1].lstrip("_")])
        for name in [*PATHS, *(name.removesuffix(".__init__") for name in PATHS)]
    }
    files = sorted(
        ".".join(path.relative_to(TESTS).with_suffix("").parts) for path in TESTS.rglob("test_*.py")
    )

    @pytest.mark.parametrize("name", files)
    def test_a_test_file_is_named_after_the_room_that_it_tests(self, name):
        # Those of stress belong to no room, and say in their first line what they hold.
        assert name in self.rooms | ORACLES.keys() or name.startswith("stress."), (
            f"rename tests/{name.replace('.', '/')}.py after a module of sknumpy_mlp, or say in "
            "ORACLES why it belongs to none"
        )

    def test_every_oracle_is_there(self):
        assert ORACLES.keys() <= set(self.files)
        assert not ORACLES.keys() & self.rooms

    @pytest.mark.parametrize("name", files)
    def test_no_test_file_is_longer_than_500_lines(self, name):
        path = TESTS / f"{name.replace('.', '/')}.py"
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


class TestDocumentation:
    @pytest.mark.parametrize("name", PATHS)
    def test_every_module_says_what_it_owns(self, name):
        assert len(ast.get_docstring(TREES[name]) or "") > 40

    @pytest.mark.parametrize("name", PATHS)
    def test_every_public_name_has_a_docstring(self, name):
        """A method that is written again, or mixed in, is documented where it is first written."""
        own = [
            value
            for key, value in vars(module(name)).items()
            if getattr(value, "__module__", None) == module(name).__name__
            and callable(value)
            and not key.startswith("_")
        ]
        classes = [value for value in own if inspect.isclass(value)]
        ancestors = set(chain.from_iterable(value.__mro__ for value in classes))
        for value in own:
            assert inspect.getdoc(value), value
        for cls in classes:
            for method, function in vars(cls).items():
                if not method.startswith("_") and inspect.isfunction(function):
                    written = [vars(each).get(method) for each in ancestors]
                    assert any(each.__doc__ for each in written if each), (cls, method)

    @pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
    def test_every_parameter_is_documented_in_order(self, cls):
        if "__init__" not in vars(cls):
            return
        parameters = [name for name in inspect.signature(cls).parameters]
        headings = re.findall(r"^(\w[\w, ]*) : ", section(cls.__doc__, "Parameters"), re.MULTILINE)
        assert [name for heading in headings for name in heading.split(", ")] == parameters

    @pytest.mark.parametrize("cls", public_classes(), ids=lambda cls: cls.__name__)
    def test_every_public_class_has_examples_that_run(self, cls):
        if inspect.getdoc(cls).startswith("Base"):
            return
        assert ">>> " in section(cls.__doc__, "Examples")
        if cls.__module__ == displays.__name__:
            pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        names = dict(vars(sys.modules[cls.__module__])) | {"np": np}
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
        (test,) = doctest.DocTestFinder(recurse=False).find(cls, globs=names)
        results = runner.run(test)
        assert results.attempted and not results.failed

    def test_the_core_shows_how_to_use_it_alone(self):
        (test,) = doctest.DocTestFinder(recurse=False).find(module("core.__init__"), globs={})
        results = doctest.DocTestRunner(verbose=False).run(test)
        assert results.attempted and not results.failed

    @pytest.mark.parametrize(
        "estimator, name",
        [(e, n) for e in ESTIMATORS for n in dir(e) if not n.startswith("_")],
    )
    def test_every_argument_of_a_method_is_documented(self, estimator, name):
        method = getattr(estimator, name)
        if not callable(method) or not method.__module__.startswith("sknumpy_mlp"):
            return
        arguments = [each for each in inspect.signature(method).parameters if each != "self"]
        text = section(method.__doc__, "Parameters")
        assert re.findall(r"^\*{0,2}(\w+) : ", text, re.MULTILINE) == arguments
        assert section(method.__doc__, "Returns")

    def test_all_public_names_exist(self):
        assert {*(each.__name__ for each in ESTIMATORS), *FAMILIES} <= set(sknumpy_mlp.__all__)
        for name in sknumpy_mlp.__all__:
            assert getattr(sknumpy_mlp, name).__doc__
