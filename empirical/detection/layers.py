"""What a network's activation layers put out, for detectors that look inside."""

import torch
from torch import Tensor, nn

from empirical.losses.objectives import device_of

ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Hardswish,
    nn.Tanh,
    nn.Sigmoid,
    nn.Softplus,
)


def activations(model: nn.Module, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Outputs (n, channels, *space) or (n, width) of the activation layers in the order of their calls; and the logits.

    A layer that is called twice counts twice. Gradients reach x where they are enabled.
    """
    found: list[Tensor] = []

    def note(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        found.append(output.clone())  # a layer that works in place may write over it

    hooks = [layer.register_forward_hook(note) for layer in model.modules() if isinstance(layer, ACTIVATIONS)]
    try:
        logits = model(x)
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise ValueError(
            "the network has no activation layers that are modules (torch.nn.ReLU and alike), so that LID, Mahalanobis "
            "and the spectra of layers have nothing to look at; leave these detectors out"
        )
    return found, logits


def spatial(model: nn.Module, shape: tuple[int, ...]) -> list[int]:
    """Which of the activation layers, by number, put out something with axes of space."""
    with torch.inference_mode():
        found, _ = activations(model, torch.zeros(1, *shape, device=device_of(model)))
    return [number for number, one in enumerate(found) if one.ndim > 2]
