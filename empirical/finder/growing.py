"""The paths of the pairs that are searched, as they grow: rows of tensors.

A row is a vertex and the segment that leaves it for the next vertex of its path; the last vertex of a path has none.
Vertices never move, and a new one goes in between two that are there.
"""

import torch
from torch import Tensor

from empirical.descent.states import Table, where
from empirical.finder.scans import Lines, Seen

LAST = -1  # what follows the last vertex


class GrowingPaths:
    """Paths of many pairs; a pair goes by a slot of its own, whoever counts these."""

    def __init__(self, like: Tensor) -> None:
        """like: (n, *shape), points such as will come."""
        none = torch.empty(0, dtype=torch.long, device=like.device)
        self.rows = Table(
            slot=none,
            number=none,  # of the pair, that the objective knows it by
            point=like.new_empty(0, *like.shape[1:]),
            loss=like.new_empty(0),  # of the point, nats
            born=none,  # the round in which it was made
            next=none,  # row of the next vertex, or LAST
            seen_loss=like.new_empty(0),  # of the segment to the next
            seen_place=none.double(),
            seen_asked=none,
        )

    def begin(self, slots: Tensor, numbers: Tensor, a: Tensor, c: Tensor, end_losses: Tensor) -> Tensor:
        """Straight lines from a to c (n, *shape), of losses (n, 2); returns the rows (n,) that they begin with."""
        last = self._take(slots, numbers, c, end_losses[:, 1], torch.zeros_like(slots), torch.full_like(slots, LAST))
        return self._take(slots, numbers, a, end_losses[:, 0], torch.zeros_like(slots), last)

    def insert(self, left: Tensor, points: Tensor, losses: Tensor, born: Tensor) -> Tensor:
        """A vertex behind each of the rows left (m,), no two of them the same; returns the new rows.

        What was seen of the segment is forgotten.
        """
        rows = self.rows
        new = self._take(rows["slot"][left], rows["number"][left], points, losses, born, rows["next"][left])
        rows["next"][left] = new
        self.put(left, Seen.nothing(len(left), points))
        return new

    def segments(self, searched: Tensor) -> Tensor:
        """The rows (m,) of all segments of the pairs whose slots are marked in searched (n_slots,)."""
        rows = self.rows
        return where(rows.used & searched[rows["slot"]] & (rows["next"] != LAST))

    def lines(self, segments: Tensor) -> Lines:
        rows, following = self.rows, self.rows["next"][segments]
        known = torch.stack([rows["loss"][segments], rows["loss"][following]], dim=1)
        return Lines(rows["point"][segments], rows["point"][following], rows["number"][segments], known)

    def halves(self, segments: Tensor, points: Tensor, losses: Tensor) -> Lines:
        """The segments (m,) cut in two at points (m, *shape) of these losses: their first halves, then the second."""
        rows, following = self.rows, self.rows["next"][segments]
        ends = torch.cat([rows["loss"][segments], losses]), torch.cat([losses, rows["loss"][following]])
        return Lines(
            torch.cat([rows["point"][segments], points]),
            torch.cat([points, rows["point"][following]]),
            rows["number"][segments].repeat(2),
            torch.stack(ends, dim=1),
        )

    def seen(self, segments: Tensor) -> Seen:
        rows = self.rows
        return Seen(rows["seen_loss"][segments], rows["seen_place"][segments], rows["seen_asked"][segments])

    def put(self, segments: Tensor, seen: Seen) -> None:
        """Note what was seen of the segments."""
        rows = self.rows
        rows["seen_loss"][segments], rows["seen_place"][segments] = seen.loss, seen.place
        rows["seen_asked"][segments] = seen.asked

    def in_order(self, first: Tensor) -> Tensor:
        """The vertices of the paths that begin with these rows (n,): rows (n, k) in their order, LAST where there are
        no more."""
        found = [first]
        while (found[-1] != LAST).any():
            found.append(torch.where(found[-1] == LAST, LAST, self.rows["next"][found[-1]]))
        return torch.stack(found[:-1], dim=1)

    def give_back(self, ended: Tensor) -> None:
        """Forget the paths of the pairs whose slots are marked in ended (n_slots,)."""
        self.rows.give_back(where(self.rows.used & ended[self.rows["slot"]]))

    def _take(
        self, slots: Tensor, numbers: Tensor, points: Tensor, losses: Tensor, born: Tensor, following: Tensor
    ) -> Tensor:
        nothing = Seen.nothing(len(points), points)
        return self.rows.take(
            slot=slots,
            number=numbers,
            point=points,
            loss=losses,
            born=born,
            next=following,
            seen_loss=nothing.loss,
            seen_place=nothing.place,
            seen_asked=nothing.asked,
        )
