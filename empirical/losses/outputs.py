"""The logits in what a network returns: a tensor, a dict or an object with `logits`, or a tuple."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Pick = str | int | Callable[[Any], Tensor]  # a key or attribute, a place in a tuple, or a function of the output


def logits_in(output: Any, pick: Pick | None = None) -> Tensor:
    """Logits (n, classes) of an output of the network.

    pick: which part of it; None: the tensor itself, its `logits`, or the first of a tuple.
    """
    if callable(pick):
        found = pick(output)
    elif pick is not None:
        found = _part(output, pick)
    elif isinstance(output, Tensor):
        return output
    else:
        found = _part(output, "logits")
        if found is None and isinstance(output, tuple | list) and output:
            found = output[0]
    if isinstance(found, Tensor):
        return found
    asked = f" at {pick!r}" if isinstance(pick, str | int) else ""
    raise ValueError(
        f"the network must return logits (n, classes), a dict or object with `logits`, or a tuple of them first, got "
        f"{_described(output)}{asked}; say where they are: logits='{_a_key(output)}', or a function of the output"
    )


def _part(output: Any, pick: str | int) -> Any:
    """output[pick], or its attribute; None where there is none."""
    if isinstance(pick, int):
        return output[pick] if isinstance(output, tuple | list) and -len(output) <= pick < len(output) else None
    return output.get(pick) if isinstance(output, Mapping) else getattr(output, pick, None)


def _a_key(output: Any) -> str:
    """A name that may be meant."""
    tensors = [str(key) for key, value in output.items() if isinstance(value, Tensor)] if _named(output) else []
    return next(iter(tensors), "NAME")


def _described(output: Any) -> str:
    if _named(output):
        return f"a {type(output).__name__} with {', '.join(map(str, list(output)[:4]))}"
    return f"a {type(output).__name__}"


def _named(output: Any) -> bool:
    return isinstance(output, Mapping)
