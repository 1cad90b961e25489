"""What a task is: a function, parameters and a seed; its key and its random numbers follow from these alone."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from percolation import checks, files, seeds
from percolation.runs import coding

KINDS = {
    "raised": "the function raised an exception",
    "nan": "the result holds a number that is not finite",
    "hung": "the task was stopped at its timeout",
    "died": "the worker died three times on this task",
}


@dataclass(frozen=True)
class Task:
    """A function's qualified name, its parameters and a seed; its result depends on nothing else.

    parameters: what JSON can say; numpy's scalars and arrays count as the numbers and lists that they hold.
    1 and 1.0 are different parameters, as they are in JSON.
    seed: a number that the function takes; or entropy and spawn key of its SeedSequence.
    """

    function: str
    parameters: Mapping[str, Any]
    seed: int | tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.function:
            raise ValueError("a task needs the qualified name of its function, got ''")
        if not isinstance(self.seed, int | np.integer):
            object.__setattr__(self, "seed", tuple(self.seed))
        for number in self.seed if isinstance(self.seed, tuple) else [self.seed]:
            checks.seed(number)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of function, parameters and seed, in hexadecimal."""
        parts = {"function": self.function, "parameters": self.parameters, "seed": self.seed}
        return sha256(canonical(parts).encode()).hexdigest()

    @property
    def realisation(self) -> int:
        """Number of the realisation in its case; the seed itself where that is one number."""
        return self.seed[-1] if isinstance(self.seed, tuple) else self.seed

    def __str__(self) -> str:
        parameters = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        first = self.seed[0] if isinstance(self.seed, tuple) else self.seed
        return f"{self.function}({parameters}; seed {first}, realisation {self.realisation})"


@dataclass(frozen=True)
class Outcome:
    """What came of a task: a result; or a failure of one of KINDS, left out of every mean, and counted."""

    task: Task
    value: Any = None
    kind: str = ""  # of failure
    message: str = ""
    traceback: str = ""
    wall: float | None = None  # seconds
    cpu: float | None = None

    def __str__(self) -> str:
        return f"{self.task} {self.kind}: {self.message}" if self.kind else f"{self.task}: {self.value}"


def case_seed(function: str, parameters: Mapping[str, Any], seed: int) -> np.random.SeedSequence:
    """Parent of the seeds of a case's realisations: it depends on the case alone, not on what else is in the grid."""
    return seeds.of(f"{function} {canonical(parameters)}", seed)


def numbers_of(sequence: np.random.SeedSequence) -> tuple[int, ...]:
    """Entropy and spawn key: what makes the sequence again."""
    if not isinstance(sequence.entropy, int) or sequence.pool_size != 4:
        raise ValueError(f"a task's seed has one number as its entropy and a pool of 4 words, got {sequence}")
    return (sequence.entropy, *sequence.spawn_key)


def sequence_of(numbers: tuple[int, ...]) -> np.random.SeedSequence:
    """The sequence of `numbers_of`; none of its children are spawned yet."""
    return np.random.SeedSequence(numbers[0], spawn_key=numbers[1:])


def namer(function: Callable[[Any], Any]) -> Callable[[Any], Task]:
    """What makes the task of function(item) from the item; a ValueError if there is no name for it.

    By the function's own method `task`, if it has one; else by its name, its arguments by theirs, and its seed: the one
    SeedSequence among the arguments, or the number that is called seed.
    """
    if hasattr(function, "task"):
        return function.task
    inner, arguments, keywords = _unwrapped(function)
    name, mark = name_of(inner), object()
    shared = dict(inspect.signature(inner).bind(*arguments, mark, **keywords).arguments)
    place = next((one for one, value in shared.items() if value is mark), "")
    if not shared.pop(place, None):
        raise ValueError(f"{name} takes the item as one of several without a name")
    seeds_ = {one: value for one, value in shared.items() if one == "seed" or isinstance(value, np.random.SeedSequence)}
    known = {one: named(value) for one, value in shared.items() if one not in seeds_}

    def name_it(item: Any) -> Task:
        rest: dict[str, Any] = {**seeds_, place: item}
        sequences = [one for one, value in rest.items() if isinstance(value, np.random.SeedSequence)]
        seed: int | tuple[int, ...] = 0  # also of a task that draws nothing
        if len(sequences) == 1:
            seed = numbers_of(rest.pop(sequences[0]))
        elif type(rest.get("seed")) is int:
            seed = rest.pop("seed")
        return Task(name, known | {one: named(value) for one, value in rest.items()}, seed)

    return name_it


def named(value: Any) -> Any:
    """An argument as JSON that tells it from others: an array by its digest, a function by its name and its code."""

    def first(one: Any) -> Any:
        if isinstance(one, np.float64 | np.int64 | np.bool_):
            return one.item()
        if type(one) is tuple:
            return [*one]
        if isinstance(one, partial):
            return {"function": one.func, "arguments": [*one.args], "keywords": one.keywords}
        if inspect.isroutine(one):
            owner = [one.__self__] if inspect.ismethod(one) else []
            return {"function": name_of(one), "code": code_of(one), "owner": owner}
        return one

    return coding.as_json(value, _digest_of, lambda kind: f"{kind.__module__}:{kind.__qualname__}", first)


def _digest_of(array: np.ndarray) -> dict[str, Any]:
    digest = sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {"array": array.dtype.str, "shape": list(array.shape), "sha256": digest}


def name_of(function: Callable[..., Any]) -> str:
    """Qualified name by which the store knows the function."""
    name = getattr(function, "__qualname__", "")
    if not inspect.isroutine(function) or "<" in name:
        raise ValueError(
            f"the task must be a function at the top of a module, got {function!r}: a result is kept under its name"
        )
    return f"{function.__module__}.{name}"


def code_of(function: Callable[..., Any]) -> str:
    """What the version of this package does not stand for: module and digest of the file of a function of yours."""
    function = _unwrapped(function)[0]
    module = inspect.getmodule(function)
    name = "" if module is None else module.__name__
    if name.split(".")[0] in files.packages():
        return ""
    try:
        return f"{name}:{sha256(Path(inspect.getsourcefile(function) or '').read_bytes()).hexdigest()[:12]}"
    except (OSError, TypeError):
        return ""


def _unwrapped(function: Callable[..., Any]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
    """Function, first arguments and keywords of a partial, or of a method, whose owner is the first argument."""
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = {}
    while isinstance(function, partial):
        arguments, keywords = (*function.args, *arguments), function.keywords | keywords
        function = function.func
    if inspect.ismethod(function):
        arguments, function = (function.__self__, *arguments), function.__func__
    return function, arguments, keywords


def canonical(value: Any) -> str:
    """The one JSON text of a value: names sorted, no spaces, floats by their shortest digits, ASCII only.

    Equal values have equal texts and the reverse, so that a hash of the text names the value.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise ValueError(f"a parameter must be what JSON can say, got {type(value).__name__} {value!r}")
