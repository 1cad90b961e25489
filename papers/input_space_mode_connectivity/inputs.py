"""What the figures share: which inputs of which network, the paths found between them, and the loss along these."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch

from empirical.ends.pairs import Pairs, draw
from empirical.ends.subject import Subject, build
from empirical.finder.find import PRESETS, Connection, Connections, Finder, find_paths
from empirical.finder.paths import Path, profile
from empirical.losses.objectives import ClassLoss, Objective
from empirical.threads import one_thread
from papers.figure import tex
from percolation import seeds
from percolation.terminal import stages

POINTS = 400  # at which the loss along a path is kept, about
SHARPENED = ("pictures", "imagenet")  # data whose inputs are first moved down to the finder's stop: few are that low


@dataclass(frozen=True)
class Inputs:
    """Pairs of natural inputs, and the network that looks at them."""

    data: str = "mnist1d"  # or digits; pictures; cifar10, cifar100, imagenet, which are read from `images`
    network: str = "cnn1d"
    weights: str = "random"  # then trained on the data; or imagenet, or the path of a state dict
    images: str | None = None  # the folder of cifar10, cifar100 or imagenet
    pairs: int = 60

    def subject(self, pair: str) -> Subject:
        """What is asked for in the words of `empirical.ends.subject`."""
        lower = self.data in SHARPENED
        source: dict[str, Any] = {"weights": self.weights, "folder": self.images, "lower_ends": lower}
        return Subject(self.network, self.data, "trained", pair, self.pairs, **source)


@dataclass(frozen=True)
class Searched:
    """Pairs of inputs and what the path finder found between them; the ends of pair i are drawn.a[i], drawn.c[i]."""

    drawn: Pairs
    finder: Finder  # in the space of these inputs
    found: Connections

    @property
    def objective(self) -> Objective:
        return ClassLoss(self.drawn.model, self.drawn.labels)

    def chosen(self, *, rounds: int | None = None) -> int:
        """The connected pair of most rounds, or of so many if there is one; of several that of the highest barrier."""
        connected = [i for i, one in enumerate(self.found) if one.connected and one.rounds]
        if not connected:
            raise ValueError(
                f"none of {len(self.found)} pairs needs a path that is not straight, and has one; "
                "take more pairs, another seed or other data"
            )
        asked = [i for i in connected if self.found[i].rounds == rounds]
        return max(asked or connected, key=lambda i: (0 if asked else self.found[i].rounds, self.found[i].barrier))


def searched(subject: Subject, *, seed: int, preset: str = "default", **rule: Any) -> Searched:
    """Draw the pairs and connect them. rule: changes of the preset's descent, in units of inputs of variance 1."""
    generator = torch.Generator().manual_seed(seeds.integer(seeds.of(f"{subject.pair} pairs", seed)))
    finder = PRESETS[preset]
    rule_of = replace(finder.descent, **rule)
    with one_thread(), stages() as report:
        report(f"{subject.network}: drawing {subject.pair} pairs")
        drawn = draw(*build(subject, seed=seed), subject.wanted, stop=rule_of.stop, generator=generator)
        finder = replace(finder, descent=drawn.space.rule(rule_of))
        objective = ClassLoss(drawn.model, drawn.labels)
        found = find_paths(objective, drawn.a, drawn.c, finder, report=lambda progress: report(str(progress)))
    return Searched(drawn, finder, found)


def along(objective: Objective, path: Path, pair: int, n: int = POINTS) -> pd.DataFrame:
    """Loss in nats at about n points of a path, by the share of its length; vertex: whether it is one."""
    with one_thread():
        s, loss = profile(objective, path, pair, n)
    columns = {"share": path.arclength(s).numpy(), "loss": loss.double().cpu().numpy(), "vertex": (s == s.round())}
    return pd.DataFrame(columns)


def after_rounds(objective: Objective, found: Connection, pair: int, n: int = POINTS) -> pd.DataFrame:
    """The same of the straight line, round 0, and of the path after each round."""
    history = enumerate(found.history)
    return pd.concat([along(objective, path, pair, n).assign(round=k) for k, path in history], ignore_index=True)


def summary(searched: Searched) -> pd.DataFrame:
    """A row a pair: how the search ended, rounds, segments, and the largest loss before and after each round."""
    rows = []
    for i, one in enumerate(searched.found):
        barriers = {f"barrier_{k}": barrier for k, barrier in enumerate(one.barriers)}
        ended = {"pair": i, "status": one.status, "rounds": one.rounds, "segments": one.path.n_segments}
        ends = dict(zip(("loss_a", "loss_c"), one.end_losses, strict=True))
        rows.append(ended | ends | {"length_ratio": 1 + one.path.excess_length} | barriers)
    return pd.DataFrame(rows)


def system(parameters: dict[str, Any]) -> str:
    """The network and its data, as captions name them."""
    return rf"\texttt{{{tex(parameters['network'])}}} trained on {tex(parameters['data'])}"
