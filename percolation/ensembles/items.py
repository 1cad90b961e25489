"""One task on every item of a list.

A task is a function of one item and a seed; nothing else enters. Results come back in the order of
the items, so that they do not depend on who finished first.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from typing import Any, TypeVar

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from percolation import checks, executors
from percolation.ensembles.sessions import Answers

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
    Inside a `session` with a store, what is there is not run again, and what comes is kept.
    """
    work, name = list(items), label or getattr(task, "__name__", "tasks")
    answers = Answers(task, work)
    missing = [i for i in range(len(work)) if i not in answers.results]
    order = missing if cost is None else sorted(missing, key=lambda i: -cost(work[i]))
    workers = min(checks.integer("workers", workers, at_least=0) or os.cpu_count() or 1, max(len(order), 1))
    answers.plan(name, order, cost, workers)
    with _progress(progress) as bar:
        row = bar.add_task(name, total=len(work), completed=len(work) - len(order))

        def take(place: int, result: Any) -> None:
            answers.take(place, result)
            bar.advance(row)

        try:
            if where := executor or answers.executor:
                _collect(where, answers.function, work, order, take)
            elif workers == 1 and not processes:
                for place in order:
                    take(place, answers.function(work[place]))
            else:
                with executors.processes(workers) if processes else executors.threads(workers) as own:
                    _collect(own, answers.function, work, order, take)
        finally:
            answers.flush()
    return [answers.results[i] for i in range(len(work))]


def _collect(
    executor: Executor,
    task: Callable[[Any], Any],
    work: Sequence[Any],
    order: Sequence[int],
    take: Callable[[int, Any], None],
) -> None:
    """Submit the work in this order, and take what comes as it comes."""
    places: dict[Future[Any], int] = {}
    try:
        for place in order:
            places[executor.submit(task, work[place])] = place
        for future in as_completed(places):
            take(places[future], future.result())
    except BaseException as error:
        for future in places:
            future.cancel()
        if isinstance(executor, executors.Processes) and not isinstance(error, Exception):
            executor.kill()  # Ctrl-C: nobody waits for hours
        raise


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
