"""Sums in one order: torch on one thread has the same bits on any number of cores."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock, local

import torch

WIDE = 2**14  # numbers of an input; above, the work of a search is worth several threads
_lock = Lock()
_inside = 0  # blocks that are open, in all Python threads together
_before = 1  # torch's threads when the first of them began
_here = local()  # .depth: blocks that are open in this Python thread


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside the block: bits then do not depend on the number of cores.

    torch's number is kept by each Python thread, but a new thread takes what was set last in any: so the number to go
    back to is that of the first of all blocks that overlap, not the one that a block finds.
    """
    global _inside, _before
    with _lock:
        found = (
            torch.get_num_threads()
        )  # asked in any case: a thread's first question would undo what was set before it
        if _inside == 0:
            _before = found
        _inside += 1
    _here.depth = getattr(_here, "depth", 0) + 1
    torch.set_num_threads(1)
    try:
        yield
    finally:
        _here.depth -= 1
        with _lock:
            _inside -= 1
        if _here.depth == 0:
            torch.set_num_threads(_before)


def threads_for(shape: tuple[int, ...]) -> AbstractContextManager[None]:
    """Torch on one thread, or as it is where an input has more than WIDE numbers."""
    return nullcontext() if math.prod(shape) > WIDE else one_thread()
