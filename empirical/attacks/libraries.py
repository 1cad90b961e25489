"""The attacks of foolbox, which is optional: pip's extra `detect`.

It draws from global random states; here they are seeded from the caller's generator and left as they were.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from empirical.losses.points import columns

CHUNK = 256  # inputs attacked at a time


def fast_gradient(model: nn.Module, x: Tensor, y: Tensor, **setting: Any) -> Tensor:
    """FGSM: x + epsilon sign(gradient of the loss); in L2 epsilon times its direction.

    Source: Goodfellow, Shlens and Szegedy, arXiv:1412.6572 (2014).
    """
    names = {"linf": "LinfFastGradientAttack", "l2": "L2FastGradientAttack"}
    return _foolbox(names[setting["norm"]], model, x, y, **setting)


def basic_iterative(model: nn.Module, x: Tensor, y: Tensor, **setting: Any) -> Tensor:
    """BIM: ten steps of epsilon / 5, each brought back into the ball.

    Source: Kurakin, Goodfellow and Bengio, arXiv:1607.02533 (2016).
    """
    names = {"linf": "LinfBasicIterativeAttack", "l2": "L2BasicIterativeAttack"}
    return _foolbox(names[setting["norm"]], model, x, y, **setting)


def projected_gradient(model: nn.Module, x: Tensor, y: Tensor, **setting: Any) -> Tensor:
    """PGD: forty steps of epsilon / 30 from a random point of the ball (L2: fifty of epsilon / 40).

    Source: Madry et al., arXiv:1706.06083 (2017).
    """
    names = {"linf": "LinfProjectedGradientDescentAttack", "l2": "L2ProjectedGradientDescentAttack"}
    return _foolbox(names[setting["norm"]], model, x, y, **setting)


def deepfool(model: nn.Module, x: Tensor, y: Tensor, **setting: Any) -> Tensor:
    """DeepFool: steps to the nearest boundary of the network made linear, until it is crossed.

    Source: Moosavi-Dezfooli, Fawzi and Frossard, arXiv:1511.04599 (2015).
    """
    names = {"linf": "LinfDeepFoolAttack", "l2": "L2DeepFoolAttack"}
    return _foolbox(names[setting["norm"]], model, x, y, **(setting | {"epsilon": None}))


def carlini_wagner(
    model: nn.Module, x: Tensor, y: Tensor, *, steps: int = 1000, searches: int = 9, **setting: Any
) -> Tensor:
    """C&W: the least |x' - x|^2 + c max(0, logit of y - largest other), c by `searches` steps of a binary search.

    Source: Carlini and Wagner, arXiv:1608.04644 (2016).
    """
    options = {"steps": steps, "binary_search_steps": searches}
    return _foolbox("L2CarliniWagnerAttack", model, x, y, options=options, **(setting | {"epsilon": None}))


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """The global random states of torch, numpy and Python, seeded by one draw inside the block, and then as before."""
    number = int(torch.randint(2**31 - 1, (1,), generator=generator, device=generator.device))
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 (the libraries draw from it)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(number)
        np.random.seed(number)  # noqa: NPY002
        random.seed(number)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002


def _foolbox(
    name: str,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float | None,
    norm: str,
    bounds: tuple[float, float],
    generator: torch.Generator,
    options: dict[str, Any] | None = None,
) -> Tensor:
    """x where foolbox says that it failed: some of its attacks then return zeros."""
    try:
        import foolbox
    except ImportError as error:
        raise ValueError(f"{missing(name, 'foolbox', 'detect')} ({error})") from error
    wrapped = foolbox.PyTorchModel(model, bounds=bounds, device=x.device)
    attack = getattr(foolbox.attacks, name)(**(options or {}))
    parts = []
    with seeded(generator), torch.enable_grad():
        for inputs, labels in zip(x.split(CHUNK), y.split(CHUNK), strict=True):
            _, found, success = attack(wrapped, inputs, foolbox.criteria.Misclassification(labels), epsilons=epsilon)
            parts.append(torch.where(columns(success, x), found, inputs))
    return torch.cat(parts).detach()


def missing(attack: str, package: str, extra: str) -> str:
    """What to say where a package is absent."""
    return f"the attack {attack} needs the package {package}: pip install 'highdim-percolation[{extra}]'"
