"""All that is used of numba without being promised by it; nothing else in the package names `numba.core` or the like.

pyproject.toml bounds numba by the last version that this was tried with. PERCOLATION_PUBLIC_NUMBA=1 does without: the
same bits, more slowly, and compiled anew in every process.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

PUBLIC_ONLY = os.environ.get("PERCOLATION_PUBLIC_NUMBA", "0") != "0"
# without counts of references to arrays, which cost up to five times a step; such a function must not allocate
UNCOUNTED: Any = {} if PUBLIC_ONLY else {"_nrt": False}
# without an entry for calls from C, which nobody makes: to compile it takes a seventh of the time that a kernel does
NOT_FROM_C: Any = {} if PUBLIC_ONLY else {"no_cfunc_wrapper": True}
# nor for those from Python, which takes as long to compile as a small function itself
INNER: Any = {} if PUBLIC_ONLY else {**UNCOUNTED, **NOT_FROM_C, "no_cpython_wrapper": True}


def fingerprint() -> str:
    """A hash of all sources of this folder."""
    return sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


SOURCES = fingerprint()


def keep_under_all_sources(dispatcher: Any) -> Any:
    """Make a cached kernel stale when any file of this folder changes: numba looks at that of the function alone.

    Kernels are made of functions of several files, which become part of what is cached. The version is compared before
    the rest is read, which may name classes that are no more.
    """
    if hasattr(dispatcher, "_cache"):  # not with NUMBA_DISABLE_JIT
        dispatcher._cache._cache_file._version = f"{numba.__version__} {SOURCES}"
    return dispatcher


@intrinsic
def prefetch(typing_context, array, i):
    """Ask the processor to bring array[i] into its cache."""

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
