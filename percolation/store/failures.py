"""Tasks that gave no result, with the reason."""

from dataclasses import dataclass

from percolation.store.tasks import Task

KINDS = {
    "raised": "the function raised an exception",
    "nan": "the result holds a number that is not finite",
    "hung": "the task was stopped at its timeout",
    "died": "the worker died three times on this task",
}


@dataclass(frozen=True)
class Failure:
    """A task that failed: left out of every mean, and counted."""

    task: Task
    kind: str  # one of KINDS
    message: str
    traceback: str = ""
    wall: float | None = None  # seconds

    def __str__(self) -> str:
        parameters = ", ".join(f"{name}={value}" for name, value in self.task.parameters.items())
        return f"{self.task.function}({parameters}; seed {self.task.seed}) {self.kind}: {self.message}"
