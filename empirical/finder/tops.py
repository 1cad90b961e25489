"""The largest loss of each segment with what was seen on both sides of it, and the peak that the three tell of."""

from dataclasses import dataclass

import torch
from torch import Tensor

from empirical.descent.states import where
from empirical.finder.scans import Lines, Seen
from empirical.losses.evaluation import Evaluator

STEPS = 2  # of the parabola: points evaluated at the peak of a closed segment


@dataclass
class Tops:
    """Of n segments the largest loss that was seen, in the middle of three places of which the others are nearby."""

    places: Tensor  # (n, 3) double, not falling; an end of the segment stands twice
    losses: Tensor  # (n, 3) there, nats

    @property
    def loss(self) -> Tensor:
        """The largest (n,)."""
        return self.losses[:, 1]

    @classmethod
    def of_grid(cls, places: Tensor, losses: Tensor) -> "Tops":
        """Those of losses (n, k) at places (k,) of every segment, the first of several that are as large."""
        top = losses.argmax(1)
        three = (top[:, None] + torch.tensor([-1, 0, 1], device=top.device)).clamp(0, len(places) - 1)
        return cls(places[three], losses.gather(1, three))

    def note(self, segment: Tensor, places: Tensor, losses: Tensor) -> None:
        """Further losses (m,) in the middle of three places and losses (m, 3) of these segments (m,).

        A segment may be there several times, its middles not at the same place.
        """
        f = losses[:, 1]
        best = self.loss.scatter_reduce(0, segment, f, "amax")
        higher = (f == best[segment]) & (f > self.loss[segment])
        place = torch.where(higher, places[:, 1], -torch.inf)
        last = torch.full_like(self.places[:, 0], -torch.inf).scatter_reduce(0, segment, place, "amax")
        chosen = where(higher & (place == last[segment]))
        self.places[segment[chosen]], self.losses[segment[chosen]] = places[chosen], losses[chosen]

    def peaks(self) -> Tensor:
        """Where the parabola through the three points is highest (n,): where its slope, the secants at their middles,
        is zero; the top itself where that says nothing."""
        middles, secants = (self.places[:, :-1] + self.places[:, 1:]) / 2, self.losses.diff(dim=1) / self.places.diff()
        share = secants[:, 0] / (secants[:, 0] - secants[:, 1])
        found = torch.lerp(middles[:, 0], middles[:, 1], share.double())
        return torch.where(found.isfinite(), found, self.places[:, 1])

    def climb(self, evaluate: Evaluator, lines: Lines, rows: Tensor) -> None:
        """Look at the peaks of some segments rows (m,)."""
        for _ in range(STEPS if len(rows) else 0):
            some = Tops(self.places[rows], self.losses[rows])
            at = some.peaks()
            some._narrow(at, lines.losses(evaluate, at[:, None], rows)[:, 0])
            self.places[rows], self.losses[rows] = some.places, some.losses

    def _narrow(self, at: Tensor, f: Tensor) -> None:
        """One more place (n,) of loss f (n,) between the outer two of each: the three around the larger loss stay."""
        places, losses = torch.cat([self.places, at[:, None]], 1), torch.cat([self.losses, f[:, None]], 1)
        order = places.argsort(dim=1, stable=True)
        places, losses = places.gather(1, order), losses.gather(1, order)
        inner = 1 + (losses[:, 2] > losses[:, 1]).long()
        three = inner[:, None] + torch.tensor([-1, 0, 1], device=inner.device)
        self.places, self.losses = places.gather(1, three), losses.gather(1, three)

    def seen(self) -> Seen:
        return Seen(
            self.loss.clone(),
            self.places[:, 1].clone(),
            torch.zeros(len(self.loss), dtype=torch.long, device=self.loss.device),
        )
