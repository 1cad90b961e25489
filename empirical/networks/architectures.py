"""How to build each network, and what it is usually given: shape, initialisation, normalisation, step.

A network goes by its name in ARCHITECTURES, by that of another package (timm:resnet18, see `libraries`), or by
`module:factory` where the factory is the user's own.
"""

import importlib
import inspect
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from empirical.data.tensors import CENTRED, IMAGENET, Normalisation
from empirical.losses.outputs import logits_in
from empirical.networks import libraries, wide
from percolation import checks

INITIALISATIONS = ("he", "pytorch")


class Normalised(nn.Module):
    """A network with its input normalisation: x -> network((x - mean) / std), so that points are pictures in [0, 1]."""

    mean: Tensor
    std: Tensor
    bounds = (0.0, 1.0)  # of a coordinate

    def __init__(self, network: nn.Module, normalisation: Normalisation) -> None:
        super().__init__()
        # channels last: 20 to 30 % faster at 224 pixels on a CPU, level at 32
        self.network = network.to(memory_format=torch.channels_last)
        self.normalisation = normalisation
        # no part of the state dict, which is the network's own
        self.register_buffer("mean", torch.tensor(normalisation.mean), persistent=False)
        self.register_buffer("std", torch.tensor(normalisation.std), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if len(self.mean) not in (1, x.shape[1]):
            raise RuntimeError(f"the normalisation is of {len(self.mean)} channels, the points have {x.shape[1]}")
        of_channels = (-1, *[1] * (x.ndim - 2))
        if x.ndim == 4:
            x = x.contiguous(memory_format=torch.channels_last)
        return self.network((x - self.mean.view(of_channels)) / self.std.view(of_channels))


@dataclass(frozen=True)
class Architecture:
    """How to build a network for inputs of a shape, and the initialisation it is usually given."""

    build: Callable[..., nn.Module]  # (shape, n_classes, **options)
    space: int | None  # axes of an input behind its channels; None: any shape will do
    channels: int = 1
    dimension: int = 64  # of an input, where neither user nor data say
    initialisation: str = "he"  # "own": the factory's, as of a network which the user wrote
    step: float = 0.05  # of the search for class-optimal inputs; the article's
    finder_step: float | None = None  # of the finder between untrained inputs, where the usual one is too long
    normalisation: Normalisation | None = None  # that its published weights, or a state dict of one's own, expect
    unused: tuple[str, ...] = ()  # what begins the keys of published weights that serve training only
    shape: tuple[int, ...] | None = None  # of an input, where a factory says it by an attribute `input_shape`
    users: bool = False  # made by code of the user's, and tried before it is believed
    fixed_outputs: bool = False  # as many as its factory says, who is told nothing


def mlp(shape: tuple[int, ...], n_classes: int, width: int = 256, depth: int = 3) -> nn.Module:
    """A ReLU network with `depth` hidden layers."""
    widths = [math.prod(shape)] + [width] * depth
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, n_classes))


def cnn1d(shape: tuple[int, ...], n_classes: int, width: int = 32) -> nn.Module:
    """Three strided convolutions over a signal (channels, length) and a linear layer on all that is left."""
    return _convolutional(nn.Conv1d, shape, n_classes, width)


def cnn(shape: tuple[int, ...], n_classes: int, width: int = 32) -> nn.Module:
    """Three convolutions over an image (channels, height, width), two of them strided, and a linear layer."""
    return _convolutional(nn.Conv2d, shape, n_classes, width)


def resnet18(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's ResNet-18; untrained and in evaluation mode its batch norms are the identity."""
    return _torchvision("resnet18", shape, n_classes)


def resnet50(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's ResNet-50."""
    return _torchvision("resnet50", shape, n_classes)


def googlenet(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's GoogLeNet without its two auxiliary classifiers, which serve training only."""
    if min(shape[1:]) < 15:
        raise ValueError(f"googlenet takes images of 15 pixels and more a side, got shape {shape}")
    return _torchvision("googlenet", shape, n_classes, aux_logits=False, init_weights=False)


def vgg16(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's VGG-16; it pools to 7x7 before its linear layers, so that it takes images from 32x32."""
    if min(shape[1:]) < 32:
        raise ValueError(f"vgg16 takes images of 32 pixels and more a side, got shape {shape}")
    return _torchvision("vgg16", shape, n_classes)


def vit_b_16(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's ViT-B/16: square images whose side is a multiple of its patches of 16 pixels.

    torchvision starts the last layer at zero, which knows no class; here it is drawn like the layers before it,
    normal of standard deviation 1/sqrt(fan-in) cut at two of them.
    """
    height, width = shape[1:]
    if height != width or height % 16:
        side = max(16 * round(height / 16), 16)
        raise ValueError(f"vit_b_16 takes square images of a side that 16 divides, got shape {shape}; try {side}")
    network = _torchvision("vit_b_16", shape, n_classes, image_size=height)
    head = network.heads.head  # type: ignore[union-attr]
    nn.init.trunc_normal_(head.weight, std=head.in_features**-0.5)  # type: ignore[union-attr, operator, arg-type]
    return network


def efficientnet_lite0(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """EfficientNet-Lite0 of the package efficientnet-lite-pytorch; its padding is built for square images of one side.

    Source: Tan and Le, arXiv:1905.11946 (2019); the Lite variants are TensorFlow's (2020).
    """
    _of_three_channels("efficientnet_lite0", shape)
    if shape[1] != shape[2]:
        raise ValueError(f"efficientnet_lite0 takes square images, got shape {shape}")
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ValueError(
            "efficientnet_lite0 needs the package efficientnet-lite-pytorch: "
            "pip install 'highdim-percolation[imagenet]'"
        ) from error
    return EfficientNet.from_name("efficientnet-lite0", image_size=shape[1], num_classes=n_classes)


ARCHITECTURES = {
    "mlp": Architecture(mlp, space=None),
    **{
        one.__name__: Architecture(one, space=None, dimension=12, initialisation="own")
        for one in (wide.tanh, wide.erf, wide.sin)
    },
    "cnn1d": Architecture(cnn1d, space=1, dimension=40),
    "cnn": Architecture(cnn, space=2),
    "resnet18": Architecture(resnet18, 2, 3, 3072, initialisation="pytorch", normalisation=IMAGENET),
    "resnet50": Architecture(resnet50, 2, 3, 3072, initialisation="pytorch", normalisation=IMAGENET),
    # torchvision's transform_input maps its ImageNet normalisation back to (x - 0.5) / 0.5, which is done here at once
    "googlenet": Architecture(googlenet, 2, 3, 3072, normalisation=CENTRED, unused=("aux1.", "aux2.")),
    "vgg16": Architecture(vgg16, 2, 3, 3072, normalisation=IMAGENET),
    # its layer norms forget the size of the input: a small step
    "vit_b_16": Architecture(
        vit_b_16, 2, 3, 3072, initialisation="pytorch", step=0.005, finder_step=0.005, normalisation=IMAGENET
    ),
    # ReLU6 saturates. Of two pairs at 64x64, in at most 8 rounds: connected 2 by finder steps of 0.005, 1 by 0.01,
    # none by 0.02 or 0.05
    "efficientnet_lite0": Architecture(
        efficientnet_lite0, 2, 3, 12288, step=0.02, finder_step=0.005, normalisation=CENTRED
    ),
}


def find(name: str) -> Architecture:
    """The architecture of this name, of another package's, or of a `module:factory` which can be imported from here."""
    if libraries.is_of_a_library(name):
        return _of_a_library(name)
    if ":" in name:
        return _of_a_factory(name)
    if name not in ARCHITECTURES and name.endswith(".py"):
        raise ValueError(f"a network of your own goes by module:factory, got {name!r}; try {name[:-3]}:NAME")
    return ARCHITECTURES[checks.one_of("network", name, ARCHITECTURES)]


def checked_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, if the network takes inputs of it."""
    space = find(name).space
    if space not in (None, len(shape) - 1):
        raise ValueError(f"{name} takes inputs of shape (channels, *{space} axes), got {shape}")
    return shape


def he(layer: nn.Module) -> None:
    """He's initialisation: normal, variance 2 / fan-in, biases zero."""
    if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _convolutional(
    convolution: Callable[..., nn.Module], shape: tuple[int, ...], n_classes: int, width: int
) -> nn.Module:
    body = nn.Sequential(
        convolution(shape[0], width, 5, stride=2, padding=2),
        nn.ReLU(),
        convolution(width, width, 3, stride=2, padding=1),
        nn.ReLU(),
        convolution(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    with torch.no_grad():
        n_features = body(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(*body, nn.Linear(n_features, n_classes))


def _torchvision(name: str, shape: tuple[int, ...], n_classes: int, **options: Any) -> nn.Module:
    from torchvision.models import get_model

    _of_three_channels(name, shape)
    return get_model(name, weights=None, num_classes=n_classes, **options)


def _of_three_channels(name: str, shape: tuple[int, ...]) -> None:
    if shape[0] != 3:
        raise ValueError(f"{name} takes images of 3 channels, got shape {shape}")


def _of_a_library(name: str) -> Architecture:
    """torchvision:NAME, timm:NAME or transformers:FOLDER; one that is known here keeps its rules."""
    about = libraries.described(name)
    library, _, which = name.partition(":")
    if library == "torchvision" and which in ARCHITECTURES:
        return replace(ARCHITECTURES[which], shape=about["shape"])
    channels, dimension = about["shape"][0], math.prod(about["shape"])
    return Architecture(space=2, channels=channels, dimension=dimension, initialisation="own", users=True, **about)


def _of_a_factory(name: str) -> Architecture:
    """The architecture of `module:factory`; factory(shape, n_classes), or factory() where it takes no arguments."""
    factory = _imported(name)

    fixed = not _takes_arguments(factory)

    def build(shape: tuple[int, ...], n_classes: int | None, **options: Any) -> nn.Module:
        arguments = () if fixed else (shape, n_classes)
        try:
            made = factory(*arguments, **options)
        except (Exception, SystemExit) as error:  # whatever the user's code raises; her own words are the reason
            raise ValueError(f"the network {name} cannot be made: {type(error).__name__}: {error}") from error
        if not isinstance(made, nn.Module):
            raise ValueError(f"{name} must return a torch.nn.Module, got {type(made).__name__}")
        return _of_these_outputs(name, made.eval(), shape, n_classes)

    shape = getattr(factory, "input_shape", None)
    return Architecture(build, space=None, initialisation="own", shape=shape, users=True, fixed_outputs=fixed)


def _imported(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    with _importable_from_here():
        try:
            found: Any = importlib.import_module(module)
        except (Exception, SystemExit) as error:  # the module is the user's: anything may go wrong in it
            raise ValueError(
                f"cannot import the module {module!r} of the network {name!r}: {error}; "
                "give module:factory, both importable from the current folder"
            ) from error
    if not callable(getattr(found, attribute, None)):
        near = [one for one in dir(found) if callable(getattr(found, one)) and not one.startswith("_")]
        checks.one_of(f"factory of {module}", attribute, near)
    return getattr(found, attribute)


@contextmanager
def _importable_from_here() -> Iterator[None]:
    """Modules of the current folder can be imported, as they can by `python -m`."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _takes_arguments(factory: Callable[..., Any]) -> bool:
    """Whether the factory wants (shape, n_classes): it has two positional parameters."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(factory).parameters.values()
    return sum(one.kind in positional for one in parameters) >= 2


@torch.no_grad()
def _of_these_outputs(name: str, network: nn.Module, shape: tuple[int, ...], n_classes: int | None) -> nn.Module:
    """The network, if it maps (1, *shape) to (1, n_classes); None: any number of classes."""
    try:
        out = tuple(logits_in(network(torch.zeros(1, *shape))).shape)
    except (Exception, SystemExit) as error:  # the forward pass is the user's
        raise ValueError(f"the network {name} cannot take an input of shape {shape}: {error}") from error
    if n_classes is not None and out != (1, n_classes):
        raise ValueError(f"the network {name} must give (n, {n_classes}) logits, got {('n', *out[1:])}")
    return network
