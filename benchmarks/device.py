"""How fast is every stage on this device? `python benchmarks/device.py --device cuda` prints one table.

Untrained networks, so nothing is read or downloaded. A stage is timed after one call that is not counted, the median of
several by the clock, the device having finished; whole searches once.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from empirical.descent.rows import Descent, descend
from empirical.ends import modes
from empirical.finder.find import Finder, find_paths
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import models

T = TypeVar("T")
STEPS = 10  # gradients taken in a timed call of a gradient step


@dataclass(frozen=True)
class Subject:
    """A network, how many points it gets at a time, and the settings of its searches."""

    name: str
    shape: tuple[int, ...]
    forward: tuple[int, ...]  # batch sizes of the forward scan
    gradient: tuple[int, ...]  # of gradient steps
    n_inputs: int  # class-optimal inputs searched for; half as many pairs are connected
    finder: Finder


# A search of class-optimal inputs down to 5e-4 takes a core minutes on ResNet-18: there the level is 0.5, stop 0.25
SUBJECTS = (
    Subject("cnn1d", (1, 40), (64, 1024, 4096), (1, 64, 1024), 16, Finder()),
    Subject(
        "resnet18",
        (3, 32, 32),
        (16, 64, 256),
        (1, 16, 64),
        8,
        Finder(level=0.5, descent=Descent(lr=0.2, stop=0.25, iterations=400)),
    ),
)
EASY = Finder(level=0.5, descent=Descent(stop=0.25))
QUICK = (replace(SUBJECTS[0], forward=(16,), gradient=(4,), n_inputs=4, finder=EASY),)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    network: str
    stage: str
    batch: int
    seconds: float  # a call
    rate: float  # things a second
    of: str  # which things
    note: str = ""


def measured(subject: Subject, device: torch.device, repeats: int) -> Iterator[Row]:
    """All stages of one network."""
    model = models.untrained(subject.name, subject.shape, seed=1).to(device)
    for n in subject.forward:
        taken = _median(_scan(model, subject, n, device), device, repeats)
        yield Row(subject.name, "forward scan", n, taken, n / taken, "points")
    for n in subject.gradient:
        taken = _median(_steps(model, subject, n, device), device, repeats) / STEPS
        yield Row(subject.name, "gradient step", n, taken, n / taken, "points")
    labels = torch.zeros(subject.n_inputs, dtype=torch.long, device=device)
    found, taken = _once(lambda: _search(model, subject, labels), device)
    note = f"{len(found.points)} reached {subject.finder.descent.stop:g}"
    yield Row(subject.name, "class-optimal search", subject.n_inputs, taken, subject.n_inputs / taken, "inputs", note)
    n = len(found.points) // 2
    if n:
        objective = ClassLoss(model, found.labels[:n])
        a, c = found.points[:n], found.points[n : 2 * n]
        paths, taken = _once(lambda: find_paths(objective, a, c, subject.finder), device)
        note = f"{sum(one.connected for one in paths)} connected, {max(one.rounds for one in paths)} rounds"
        yield Row(subject.name, "find_paths", n, taken, n / taken, "pairs", note)


def _scan(model: nn.Module, subject: Subject, n: int, device: torch.device) -> Callable[[], object]:
    points, pairs = _noise(subject, n, device), torch.zeros(n, dtype=torch.long, device=device)
    objective = ClassLoss(model, pairs[:1])
    return lambda: losses(objective, points, pairs)


def _steps(model: nn.Module, subject: Subject, n: int, device: torch.device) -> Callable[[], object]:
    """STEPS gradients with the optimiser's moves between them, as the finder makes them."""
    points, pairs = _noise(subject, n, device), torch.zeros(n, dtype=torch.long, device=device)
    objective = ClassLoss(model, pairs[:1])
    rule = replace(subject.finder.descent, iterations=STEPS - 1, stop=-1.0)
    return lambda: descend(objective, points, pairs, rule)


def _search(model: nn.Module, subject: Subject, labels: Tensor) -> modes.Modes:
    generator = torch.Generator().manual_seed(1)
    return modes.class_optimal(model, labels, subject.shape, generator=generator, rule=subject.finder.descent)


def _noise(subject: Subject, n: int, device: torch.device) -> Tensor:
    return torch.randn(n, *subject.shape, generator=torch.Generator().manual_seed(0)).to(device)


def _median(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    work()
    return statistics.median(_once(work, device)[1] for _ in range(repeats))


def _once(work: Callable[[], T], device: torch.device) -> tuple[T, float]:
    _finish(device)
    began = time.perf_counter()
    result = work()
    _finish(device)
    return result, time.perf_counter() - began


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was asked for."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def main(arguments: list[str] | None = None) -> list[Row]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one small network, seconds")
    chosen = parser.parse_args(arguments)
    device = objectives.device(chosen.device)
    torch.set_num_threads(chosen.threads)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    table = Table(
        "network", "stage", "batch", "ms a call", "rate", "", title=f"{device}: {name}, torch {torch.__version__}"
    )
    rows = []
    for subject in QUICK if chosen.quick else SUBJECTS:
        for row in measured(subject, device, chosen.repeats):
            rows.append(row)
            rate = f"{row.rate:,.4g} {row.of}/s"
            table.add_row(row.network, row.stage, str(row.batch), f"{1e3 * row.seconds:.4g}", rate, row.note)
    Console().print(table)
    return rows


if __name__ == "__main__":
    main()
