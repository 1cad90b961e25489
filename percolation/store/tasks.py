"""What a task is, and the key by which its result is found again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from percolation import checks


@dataclass(frozen=True)
class Task:
    """A function's qualified name, its parameters and a seed; its result depends on nothing else.

    parameters: what JSON can say; numpy's scalars and arrays count as the numbers and lists that they hold.
    1 and 1.0 are different parameters, as they are in JSON.
    """

    function: str
    parameters: Mapping[str, Any]
    seed: int | Sequence[int]

    def __post_init__(self) -> None:
        if not self.function:
            raise ValueError("a task needs the qualified name of its function, got ''")
        numbers = [self.seed] if isinstance(self.seed, int | np.integer) else self.seed
        for number in numbers:
            checks.seed(number)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of function, parameters and seed, in hexadecimal."""
        parts = {"function": self.function, "parameters": self.parameters, "seed": self.seed}
        return sha256(canonical(parts).encode()).hexdigest()


def canonical(value: Any) -> str:
    """The one JSON text of a value: names sorted, no spaces, floats by their shortest digits, ASCII only.

    Equal values have equal texts and the reverse, so that a hash of the text names the value.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def from_row(function: str, parameters: str, seed: str) -> Task:
    """The task of three texts of the store."""
    return Task(function, json.loads(parameters), json.loads(seed))


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return checks.finite("a parameter", value)
    if isinstance(value, Mapping):
        strangers = [name for name in value if not isinstance(name, str)]
        if strangers:
            raise ValueError(f"names of parameters must be text, got {strangers[0]!r}")
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    raise ValueError(
        f"a parameter must be a number, text, true, false, null, or a list or mapping of these, "
        f"got {type(value).__name__} {value!r}"
    )
