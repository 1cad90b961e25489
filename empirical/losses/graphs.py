"""CUDA graphs of an objective and of its gradient: one launch instead of hundreds, at a few sizes of batch.

A graph is captured once a size was asked for often, and its first answer is compared with the plain one. An
objective that cannot be captured (it asks the host on its way, or is random) is evaluated as before; `refused` says
why.
"""

import warnings
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

# plain evaluations of a size before it is worth a graph: measured on an H200, ResNet-18 at 32 pixels, a capture takes
# some 0.1 s and spares some 3 ms a call; captured at the third call they made a search twice as long
CAPTURE_AFTER = 16
WARM_UP_RUNS = 2  # runs on a side stream before a capture, as torch asks for
LARGEST_DEVIATION = 1e-3  # relative: a graph whose losses differ by more from the plain ones is not used

Work = Callable[[Tensor, Tensor], tuple[Tensor, ...]]  # points (n, *shape), pairs (n,) to tensors of n rows
Key = tuple[Any, ...]


class Graphs:
    """Graphs of one objective on one device, by kind of work and size of batch."""

    def __init__(self, on: bool = True) -> None:
        self.on, self.refused = on, ""
        self.uses: Counter[Key] = Counter()
        self.kept: dict[Key, _Captured] = {}

    def run(self, key: Key, work: Work, points: Tensor, pairs: Tensor) -> tuple[tuple[Tensor, ...], bool]:
        """work(points, pairs), by the graph of this key where there is one, and whether one was made now.

        The tensors are good until the next run.
        """
        if not self.on:
            return work(points, pairs), False
        key = (*key, tuple(points.shape), points.dtype)
        self.uses[key] += 1
        kept = self.kept.get(key)
        made = kept is None and self.uses[key] > CAPTURE_AFTER
        if made:
            kept = self._capture(key, work, points, pairs)
        return kept.replay(points, pairs) if kept else work(points, pairs), made

    def _capture(self, key: Key, work: Work, points: Tensor, pairs: Tensor) -> "_Captured | None":
        try:
            captured = _Captured(work, points, pairs)
            expected, found = work(points, pairs)[0], captured.replay(points, pairs)[0]
            if not torch.allclose(found, expected, rtol=LARGEST_DEVIATION, atol=1e-6, equal_nan=True):
                raise RuntimeError("its replay gives other losses")
        except Exception as error:  # whatever an objective does that a capture forbids
            if isinstance(error, torch.OutOfMemoryError):
                torch.cuda.empty_cache()
            self.on, self.refused = False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            warnings.warn(f"no CUDA graph of this objective, it is evaluated plainly ({self.refused})", stacklevel=2)
            return None
        self.kept[key] = captured
        return captured


class _Captured:
    """A graph with its own input, into which points are copied, and its output."""

    def __init__(self, work: Work, points: Tensor, pairs: Tensor) -> None:
        with torch.cuda.device(points.device):
            self.points, self.pairs = points.detach().clone(), pairs.clone()
            current, side = torch.cuda.current_stream(), torch.cuda.Stream()
            side.wait_stream(current)
            with torch.cuda.stream(side):
                for _ in range(WARM_UP_RUNS):
                    work(self.points, self.pairs)
            current.wait_stream(side)
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
                self.found = work(self.points, self.pairs)

    def replay(self, points: Tensor, pairs: Tensor) -> tuple[Tensor, ...]:
        self.points.copy_(points)
        self.pairs.copy_(pairs)
        self.graph.replay()
        return self.found


_of: dict[int, tuple[tuple[int, ...], Graphs]] = {}


def graphs_of(objective: Any, on: bool) -> Graphs:
    """The graphs of an objective, kept as long as it lives and its weights lie where they lay."""
    if not on:
        return Graphs(on=False)
    places = _weights(objective)
    known = _of.get(id(objective))
    if known is not None and known[0] == places:
        return known[1]
    made = Graphs()
    try:
        weakref.finalize(objective, _of.pop, id(objective), None)
    except TypeError:  # cannot be watched
        return made
    _of[id(objective)] = (places, made)
    return made


def _weights(objective: Any) -> tuple[int, ...]:
    """Where the tensors of an objective and of its network lie."""
    while hasattr(objective, "objective"):
        objective = objective.objective
    model = getattr(objective, "model", None)
    tensors = [one for one in getattr(objective, "__dict__", {}).values() if isinstance(one, Tensor)]
    if isinstance(model, torch.nn.Module):
        tensors += [*model.parameters(), *model.buffers()]
    return tuple(one.data_ptr() for one in tensors)
