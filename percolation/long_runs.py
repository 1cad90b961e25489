"""What the long commands share: a store that keeps what is finished, a cluster, and a look at what would be done."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from percolation import checks
from percolation.terminal import MOST_WORKERS, print_table

if TYPE_CHECKING:
    from percolation.runs import Session, Step

Result = TypeVar("Result")
KEPT = "finished.sqlite"  # of the folder of a command, where no other file is named

StoreFile = Annotated[
    Path | None, typer.Option("--store", help=f"File that keeps what is finished; default {KEPT} in the folder.")
]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Take what the store has, or compute it anew.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count the tasks, time one of them; write nothing.")]
Scheduler = Annotated[str | None, typer.Option(help="Send the tasks to the Dask cluster at tcp://HOST:PORT.")]
LocalCluster = Annotated[int | None, typer.Option(help="Send them to a Dask cluster of so many processes here.")]


@dataclass(frozen=True)
class LongRun:
    """How a long command is carried out: the options above, and its folder."""

    experiment: str  # name in the store
    folder: Path
    store: Path | None = None
    resume: bool = True
    dry_run: bool = False
    scheduler: str | None = None
    local_cluster: int | None = None

    def __post_init__(self) -> None:
        if self.store is not None and self.store.is_dir():
            raise ValueError(f"--store names a file, got the folder {self.store}; try {self.store / KEPT}")
        if self.dry_run and not self.resume:
            raise ValueError("--dry-run counts what the store has, --no-resume does not look: leave one of them out")
        if self.scheduler is not None and self.local_cluster is not None:
            raise ValueError("--scheduler names a cluster, --local-cluster makes one: leave one of them out")
        if self.local_cluster is not None:
            checks.integer("local-cluster", self.local_cluster, at_least=1, at_most=MOST_WORKERS)

    @property
    def path(self) -> Path:
        """The store's file."""
        return self.folder / KEPT if self.store is None else self.store

    def __call__(self, work: Callable[[], Result]) -> Result:
        """What the work returns, its tasks kept; a dry run lists the tasks, and the command ends."""
        from percolation.runs import Planned

        with self.session() as session:
            try:
                result = work()
            except Planned:
                self.print_plan(session.plan)
                raise typer.Exit from None
            if self.dry_run:
                typer.echo(f"nothing is left to compute: {self.path} has it all")
                raise typer.Exit
            return result

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """The session in which the command computes; alone with its store: another that names it waits."""
        from percolation import runs
        from percolation.runs.store import Store

        with ExitStack() as stack:
            store = None
            if not self.dry_run:
                store = stack.enter_context(Store(self.path))
                stack.enter_context(store.driving())
            elif self.path.exists():
                store = stack.enter_context(Store(self.path, read_only=True))
            executor = self._cluster()
            if executor is not None:
                stack.enter_context(executor)
            how = {"executor": executor, "resume": self.resume, "dry_run": self.dry_run}
            yield stack.enter_context(runs.session(store=store, experiment=self.experiment, **how))
            if store is not None:
                self._say_kept_apart(store.other_codes(self.experiment))

    def print_plan(self, plan: "list[Step]") -> None:
        """A row a list of tasks: how many, how many of them finished, and about how long the others take."""
        rows = [[one.label, str(one.tasks), str(one.finished), _duration(one.seconds)] for one in plan]
        rows.append(["in all", *(str(sum(column)) for column in ([s.tasks for s in plan], [s.finished for s in plan]))])
        rows[-1].append(_duration(sum(one.seconds for one in plan)))
        print_table(f"To be computed; finished: in {self.path}", ["tasks", "n", "finished", "about"], rows)
        typer.echo("by the time of one task of each list, pilots done; nothing was written")

    def _cluster(self) -> Any:
        from percolation.runs import executors

        if self.dry_run or (self.scheduler is None and self.local_cluster is None):
            return None
        return executors.dask(self.scheduler, local=self.local_cluster)

    def _say_kept_apart(self, others: dict[str, int]) -> None:
        for code, n in others.items():
            typer.echo(f"{self.path}: {n} results of code {code} are kept apart and were not used", err=True)


def _duration(seconds: float) -> str:
    """3 s, 4 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 1 else "<1 s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
