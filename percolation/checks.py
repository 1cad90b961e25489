"""Checks at the public door. Each says what was expected, what came, and the way out."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

KINDS = ("site", "bond")  # what is open or closed


def integer(name: str, value: object, *, at_least: int, at_most: int | None = None) -> int:
    """value as an int that is not below at_least, nor above at_most."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    if at_most is not None and value > at_most:
        raise ValueError(f"{name} must be at most {at_most}, got {value}")
    return int(value)


def seed(value: object) -> int:
    """A seed: an integer from 0 to 2^63 - 1, which every generator takes."""
    number = integer("seed", value, at_least=0)
    if number >= 2**63:
        raise ValueError(f"seed must be below 2^63, got {number}")
    return number


def finite(name: str, value: object) -> float:
    """value as a finite float."""
    number = _number(name, value)
    if not np.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {value}")
    return number


def positive(name: str, value: object) -> float:
    """value as a finite float above zero."""
    number = _number(name, value)
    if not (np.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a finite number above 0, got {value}")
    return number


def numbers(name: str, text: str) -> tuple[float, ...]:
    """A text like 0.5,0.5,0.5 as finite floats."""
    try:
        return tuple(finite(name, float(part)) for part in text.split(","))
    except ValueError as error:
        raise ValueError(f"{name} takes numbers with commas between, got {text!r}") from error


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None


def probabilities(p: object, name: str = "p") -> np.ndarray:
    """p as a float array whose values all lie in [0, 1]."""
    try:
        array = np.asarray(p, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers in [0, 1], got {p!r}") from None
    outside = ~((array >= 0) & (array <= 1))  # also true for NaN
    if outside.any():
        index = np.unravel_index(int(np.argmax(outside)), array.shape)
        where = f" at index {tuple(int(i) for i in index)}" if array.ndim else ""
        raise ValueError(f"{name} must lie in [0, 1], got {array[index]:.4g}{where}")
    return array


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """value if it is one of the choices; else an error that suggests the nearest."""
    choices = list(choices)
    if value in choices:
        return value
    nearest = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.4)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"unknown {name} {value!r}, expected one of {', '.join(choices)}{hint}")


def kind(value: str) -> str:
    """value if it is one of KINDS."""
    return one_of("kind", value, KINDS)


def of_axes(name: str, value: object, k: int) -> tuple[bool, ...]:
    """A bool for each of k axes, from one for all or one each."""
    own = (value,) * k if isinstance(value, bool | np.bool_) else tuple(value)  # type: ignore[arg-type]
    if len(own) != k:
        raise ValueError(f"{name} is a bool, or one for each of {k} axes, got {value!r}")
    return tuple(map(bool, own))


def edges(value: object, n_sites: int) -> np.ndarray:
    """Pairs of sites 0 ... n_sites - 1, (n_bonds, 2) integers."""
    try:
        pairs = np.asarray(value)
    except ValueError as error:
        raise ValueError("edges must be of shape (n_bonds, 2), got rows of different lengths") from error
    if pairs.size == 0:
        return np.empty((0, 2), dtype=np.int32)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise ValueError(f"edges must be integers of shape (n_bonds, 2), got {pairs.dtype} of shape {pairs.shape}")
    outside = ((pairs < 0) | (pairs >= n_sites)).any(axis=1)
    if outside.any():
        k = int(outside.argmax())
        raise ValueError(f"edge {k} joins {pairs[k, 0]} and {pairs[k, 1]}, but the sites are 0 ... {n_sites - 1}")
    return pairs


def output_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder, made if absent; an OSError of our own words where it cannot be written."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make the output folder {path}: {error.strerror}; choose another with --out") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise OSError(f"cannot write into the output folder {path}; choose another with --out")
    return path


def memory(what: str, n_bytes: float, way_out: str) -> None:
    """A ValueError if the machine has less memory than n_bytes: else the operating system ends the process."""
    present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if n_bytes > present:
        needed = n_bytes / 2**30 if n_bytes < 1e300 else np.inf
        raise ValueError(f"{what:.80} takes {needed:.3g} GiB, the machine has {present / 2**30:.3g}; {way_out}")
