"""A network of the user's as the package needs it: points (n, *shape) -> logits (n, classes), the same each time.

It is asked a few times before anything is searched; what was done to it is said by `notes_of`.
"""

from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import Tensor, nn

from empirical.losses.objectives import device_of
from empirical.losses.outputs import Pick, logits_in

TRIAL = 4  # points on which a network is tried
REPEATED = 1e-4  # largest difference of two answers, in units of the largest logit: kernels may add in another order
PROBABILITIES = 1e-3  # how far the sum of outputs of a softmax may be from 1, half precision included

NOTES = "notes_of_percolation"  # the attribute that carries them


class Logits(nn.Module):
    """The logits in what a network returns; of one that ends in a softmax the logs of its probabilities."""

    def __init__(self, network: nn.Module, pick: Pick | None = None, probabilities: bool = False) -> None:
        super().__init__()
        self.network, self.pick, self.probabilities = network, pick, probabilities

    def forward(self, x: Tensor) -> Tensor:
        logits = logits_in(self.network(x), self.pick)
        return logits.clamp(min=torch.finfo(logits.dtype).tiny).log() if self.probabilities else logits


def notes_of(model: nn.Module) -> list[str]:
    """What was said of a network and its weights as they were taken, a line each."""
    return [line for part in model.modules() for line in part.__dict__.get(NOTES, ())]


def noted(model: nn.Module, notes: Iterable[str]) -> nn.Module:
    """The model, which carries these notes too from now on."""
    model.__dict__[NOTES] = (*model.__dict__.get(NOTES, ()), *notes)
    return model


def taken(model: nn.Module, x: Tensor, logits: Pick | None = None) -> nn.Module:
    """The network as one that maps points to logits; the model itself where nothing is to be done.

    x: (n, *shape), on which it is tried. logits: where they are in what it returns, if not where they are looked for.
    Refused is what answers differently when asked twice, has fewer than two outputs, or runs without gradients.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"the network must be a torch.nn.Module, got {type(model).__name__}")
    if any(part.training for part in model.modules()):
        raise ValueError("the model is in training mode, where a loss depends on the batch; call model.eval()")
    notes: list[str] = []
    if dtype_of(model) in (torch.float16, torch.bfloat16):
        notes.append(f"network: {str(dtype_of(model)).removeprefix('torch.')}, made float32")
        model = deepcopy(model).float()
    x = x[:TRIAL].to(device_of(model), dtype_of(model))
    raw, found = _asked(model, x, logits)
    _check_outputs(found, len(x))
    _check_repeated(found, _asked(model, x, logits)[1])
    _check_gradient(model, x, logits)
    inside = not isinstance(raw, Tensor) or logits is not None
    if inside:
        notes.append(f"network: logits taken from {_place(raw, logits)}")
    if probabilities := _are_probabilities(found):
        notes.append(
            "network: it ends in a softmax; the logs of its probabilities are taken as logits, better leave it out"
        )
    if not inside and not probabilities and not notes:
        return model
    return noted(Logits(model, logits, probabilities).eval(), notes)


def trial(shape: tuple[int, ...]) -> Tensor:
    """Points (TRIAL, *shape), uniform in [0, 1], where there are none of the user's."""
    return torch.rand(TRIAL, *shape, generator=torch.Generator().manual_seed(0))


def dtype_of(model: nn.Module) -> torch.dtype:
    """Of a network's parameters; float32 of one without."""
    return next((one.dtype for one in model.parameters() if one.is_floating_point()), torch.float32)


@torch.no_grad()
def _asked(model: nn.Module, x: Tensor, pick: Pick | None) -> tuple[object, Tensor]:
    """What the network returns, and the logits in it."""
    try:
        raw = model(x)
    except Exception as error:  # the forward pass is the user's
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"the network cannot take points of shape {tuple(x.shape[1:])}: {reason}") from error
    return raw, logits_in(raw, pick)


def _check_outputs(found: Tensor, n: int) -> None:
    if found.ndim != 2 or len(found) != n or not found.is_floating_point():
        raise ValueError(
            f"the network must give logits (n, classes), got {tuple(found.shape)} {found.dtype} for {n} points"
        )
    if found.shape[1] < 2:
        raise ValueError(
            f"a class loss needs a network of at least 2 outputs, got {found.shape[1]}: the softmax of one is 1, its "
            "loss 0 everywhere"
        )
    if not found.isfinite().all():
        raise ValueError("the network gives NaN or infinite logits; look at its weights and the points")


def _check_repeated(first: Tensor, second: Tensor) -> None:
    """The second answer is the first."""
    away = (first - second).abs().max().item()
    if away > REPEATED * max(first.abs().max().item(), 1e-6):
        raise ValueError(
            f"the network answers differently when it is asked twice, by {away:.3g}: dropout is left on, or noise; "
            "take it out, for a path is open only where the loss is a function"
        )


def _check_gradient(model: nn.Module, x: Tensor, pick: Pick | None) -> None:
    """The logits know the points they came from."""
    with torch.enable_grad():
        moving = x[:1].detach().clone().requires_grad_()
        try:
            found = logits_in(model(moving), pick)
            slope = torch.autograd.grad(found.sum(), moving, allow_unused=True)[0] if found.requires_grad else None
        except RuntimeError as error:
            raise ValueError(f"no gradient goes through the network: {str(error).splitlines()[0]}") from error
    if slope is None:
        raise ValueError(
            "the network's forward runs without gradients, so that no point can be moved downhill; take "
            "torch.no_grad(), detach() or numpy out of it"
        )


def _are_probabilities(found: Tensor) -> bool:
    return bool((found >= 0).all() and ((found.sum(1) - 1).abs() <= PROBABILITIES).all())


def _place(raw: object, pick: Pick | None) -> str:
    if pick is not None:
        return repr(pick) if isinstance(pick, str | int) else "the function given"
    return "the first of a tuple" if type(raw) in (tuple, list) else f"`logits` of a {type(raw).__name__}"
