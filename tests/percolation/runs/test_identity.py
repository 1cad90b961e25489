"""A task has one name, one seed and one result, whoever runs it; what has no name is said."""

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial

import numpy as np
import pytest

from percolation import fields as random_fields
from percolation import graphs, lattice_finder, lattices, runs, scaling, seeds, sweeps
from percolation.runs import engine, tasks
from percolation.runs.scan import run_until
from percolation.runs.store import Store


def draw(mu, seed):
    return mu + float(np.random.default_rng(seed).normal())


def spawns(seed):
    return float(np.random.default_rng(seed.spawn(2)[1]).normal())


class Counting(ThreadPoolExecutor):
    """Two threads that know how many jobs they were given."""

    n_jobs = 0

    def submit(self, fn, /, *args, **kwargs):
        self.n_jobs += len(args[0])
        return super().submit(fn, *args, **kwargs)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.db", code="one") as opened:
        yield opened


def stored(store, work, **how):
    with runs.session(store=store, experiment="e", **how):
        return work()


def test_what_a_scan_has_run_is_found_by_run_with_the_same_bits(store, monkeypatch):
    scanned = run_until(draw, [{"mu": 0.5}], 4, store=store, seed=3)
    parent = tasks.case_seed(f"{__name__}.draw", {"mu": 0.5}, 3)
    children = [seeds.child(parent, k) for k in range(4)]
    plain = runs.run(partial(draw, 0.5), children)
    assert scanned.cases[0].mean() == pytest.approx(np.mean(plain), rel=1e-15)
    monkeypatch.setattr(engine, "run_one", None)  # would fail if it were called
    assert stored(store, lambda: runs.run(partial(draw, 0.5), children)) == plain


@pytest.mark.parametrize("resume", [True, False])
def test_the_seeds_of_run_are_other_tasks_than_those_of_a_scan(store, resume):
    run_until(draw, [{"mu": 0.5}], 4, store=store)
    children = runs.seeds(0, 4)
    plain = runs.run(partial(draw, 0.5), children)
    for _ in range(2):
        assert stored(store, lambda: runs.run(partial(draw, 0.5), children), resume=resume) == plain


def test_children_of_different_parents_are_different_tasks(store):
    """Their numbers among their brothers are the same."""
    cousins = [np.random.SeedSequence(1, spawn_key=(parent, 5)) for parent in range(3)]
    plain = runs.run(partial(draw, 0.0), cousins)
    assert len(set(plain)) == 3
    for _ in range(2):
        assert stored(store, lambda: runs.run(partial(draw, 0.0), cousins)) == plain
    assert len({tasks.namer(partial(draw, 0.0))(one).key for one in cousins}) == 3


def test_a_seed_that_has_spawned_gives_the_same_once_more(store):
    children = runs.seeds(0, 3)
    first = stored(store, lambda: runs.run(spawns, children))
    assert stored(store, lambda: runs.run(spawns, children), resume=False) == first


def test_seeds_that_cannot_be_told_apart_are_refused():
    for odd in (np.random.SeedSequence([1, 2]), np.random.SeedSequence(1, pool_size=8)):
        with pytest.raises(ValueError, match="one number as its entropy and a pool of 4 words"):
            tasks.numbers_of(odd)


def test_a_function_among_the_parameters_is_part_of_the_name(store):
    name = tasks.namer(partial(apply, spawns))(1)
    assert name.parameters["function"]["function"] == f"{__name__}.spawns"
    assert name.parameters["function"]["code"].startswith(f"{__name__}:")
    assert name.key != tasks.namer(partial(apply, draw))(1).key
    assert (
        tasks.namer(partial(apply, partial(draw, 1.0)))(1).key != tasks.namer(partial(apply, partial(draw, 2.0)))(1).key
    )


def apply(function, x):
    return x


def smooth(d, seed):
    return random_fields.iid(d, seed=seed)


TORUS = lattices.square.torus(8)
GRAPH = graphs.from_edges([(0, 1), (1, 2), (2, 3), (3, 0)], n_sites=4)
FROM_CLOSURES = {
    "site_sweep": (4, lambda: sweeps.site_sweep(TORUS, n_realisations=4, seed=1, observables=("largest", "wrapping"))),
    "orders": (2, lambda: sweeps.bond_sweep(GRAPH, orders=[[0, 1, 2, 3], [3, 2, 1, 0]], counts_at=[2])),
    "bond_curve": (
        3,
        lambda: sweeps.bond_curve(TORUS, [0.4, 0.5], n_realisations=3, seed=1, observables=("cluster_counts",)),
    ),
    "floods": (8, lambda: scaling.critical_occupation(partial(smooth, 3), n_sites=1024, n_runs=8, seed=1)),
    "pairs": (5, lambda: lattice_finder.find(3, 4, 0.8, n_pairs=5, seed=1, ties="drawn")),
}


@pytest.mark.parametrize("name", FROM_CLOSURES)
def test_what_the_package_runs_is_kept_and_sent_away(name, store, monkeypatch):
    n, work = FROM_CLOSURES[name]
    plain = work()
    with Counting(2) as executor, warnings.catch_warnings():
        warnings.simplefilter("error")
        first = stored(store, work, executor=executor)
        assert executor.n_jobs == n == store.database.rows("SELECT count(*) FROM outcomes")[0][0]
        monkeypatch.setattr(engine, "run_one", None)
        again = stored(store, work)
    for field in fields(plain):
        for found in (first, again):
            np.testing.assert_equal(getattr(found, field.name), getattr(plain, field.name))


def test_a_task_without_a_name_is_said(store):
    with pytest.warns(UserWarning, match="<lambda> is run here, neither kept nor sent away: .* top of a module"):
        assert stored(store, lambda: runs.run(lambda x: x + 1, [1])) == [2]
    with Counting(1) as executor, pytest.warns(UserWarning, match="is run here"), runs.session(executor=executor):
        runs.run(lambda x: x + 1, [1])
    assert executor.n_jobs == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert runs.run(lambda x: x + 1, [1]) == [2]  # there is nowhere to keep it


def test_a_sweep_loads_neither_tables_nor_databases():
    program = "import percolation.sweeps, sys; print({'pandas', 'sqlite3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
