"""What the path finder found: a path for every pair with its history, what it cost, and a file to keep it in."""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, overload
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from empirical.finder.paths import Path
from percolation import files

CLOSED_END = "closed end"
STATUSES = ("connected", "stalled", "failed", "rounds", "budget", "interrupted", CLOSED_END)
FORMAT = 1  # of the files


@dataclass(frozen=True, repr=False)
class Connection:
    """What was found for one pair, and why the search ended.

    status: 'connected'; or not connected because an optimisation 'stalled' above stop or 'failed' at a loss that is
    not finite, because segments were left after max_rounds ('rounds') or when the time or the evaluations were spent
    ('budget'), because it was 'interrupted', or because the loss of an end is above the level or not a number and so
    nothing was searched ('closed end'). Not connected means not found: it proves nothing about the open set.
    """

    status: str
    path: Path  # the last one; vertices are never moved, so all that came before are parts of it
    born: tuple[int, ...]  # the round in which each vertex was made, 0 of both ends and of planned ones
    barriers: tuple[float, ...]  # largest loss seen on the straight line, or planned path, and after each round, nats
    end_losses: tuple[float, float]  # of A and C, nats
    displacement: float  # |B' - B| of the straight line's barrier, in units of x; NaN if it is open, stalled or planned
    steps: int  # optimiser steps, all barriers together, and all planned vertices
    planned: int = 0  # vertices that were put in before the first scan; rounds are those after

    def __repr__(self) -> str:
        heights = " -> ".join(f"{height:.3g}" for height in self.barriers)
        return f"Connection({self.status!r}, {self.path.n_segments} segments, barriers {heights} nats)"

    def alone(self) -> "Connections":
        """This one as the connections of one pair."""
        return Connections(
            np.array([self.status]),
            self.path.vertices,
            np.array(self.born),
            np.array([len(self.born)]),
            np.array(self.barriers),
            np.array([len(self.barriers)]),
            np.array([self.end_losses]),
            np.array([self.displacement]),
            np.array([self.steps]),
            np.array([self.planned]),
        )

    @property
    def connected(self) -> bool:
        return self.status == "connected"

    @property
    def rounds(self) -> int:
        """Rounds made; for a connected pair 0 says that the straight line is open, or the planned path."""
        return len(self.barriers) - 1

    @property
    def history(self) -> tuple[Path, ...]:
        """The straight line, or the planned path, then the path after each round."""
        born = torch.tensor(self.born, device=self.path.vertices.device)
        return tuple(Path(self.path.vertices[born <= k]) for k in range(self.rounds + 1))

    @property
    def barrier(self) -> float:
        """Primary barrier: largest loss on the straight line, nats; NaN of a planned path, where none was scanned."""
        return math.nan if self.planned else self.barriers[0]

    @property
    def gap(self) -> float:
        """Primary barrier minus the larger end loss, nats."""
        return self.barrier - max(self.end_losses)


@dataclass(frozen=True)
class Cost:
    """What a search took."""

    n_forward: int = 0  # points evaluated without gradients
    n_gradient: int = 0  # and with
    seconds: dict[str, float] = field(default_factory=dict)  # by stage: "scan", "descend", "warm-up", "rest"

    def __add__(self, other: "Cost") -> "Cost":
        stages = dict.fromkeys((*self.seconds, *other.seconds))
        seconds = {stage: self.seconds.get(stage, 0.0) + other.seconds.get(stage, 0.0) for stage in stages}
        return Cost(self.n_forward + other.n_forward, self.n_gradient + other.n_gradient, seconds)


@dataclass(frozen=True, eq=False, repr=False)
class Connections(Sequence[Connection]):
    """What was found for n pairs, in their order, and its `Cost`; found[i] is the `Connection` of pair i.

    Kept as arrays, those of all pairs one behind the other where pairs have different numbers of them.
    """

    status: np.ndarray  # (n,) of STATUSES
    vertices: Tensor  # (sum of n_vertices, *shape)
    born: np.ndarray  # (sum of n_vertices,)
    n_vertices: np.ndarray  # (n,)
    barriers: np.ndarray  # (sum of n_barriers,) nats
    n_barriers: np.ndarray  # (n,)
    end_losses: np.ndarray  # (n, 2) nats
    displacement: np.ndarray  # (n,)
    steps: np.ndarray  # (n,)
    planned: np.ndarray  # (n,)
    cost: Cost = Cost()

    @classmethod
    def of(cls, connections: Iterable[Connection], cost: Cost = Cost()) -> "Connections":
        """Those of one pair each, put together."""
        return cls.joined([connection.alone() for connection in connections], cost)

    @classmethod
    def joined(cls, parts: Sequence["Connections"], cost: Cost | None = None) -> "Connections":
        """The pairs of all parts, one part behind the other; cost: None for the sum of theirs."""
        cost = sum((part.cost for part in parts), Cost()) if cost is None else cost
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
        return cls(vertices=torch.cat([part.vertices for part in parts]), cost=cost, **arrays)

    def select(self, pairs: Sequence[int] | np.ndarray) -> "Connections":
        """Some of the pairs, in this order, at no cost."""
        vertices, barriers = _blocks(self.n_vertices, pairs), _blocks(self.n_barriers, pairs)
        arrays = {name: getattr(self, name)[pairs] for name in ARRAYS if name not in ("born", "barriers")}
        return Connections(
            vertices=self.vertices[torch.from_numpy(vertices).to(self.vertices.device)],
            born=self.born[vertices],
            barriers=self.barriers[barriers],
            **arrays,
        )

    def on(self, device: torch.device) -> "Connections":
        """The same on another device."""
        return replace(self, vertices=self.vertices.to(device))

    def __len__(self) -> int:
        return len(self.status)

    @overload
    def __getitem__(self, i: int) -> Connection: ...
    @overload
    def __getitem__(self, i: slice) -> "Connections": ...
    def __getitem__(self, i: int | slice) -> "Connection | Connections":
        if isinstance(i, slice):
            return self.select(np.arange(len(self))[i])
        i = range(len(self))[i]
        vertices, barriers = (
            _block(self._last_vertex, self.n_vertices, i),
            _block(self._last_barrier, self.n_barriers, i),
        )
        return Connection(
            str(self.status[i]),
            Path(self.vertices[vertices]),
            tuple(self.born[vertices].tolist()),
            tuple(self.barriers[barriers].tolist()),
            tuple(self.end_losses[i].tolist()),
            float(self.displacement[i]),
            int(self.steps[i]),
            int(self.planned[i]),
        )

    @cached_property
    def _last_vertex(self) -> np.ndarray:
        return self.n_vertices.cumsum()

    @cached_property
    def _last_barrier(self) -> np.ndarray:
        return self.n_barriers.cumsum()

    def __repr__(self) -> str:
        counts = {status: np.count_nonzero(self.status == status) for status in STATUSES}
        return f"Connections({', '.join(f'{n} {status}' for status, n in counts.items() if n)})"

    def save(self, path: str | os.PathLike[str], record: dict[str, Any] | None = None) -> list[FilePath]:
        """Write path.npz (vertices, when they were made, barriers) and path.json (the rest, with the record).

        record: what made them, such as `files.provenance` gives. Both appear whole or not at all.
        """
        npz, _ = _names(path)
        return files.write_together(npz.parent, self.writers(npz.name.removesuffix(".npz"), record))

    def writers(self, name: str, record: dict[str, Any] | None = None) -> dict[str, files.Writer]:
        """What writes these two files, by their names."""
        arrays = {one: getattr(self, one) for one in ARRAYS if one != "status"}
        arrays["vertices"] = self.vertices.numpy(force=True)
        described = {"format": FORMAT, "status": self.status.tolist(), "cost": asdict(self.cost)}
        text = json.dumps(described | {"record": record or {}}, indent=2, default=str) + "\n"
        return {
            f"{name}.json": lambda temporary: temporary.write_text(text),
            f"{name}.npz": lambda temporary: np.savez(temporary, allow_pickle=False, **arrays),
        }


ARRAYS = tuple(one.name for one in fields(Connections) if one.name not in ("vertices", "cost"))


def load(path: str | os.PathLike[str]) -> Connections:
    """What `Connections.save` wrote; tensors come back on the CPU, bit for bit."""
    npz, meta = _names(path)
    try:
        described = json.loads(meta.read_text())
        if described["format"] != FORMAT:
            raise ValueError(f"written as format {described['format']}, this version reads {FORMAT}")
        with np.load(npz, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        arrays.setdefault("planned", np.zeros_like(arrays["steps"]))  # files of before there were plans
        arrays |= {"vertices": torch.from_numpy(arrays["vertices"]), "status": np.array(described["status"])}
        found = Connections(cost=Cost(**described["cost"]), **arrays)
        _check_lengths(found)
        return found
    except FileNotFoundError as error:
        raise FileNotFoundError(f"expected {npz.name} and {meta.name} side by side in {npz.parent}") from error
    except (ValueError, KeyError, TypeError, EOFError, OSError, BadZipFile) as error:
        raise ValueError(f"{npz} and {meta.name} hold no connections that can be read: {error}") from error


def _check_lengths(found: Connections) -> None:
    """Raise a ValueError where arrays are not as long as the others say."""
    n, vertices, barriers = len(found.status), int(found.n_vertices.sum()), int(found.n_barriers.sum())
    expected = {"born": vertices, "barriers": barriers}
    got = {name: len(getattr(found, name)) for name in ARRAYS}
    wrong = [name for name in ARRAYS if got[name] != expected.get(name, n)]
    if wrong or len(found.vertices) != vertices:
        raise ValueError(f"arrays of other lengths than {n} pairs of {vertices} vertices: {', '.join(wrong)}")


def _block(last: np.ndarray, counts: np.ndarray, i: int) -> slice:
    """Where the numbers of pair i stand, of counts[i] each pair, one pair behind the other."""
    return slice(int(last[i] - counts[i]), int(last[i]))


def _blocks(counts: np.ndarray, pairs: Sequence[int] | np.ndarray) -> np.ndarray:
    """Where the numbers of some pairs stand, in their order."""
    n = counts[pairs]
    first = (counts.cumsum() - counts)[pairs]
    return np.repeat(first - (n.cumsum() - n), n) + np.arange(n.sum())


def _names(path: str | os.PathLike[str]) -> tuple[FilePath, FilePath]:
    path = FilePath(path)
    path = path.with_suffix("") if path.suffix in (".npz", ".json") else path
    return path.with_name(path.name + ".npz"), path.with_name(path.name + ".json")
