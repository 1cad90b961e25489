"""Many realisations of one task: a seed each, any number of workers, the same result.

`run` calls a task on every item and hands the results back. `run_until` takes a grid of parameters, adds realisations
until an error is reached, keeps every finished one in a store, and goes on where it was stopped.
Inside a `session` with a store the lists of `run` are kept too.
"""

from percolation.ensembles.items import run, seeds
from percolation.ensembles.moments import Moments
from percolation.ensembles.results import Case, Ensemble
from percolation.ensembles.sessions import Planned, Session, Step, foresee, in_turn, preliminary, session
from percolation.ensembles.stored import from_store
from percolation.ensembles.until import run_until

__all__ = [
    "Case",
    "Ensemble",
    "Moments",
    "Planned",
    "Session",
    "Step",
    "foresee",
    "from_store",
    "in_turn",
    "preliminary",
    "run",
    "run_until",
    "seeds",
    "session",
]
