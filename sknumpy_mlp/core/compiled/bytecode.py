"""Scalar forms as code objects: what a form uses, and a form made again without its source."""

import dis
import marshal
from types import CodeType, FunctionType
from typing import Any


def contents(code: CodeType) -> tuple[Any, ...]:
    """What a code object computes, wherever it was written; equal for equal formulas."""
    constants = [contents(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants


def names(code: CodeType) -> set[str]:
    """The names that a code object takes from outside."""
    found: set[str] = set(code.co_freevars)
    for each in dis.get_instructions(code):
        if each.opname.endswith(("_GLOBAL", "_NAME")):
            found.add(each.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= names(constant) - set(code.co_cellvars)
    return found


def literal(code: CodeType) -> bytes:
    """A code object as bytes, for generated source."""
    return marshal.dumps(code)


def function(literal: bytes, namespace: dict[str, Any], T: Any) -> FunctionType:
    """The function of a literal, with its numbers of type T, that finds its names in a namespace.

    Parameters
    ----------
    literal : bytes
    namespace : dict
        Of a generated module.
    T : type
        Of the network's numbers.
    """
    return FunctionType(_typed(marshal.loads(literal), T), namespace)


def _typed(code: CodeType, T: Any) -> CodeType:
    """A code object where ``1.0`` and ``float(n)`` are ``T(...)``."""

    def typed(constant: Any) -> Any:
        if isinstance(constant, tuple):
            return tuple(map(typed, constant))
        if isinstance(constant, CodeType):
            return _typed(constant, T)
        return T(constant) if isinstance(constant, float) else constant

    return code.replace(
        co_consts=typed(code.co_consts),
        co_names=tuple("T" if name == "float" else name for name in code.co_names),
    )
