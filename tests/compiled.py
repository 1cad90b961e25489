"""Parts of kernels as a test calls them: by themselves they are compiled only into what calls them."""

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(part: Any) -> Callable:
    """A part, callable from Python; plain Python where nothing is compiled."""
    return njit(part.py_func) if hasattr(part, "py_func") else part
