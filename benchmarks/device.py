"""How fast is every stage on this device? `python benchmarks/device.py --device cuda` prints one table.

Untrained networks, so nothing is read or downloaded. A stage is timed after one call that is not counted, the median of
several by the clock, the device having finished; a whole search by its first call, warm-up included, and its second.
The share of the limit of a search is (points / best plain forward rate + gradients / best plain gradient rate) / time,
both rates from the same run. Beside it the published serial procedure on the same device and pairs.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from benchmarks import serial_path_finder as serial
from empirical.descent.rows import Descent
from empirical.ends import modes
from empirical.finder.find import Connections, Finder, find_paths
from empirical.losses import objectives
from empirical.losses.evaluation import without_tf32
from empirical.losses.objectives import ClassLoss
from empirical.networks import models

T = TypeVar("T")
PATIENCE = 40.0  # seconds: what would take longer is left out


@dataclass(frozen=True)
class Subject:
    """A network, the batch sizes at which its plain rates are taken, and its searches."""

    name: str
    shape: tuple[int, ...]
    forward: tuple[int, ...]  # batch sizes of the plain forward pass
    gradient: tuple[int, ...]  # and of the gradient
    n_inputs: int  # class-optimal inputs searched for, of which the pairs are made
    pairs: tuple[int, ...]  # connected in one search, then in the next
    finder: Finder
    step: float = 0.05  # of the search for inputs
    classes: int = 10
    batch_size: int = 4096  # of that search
    growth: float = 50.0  # times as long as one search the next may take

    @property
    def stop(self) -> float:
        return self.finder.descent.stop

    def network(self, seed: int) -> nn.Module:
        return models.untrained(self.name, self.shape, self.classes, seed=seed)


CNN1D = Subject(
    "cnn1d",
    (1, 40),
    (4096, 65536),
    (1024, 65536),
    2000,
    (166, 1992, 100_000),
    Finder(descent=Descent(lr=0.2, log=True)),
)
RESNET = Subject(
    "resnet18",
    (3, 32, 32),
    (64, 256, 1024, 4096),
    (64, 256, 1024),
    128,
    (64,),
    Finder(descent=Descent(lr=0.2, log=True, weight_decay=1e-7)),
    step=0.2,
    batch_size=128,
)
LITE0 = Subject(
    "efficientnet_lite0",
    (3, 224, 224),
    (16, 64, 256),
    (16, 64, 256),
    80,
    (40,),
    Finder(descent=Descent(lr=0.05, log=True, iterations=256, patience=128)),
    batch_size=64,
)
SUBJECTS = (RESNET, CNN1D, LITE0)
EASY = Finder(level=0.5, descent=Descent(stop=0.25, log=True))
QUICK = (replace(CNN1D, forward=(256,), gradient=(64,), n_inputs=20, pairs=(3,), finder=EASY, batch_size=20),)
# on a CPU: what a core does in minutes
ON_CPU = (
    replace(CNN1D, forward=(64, 1024, 4096), gradient=(64, 1024), n_inputs=200, pairs=(166, 1992)),
    replace(RESNET, forward=(16, 64, 256), gradient=(16, 64), n_inputs=16, pairs=(8,)),
)


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


def measured(subject: Subject, device: torch.device, repeats: int, n_serial: int) -> Iterator[Row]:
    """All stages of one network."""
    model = subject.network(seed=1).to(device)
    best = {}
    for stage, sizes, work in (("forward", subject.forward, _forward), ("gradient", subject.gradient, _gradient)):
        for n in sizes:
            taken = _median(work(model, subject, n, device), device, repeats)
            best[stage] = max(best.get(stage, 0.0), n / taken)
            yield Row(subject.name, f"plain {stage}", n, taken, n / taken, "points")
    labels = torch.arange(subject.n_inputs, device=device) % subject.classes
    found, taken = _once(lambda: _search(model, subject, labels), device)
    note = f"{len(found.points)} reached {subject.stop:g}"
    yield Row(subject.name, "class-optimal search", subject.n_inputs, taken, subject.n_inputs / taken, "inputs", note)
    for n in subject.pairs:
        if len(found.points) < 2:
            return
        i, j = _pairs(found.labels, n)
        objective, a, c = ClassLoss(model, found.labels[i]), found.points[i], found.points[j]
        longest = 0.0
        for scan in ("sparse", "dense"):
            if scan == "dense" and longest * 10 > PATIENCE:
                continue
            finder = replace(subject.finder, scan=scan)
            for call in ("first", "second"):
                paths, taken = _once(partial(find_paths, objective, a, c, finder), device)
                longest = max(longest, taken)
                yield Row(
                    subject.name, f"{scan} search, {call} call", n, taken, n / taken, "pairs", _said(paths, taken, best)
                )
        if n == subject.pairs[0] and n_serial:
            yield _serially(subject, objective, a, c, n_serial, device)
        if longest * subject.growth > PATIENCE:
            return


def _serially(subject: Subject, objective: ClassLoss, a: Tensor, c: Tensor, n: int, device: torch.device) -> Row:
    """The published procedure on the first n pairs, one at a time."""
    rule = replace(subject.finder.descent, log=False, patience=None, lr=serial_lr(subject))
    finder = replace(subject.finder, descent=rule)
    began = time.perf_counter()
    done = []
    for k in range(min(n, len(a))):
        done.append(serial.connect(objective, a[k], c[k], k, finder, serial.PUBLISHED_UNTRAINED))
        if time.perf_counter() - began > PATIENCE:
            break
    _finish(device)
    taken = time.perf_counter() - began
    rounds = [one.rounds for one in done if one.connected]
    note = f"{len(rounds)} connected, {sum(rounds) / max(len(rounds), 1):.2f} rounds"
    return Row(subject.name, "published serial", len(done), taken, len(done) / taken, "pairs", note)


def serial_lr(subject: Subject) -> float:
    """The step of the published procedure: the same as ours, which is not its slowest."""
    return subject.finder.descent.lr


def _said(paths: Connections, taken: float, best: dict[str, float]) -> str:
    """What was found, and the share of the limit: the time that the points alone take at the best rates."""
    cost = paths.cost
    limit = cost.n_forward / best["forward"] + cost.n_gradient / best["gradient"]
    rounds = [one.rounds for one in paths if one.connected]
    stages = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in cost.seconds.items())
    return (
        f"share {limit / taken:.3f}; {len(rounds)} connected, {sum(rounds) / max(len(rounds), 1):.2f} rounds, "
        f"{cost.n_forward:,} + {cost.n_gradient:,} points; {stages}"
    )


def _pairs(labels: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """n pairs of different inputs of one class, drawn anew each."""
    generator = torch.Generator().manual_seed(0)
    here = labels.cpu()
    i = torch.randint(len(here), (n,), generator=generator)
    order = torch.argsort(here, stable=True)
    start = torch.searchsorted(here[order], here)
    counts = here.bincount()[here]
    shift = 1 + (torch.rand(n, generator=generator) * (counts[i] - 1).clamp(min=1)).long()
    place = torch.argsort(order)[i] - start[i]
    j = order[start[i] + (place + shift) % counts[i]]
    return i.to(labels.device), j.to(labels.device)


def _forward(model: nn.Module, subject: Subject, n: int, device: torch.device) -> Callable[[], object]:
    points, pairs = _noise(subject, n, device), torch.zeros(n, dtype=torch.long, device=device)
    objective = ClassLoss(model, pairs[:1])

    def work() -> object:
        with torch.no_grad(), without_tf32(device):
            return objective(points, pairs)

    return work


def _gradient(model: nn.Module, subject: Subject, n: int, device: torch.device) -> Callable[[], object]:
    points, pairs = _noise(subject, n, device), torch.zeros(n, dtype=torch.long, device=device)
    objective = ClassLoss(model, pairs[:1])

    def work() -> object:
        x = points.requires_grad_()
        with without_tf32(device):
            return torch.autograd.grad(objective(x, pairs).sum(), x)

    return work


def _search(model: nn.Module, subject: Subject, labels: Tensor) -> modes.Modes:
    generator = torch.Generator().manual_seed(1)
    rule = replace(modes.CLASS_OPTIMAL, lr=subject.step, stop=subject.stop, iterations=512)
    return modes.class_optimal(
        model, labels, subject.shape, generator=generator, rule=rule, batch_size=subject.batch_size
    )


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
    parser.add_argument("--serial", type=int, default=4, help="pairs given to the published serial procedure")
    parser.add_argument("--networks", default="", help="of these only, with commas between")
    parser.add_argument("--out", type=Path, help="a file for the table as JSON, line by line as it comes")
    chosen = parser.parse_args(arguments)
    device = objectives.device(chosen.device)
    torch.set_num_threads(chosen.threads)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    title = f"{device}: {name}, torch {torch.__version__}"
    table = Table("network", "stage", "n", "ms a call", "rate", "", title=title)
    rows = []
    subjects = QUICK if chosen.quick else ON_CPU if device.type == "cpu" else SUBJECTS
    for subject in subjects:
        if chosen.networks and subject.name not in chosen.networks.split(","):
            continue
        for row in measured(subject, device, chosen.repeats, chosen.serial):
            rows.append(row)
            if chosen.out:
                with chosen.out.open("a") as file:
                    file.write(json.dumps({"device": title} | asdict(row)) + "\n")
            rate = f"{row.rate:,.4g} {row.of}/s"
            table.add_row(row.network, row.stage, f"{row.batch:,}", f"{1e3 * row.seconds:.4g}", rate, row.note)
    Console(width=240).print(table)
    return rows


if __name__ == "__main__":
    main()
