"""Finished realisations in one SQLite file: nothing finished is lost, nothing is counted twice.

    with Store("scan.db") as store:
        store.put(task, {"strength": 0.52})
        store.get(task)                          # {"strength": 0.52}, after a kill as well

A result belongs to a task, (function, parameters, seed), and to the version of the code that made it: results of
another version are kept apart, `get` does not return them.
"""

from percolation.store.failures import KINDS, Failure
from percolation.store.store import Store
from percolation.store.tasks import Task

__all__ = ["KINDS", "Failure", "Store", "Task"]
