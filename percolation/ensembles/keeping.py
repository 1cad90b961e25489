"""Outcomes on their way into the store: found again at the start, written in batches."""

import time
from collections.abc import Sequence

from percolation.ensembles.batches import Outcome, Work
from percolation.store import Failure, Store, Task
from percolation.store.writing import Entry

EVERY = 0.25  # seconds between two transactions, which is what a kill can cost
LARGEST = 1000  # outcomes a transaction


class Keeper:
    """Reads and writes outcomes of one experiment; without a store it does nothing."""

    def __init__(self, store: Store | None, experiment: str, retry: bool) -> None:
        self.store, self.experiment, self._retry = store, experiment, retry
        self._entries: list[Entry] = []
        self._failures: list[Failure] = []
        self._used: list[Task] = []
        self._written = time.monotonic()

    def found(self, batch: Sequence[Work]) -> dict[str, Outcome]:
        """Outcomes that are in the store, by key."""
        if self.store is None or not batch:
            return {}
        by_key = {work.task.key: work for work in batch}
        tasks = [work.task for work in batch]
        results = self.store.find(tasks)
        self._used += [by_key[key].task for key in results]
        outcomes = {key: Outcome(by_key[key], result) for key, result in results.items()}
        for key, failure in {} if self._retry else self.store.failed(tasks).items():
            outcomes.setdefault(key, Outcome(by_key[key], None, failure.kind, failure.message, failure.traceback))
        return outcomes

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Take these; what has waited for long enough is written."""
        if self.store is None:
            return
        for one in outcomes:
            if one.result is None:
                self._failures.append(failure_of(one))
            else:
                self._entries.append(Entry(one.work.task, one.result, one.wall, one.cpu))
        waiting = len(self._entries) + len(self._failures) + len(self._used)
        if waiting and (waiting >= LARGEST or time.monotonic() - self._written >= EVERY):
            self.flush()

    def flush(self) -> None:
        """Write all in one transaction."""
        if self.store is not None and (self._entries or self._failures or self._used):
            self.store.write(self._entries, self._failures, self._used, experiment=self.experiment)
            self._entries, self._failures, self._used = [], [], []
        self._written = time.monotonic()


def failure_of(outcome: Outcome) -> Failure:
    return Failure(outcome.work.task, outcome.kind, outcome.message, outcome.traceback, outcome.wall)
