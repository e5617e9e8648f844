"""What kernels need beyond arithmetic: addresses as pointers, and calls of functions by address.

Kernels have one signature, ``(ints, floats, block)``: the addresses of an int64 array with the
addresses and sizes of the kernel's arrays, of a float64 array with its numbers, and of an int64
array that describes the block of rows (see `kernels.driver`). So a driver can call any sequence of
them, and the number of compiled functions adds up with the parts instead of multiplying.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

SIGNATURE = types.void(types.int64, types.int64, types.int64)


@intrinsic
def pointer(typingctx: Any, address: Any) -> Any:
    """An address as an untyped pointer, for `numba.carray`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), codegen


def call_address(builder: Any, returned: Any, function: Any, words: Any) -> Any:
    """Generate the call of a function of 64-bit words at an address."""
    kind = ir.FunctionType(returned, [ir.IntType(64)] * len(words))
    return builder.call(builder.inttoptr(function, ir.PointerType(kind)), words)


@intrinsic
def call(typingctx: Any, function: Any, ints: Any, floats: Any, block: Any) -> Any:
    """Call the kernel at an address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        call_address(builder, ir.VoidType(), args[0], args[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), codegen


@intrinsic
def next_double(typingctx: Any, function: Any, state: Any) -> Any:
    """A number from a bit generator of NumPy, by the address of its function and its state."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return call_address(builder, ir.DoubleType(), args[0], args[1:])

    return types.float64(types.int64, types.int64), codegen


@intrinsic
def next_uint32(typingctx: Any, function: Any, state: Any) -> Any:
    """32 bits from a bit generator of NumPy, by the address of its function and its state."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return call_address(builder, ir.IntType(32), args[0], args[1:])

    return types.uint32(types.int64, types.int64), codegen
