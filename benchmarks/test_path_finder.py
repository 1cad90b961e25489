"""The path finder against the published serial procedure: same pairs, model and level, one core, in one run.

Ratios are of processor time a pair, since the machine may be shared: the peer once and ours a few times, in turns, by
medians, and the least and largest ratio of a turn. Where the peer takes minutes it is given the first few pairs only.
What both say is checked afterwards by other code: the loss of every path that is called connected, on 1000 points a
segment at random places. Ours is run by both rules of a scan; the ratio is that of the sparse one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import serial_path_finder as serial
from empirical.data import offline, pictures
from empirical.descent.rows import Descent, descend
from empirical.ends import modes
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.losses.objectives import ClassLoss
from empirical.networks import models
from empirical.prediction import plans
from empirical.threads import one_thread

SEED = 1
CHECKED = 1000  # points a segment of the check by other code


@dataclass(frozen=True)
class Ends:
    """A model, and pairs of points both below stop, of the class that labels say."""

    model: torch.nn.Module
    a: Tensor  # (n, *shape)
    c: Tensor
    labels: Tensor  # (n,) long


@dataclass(frozen=True)
class Case:
    """One line of the table: what is connected, by which settings, and the ratio that is asked for."""

    ends: Callable[[], Ends]
    ours: Finder
    published: Finder
    procedure: serial.Procedure
    goal: float
    n_serial: int  # pairs given to the peer
    turns: int = 1
    searches: int = 1  # of ours in a turn


def signals(n: int) -> Ends:
    """Natural pairs of the 1-D CNN trained on mnist1d, d = 40."""
    signal = offline.mnist1d(40)
    model = models.trained("cnn1d", signal, seed=SEED)
    found = modes.natural(model, signal.x_test, signal.y_test)
    i, j = modes.pairs_within_class(found.labels, n, generator=torch.Generator().manual_seed(0))
    return Ends(model, found.points[i], found.points[j], found.labels[i])


@lru_cache(maxsize=1)
def optimal_search(n: int = 64) -> tuple[torch.nn.Module, Tensor, Tensor, modes.Modes, float]:
    """Untrained ResNet-18 at 32x32, starts, labels, the inputs found by our search of all at once, seconds it took."""
    model = models.untrained("resnet18", (3, 32, 32), seed=SEED)
    labels = torch.arange(n // 2).repeat_interleave(2) % 10
    rule = replace(modes.CLASS_OPTIMAL, lr=0.2)
    start = 0.01 * torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(SEED))
    began = time.process_time()
    moved = descend(ClassLoss(model, labels), start, torch.arange(n), rule, batch_size=64)
    seconds = time.process_time() - began
    low = moved.reached
    return model, start, labels, modes.Modes(moved.points[low], labels[low], moved.losses[low], n), seconds


def optimal() -> Ends:
    """Class-optimal pairs of an untrained ResNet-18, as many as the 64 searches gave."""
    model, _, _, found, _ = optimal_search()
    i, j = modes.pairs_within_class(found.labels, 32, generator=torch.Generator().manual_seed(0))
    return Ends(model, found.points[i], found.points[j], found.labels[i])


def pictures_at_224() -> Ends:
    """Two natural-natural and two natural-adversarial pairs of EfficientNet-lite0, every end brought down to 5e-4.

    The network gives views of a picture a loss of 0.04 to 0.2 for its own first answer, never 5e-4.
    """
    model = models.pretrained("efficientnet_lite0", "imagenet")
    generator = torch.Generator().manual_seed(SEED)
    coffee, camera = (pictures.views(name, 3, generator=generator) for name in ("coffee", "camera"))
    labels = torch.stack([model(coffee).mean(0).argmax(), model(camera).mean(0).argmax()]).repeat(2)
    a = torch.stack([coffee[0], camera[0], coffee[2], camera[2]])
    c = torch.stack([coffee[1], camera[1], camera[2], coffee[2]])  # the last two are of the other class
    objective, rule = ClassLoss(model, labels), Descent(lr=5e-3, iterations=512)
    a, c = (descend(objective, end, torch.arange(4), rule) for end in (a, c))
    assert a.reached.all() and c.reached.all()
    return Ends(model, a.points, c.points, labels)


TRAINED, UNTRAINED = PRESETS["trained"], PRESETS["untrained"]
CASES = {
    "50 pairs, 1-D CNN, free": Case(
        lambda: signals(50),
        PRESETS["fast"],
        UNTRAINED,
        serial.PUBLISHED_UNTRAINED,
        30,
        n_serial=50,
        turns=5,
        searches=3,
    ),
    "20 pairs, 1-D CNN, projected": Case(
        lambda: signals(20),
        Finder(descent=Descent(lr=0.05, log=True, iterations=1024, projected=True)),
        TRAINED,
        serial.PUBLISHED_TRAINED,
        50,
        n_serial=20,
        searches=3,
    ),
    "32 pairs, untrained ResNet-18": Case(
        optimal,
        Finder(descent=Descent(lr=0.2, log=True, iterations=4096, weight_decay=1e-7)),
        UNTRAINED,
        serial.PUBLISHED_UNTRAINED,
        25,
        n_serial=4,
    ),
    "4 pairs, EfficientNet-lite0 at 224": Case(
        pictures_at_224,
        Finder(descent=Descent(lr=5e-3, log=True, iterations=1024, projected=True)),
        replace(TRAINED, max_rounds=1),  # the first round alone takes minutes
        serial.PUBLISHED_TRAINED,
        40,
        n_serial=1,
    ),
}


@pytest.fixture(autouse=True)
def on_one_thread():
    with one_thread():
        yield


@pytest.mark.parametrize("name", CASES)
def test_pairs(benchmark, name):
    """Whole searches, certificates and rechecks included."""
    case, ends = CASES[name], CASES[name].ends()
    objective = ClassLoss(ends.model, ends.labels)
    n = min(case.n_serial, len(ends.a))
    warm(objective, ends, case)
    theirs, ours = [], []  # (result, seconds) of every search, in turns

    def connect_serially():
        return [serial.connect(objective, ends.a[i], ends.c[i], i, case.published, case.procedure) for i in range(n)]

    def connect(scan):
        return timed(lambda: find_paths(objective, ends.a, ends.c, replace(case.ours, scan=scan)))

    benchmark.pedantic(
        lambda: ours.extend(connect("sparse") for _ in range(case.searches)),
        setup=lambda: theirs.append(timed(connect_serially)),
        rounds=case.turns,
    )
    dense = connect("dense")
    peer, found = theirs[-1][0], ours[-1][0]
    report(name, seconds(theirs) / n, seconds(ours).reshape(case.turns, -1) / len(ends.a), case.goal, "pair")
    print(quality("published serial", objective, peer, case.ours.level))
    print(quality("ours, same pairs", objective, found[:n], case.ours.level))
    for rule, (paths, taken) in (("sparse", ours[-1]), ("dense", dense)):
        cost = paths.cost
        print(quality(f"ours, {rule}, all pairs", objective, list(paths), case.ours.level))
        print(f"    {1e3 * taken / len(paths):.3g} ms a pair, {cost.n_forward:,} + {cost.n_gradient:,} points")


@pytest.mark.parametrize("scan", ["dense", "sparse"])
@pytest.mark.parametrize("name", list(CASES)[:3])
def test_planned(name, scan):
    """The same search from a planned path: time and evaluations of plan and search, nothing is asked of them."""
    case, ends = CASES[name], CASES[name].ends()
    objective, finder = ClassLoss(ends.model, ends.labels), replace(case.ours, scan=scan)

    def from_plan():
        plan = plans.planned(objective, ends.a, ends.c, finder)
        found = find_paths(objective, ends.a, ends.c, finder, planned=plan.vertices)
        return replace(found, cost=plan.cost + found.cost)

    def from_lines():
        return find_paths(objective, ends.a, ends.c, finder)

    from_lines()  # first calls allocate
    print()
    taken = []
    for who, work in (("unplanned", from_lines), ("planned", from_plan)):
        results = [timed(work) for _ in range(3)]
        found, cost = results[-1][0], results[-1][0].cost
        taken.append(np.median(seconds(results)))
        print(quality(f"{who}, {scan}", objective, list(found), finder.level))
        print(f"    {taken[-1]:.3g} s, {cost.n_forward:,} points + {cost.n_gradient:,} gradients")
    print(f"    planned / unplanned {taken[1] / taken[0]:.2f}")


def test_class_optimal(benchmark, n_serial=1):
    """64 inputs at once against one at a time, the first of the same starts."""
    model, start, labels, found, searching = benchmark.pedantic(optimal_search, rounds=1)
    objective = ClassLoss(model, labels)
    published = {"lr": 0.05, "iterations": 8192, "stop": modes.CLASS_OPTIMAL.stop, "weight_decay": 1e-7}
    peer, taken = timed(lambda: [serial.class_optimal(objective, start[i], i, **published) for i in range(n_serial)])
    each = np.array([[searching / len(start)]])
    report("class-optimal inputs, ResNet-18", np.array([taken / n_serial]), each, 40, "input")
    reached = sum(one.loss <= published["stop"] for one in peer)
    print(f"  published serial: {reached} of {n_serial} reached, steps {[one.steps for one in peer]}")
    print(f"    norms {[round(one.point.norm().item()) for one in peer]}")
    norms = found.points.flatten(1).norm(dim=1)
    print(f"  ours: {len(found.points)} of {len(start)} reached, norms {norms.min():.0f} to {norms.max():.0f}")


def warm(objective, ends, case):
    """Both once, two pairs: first calls import and allocate (torch.optim alone takes seconds)."""
    short = replace(case.published, max_rounds=1, descent=replace(case.published.descent, iterations=2))
    serial.connect(objective, ends.a[0], ends.c[0], 0, short, case.procedure)
    find_paths(ClassLoss(ends.model, ends.labels[:2]), ends.a[:2], ends.c[:2], replace(case.ours, max_rounds=1))


def timed(work):
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def seconds(results):
    """Of (result, seconds), the latter."""
    return np.array([taken for _, taken in results])


def report(name, theirs, ours, goal, unit):
    """theirs (turns,), ours (turns, searches): seconds a pair."""
    each = theirs / np.median(ours, axis=1)
    ratio = np.median(theirs) / np.median(ours)
    verdict = "goal met" if ratio >= goal else f"missed by {goal / ratio:.2f} x"
    print(
        f"\n{name}: {ratio:.1f} x, of a turn {each.min():.1f} to {each.max():.1f} ({np.median(theirs) * 1e3:.4g} ms a "
        f"{unit} serial, {np.median(ours) * 1e3:.4g} ms ours), goal {goal:g}: {verdict}"
    )


def quality(who, objective, found, level):
    """Connection rate, mean rounds of the connected, and how many of their paths fail a check by other code."""
    connected = [i for i, one in enumerate(found) if one.connected]
    rounds = np.mean([found[i].rounds for i in connected]) if connected else float("nan")
    wrong = sum(largest(objective, i, vertices(found[i])) > level for i in connected)
    return (
        f"  {who}: {len(connected)} of {len(found)} connected, {rounds:.2f} rounds, "
        f"{wrong} paths above the level on 1000 points a segment"
    )


def vertices(found):
    return found.vertices if isinstance(found, serial.Found) else found.path.vertices


@torch.no_grad()
def largest(objective, pair, nodes):
    top, generator = 0.0, torch.Generator().manual_seed(pair)
    for a, c in zip(nodes[:-1], nodes[1:], strict=True):
        t = torch.rand(CHECKED, generator=generator).view(-1, *[1] * a.ndim)
        for part in t.split(64):
            top = max(top, objective(torch.lerp(a[None], c[None], part), torch.full((len(part),), pair)).max().item())
    return top
