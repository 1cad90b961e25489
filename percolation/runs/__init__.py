"""Many realisations of one task: a seed each, any number of workers, the same result.

`run` calls a task on every item and hands the results back; inside a `session` with a store they are kept, and none
that is there is run again. `scan.run_until` takes a grid of parameters, adds realisations until an error is reached,
and goes on where it was stopped. Tasks (`tasks`) are known by function, parameters and seed, the same in both; they
run on `executors`, finished ones are in a `store.Store`, and `tools` list, export, verify, merge and clear it.
"""

from percolation.runs.session import Planned, Session, Step, independent, keeps, pilots, run, seeds, session, stream

__all__ = [
    "Planned",
    "Session",
    "Step",
    "independent",
    "keeps",
    "pilots",
    "run",
    "seeds",
    "session",
    "stream",
]
