"""Who imports whom: papers -> empirical -> percolation, theory and simulation apart, torch above percolation only."""

import ast
import re
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
ABOVE = {"percolation": {"empirical", "papers", "torch", "torchvision"}, "empirical": {"papers"}, "papers": set()}
# modules where theory and simulation are brought together
MEETING = {f"percolation/{name}.py" for name in ("dimension_scan", "graph_scan", "spheres_scan", "cli")}


@cache
def imported(path: Path) -> frozenset[str]:
    """Dotted names of everything a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return frozenset(names)


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("package", ABOVE)
def test_no_package_names_one_above_it(package):
    for path in modules(package):
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & ABOVE[package], path


@pytest.mark.parametrize("package", ABOVE)
def test_no_package_speaks_of_one_above_it(package):
    """Not in its text either: what is above adds itself, by entry points."""
    above = ABOVE[package] & {"empirical", "papers"}
    for path in modules(package):
        assert not set(re.findall(r"\w+", path.read_text())) & above, path


def test_theory_and_simulation_do_not_import_each_other():
    neutral = {"percolation.quantities", "percolation.checks", "percolation.seeds"}
    for path in modules("percolation"):
        name = path.relative_to(ROOT).as_posix()
        used = {one for one in imported(path) if one.startswith("percolation")}
        if name.startswith("percolation/theory/"):
            strangers = {
                one
                for one in used
                if not one.startswith("percolation.theory") and one != "percolation" and one not in neutral
            }
            assert not {".".join(one.split(".")[:2]) for one in strangers} - neutral, path
        elif name not in MEETING:
            assert not any(one.startswith("percolation.theory") for one in used), path


def imports_within(package: str) -> dict[str, set[str]]:
    """Modules of a package that each of them imports, lazy imports inside functions included."""
    paths = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path for path in modules(package)}
    known = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    found: dict[str, set[str]] = {}
    for importer, path in known.items():
        names = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):  # a module of the package named, or a name in it
                of = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= of & known.keys() | ({node.module} if of - known.keys() else set())
        found[importer] = names & known.keys()
    return found


@pytest.mark.parametrize("package", ABOVE)
def test_modules_do_not_import_each_other_in_a_circle(package):
    graph = nx.DiGraph([(name, other) for name, found in imports_within(package).items() for other in found])
    circles = [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]
    assert not circles and not list(nx.selfloop_edges(graph))


# inside percolation: from the kernels up; what stands on one line names nothing of its own line or below
FLOORS = (
    ("_kernels", "balls", "checks", "intervals", "quantities"),
    ("seeds", "files"),
    ("graphs", "averages", "runs", "fields"),
    ("lattices", "graph_files"),
    ("random_graphs", "clusters", "wrapping", "growth", "lattice_finder"),
    ("sphere_windings", "sweeps", "level_sets"),
    ("scaling",),
    ("plotting", "dimension_scan", "graph_scan", "spheres_scan", "terminal"),
    ("report", "long_runs"),
    ("cli_runs", "cli_graph", "cli_spheres"),
    ("cli",),
)


def test_simulations_stand_on_the_floors_below():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    for path in modules("percolation"):
        own = path.relative_to(ROOT / "percolation").parts[0].removesuffix(".py")
        if own not in floor:
            assert own in ("__init__", "theory"), f"say on which floor {path} stands"
            continue
        for name in imported(path):
            other = name.split(".")[1] if name.startswith("percolation.") else own
            assert other in (own, "theory") or floor[other] < floor[own], f"{path} imports {name}"


# inside empirical: the rooms that each room names; losses and threads are the ground
ARROWS = {
    "threads": set(),
    "losses": set(),
    "data": {"threads"},
    "descent": {"losses"},
    "networks": {"data", "losses", "threads"},
    "finder": {"descent", "losses"},
    "attacks": {"descent", "losses"},
    "ends": {"attacks", "data", "descent", "losses", "networks"},
    "prediction": {"descent", "finder", "losses"},
    "manifolds": {"descent", "finder", "losses"},
    "detection": {"attacks", "finder", "losses"},
    "weights": {"data", "descent", "finder", "losses", "networks", "threads"},
}
# an experiment names any of these rooms and the options that commands share; and of other experiments
EXPERIMENTS = {"compare": {"connect", "rounds"}, "connect": {"rounds", "weights"}, "phase": {"rounds"}}
FROM_CONNECT = {"rounds.printed", "weights.command"}


def parts_of(name: str) -> list[str]:
    """`empirical.finder.paths.Path` -> finder, paths, Path; nothing for what is not of empirical."""
    return name.split(".")[1:] if name.startswith("empirical.") else []


def test_the_rooms_of_empirical_have_their_arrows():
    seen = {room: set() for room in ARROWS}
    for path in modules("empirical"):
        own = path.relative_to(ROOT / "empirical").parts[0].removesuffix(".py")
        if own in ("__init__", "experiments"):
            continue
        assert own in ARROWS, f"say which rooms {path} names"
        for name in imported(path):
            if parts := parts_of(name):
                assert parts[0] == own or parts[0] in ARROWS[own], f"{path} imports {name}"
                seen[own].add(parts[0])
    assert {room: used - {room} for room, used in seen.items()} == ARROWS  # no arrow that nobody needs


def test_experiments_stand_apart():
    for path in modules("empirical/experiments"):
        own = path.relative_to(ROOT / "empirical/experiments").parts[0].removesuffix(".py")
        for name in imported(path):
            parts = parts_of(name)
            if not parts or parts[0] != "experiments":
                assert not parts or parts[0] in ARROWS, f"{path} imports {name}"
                continue
            other = parts[1] if len(parts) > 1 else own
            assert other in (own, "options") or other in EXPERIMENTS.get(own, set()), f"{path} imports {name}"
            if own == "connect" and other != own and len(parts) > 2:
                assert ".".join(parts[1:3]) in FROM_CONNECT, f"{path} imports {name}"


def test_options_name_no_experiment():
    assert not any(parts_of(name) for name in imported(ROOT / "empirical/experiments/options.py"))
