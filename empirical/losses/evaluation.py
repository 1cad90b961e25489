"""Evaluating an objective many points at a time: in chunks that fit, counted, and halved where memory runs out.

A device that plans anew for every size of batch gets few of them (`fixed`): a batch is cut into pieces of these sizes,
and what is missing in the last is filled up with copies of its last point, whose results nobody sees.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from empirical.losses.graphs import Graphs, graphs_of
from empirical.losses.objectives import Objective, gradient_of, out_of_memory

# bytes of the largest intermediate result of a chunk on a CPU: at 224 pixels, with fifteen times as much a point takes
# twice as long
CACHE = 20 * 2**20
MEMORY = 2**30  # bytes kept for the backward pass of a chunk, where the device does not say what is free
MOST_POINTS = 4096  # of a chunk without gradients on a CPU
SMALLEST, FACTOR = 16, 4  # of the fixed sizes: 16, 64, 256, ...
POINTS_TIMED_FIRST = 64  # points whose time is measured first
HOST_TIME_COVERED = 0.01  # seconds of a chunk beside which the host's work for it does not count
LARGEST = 2**17  # points of a chunk on a device, where memory has room
Penalty = Callable[[Tensor, slice], Tensor]


class Evaluator:
    """Losses and slopes of one objective; knows how much fits at a time, and how much was asked for.

    On a CPU chunks follow from the bytes of one point, so that they, and the last bits of every loss, depend on the
    objective alone. On another device the sizes are few and the largest is measured: as many points as keep the device
    busy for HOST_TIME_COVERED.
    """

    def __init__(
        self, objective: Objective, points: Tensor, memory: int | None = None, fixed: bool | None = None
    ) -> None:
        """points: (n, *shape), n >= 1, such as will come. memory: bytes for a chunk with gradients.

        fixed: batches of few sizes; None: on every device but a CPU.
        """
        began = time.monotonic()
        self.objective = objective
        on_cpu = points.device.type == "cpu"
        self.fixed = not on_cpu if fixed is None else fixed
        self.graphs: Graphs = graphs_of(objective, points.device.type == "cuda")
        self.shapes: Counter[tuple[str, int]] = Counter()  # batches by what was asked ("forward", "gradient") and size
        self.n_reads = 0  # times that the host waited for numbers
        self.n_forward = self.n_gradient = 0  # points evaluated without and with gradients, copies not counted
        kept, largest = intermediate_bytes(objective, points[:1])
        memory = memory or _free_memory(points.device)
        most = min(max((CACHE if on_cpu else memory // 4) // largest, 1), MOST_POINTS if on_cpu else LARGEST)
        self.forward_chunk, self.gradient_chunk = most, max(memory // kept, 1)
        if on_cpu:
            self.gradient_chunk = min(self.gradient_chunk, most)
        else:
            self.forward_chunk = _busy(self._forward, points, most)
            self.gradient_chunk = _busy(self._gradient, points, min(self.gradient_chunk, LARGEST))
        self.warm_up = time.monotonic() - began  # seconds of planning, measuring and capturing

    def losses(self, points: Tensor, pairs: Tensor) -> Tensor:
        """Losses (n,) of points (n, *shape); NaN counts as infinite."""
        return self.losses_of(len(points), lambda part: (points[part], pairs[part]), points)

    @torch.no_grad()
    def losses_of(self, n: int, points: Callable[[slice], tuple[Tensor, Tensor]], like: Tensor) -> Tensor:
        """Losses (n,) of points that are made chunk by chunk: points(slice) gives some, with their pairs."""
        found = like.new_empty(n)
        first = 0
        while first < n:
            part = slice(first, first + self._take(n - first, self.forward_chunk))
            try:
                some, pairs = points(part)
                (losses,) = self._run("forward", self._forward, some, pairs, self.forward_chunk)
                found[part] = losses[: len(some)]
            except RuntimeError as error:
                self.forward_chunk = _halved(part, error)
                continue
            first = part.stop
        self.n_forward += n
        return found.nan_to_num_(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)

    def slopes(
        self, x: Tensor, pairs: Tensor, penalty: Penalty | None = None, log: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Losses (n,) of x (n, *shape), and gradients (n, *shape) of the losses, or their logs, with penalties (n,)."""
        parts: list[tuple[Tensor, Tensor]] = []
        first = 0
        while first < len(x):
            part = slice(first, first + self._take(len(x) - first, self.gradient_chunk))
            try:
                parts.append(self._slopes(x, pairs, penalty, part, log))
            except RuntimeError as error:
                self.gradient_chunk = _halved(part, error)
                continue
            first = part.stop
        self.n_gradient += len(x)
        if len(parts) == 1:
            return parts[0]
        losses, gradients = zip(*parts, strict=True)
        return torch.cat(losses), torch.cat(gradients)

    def sizes(self, chunk: int) -> list[int]:
        """The fixed sizes of batches up to a chunk."""
        found = [SMALLEST]
        while found[-1] * FACTOR < chunk:
            found.append(found[-1] * FACTOR)
        return [size for size in found if size < chunk] + [chunk]

    def _take(self, n: int, chunk: int) -> int:
        """How many of the n points that are left go next: all, if they fill half of a size, or the size below it."""
        if not self.fixed or n >= chunk:
            return min(n, chunk)
        sizes = self.sizes(chunk)
        i = next(i for i, size in enumerate(sizes) if size >= n)
        return n if i == 0 or 2 * n > sizes[i] else sizes[i - 1]

    def _run(self, kind: str, work: Callable, points: Tensor, pairs: Tensor, chunk: int) -> tuple[Tensor, ...]:
        """The work on the points, filled up to a fixed size where there are such."""
        if self.fixed and len(points) < chunk:
            points, pairs = _filled(points, pairs, next(size for size in self.sizes(chunk) if size >= len(points)))
        began = time.monotonic()
        with without_tf32(points.device):
            found, prepared = self.graphs.run((kind,), work, points, pairs)
        if points.device.type != "cpu" and (prepared or not self.shapes[kind, len(points)]):
            self.warm_up += time.monotonic() - began  # the host plans, the device waits
        self.shapes[kind, len(points)] += 1
        return found

    def _forward(self, points: Tensor, pairs: Tensor) -> tuple[Tensor]:
        with torch.no_grad():
            return (self.objective(points, pairs),)

    def _gradient(self, points: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and their gradients."""
        return _gradient(self.objective, points, pairs, log=False)

    def _log_gradient(self, points: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and the gradients of their logs."""
        return _gradient(self.objective, points, pairs, log=True)

    def _slopes(
        self, x: Tensor, pairs: Tensor, penalty: Penalty | None, part: slice, log: bool
    ) -> tuple[Tensor, Tensor]:
        work, kind = (self._log_gradient, "log gradient") if log else (self._gradient, "gradient")
        points = x[part].detach()
        losses, gradient = self._run(kind, work, points, pairs[part], self.gradient_chunk)
        losses, gradient = losses[: len(points)], gradient[: len(points)]
        if self.graphs.on:  # which gives the same memory the next time
            losses, gradient = losses.clone(), gradient.clone()
        if penalty is not None:
            with torch.enable_grad():
                points.requires_grad_()
                (extra,) = torch.autograd.grad(penalty(points, part).sum(), points)
            gradient = gradient + extra
        return losses, gradient


@contextmanager
def without_tf32(device: torch.device) -> Iterator[None]:
    """Convolutions and products in full single precision: a GPU is free to round them to ten bits otherwise."""
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def intermediate_bytes(objective: Objective, point: Tensor) -> tuple[int, int]:
    """Bytes that one point (1, *shape) leaves for the backward pass, all together and the largest; weights not counted.

    That is what a second point adds to what the first leaves; what has one size for both is a weight.
    """
    one, two = (_kept_bytes(objective, point.expand(n, *point.shape[1:])) for n in (1, 2))
    own = point.numel() * point.element_size()
    grown = Counter(two) - Counter(one)
    return max(sum(two) - sum(one), own), max(max(grown, default=0) // 2, own)


def _gradient(objective: Objective, points: Tensor, pairs: Tensor, log: bool) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        x = points.detach().requires_grad_()
        losses = objective(x, pairs)
        gradient = gradient_of(losses.clamp(min=torch.finfo(losses.dtype).tiny).log() if log else losses, x)
    return losses.detach(), gradient


def _filled(points: Tensor, pairs: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Points (size, *shape) and pairs (size,), copies of the last behind those that there are."""
    missing = size - len(points)
    if not missing:
        return points, pairs
    copies = points[-1:].expand(missing, *points.shape[1:])
    return torch.cat([points, copies]), torch.cat([pairs, pairs[-1:].expand(missing)])


def _busy(work: Callable[[Tensor, Tensor], object], point: Tensor, most: int) -> int:
    """The least of n, 4 n, ... points, n = POINTS_TIMED_FIRST, at most `most`, that fill HOST_TIME_COVERED."""
    n = POINTS_TIMED_FIRST
    while n < most:
        try:
            taken = _seconds(work, point, n)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            return max(n // FACTOR, 1)
        if taken > HOST_TIME_COVERED / 2:
            return n
        n *= FACTOR
    return most


def _seconds(work: Callable[[Tensor, Tensor], object], point: Tensor, n: int) -> float:
    """Of the work on n points, after one call that plans."""
    points = point[:1].expand(n, *point.shape[1:]).contiguous()
    pairs = torch.zeros(n, dtype=torch.long, device=point.device)
    work(points, pairs)
    torch.accelerator.synchronize(point.device)
    began = time.perf_counter()
    work(points, pairs)
    torch.accelerator.synchronize(point.device)
    return time.perf_counter() - began


def _halved(part: slice, error: Exception) -> int:
    """Half as many points as those that did not fit; any other error, and one point that does not fit, is raised."""
    n = part.stop - part.start
    if n < 2 or not out_of_memory(error):
        raise error
    return n // 2


def _kept_bytes(objective: Objective, points: Tensor) -> list[int]:
    """Sizes of the tensors that are kept for the backward pass."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        x = points.detach().clone().requires_grad_()
        objective(x, torch.zeros(len(x), dtype=torch.long, device=x.device))
    return list(kept.values())


def _free_memory(device: torch.device) -> int:
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else MEMORY
