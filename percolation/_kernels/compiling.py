"""How kernels are compiled: what is called from Python and kept in a cache, its parts, and choice by type."""

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.extending import overload

from percolation._kernels.numba_private import INNER, NOT_FROM_C, PUBLIC_ONLY, UNCOUNTED, keep_under_all_sources

# for what is large but called in one place: left to itself, LLVM calls it with fifty arguments a step
INLINED: Any = {**INNER, "forceinline": True}
# what kernels are made of, which allocates nothing; not cached by itself, and not to be called from Python. A variable
# that begins with a literal and changes in a loop has it compiled twice, for the literal too: begin with np.int64(0)
part = njit(nogil=True, **INNER)


def kernel(function: Callable) -> Any:
    """Compiled, and cached until a file of this folder changes; for what is called from Python, or allocates."""
    return _cached(function, {})


def lean_kernel(function: Callable) -> Any:
    """The same without counts of references; it must not allocate."""
    return _cached(function, UNCOUNTED)


def _cached(function: Callable, options: Any) -> Any:
    if PUBLIC_ONLY:  # a cache of numba's own would not see edits of the other files
        return njit(nogil=True)(function)
    return keep_under_all_sources(njit(cache=True, nogil=True, **NOT_FROM_C, **options)(function))


def by_kind(choose: Callable[[type], Callable]) -> Callable:
    """A function whose body is chosen by the class of its first argument, compiled or not."""

    def chosen(first, *rest):
        return choose(type(first))(first, *rest)

    @overload(chosen, strict=False, jit_options=INLINED)
    def of_type(first, *rest):
        return choose(first.instance_class)

    return chosen
