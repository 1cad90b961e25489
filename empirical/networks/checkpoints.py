"""Weights as people save them: state dicts bare or wrapped, with prefixes, in half precision, as safetensors.

Files are read with weights_only=True, or by safetensors: never with code that they bring.
"""

import argparse
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# where checkpoints keep the state dict of the network, the usual names first
WRAPPED = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "params", "state", "module")
# before the names of a state dict: DataParallel's, torch.compile's, Lightning's and others' attribute of the network
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.")
COMPILED = "_orig_mod."  # of a compiled part: stands in the middle as well
EXPECTED = "expected what torch.save(model.state_dict(), path) writes"
# what training scripts leave in a checkpoint beside tensors; none of it runs anything when it is made
HARMLESS: list[Any] = [
    argparse.Namespace,
    np.dtype,
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")),
    *((np._core.multiarray.scalar, f"numpy.{core}.multiarray.scalar") for core in ("_core", "core")),  # type: ignore[attr-defined]
]


@dataclass(frozen=True)
class Checkpoint:
    """The state dict that a file holds, and how it was taken, a line each."""

    state: dict[str, Tensor]
    notes: tuple[str, ...]
    where: str  # the file, for errors

    @property
    def last_layer(self) -> int:
        """Outputs of the layer that stands last, at least two: those of the network where its weights are in order."""
        return max(next((len(value) for value in reversed(self.state.values()) if value.ndim), 0), 2)


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """The state dict of a file: .safetensors, or what torch.save wrote, wrapped or not; prefixes are taken off.

    A checkpoint that holds several state dicts gives the one of the usual name, and says so.
    """
    path = Path(path)
    if not path.is_file():
        raise OSError(f"there is no file of weights {path}; give --weights random, imagenet or an existing file")
    content = _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    state, notes = _state_dict(content, path)
    state, more = _without_prefix(state)
    return Checkpoint(state, (*notes, *more, *_precision(state)), str(path))


@torch.no_grad()
def load(model: nn.Module, checkpoint: Checkpoint, what: str, unused: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Put the weights into the model; every one must fit, and none be left over. Returns what is to be said.

    what: the model in words. unused: what begins the names of weights that serve training only.
    """
    state = {name: value for name, value in checkpoint.state.items() if not name.startswith(unused or ("\0",))}
    own = model.state_dict()
    needed = [name for name in own if not name.endswith("num_batches_tracked")]
    state, notes = _those_behind_a_prefix(state, needed)
    missing = [name for name in needed if name not in state]
    extra = [name for name in state if name not in own]
    wrong = [name for name in own if name in state and own[name].shape != state[name].shape]
    problems = [f"{kind} {_some(names)}" for kind, names in (("lacks", missing), ("has besides", extra)) if names]
    for name in wrong[:1]:
        problems.append(f"gives {name} the shape {tuple(state[name].shape)} instead of {tuple(own[name].shape)}")
    if problems:
        raise ValueError(f"{checkpoint.where} does not hold the weights of {what}: it {', and '.join(problems)}")
    model.load_state_dict(state, strict=False)
    return (*checkpoint.notes, *notes)


def outputs(model: nn.Module, checkpoint: Checkpoint, guess: int) -> int:
    """Outputs of the network by the weights that have another shape in a model of so many; the guess if none have.

    Files need not hold their layers in order: safetensors sorts them by name.
    """
    own = model.state_dict()
    state, _ = _those_behind_a_prefix(checkpoint.state, [name for name in own if "num_batches_tracked" not in name])
    other = [name for name in own if name in state and own[name].shape != state[name].shape]
    last = [name for name in other if own[name].ndim and len(own[name]) == guess and state[name].ndim]
    counts = {len(state[name]) for name in last if own[name].shape[1:] == state[name].shape[1:]}
    if len(other) != len(last) or len(counts) != 1:
        return guess
    (found,) = counts
    if found < 2:
        raise ValueError(f"a network of at least 2 outputs is needed, {checkpoint.where} has {found} ({last[0]})")
    return found


def _torch(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of old protocols, before it refuses them
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for what is damaged, or holds more than tensors
        reason = " ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
        if objects := _objects(path):
            reason = f"it holds Python objects, {_some(objects)}, whose code is never run here"
        elif "weights_only" in reason:  # torch's own words offer to run the code
            reason = "it holds more than tensors, and its code is never run here"
        raise ValueError(f"{path} is no file of weights, or damaged ({reason}); {EXPECTED}") from error


def _objects(path: Path) -> list[str]:
    """What a file of torch.save needs beside tensors, by name."""
    try:
        with torch.serialization.safe_globals(HARMLESS):
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except Exception:  # of any kind: the file is damaged
        return []


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file
    except ImportError as error:
        raise ValueError(f"{path} needs the package safetensors: pip install safetensors") from error
    try:
        return load_file(path)
    except Exception as error:  # of its own kinds, which are no subclasses of ours
        raise ValueError(f"{path} is no safetensors file, or damaged ({error})") from error


def _state_dict(content: Any, path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The state dict in what a file held, and what is to be said of it."""
    if not isinstance(content, Mapping):
        raise ValueError(f"{path} must hold a state dict, names to tensors, got a {type(content).__name__}")
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    inner = {
        str(name): value for name, value in content.items() if isinstance(value, Mapping) and _is_state_dict(value)
    }
    if tensors and not inner:
        others = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
        return tensors, [f"weights: {_some(others)} left out, no tensors"] if others else []
    if not inner:
        keys = f" with keys {', '.join(map(str, list(content)[:4]))}" if content else ""
        raise ValueError(f"{path} must hold a state dict, names to tensors, got a {type(content).__name__}{keys}")
    chosen = next((name for name in WRAPPED if name in inner), None)
    if chosen is None and len(inner) > 1:
        raise ValueError(f"{path} holds several state dicts, {', '.join(inner)}; save the one that is meant alone")
    chosen = chosen or next(iter(inner))
    rest = [str(name) for name in content if str(name) != chosen]
    return dict(inner[chosen]), [
        f"weights: taken from {chosen!r} of the checkpoint" + (f", not {_some(rest)}" if rest else "")
    ]


def _is_state_dict(value: Mapping) -> bool:
    return bool(value) and all(isinstance(one, Tensor) for one in value.values())


def _without_prefix(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The names without what DataParallel, torch.compile, Lightning and others put before all of them."""
    taken: list[str] = []
    if any(COMPILED in name for name in state):
        state = {name.replace(COMPILED, ""): value for name, value in state.items()}
        taken.append(COMPILED)
    while prefix := next((one for one in PREFIXES if all(name.startswith(one) for name in state)), None):
        state = {name.removeprefix(prefix): value for name, value in state.items()}
        taken.append(prefix)
    return state, [f"weights: {', '.join(map(repr, taken))} taken off the names"] if taken else []


def _those_behind_a_prefix(state: dict[str, Tensor], needed: list[str]) -> tuple[dict[str, Tensor], list[str]]:
    """The part of the state dict behind one prefix that holds all that is needed, where the whole does not."""
    if not needed or all(name in state for name in needed):
        return state, []
    found = [name.removesuffix(needed[0]) for name in state if name.endswith(f".{needed[0]}")]
    prefixes = [one for one in found if all(one + name in state for name in needed)]
    if not prefixes:
        return _with_prefix(state, needed)
    prefix = next((one for one in PREFIXES if one in prefixes), prefixes[0])
    left = [name for name in state if not name.startswith(prefix)]
    part = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return part, [f"weights: those behind {prefix!r}" + (f", not {_some(left)}" if left else "")]


def _with_prefix(state: dict[str, Tensor], needed: list[str]) -> tuple[dict[str, Tensor], list[str]]:
    """The state dict under a prefix that all needed names have and its own have not: the model is the wrapper."""
    prefix = next((one for one in PREFIXES if all(name.startswith(one) for name in needed)), None)
    if prefix is None or not all(name.removeprefix(prefix) in state for name in needed):
        return state, []
    return {prefix + name: value for name, value in state.items()}, [f"weights: {prefix!r} put before the names"]


def _precision(state: dict[str, Tensor]) -> list[str]:
    kinds = {str(one.dtype).removeprefix("torch.") for one in state.values() if one.is_floating_point()}
    other = sorted(kinds - {"float32"})
    return [f"weights: {', '.join(other)} in the file, made float32"] if other else []


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
