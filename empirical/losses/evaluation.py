"""Evaluating an objective many points at a time: in chunks that fit, counted, and halved where memory runs out."""

from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from empirical.losses.objectives import Objective, out_of_memory

# bytes of the largest intermediate result of a chunk on a CPU: at 224 pixels, with fifteen times as much a point takes
# twice as long
CACHE = 20 * 2**20
MEMORY = 2**30  # bytes kept for the backward pass of a chunk, where the device does not say what is free
MOST_POINTS = 4096  # of a chunk without gradients
Penalty = Callable[[Tensor, slice], Tensor]


class Evaluator:
    """Losses and slopes of one objective; knows how much fits at a time, and how much was asked for.

    Chunks are measured on one point, so that they depend on the objective and the device alone.
    """

    def __init__(self, objective: Objective, points: Tensor, memory: int | None = None) -> None:
        """points: (n, *shape), n >= 1, such as will come. memory: bytes for a chunk with gradients."""
        self.objective = objective
        kept, largest = intermediate_bytes(objective, points[:1])
        memory = memory or _free_memory(points.device)
        room = CACHE if points.device.type == "cpu" else memory // 4
        self.forward_chunk = min(max(room // largest, 1), MOST_POINTS)
        self.gradient_chunk = max(memory // kept, 1)
        self.n_forward = self.n_gradient = 0  # points evaluated without and with gradients

    def losses(self, points: Tensor, pairs: Tensor) -> Tensor:
        """Losses (n,) of points (n, *shape); NaN counts as infinite."""
        return self.losses_of(len(points), lambda part: (points[part], pairs[part]), points)

    @torch.inference_mode()
    def losses_of(self, n: int, points: Callable[[slice], tuple[Tensor, Tensor]], like: Tensor) -> Tensor:
        """Losses (n,) of points that are made chunk by chunk: points(slice) gives some, with their pairs."""
        found = like.new_empty(n)
        first = 0
        while first < n:
            part = slice(first, min(first + self.forward_chunk, n))
            try:
                found[part] = self.objective(*points(part))
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
            part = slice(first, min(first + self.gradient_chunk, len(x)))
            try:
                parts.append(_slopes(self.objective, x, pairs, penalty, part, log))
            except RuntimeError as error:
                self.gradient_chunk = _halved(part, error)
                continue
            first = part.stop
        self.n_gradient += len(x)
        if len(parts) == 1:
            return parts[0]
        losses, gradients = zip(*parts, strict=True)
        return torch.cat(losses), torch.cat(gradients)


def intermediate_bytes(objective: Objective, point: Tensor) -> tuple[int, int]:
    """Bytes that one point (1, *shape) leaves for the backward pass, all together and the largest; weights not counted.

    That is what a second point adds to what the first leaves; what has one size for both is a weight.
    """
    one, two = (_kept_bytes(objective, point.expand(n, *point.shape[1:])) for n in (1, 2))
    own = point.numel() * point.element_size()
    grown = Counter(two) - Counter(one)
    return max(sum(two) - sum(one), own), max(max(grown, default=0) // 2, own)


def _slopes(
    objective: Objective, x: Tensor, pairs: Tensor, penalty: Penalty | None, part: slice, log: bool
) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        points = x[part].detach().requires_grad_()
        losses = objective(points, pairs[part])
        total = losses.clamp(min=torch.finfo(losses.dtype).tiny).log().sum() if log else losses.sum()
        if penalty is not None:
            total = total + penalty(points, part).sum()
        (gradient,) = torch.autograd.grad(total, points)
    return losses.detach(), gradient


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
