"""VGG-16 on CIFAR, trained by us: the recipe.

torchvision's VGG-16 (no batch norm) behind the normalisation of the data, initialised as torchvision does; Adam at 2e-4
falling to zero along a cosine, 40 epochs of batches of 128, no augmentation. It is trained on the device where the
benchmark runs, and kept in the cache folder with everything that determines it in its name.
"""

from dataclasses import replace

import torch
from torch import nn

from empirical.data.tensors import Dataset
from empirical.networks import models, training
from empirical.networks.training import Training
from empirical.threads import one_thread

CIFAR = Training(epochs=40, batch_size=128, lr=2e-4)


def network(
    name: str,
    data: Dataset,
    *,
    seed: int,
    device: torch.device,
    rule: Training | None = None,
    weights: str | None = None,
) -> nn.Module:
    """The network for the data, on the device: with weights from a state dict of that path, or trained by the rule."""
    if weights is not None:
        model = models.pretrained(name, weights, data.shape, data.n_classes, normalisation=data.normalisation)
        return model.to(device)
    with one_thread(), torch.random.fork_rng():
        torch.manual_seed(seed)  # of dropout, which draws from the global state
        if device.type == "cpu":
            return models.trained(name, data, seed=seed, training=rule)
        return _trained_there(name, data, rule or Training(), seed, device)


def _trained_there(name: str, data: Dataset, rule: Training, seed: int, device: torch.device) -> nn.Module:
    """As `models.trained`, on another device than the CPU; its bits are that device's."""
    model = models.to_be_trained(name, data, seed=seed)
    kept = training.cache_file(name, f"{model} on {device.type}", data, rule, seed)
    if not training.read_weights(model, kept):
        moved = {part: getattr(data, part).to(device) for part in ("x_train", "y_train")}
        training.fit(model.to(device), replace(data, **moved), rule, seed)
        training.keep_weights(model.cpu(), kept)
    return model.to(device).eval().requires_grad_(False)
