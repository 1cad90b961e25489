"""Values as bytes and back, bit for bit: what tasks are called by and what comes of them. No code of a file is run."""

import importlib
import io
import json
import math
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import partial
from tokenize import TokenError
from typing import Any

import numpy as np

from percolation import files

MARK = "$"  # names the kind of what JSON has no word for
# what numpy, JSON and constructors raise for damaged bytes, beside ValueError
DAMAGE = (
    LookupError,
    TypeError,
    AttributeError,
    EOFError,
    SyntaxError,
    TokenError,
    RecursionError,
    OverflowError,
    ImportError,
)
LARGEST_HEAD = 10_000  # bytes, before which the head of an array ends


def encode(value: Any) -> bytes:
    """The value as JSON, a line end, and its arrays in numpy's format, one after the other.

    Numbers, text, lists, tuples, dicts, arrays, tables, and dataclasses, named tuples and exceptions of this package.
    """
    arrays = io.BytesIO()

    def put(array: np.ndarray) -> dict[str, Any]:
        at = arrays.tell()
        np.save(arrays, array, allow_pickle=False)
        return {MARK: "array", "at": at}

    text = json.dumps(as_json(value, put, _own_name), separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n" + arrays.getvalue()


def decode(data: bytes, *, build: bool = True) -> Any:
    """The value that `encode` was given; its classes are those of this package only.

    build=False: classes as mappings, of their names and their fields, for whoever only looks at a file.
    """
    try:
        text, _, arrays = data.partition(b"\n")
        return json.loads(text, object_hook=partial(_decoded, io.BytesIO(arrays), build))
    except DAMAGE as error:
        raise ValueError(f"a kept result cannot be read, is it damaged? ({type(error).__name__}: {error})") from error


def as_json(
    value: Any,
    of_array: Callable[[np.ndarray], dict[str, Any]],
    of_class: Callable[[type], str],
    first: Callable[[Any], Any] = lambda one: one,
) -> Any:
    """The value as JSON, its arrays and classes as these say; first: what is put in the place of a part."""

    def inner(one: Any) -> Any:
        return as_json(one, of_array, of_class, first)

    value = first(value)
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {MARK: "float", "value": repr(value)}
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return of_array(value)
    if isinstance(value, np.generic):
        if value.dtype.kind in "biufc":
            return {MARK: "scalar", "dtype": value.dtype.str, "bytes": value.tobytes().hex()}
        return {MARK: "item", "of": of_array(np.asarray(value))}
    if type(value) is list:
        return [inner(one) for one in value]
    if type(value) is tuple:
        return {MARK: "tuple", "items": [inner(one) for one in value]}
    if type(value) is dict:
        if all(type(key) is str and key != MARK for key in value):
            return {key: inner(one) for key, one in value.items()}
        return {MARK: "dict", "items": [[inner(key), inner(one)] for key, one in value.items()]}
    if isinstance(value, np.random.SeedSequence):
        return {MARK: "seed", "state": inner(value.state)}
    if (pandas := sys.modules.get("pandas")) is not None and isinstance(value, pandas.DataFrame):
        return {MARK: "table", "columns": [[str(name), inner(_column(value[name]))] for name in value]}
    if _is_made(type(value)):
        made = {MARK: "made", "class": of_class(type(value))}
        if is_dataclass(value):
            return made | {"fields": {field.name: inner(getattr(value, field.name)) for field in fields(value)}}
        return made | {"items": [inner(one) for one in (value.args if isinstance(value, Exception) else value)]}
    raise ValueError(f"cannot keep {type(value).__module__}.{type(value).__qualname__}: expected what JSON can say, "
                     "arrays, tables, and dataclasses of these")  # fmt: skip


def _decoded(arrays: io.BytesIO, build: bool, stored: dict[str, Any]) -> Any:
    """The value that a mapping of the JSON stands for, what is in it being decoded already."""
    match stored.get(MARK):
        case None:
            return stored
        case "float":
            return float(stored["value"])
        case "array":
            arrays.seek(stored["at"])
            return np.asarray(np.lib.format.read_array(arrays, allow_pickle=False, max_header_size=LARGEST_HEAD))
        case "scalar":
            return np.frombuffer(bytes.fromhex(stored["bytes"]), np.dtype(stored["dtype"]))[0]
        case "item":
            return stored["of"][()]
        case "tuple":
            return tuple(stored["items"])
        case "dict":
            return {key: one for key, one in stored["items"]}
        case "seed":
            return np.random.SeedSequence(**stored["state"])
        case "table":
            import pandas as pd

            return pd.DataFrame({name: column for name, column in stored["columns"]})
        case "made":
            return _made(stored["class"], stored["items"] if "items" in stored else stored["fields"], build)
    raise ValueError(f"unknown kind of value {stored[MARK]!r}")


def _made(name: str, parts: Any, build: bool) -> Any:
    """A dataclass by its fields, as they were; a named tuple or an exception by its items."""
    if not build:
        return {"class": name} | (parts if isinstance(parts, dict) else {"items": parts})
    kind = _class(name)
    if isinstance(parts, list):
        return kind._make(parts) if issubclass(kind, tuple) else kind(*parts)
    if (names := {field.name for field in fields(kind)}) != parts.keys():
        raise ValueError(f"{name} has the fields {sorted(names)}, the store those of {sorted(parts)}")
    value = object.__new__(kind)
    for field, one in parts.items():
        object.__setattr__(value, field, one)
    return value


def _is_made(kind: type) -> bool:
    return is_dataclass(kind) or issubclass(kind, Exception) or (issubclass(kind, tuple) and hasattr(kind, "_make"))


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    if module.split(".")[0] not in files.packages() or "." in qualified:
        raise ValueError(f"the store names {name}, which is no class of this package; is it damaged?")
    found = getattr(importlib.import_module(module), qualified, None)
    if not (isinstance(found, type) and _is_made(found)):
        raise ValueError(f"the store names {name}, which is no dataclass of this package; is it damaged?")
    return found


def _own_name(kind: type) -> str:
    """The name by which `_class` finds it again."""
    if kind.__module__.split(".")[0] not in files.packages() or "." in kind.__qualname__:
        raise ValueError(f"cannot keep {kind.__module__}.{kind.__qualname__}: it is no class of this package")
    return f"{kind.__module__}:{kind.__qualname__}"


def _column(column: Any) -> Any:
    values = column.to_numpy()
    return list(values) if values.dtype.hasobject else values
