"""A scan in a process of its own, which a test can kill: python -m tests.percolation.faults.driver STORE TASK ..."""

import argparse
import sys

from percolation.runs import executors
from percolation.runs.ensemble import Ensemble
from percolation.runs.scan import run_until
from percolation.runs.store import Store
from tests.percolation.faults import tasks

CASES = {
    "logged": ([{"mu": 0.0}, {"mu": 1.0}], 200),
    "long": ([{"mu": 0.0}, {"mu": 1.0}], 1000),
    "hangs": ([{"k": 3}], 4),
    "strength": ([{"p": 0.5}, {"p": 0.6}], 10),
}


def scan(name: str, store: Store | None, processes: int = 0) -> Ensemble:
    grid, realisations = CASES[name]
    task = tasks.logged if name == "long" else getattr(tasks, name)
    pool = executors.processes(processes) if processes else executors.threads(2)
    with pool as executor:
        return run_until(task, grid, realisations, executor=executor, store=store, experiment=name)


def bits(ensemble: Ensemble) -> str:
    """Every mean and error, digit by digit."""
    assert not ensemble.failures, ensemble.failures[0].traceback
    return "\n".join(
        f"{case.parameters} {case.n} {case.mean().hex()} {case.error().hex()}"  # type: ignore[union-attr]
        for case in ensemble.cases
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("name", choices=CASES)
    parser.add_argument("--processes", type=int, default=0)
    arguments = parser.parse_args()
    with Store(arguments.store, code="test") as store:
        print("begun", flush=True)
        try:
            print(bits(scan(arguments.name, store, arguments.processes)))
        except KeyboardInterrupt:
            sys.exit(130)  # as the command does


if __name__ == "__main__":
    main()
