"""AutoAttack of the Adversarial Robustness Toolbox, which is optional: pip's extra `autoattack`."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from empirical.attacks.libraries import CHUNK, missing, seeded


def ensemble(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float,
    norm: str,
    bounds: tuple[float, float],
    generator: torch.Generator,
    restarts: int = 5,
    queries: int = 5000,
) -> Tensor:
    """AutoAttack: automatic PGD on two losses, DeepFool, and on pictures the Square attack, one after the other.

    ART's ensemble, in which DeepFool stands in the place of the minimum-norm attack FAB. restarts: of each; queries:
    of the Square attack, which knows no signals in one dimension.
    Source: Croce and Hein, arXiv:2003.01690 (2020).
    """
    try:
        import multiprocess  # noqa: F401 (the toolbox imports it, and does not ask for it)
        from art.attacks.evasion import AutoAttack
        from art.estimators.classification import PyTorchClassifier
    except ImportError as error:
        what = missing("autoattack", "adversarial-robustness-toolbox", "autoattack")
        raise ValueError(f"{what} ({error})") from error
    with torch.inference_mode():
        n_classes = model(x[:1]).shape[1]
    loss = nn.CrossEntropyLoss()
    device = "cpu" if x.device.type == "cpu" else "gpu"
    estimator = PyTorchClassifier(model, loss, x.shape[1:], n_classes, clip_values=bounds, device_type=device)
    sizes = {"norm": np.inf if norm == "linf" else 2, "eps": epsilon, "batch_size": CHUNK}
    with seeded(generator), torch.enable_grad():
        parts = _parts(estimator, sizes, restarts, queries, pictures=x.ndim == 4)
        attack = AutoAttack(estimator, eps_step=epsilon / 10, attacks=parts, **sizes)
        found = attack.generate(x.cpu().numpy(), y.cpu().numpy())
    model.eval().requires_grad_(False)
    return torch.from_numpy(found).to(x)


def _parts(estimator: Any, sizes: dict[str, Any], restarts: int, queries: int, *, pictures: bool) -> list[Any]:
    """Croce and Hein's parameters: 100 steps of automatic PGD, a Square attack that begins with 80 % of a picture."""
    from art.attacks.evasion import AutoProjectedGradientDescent, DeepFool, SquareAttack

    step, quiet = sizes["eps"] / 10, {"verbose": False}
    options = sizes | quiet | {"eps_step": step, "max_iter": 100, "nb_random_init": restarts}
    parts: list[Any] = [
        AutoProjectedGradientDescent(estimator, loss_type=loss, **options)
        for loss in ("cross_entropy", "difference_logits_ratio")
    ]
    parts.append(DeepFool(estimator, max_iter=100, epsilon=1e-3, nb_grads=10, batch_size=CHUNK, **quiet))
    if pictures:
        parts.append(SquareAttack(estimator, max_iter=queries, p_init=0.8, nb_restarts=restarts, **sizes, **quiet))
    return parts
