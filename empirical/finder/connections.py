"""What the path finder found: a path for every pair with its history, what it cost, and a file to keep it in."""

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, overload
from zipfile import BadZipFile

import numpy as np
import torch

from empirical.finder.paths import Path
from percolation import files

CLOSED_END = "closed end"
STATUSES = ("connected", "stalled", "failed", "rounds", "budget", "interrupted", CLOSED_END)
FORMAT = 1  # of the files


@dataclass(frozen=True)
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

    def on(self, device: torch.device) -> "Connection":
        """The same on another device."""
        return replace(self, path=Path(self.path.vertices.to(device)))

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


class Connections(Sequence[Connection]):
    """One `Connection` a pair, in the order of the pairs, and their `Cost`."""

    def __init__(self, found: Iterable[Connection], cost: Cost | None = None) -> None:
        self.found, self.cost = tuple(found), Cost() if cost is None else cost

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, i: int) -> Connection: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Connection]: ...
    def __getitem__(self, i: int | slice) -> Connection | Sequence[Connection]:
        return self.found[i]

    def __repr__(self) -> str:
        counts = {status: sum(one.status == status for one in self.found) for status in STATUSES}
        return f"Connections({', '.join(f'{n} {status}' for status, n in counts.items() if n)})"

    def save(self, path: str | os.PathLike[str], record: dict[str, Any] | None = None) -> list[FilePath]:
        """Write path.npz (vertices, when they were made, barriers) and path.json (the rest, with the record).

        record: what made them, such as `files.provenance` gives. Both appear whole or not at all.
        """
        npz, _ = _names(path)
        return files.write_together(npz.parent, self.writers(npz.name.removesuffix(".npz"), record))

    def writers(self, name: str, record: dict[str, Any] | None = None) -> dict[str, files.Writer]:
        """What writes these two files, by their names."""
        arrays: dict[str, Any] = {
            "vertices": np.concatenate([one.path.vertices.numpy(force=True) for one in self.found]),
            "born": np.concatenate([one.born for one in self.found]).astype(np.int64),
            "n_vertices": np.array([len(one.born) for one in self.found]),
            "barriers": np.concatenate([one.barriers for one in self.found]),
            "n_barriers": np.array([len(one.barriers) for one in self.found]),
            "end_losses": np.array([one.end_losses for one in self.found]),
            "displacement": np.array([one.displacement for one in self.found]),
            "steps": np.array([one.steps for one in self.found]),
            "planned": np.array([one.planned for one in self.found]),
        }
        described = {"format": FORMAT, "status": [one.status for one in self.found], "cost": asdict(self.cost)}
        text = json.dumps(described | {"record": record or {}}, indent=2, default=str) + "\n"
        return {
            f"{name}.json": lambda temporary: temporary.write_text(text),
            f"{name}.npz": lambda temporary: np.savez(temporary, allow_pickle=False, **arrays),
        }


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
        return Connections(_unpacked(arrays, described["status"]), Cost(**described["cost"]))
    except FileNotFoundError as error:
        raise FileNotFoundError(f"expected {npz.name} and {meta.name} side by side in {npz.parent}") from error
    except (ValueError, KeyError, TypeError, EOFError, OSError, BadZipFile) as error:
        raise ValueError(f"{npz} and {meta.name} hold no connections that can be read: {error}") from error


def _unpacked(arrays: dict[str, np.ndarray], status: list[str]) -> list[Connection]:
    vertices = np.split(arrays["vertices"], np.cumsum(arrays["n_vertices"])[:-1])
    born = np.split(arrays["born"], np.cumsum(arrays["n_vertices"])[:-1])
    barriers = np.split(arrays["barriers"], np.cumsum(arrays["n_barriers"])[:-1])
    return [
        Connection(
            one,
            Path(torch.from_numpy(points.copy())),
            tuple(made.tolist()),
            tuple(heights.tolist()),
            (float(ends[0]), float(ends[1])),
            float(displacement),
            int(steps),
            int(planned),
        )
        for one, points, made, heights, ends, displacement, steps, planned in zip(
            status,
            vertices,
            born,
            barriers,
            arrays["end_losses"],
            arrays["displacement"],
            arrays["steps"],
            arrays["planned"],
            strict=True,
        )
    ]


def _names(path: str | os.PathLike[str]) -> tuple[FilePath, FilePath]:
    path = FilePath(path)
    path = path.with_suffix("") if path.suffix in (".npz", ".json") else path
    return path.with_name(path.name + ".npz"), path.with_name(path.name + ".json")
