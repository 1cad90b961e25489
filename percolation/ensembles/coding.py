"""Values as text and back, bit for bit: what tasks are called by and what comes of them. No code of a file is run."""

import base64
import importlib
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from tokenize import TokenError
from typing import Any

import numpy as np
import pandas as pd

OWN = ("percolation", "empirical", "papers")  # packages whose dataclasses are made again from text
# what numpy, JSON and constructors raise for damaged text, beside ValueError
DAMAGE = (KeyError, TypeError, AttributeError, EOFError, SyntaxError, TokenError, RecursionError, OverflowError)
MARK = "$"  # names the kind of what JSON has no word for


def encode(value: Any) -> str:
    """The value as JSON: numbers, text, lists, tuples, dicts, arrays, tables, and dataclasses of these."""
    return json.dumps(_said(value, _bytes_of, _own_name), separators=(",", ":"), allow_nan=False)


def decode(text: str) -> Any:
    """The value that `encode` was given; dataclasses are those of this package only."""
    try:
        return _meant(json.loads(text))
    except DAMAGE as error:
        raise ValueError(f"a kept result cannot be read, is it damaged? ({type(error).__name__}: {error})") from error


def named(value: Any) -> Any:
    """The value as JSON that tells it from others, without its bytes: an array is its shape and its digest."""
    return _said(value, _digest_of, _full_name)


def _said(value: Any, of_array: Callable[[np.ndarray], dict[str, Any]], of_class: Callable[[type], str]) -> Any:
    def inner(one: Any) -> Any:
        return _said(one, of_array, of_class)

    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {MARK: "float", "value": repr(value)}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return of_array(value)
    if isinstance(value, np.generic):
        return {MARK: "scalar", "of": of_array(np.asarray(value))}
    if type(value) is list:
        return [inner(one) for one in value]
    if type(value) is tuple:
        return {MARK: "tuple", "items": [inner(one) for one in value]}
    if type(value) is dict:
        plain = all(type(key) is str and key != MARK for key in value)
        items = {key: inner(one) for key, one in value.items()}
        return items if plain else {MARK: "dict", "items": [[inner(key), inner(one)] for key, one in value.items()]}
    if isinstance(value, np.random.SeedSequence):
        return {MARK: "seed", "state": inner(value.state)}
    if isinstance(value, pd.DataFrame):
        return {MARK: "table", "columns": [[str(name), inner(_column(value[name]))] for name in value]}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: inner(getattr(value, field.name)) for field in fields(value)}
        return {MARK: "made", "class": of_class(type(value)), "fields": parts}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {MARK: "made", "class": of_class(type(value)), "items": [inner(one) for one in value]}
    if isinstance(value, Exception):
        return {MARK: "made", "class": of_class(type(value)), "items": [inner(one) for one in value.args]}
    raise ValueError(f"cannot keep {type(value).__module__}.{type(value).__qualname__}: expected what JSON can say, "
                     "arrays, tables, and dataclasses of these")  # fmt: skip


def _meant(said: Any) -> Any:
    if isinstance(said, list):
        return [_meant(one) for one in said]
    if not isinstance(said, dict):
        return said
    if MARK not in said:
        return {key: _meant(one) for key, one in said.items()}
    return _KINDS[said[MARK]](said)


def _made(said: Mapping[str, Any]) -> Any:
    """A dataclass by its fields, as they were; a named tuple or an exception by its items."""
    kind = _class(said["class"])
    if "items" in said:
        return kind(*map(_meant, said["items"]))
    names = {field.name for field in fields(kind)}
    if names != said["fields"].keys():
        raise ValueError(f"{said['class']} has the fields {sorted(names)}, the store those of {sorted(said['fields'])}")
    value = object.__new__(kind)
    for name, one in said["fields"].items():
        object.__setattr__(value, name, _meant(one))
    return value


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    if module.split(".")[0] not in OWN or "." in qualified:
        raise ValueError(f"the store names {name}, which is no class of this package; is it damaged?")
    found = getattr(importlib.import_module(module), qualified, None)
    known = isinstance(found, type) and (is_dataclass(found) or issubclass(found, tuple | Exception))
    if not known:
        raise ValueError(f"the store names {name}, which is no dataclass of this package; is it damaged?")
    return found


def _full_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _own_name(kind: type) -> str:
    """The name by which `_class` finds it again."""
    if kind.__module__.split(".")[0] not in OWN or "." in kind.__qualname__:
        raise ValueError(f"cannot keep {kind.__module__}.{kind.__qualname__}: it is no class of this package")
    return _full_name(kind)


def _bytes_of(array: np.ndarray) -> dict[str, Any]:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return {MARK: "array", "npy": base64.b64encode(buffer.getvalue()).decode()}


def _digest_of(array: np.ndarray) -> dict[str, Any]:
    digest = sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return {MARK: "array", "dtype": array.dtype.str, "shape": list(array.shape), "sha256": digest}


def _array(said: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(np.load(io.BytesIO(base64.b64decode(said["npy"])), allow_pickle=False))


def _column(column: pd.Series) -> Any:
    values = column.to_numpy()
    return list(values) if values.dtype.hasobject else values


def _seed(said: Mapping[str, Any]) -> np.random.SeedSequence:
    return np.random.SeedSequence(**_meant(said["state"]))


_KINDS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "float": lambda said: float(said["value"]),
    "array": _array,
    "scalar": lambda said: _meant(said["of"])[()],
    "tuple": lambda said: tuple(_meant(said["items"])),
    "dict": lambda said: {_meant(key): _meant(one) for key, one in said["items"]},
    "seed": _seed,
    "table": lambda said: pd.DataFrame({name: _meant(column) for name, column in said["columns"]}),
    "made": _made,
}
