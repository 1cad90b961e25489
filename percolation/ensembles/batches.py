"""What a worker does: some realisations one after the other, and an outcome for each whatever happens."""

import inspect
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from percolation import seeds
from percolation.store.tasks import Task, canonical


@dataclass(frozen=True)
class Work:
    """One realisation that is to be run."""

    case: int  # number in the grid
    realisation: int
    task: Task


@dataclass(frozen=True)
class Outcome:
    """What came of it: a result, or a failure of one of the store's kinds."""

    work: Work
    result: Mapping[str, Any] | None = None
    kind: str = ""
    message: str = ""
    traceback: str = ""
    wall: float = 0.0  # seconds
    cpu: float = 0.0


def name_of(function: Callable[..., Any]) -> str:
    """Qualified name by which the store knows the function."""
    name = getattr(function, "__qualname__", "")
    if not inspect.isroutine(function) or "<" in name:
        raise ValueError(
            f"the task must be a function at the top of a module, got {function!r}: a result is kept under its name"
        )
    return f"{function.__module__}.{name}"


def task_of(name: str, parameters: Mapping[str, Any], seed: int, realisation: int) -> Task:
    return Task(name, parameters, (seed, realisation))


def seed_of(task: Task) -> np.random.SeedSequence:
    """The realisation's own stream, which depends on the task alone and not on what else the grid holds."""
    assert not isinstance(task.seed, int)
    seed, realisation = task.seed
    return seeds.child(seeds.of(f"{task.function} {canonical(task.parameters)}", seed), realisation)


def run_batch(function: Callable[..., Any], batch: Sequence[Work]) -> list[Outcome]:
    """Outcomes in the order of the batch."""
    return [_run(function, work) for work in batch]


def _run(function: Callable[..., Any], work: Work) -> Outcome:
    wall, cpu = time.perf_counter(), time.thread_time()
    try:
        result = _by_name(function(**work.task.parameters, seed=seed_of(work.task)))
    except (Exception, SystemExit) as error:
        told = "".join(traceback.format_exception(error))
        return Outcome(work, None, "raised", f"{type(error).__name__}: {error}", told, time.perf_counter() - wall)
    spent = (time.perf_counter() - wall, time.thread_time() - cpu)
    strange = ", ".join(name for name, value in result.items() if not _is_finite(value))
    if strange:
        return Outcome(work, None, "nan", f"{strange} not finite", "", *spent)
    return Outcome(work, result, "", "", "", *spent)


def _by_name(result: Any) -> dict[str, Any]:
    if isinstance(result, Mapping):
        return dict(result)
    if isinstance(result, Number | np.ndarray):
        return {"value": result}
    raise ValueError(f"a task returns a number, an array, or a mapping of these by name, got {type(result).__name__}")


def _is_finite(value: Any) -> bool:
    try:
        return bool(np.isfinite(value).all())
    except TypeError:  # text and None
        return True
