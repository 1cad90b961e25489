"""One task on every item of a list.

A task is a function of one item and a seed; nothing else enters. Results come back in the order of
the items, so that they do not depend on who finished first.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from percolation import checks, executors

Item = TypeVar("Item")
Result = TypeVar("Result")


def seeds(seed: int, n: int) -> list[np.random.SeedSequence]:
    """n independent children of the seed, SeedSequence(seed).spawn(n)."""
    return np.random.SeedSequence(checks.seed(seed)).spawn(n)


def run(
    task: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    workers: int = 1,
    processes: bool = False,
    executor: Executor | None = None,
    cost: Callable[[Item], float] | None = None,
    label: str = "",
    progress: bool = True,
) -> list[Result]:
    """task(item) for every item, in the order of the items.

    workers: how many at a time; 0 takes all cores. processes=False runs threads, right for kernels that
    release the interpreter lock; processes=True starts fresh interpreters (task and items must pickle).
    executor: one of `percolation.executors`, or any of concurrent.futures, instead of the two; it is left open.
    cost: of an item, in any unit; the costliest are begun first, which keeps all workers busy to the end.
    progress: a bar on standard error while that is a terminal.
    The first exception of a task is raised as it is; what had not begun is cancelled.
    """
    work = list(items)
    order = range(len(work)) if cost is None else sorted(range(len(work)), key=lambda i: -cost(work[i]))
    begun = [work[i] for i in order]
    workers = min(checks.integer("workers", workers, at_least=0) or os.cpu_count() or 1, max(len(work), 1))
    with _progress(progress) as bar:
        row = bar.add_task(label or getattr(task, "__name__", "tasks"), total=len(work))
        if executor is not None:
            results = _collect(executor, task, begun, lambda: bar.advance(row))
        elif workers == 1 and not processes:
            results = []
            for item in begun:
                results.append(task(item))
                bar.advance(row)
        else:
            with executors.processes(workers) if processes else executors.threads(workers) as own:
                results = _collect(own, task, begun, lambda: bar.advance(row))
    place = dict(zip(order, results, strict=True))
    return [place[i] for i in range(len(work))]


def _collect(
    executor: Executor, task: Callable[[Item], Result], work: Sequence[Item], advance: Callable[[], None]
) -> list[Result]:
    futures: list[Future[Result]] = []
    try:
        for item in work:
            futures.append(executor.submit(task, item))
        for future in as_completed(futures):
            future.result()
            advance()
    except BaseException as error:
        for future in futures:
            future.cancel()
        if isinstance(executor, executors.Processes) and not isinstance(error, Exception):
            executor.kill()  # Ctrl-C: nobody waits for hours
        raise
    return [future.result() for future in futures]


def _progress(shown: bool) -> Progress:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))
