"""Rows of tensors: a state is a dict of tensors whose first axis is the row, so that rows can come and go."""

import torch
from torch import Tensor

State = dict[str, Tensor]
SMALLEST_ROOM = 64  # rows of a table that was never full


def length(state: State) -> int:
    """How many rows; none in a state without tensors."""
    return len(next(iter(state.values()))) if state else 0


def selected(state: State, rows: Tensor | slice) -> State:
    """The rows (m,) of a state, or those of a slice."""
    return {name: values[rows] for name, values in state.items()}


def joined(*states: State) -> State:
    """The rows of all, which have the same tensors; some may have none at all."""
    some = [state for state in states if state]
    if len(some) < 2:
        return some[0] if some else {}
    return {name: torch.cat([state[name] for state in some]) for name in some[0]}


def where(mask: Tensor) -> Tensor:
    """Rows (m,) at which a mask (n,) is true; on a device the host waits for their number."""
    return mask.nonzero().squeeze(1)


class Table:
    """A state whose rows are taken and given back; its room doubles where that does not do."""

    def __init__(self, **columns: Tensor) -> None:
        """columns: (0, *shape) each, of the dtype and on the device that its rows are to have."""
        device = next(iter(columns.values())).device
        self.columns: State = columns
        self.used = torch.empty(0, dtype=torch.bool, device=device)  # which of all rows are taken
        self.free = torch.empty(0, dtype=torch.long, device=device)  # the others, as they will be given out

    def __getitem__(self, name: str) -> Tensor:
        return self.columns[name]

    def __len__(self) -> int:
        """The room: rows taken and rows free."""
        return len(self.used)

    def take(self, **values: Tensor) -> Tensor:
        """Rows (n,) that were free, now with these values (n, *shape) of every column."""
        n = length(values)
        if len(self.free) < n:
            self._grow(n - len(self.free))
        rows, self.free = self.free[:n], self.free[n:]
        self.used[rows] = True
        for name, column in self.columns.items():
            column[rows] = values[name]
        return rows

    def give_back(self, rows: Tensor) -> None:
        self.used[rows] = False
        self.free = torch.cat([self.free, rows])

    def _grow(self, least: int) -> None:
        before = len(self)
        more = max(least, before, SMALLEST_ROOM)
        for name, column in self.columns.items():
            self.columns[name] = torch.cat([column, column.new_zeros(more, *column.shape[1:])])
        self.used = torch.cat([self.used, self.used.new_zeros(more)])
        self.free = torch.cat([self.free, torch.arange(before, before + more, device=self.free.device)])
