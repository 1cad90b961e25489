"""How the kernels of sweeps are compiled: options, choice by type, and two instructions that numba has no name for."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

kernel = njit(cache=True, nogil=True)
# without counts of references to arrays, which cost up to five times a step; such a function must not allocate
UNCOUNTED: Any = {"_nrt": False}
# what kernels are made of: not cached by itself, for a part of an old cache would enter a new kernel
part = njit(nogil=True, **UNCOUNTED)
# for what is large but called in one place: left to itself, LLVM calls it with fifty arguments a step
INLINED: Any = {**UNCOUNTED, "forceinline": True}

U = np.uint64


def by_kind(choose: Callable[[type], Callable]) -> Callable:
    """A function whose body is chosen by the class of its first argument, compiled or not."""

    def chosen(first, *rest):
        return choose(type(first))(first, *rest)

    @overload(chosen, strict=False, jit_options=INLINED)
    def of_type(first, *rest):
        return choose(first.instance_class)

    return chosen


def lowest_bit(mask: np.uint64) -> np.uint64:
    """Place of the lowest set bit of a mask that is not 0."""
    return U((int(mask) & -int(mask)).bit_length() - 1)


def prefetch(array: np.ndarray, i: np.uint64) -> None:
    """Ask the processor to bring array[i] into its cache; changes nothing else."""


@overload(lowest_bit)
def _lowest_bit_compiled(mask):
    return lambda mask: _count_trailing_zeros(mask)


@overload(prefetch)
def _prefetch_compiled(array, i):
    return lambda array, i: _llvm_prefetch(array, i)


@intrinsic
def _count_trailing_zeros(typing_context, mask):
    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


@intrinsic
def _llvm_prefetch(typing_context, array, i):
    def code(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number]),
            "llvm.prefetch.p0i8",
        )
        read, keep, data_cache = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(function, [address, read, keep, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.uint64), code
