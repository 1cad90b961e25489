"""The progress bar of a scan: how many, how fast, how long still, and the error by now."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from percolation.ensembles.plan import Plan

EVERY = 0.25  # seconds
MOST_CASES = 1000  # whose errors are looked at for the bar


class Bar:
    """On standard error, while that is a terminal."""

    def __init__(self, label: str, plan: Plan, target: bool, shown: bool) -> None:
        console = Console(stderr=True)
        self._shown = shown and console.is_terminal
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[error]}"),
        )
        self._progress = Progress(*columns, console=console, transient=True, disable=not self._shown)
        self._row = self._progress.add_task(label, total=plan.wanted, rate="", error="")
        self._plan, self._target, self._began, self._drawn = plan, target, time.monotonic(), 0.0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def draw(self, settled: int, run: int) -> None:
        now = time.monotonic()
        if self._shown and now - self._drawn > EVERY:
            self._drawn, rate = now, run / max(now - self._began, 1e-9)
            self._progress.update(
                self._row, completed=settled, total=self._plan.wanted, rate=f"{rate:.3g}/s", error=self._error()
            )

    def _error(self) -> str:
        points = self._plan.points
        if len(points) > MOST_CASES:
            return ""
        if self._target:
            return f"error {self._plan.excess():.2f} of the target"
        errors = [(name, m.error) for point in points for name, m in point.moments.items()]
        scalar = [(name, error) for name, error in errors if isinstance(error, float) and error == error]
        return "error {} {:.2g}".format(*max(scalar, key=lambda one: one[1])) if scalar else ""
