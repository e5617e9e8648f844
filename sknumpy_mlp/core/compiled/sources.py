"""Source of a part's scalar form as text, and kernels compiled from generated source.

A kernel is generated as a module of its own, written to the cache folder under a digest of all
text that goes into it (the scalar form, our templates, the elementary functions, the versions),
and compiled by Numba with a cache beside it. So an edited formula has another digest, a second
process finds what the first has compiled, and nothing is ever compiled for a value. A form whose
source cannot be read enters the text as its code object, and such a module stays in memory.
"""

import ast
import hashlib
import importlib.util
import inspect
import logging
import os
import re
import sys
import tempfile
import threading
import time
import tokenize
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, TypeAlias

import numba
import numpy as np

from ..._types import Form
from ..interrupts import interrupts_deferred
from . import bytecode, elementary, primitives

logger = logging.getLogger("sknumpy_mlp")

# The names that a scalar form may use beside its arguments.
VOCABULARY = (
    *("exp", "expm1", "log", "log1p", "tanh", "logistic", "ndtr", "normal_density"),
    *("sqrt", "abs", "float", "int", "len", "range", "dot", "uniform"),
)
# Nobody takes longer to write a file.
STALE_SECONDS = 3600
# Who hears of compilations: makes a context for each, from whether it is cached.
Observer: TypeAlias = Callable[[bool], AbstractContextManager[None]]
# In this thread.
_OBSERVER: ContextVar[Observer] = ContextVar("observer", default=lambda is_cached: nullcontext())
_LOCK = threading.RLock()


class _Typed(ast.NodeTransformer):
    """Gives numbers the dtype of the network: ``1.0`` and ``float(n)`` become ``T(...)``."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return _typed(node) if isinstance(node.value, float) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "float":
            node.func.id = "T"
        return node


def _typed(node: ast.expr) -> ast.Call:
    return ast.Call(ast.Name("T", ast.Load()), [node], [])


class FormError(Exception):
    """A scalar form cannot be compiled: it is no Python function, or uses unknown names."""


def check(function: Form) -> None:
    """Raise a FormError if a scalar form cannot be compiled."""
    if not inspect.isfunction(function):
        raise FormError(f"{function!r} is no Python function")
    used = bytecode.names(function.__code__)
    # Kernels pass the plain arguments only.
    used |= inspect.signature(function).parameters.keys() - set(arguments(function))
    unknown = sorted(used - set(VOCABULARY))
    if unknown:
        raise FormError(
            f"{function.__qualname__} uses {unknown}; a scalar form may use its arguments and "
            f"{list(VOCABULARY)}"
        )


@cache
def text_of(function: Form, name: str) -> str:
    """The definition of a scalar form under another name, with its numbers typed."""
    definition = _definition(function)
    if definition is None:
        logger.info(
            "%s is compiled without a cache, in each process again: its source cannot be read",
            function.__qualname__,
        )
        given = ", ".join(arguments(function))
        return (
            f"{_FROM_CODE}{bytecode.literal(function.__code__)!r})\ndef {name}({given}):\n    pass"
        )
    definition.name = name
    if ast.get_docstring(definition) is not None:
        del definition.body[0]
    return ast.unparse(ast.fix_missing_locations(_Typed().visit(definition)))


def _definition(function: Form) -> ast.FunctionDef | None:
    """The definition of a function, without what is outside of its code; None if unreadable."""
    with suppress(OSError, TypeError, SyntaxError, tokenize.TokenError):
        text = inspect.getsource(function)
        # Not dedented, which would change strings.
        tree: Any = ast.parse(f"if 1:\n{text}").body[0] if text[0].isspace() else ast.parse(text)
        definition = tree.body[0]
        if not isinstance(definition, ast.FunctionDef):
            return None
        definition.decorator_list, definition.returns = [], None
        definition.args.defaults = []
        for each in definition.args.args:
            each.annotation = None
        # Python finds the text by file and line: the file may have changed since, or be another.
        if bytecode.contents(_code_of(definition)) == bytecode.contents(function.__code__):
            return definition
    return None


def _code_of(definition: ast.FunctionDef) -> CodeType:
    module = compile(ast.Module([definition], []), "", "exec", dont_inherit=True)
    return next(each for each in module.co_consts if isinstance(each, CodeType))


def arguments(function: Form) -> list[str]:
    """The names of the arguments of a scalar form."""
    code = function.__code__
    return list(code.co_varnames[: code.co_argcount])


def folder() -> Path | None:
    """The cache folder, or None where none can be written."""
    return _folder(os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME"))


@cache
def _folder(base: str | None) -> Path | None:
    # A home folder that is not known, or that cannot be written, is done without.
    with suppress(OSError, RuntimeError):
        found = Path(base or Path.home() / ".cache") / "sknumpy_mlp" / "kernels"
        found.mkdir(parents=True, exist_ok=True)
        if os.access(found, os.W_OK):
            return found
    logger.info("compiled kernels cannot be cached: the cache folder cannot be written")
    return None


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Let an observer hear of the compilations in this context, not of what is in the cache.

    Parameters
    ----------
    observer : callable
        Takes whether the result will be in the cache, and returns a context manager that is
        entered around a compilation.
    """
    token = _OBSERVER.set(observer)
    try:
        yield
    finally:
        _OBSERVER.reset(token)


def kernels(name: str, text: str, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Compile a module of kernels; returns their addresses by name.

    Parameters
    ----------
    name : str
        Of the module, for people.
    text : str
        Definitions decorated with ``@kernel``, and the functions that they call.
    dtype : dtype
        Of the network.
    """
    # One thread at a time: a second module of the same kernels would not outlive its caller. Numba
    # is unusable after half a compilation.
    with _LOCK, interrupts_deferred():
        addresses: dict[str, Any] = _compiled(name, text, dtype.name).addresses
        return addresses


@cache
def _compiled(name: str, text: str, T: str) -> ModuleType:
    """The module of these kernels, which lives as long as the process."""
    return _compile(f"{name}_{T}_{_digest(text, T)}", _header(T) + text)


# How a form without source begins in generated source.
_FROM_CODE = "@from_code("
_HEADER = '''"""Generated by sknumpy_mlp from the scalar forms of its parts; may be deleted."""

import numpy as np
from numba import carray, cfunc, njit
from numpy import dot

from sknumpy_mlp.core.compiled import bytecode
from sknumpy_mlp.core.compiled.primitives import (
    SIGNATURE,
    call,
    next_double,
    next_uint32,
    pointer,
)

T = np.{T}
addresses = {{}}
functions = []


def form(function):
    # Inlined: a loop with a call in it is not vectorized.
    return njit(error_model="numpy", forceinline=True)(function)


def from_code(literal):
    return lambda function: bytecode.function(literal, globals(), T)


def kernel(function):
    compiled = cfunc(SIGNATURE, cache=IS_CACHED, error_model="numpy")(function)
    functions.append(compiled)
    addresses[function.__name__] = compiled.address
    return compiled


@njit(inline="always")
def array(address, shape):
    return carray(pointer(address), shape, T)


{elementary}


sqrt = np.sqrt
exp, expm1, log, log1p = exp_{bits}, expm1_{bits}, log_{bits}, log1p_{bits}
tanh, logistic = tanh_{bits}, logistic_{bits}
ndtr, normal_density = ndtr_{bits}, normal_density_{bits}


'''


@cache
def _header(T: str) -> str:
    text = Path(elementary.__file__).read_text(encoding="utf-8")
    # The elementary functions, for Numba; what is decorated already is an intrinsic.
    text = re.sub(r"(?<!@intrinsic)\n(def \w+_(?:32|64)\()", r"\n@form\n\1", text)
    return _HEADER.format(T=T, bits=T[-2:], elementary=text)


def _digest(text: str, T: str) -> str:
    parts = [text, _header(T), Path(primitives.__file__).read_text(encoding="utf-8")]
    parts += [numba.__version__, sys.version]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _compile(key: str, text: str) -> ModuleType:
    """The module of this source, compiled, or loaded from the cache."""
    place = None if _FROM_CODE in text else folder()
    if place is not None:
        try:
            return _from_cache(place / f"{key}.py", text.replace("IS_CACHED", "True"))
        except OSError as error:
            # Such as a full disk, which costs no more than the cache.
            logger.info("%s cannot be cached: %s", key, error)
    with _announced(key, is_cached=False):
        return _run(key, text.replace("IS_CACHED", "False"))


def _from_cache(path: Path, text: str) -> ModuleType:
    """The module of this source, which is written to `path` if nobody has."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        _write(path, text)
    if kept := _kept(path):
        try:
            return _run(path.stem, text, path)
        except Exception:
            # A truncated or damaged file, for which Python or Numba would raise for ever.
            logger.info("compiling %s again, in case its files in the cache are damaged", path.stem)
            for each in kept:
                each.unlink(missing_ok=True)
    _sweep(path.parent)
    _sweep(_numba_folder(path.parent))
    with _announced(path.stem, is_cached=True):
        return _run(path.stem, text, path)


@contextmanager
def _announced(key: str, is_cached: bool) -> Iterator[None]:
    """Around a compilation: tell the observer, and log it."""
    started = time.perf_counter()
    with _OBSERVER.get()(is_cached):
        yield
    logger.info("compiled %s in %.2f s", key, time.perf_counter() - started)


def _kept(path: Path) -> list[Path]:
    """What Numba and Python have kept of a generated module."""
    found = _numba_folder(path.parent).glob(f"{path.stem}*")
    bytes_of_python = Path(importlib.util.cache_from_source(path))
    kept = [each for each in found if each.suffix in (".nbi", ".nbc")]
    return [*kept, bytes_of_python] if kept else []


@cache
def _numba_folder(place: Path) -> Path:
    """Where Numba keeps what it compiles from the files of a folder, as it says itself."""
    # It asks for a file that exists; all of a folder have the same place.
    code = compile("", next(place.glob("*.py")), "exec")
    compiled: Any = numba.njit(cache=True)(FunctionType(code, {}))
    return Path(compiled.stats.cache_path)


@cache
def _sweep(place: Path) -> None:
    """Remove the unfinished files of processes that were killed."""
    for path in place.glob("*.tmp*"):
        with suppress(OSError):
            # The time of the last change to the file itself, which no writer sets.
            if time.time() - path.stat().st_ctime > STALE_SECONDS:
                path.unlink()


def _write(path: Path, text: str) -> None:
    handle, new = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    # Older versions of Numba compare this time: two writers of the same text must agree.
    os.utime(new, (0, 0))
    os.replace(new, path)


def _run(key: str, text: str, path: Path | None = None) -> ModuleType:
    """Run a generated module, from its file if it has one."""
    name = f"sknumpy_mlp_kernels.{key}"
    if path is None:
        module = ModuleType(name)
    else:
        spec: Any = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
    # Numba looks a module up by its name while it runs.
    sys.modules[name] = module
    try:
        if path is None:
            exec(compile(text, f"<{key}>", "exec"), vars(module))
        else:
            # Python keeps the bytecode of a file.
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
