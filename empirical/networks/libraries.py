"""Networks of other packages by name: torchvision:resnet50, timm:NAME, transformers:FOLDER, where these are installed.

Nothing is downloaded: weights are passed as a file, or lie on disk already, or are random.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from empirical.data.tensors import CENTRED, IMAGENET, Normalisation
from percolation import checks

LIBRARIES = ("torchvision", "timm", "transformers")
SIDE = 224  # pixels, where a package does not say
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # in a folder of transformers, the usual first
# auxiliary classifiers of torchvision, which serve training only
AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}

Built = Callable[..., nn.Module]  # (shape, n_classes)


def is_of_a_library(name: str) -> bool:
    """Whether a network goes by the name of a package: timm:resnet18."""
    return name.partition(":")[0] in LIBRARIES


def described(name: str) -> dict[str, Any]:
    """How to build it, the shape of an input, its normalisation and more: what `Architecture` is made of."""
    library, _, which = name.partition(":")
    return {"torchvision": _torchvision, "timm": _timm, "transformers": _transformers}[library](which)


def weights_on_disk(name: str) -> Path | None:
    """The published weights of a network, where they lie on this machine: in a folder of transformers, timm's cache."""
    library, _, which = name.partition(":")
    if library == "transformers":
        return next((path for one in WEIGHTS if (path := Path(which) / one).is_file()), None)
    if library == "timm":
        return _in_timms_cache(which)
    return None


def with_its_weights(name: str) -> nn.Module:
    """A network of transformers as it lies in its folder."""
    transformers, folder = _imported("transformers", name), name.partition(":")[2]
    made = transformers.AutoModelForImageClassification
    return _built(name, lambda: made.from_pretrained(folder, local_files_only=True).eval())


def _torchvision(name: str) -> dict[str, Any]:
    import torchvision
    from torchvision.models import get_model, get_model_weights, list_models

    checks.one_of("network of torchvision", name, list_models(module=torchvision.models))
    published = get_model_weights(name)["IMAGENET1K_V1"].transforms()
    options: dict[str, Any] = {"aux_logits": False, "init_weights": False} if name in AUXILIARY else {}

    def build(shape: tuple[int, ...], n_classes: int) -> nn.Module:
        own = options | ({"image_size": shape[1]} if name.startswith("vit_") else {})
        return _built(f"torchvision:{name}", lambda: get_model(name, weights=None, num_classes=n_classes, **own))

    # torchvision's transform_input maps its ImageNet normalisation back to (x - 0.5) / 0.5, which is done here at once
    normalisation = CENTRED if name in AUXILIARY else Normalisation(tuple(published.mean), tuple(published.std))
    side = published.crop_size[0]
    unused = AUXILIARY.get(name, ())
    return {"build": build, "shape": (3, side, side), "normalisation": normalisation, "unused": unused}


def _timm(name: str) -> dict[str, Any]:
    timm = _imported("timm", name)
    checks.one_of("network of timm", name, timm.list_models())
    config = timm.get_pretrained_cfg(name)

    def build(shape: tuple[int, ...], n_classes: int) -> nn.Module:
        options: dict[str, Any] = {"pretrained": False, "num_classes": n_classes, "in_chans": shape[0]}
        if shape[1:] != tuple(usual[1:]):
            options["img_size"] = shape[1:]  # which only some networks ask for
            try:
                return timm.create_model(name, **options)
            except TypeError:
                del options["img_size"]
        return _built(f"timm:{name}", lambda: timm.create_model(name, **options))

    usual = (3, SIDE, SIDE) if config is None else config.input_size
    normalisation = IMAGENET if config is None else Normalisation(tuple(config.mean), tuple(config.std))
    return {"build": build, "shape": tuple(usual), "normalisation": normalisation}


def _transformers(folder: str) -> dict[str, Any]:
    path = Path(folder)
    if not (path / "config.json").is_file():
        raise OSError(
            f"there is no config.json in {path}; transformers:FOLDER takes what save_pretrained(FOLDER) writes"
        )
    transformers = _imported("transformers", folder)
    try:
        config = transformers.AutoConfig.from_pretrained(path, local_files_only=True)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"{path / 'config.json'} is of no network that transformers knows: {error}") from error
    shown = _read(path / "preprocessor_config.json")
    normalisation = None
    if shown.get("image_mean") and shown.get("image_std"):
        normalisation = Normalisation(tuple(shown["image_mean"]), tuple(shown["image_std"]))
    side = getattr(config, "image_size", None) or _side(shown) or SIDE
    height, width = side if isinstance(side, list | tuple) else (side, side)
    automatic = transformers.AutoModelForImageClassification

    def build(shape: tuple[int, ...], n_classes: int | None) -> nn.Module:
        return _built(f"transformers:{folder}", lambda: automatic.from_config(config).eval())

    shape = (getattr(config, "num_channels", 3), height, width)
    return {"build": build, "shape": shape, "normalisation": normalisation, "fixed_outputs": True}


def _imported(library: str, name: str) -> Any:
    try:
        return __import__(library)
    except ImportError as error:
        raise ValueError(f"{library}:{name} needs the package {library}: pip install {library} ({error})") from error


def _built(name: str, make: Callable[[], nn.Module]) -> nn.Module:
    try:
        return make()
    except Exception as error:  # of many kinds, by what the package finds wrong
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"the network {name} cannot be made: {reason}") from error


def _in_timms_cache(name: str) -> Path | None:
    config = _imported("timm", name).get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return None
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for file in (config.hf_hub_filename, *WEIGHTS):
        if file and isinstance(found := try_to_load_from_cache(config.hf_hub_id, file), str):
            return Path(found)
    return None


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.is_file() else {}


def _side(shown: dict[str, Any]) -> int | None:
    """Pixels a side by a configuration of transformers."""
    size = shown.get("crop_size") if shown.get("do_center_crop") else shown.get("size")
    if isinstance(size, dict):
        return size.get("height") or size.get("shortest_edge")
    return size if isinstance(size, int) else None
