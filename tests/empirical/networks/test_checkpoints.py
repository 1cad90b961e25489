"""State dicts as people save them: each is read, said in a line, and gives the network that was saved."""

import argparse

import numpy as np
import pytest
import torch
from torch import nn

from empirical.networks import checkpoints, models
from empirical.networks.taken import notes_of

SHAPE = (3, 8, 8)


@pytest.fixture(scope="module")
def model():
    return models.untrained("cnn", SHAPE, 4, seed=5)


@pytest.fixture(scope="module")
def x():
    return torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(0))


def put_before(prefix, state):
    return {prefix + name: value for name, value in state.items()}


# what is saved of a state dict, and what is said of it
SAVED = {
    "bare": (lambda state: state, []),
    "data parallel": (lambda state: put_before("module.", state), ["weights: 'module.' taken off the names"]),
    "compiled": (lambda state: put_before("_orig_mod.", state), ["weights: '_orig_mod.' taken off the names"]),
    "both": (
        lambda state: put_before("_orig_mod.module.", state),
        ["weights: '_orig_mod.', 'module.' taken off the names"],
    ),
    "a compiled part": (
        lambda state: {name.replace(".", "._orig_mod.") if name[0] == "0" else name: x for name, x in state.items()},
        ["weights: '_orig_mod.' taken off the names"],
    ),
    "lightning": (
        lambda state: {
            "epoch": 3,
            "version": "2.4",
            "state_dict": put_before("model.", state) | {"criterion.weight": torch.ones(9)},
            "hyper_parameters": {"lr": 0.1},
        },
        [
            "weights: taken from 'state_dict' of the checkpoint, not epoch, version, hyper_parameters",
            "weights: those behind 'model.', not criterion.weight",
        ],
    ),
    "a training script": (
        lambda state: {
            "model": state,
            "model_ema": {name: x + 1 for name, x in state.items()},
            "optimizer": {"state": {0: {"step": torch.zeros(1)}}, "param_groups": [{"lr": 0.1}]},
            "epoch": 7,
            "best": np.float64(0.9),
            "args": argparse.Namespace(lr=0.1),
        },
        ["weights: taken from 'model' of the checkpoint, not model_ema, optimizer, epoch and 2 more"],
    ),
    "an own name": (lambda state: {"generator": state}, ["weights: taken from 'generator' of the checkpoint"]),
    "half": (
        lambda state: {name: x.half() for name, x in state.items()},
        ["weights: float16 in the file, made float32"],
    ),
    "bfloat16": (
        lambda state: {name: x.bfloat16() for name, x in state.items()},
        ["weights: bfloat16 in the file, made float32"],
    ),
    "numbers beside": (lambda state: state | {"epoch": 3}, ["weights: epoch left out, no tensors"]),
}


@pytest.mark.parametrize("kind", SAVED)
def test_it_is_read_and_said(kind, model, x, tmp_path):
    change, said = SAVED[kind]
    torch.save(change(model.state_dict()), tmp_path / "saved.pt")
    found = models.pretrained("cnn", tmp_path / "saved.pt", SHAPE)
    assert notes_of(found) == said and not found.training
    assert all(one.dtype == torch.float32 for one in found.state_dict().values())
    tolerance = {"half": 1e-2, "bfloat16": 5e-2}.get(kind, 0.0)
    torch.testing.assert_close(found(x), model(x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("half", [False, True])
def test_safetensors(half, model, x, tmp_path):
    saving = pytest.importorskip("safetensors.torch")
    state = {name: value.half() if half else value for name, value in model.state_dict().items()}
    saving.save_file(state, tmp_path / "saved.safetensors")
    found = models.pretrained("cnn", tmp_path / "saved.safetensors", SHAPE)
    torch.testing.assert_close(found(x), model(x), rtol=1e-2 if half else 0.0, atol=1e-2 if half else 0.0)
    assert notes_of(found) == (["weights: float16 in the file, made float32"] if half else [])
    (tmp_path / "saved.safetensors").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match="saved.safetensors is no safetensors file, or damaged"):
        checkpoints.read(tmp_path / "saved.safetensors")


def test_without_safetensors_the_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors.torch", None)
    (tmp_path / "saved.safetensors").write_bytes(b"anything")
    with pytest.raises(ValueError, match="needs the package safetensors: pip install safetensors"):
        checkpoints.read(tmp_path / "saved.safetensors")


def test_a_wrapping_network_takes_bare_names(model, x):
    """The user's class holds the network in an attribute, the file was saved from the network alone."""

    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = models.untrained("cnn", SHAPE, 4, seed=6)

        def forward(self, x):
            return self.model(x)

    wrapper = Wrapper()
    checkpoint = checkpoints.Checkpoint(model.state_dict(), (), "a file")
    assert checkpoints.load(wrapper, checkpoint, "Wrapper") == ("weights: 'model.' put before the names",)
    assert torch.equal(wrapper(x), model(x))


def test_layers_in_any_order_count_the_classes(model, x, tmp_path):
    """Files sorted otherwise, or with what belongs to the training behind: the weights that do not fit tell."""
    state = dict(reversed(model.state_dict().items()))
    torch.save(put_before("model.", state) | {"criterion.weight": torch.ones(9)}, tmp_path / "saved.pt")
    assert torch.equal(models.pretrained("cnn", tmp_path / "saved.pt", SHAPE)(x), model(x))
