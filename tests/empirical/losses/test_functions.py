"""A loss that is no function of the points, or has no gradient, is refused where a search begins."""

import pytest
import torch
from torch import nn

from empirical.finder.certificate import certify
from empirical.finder.find import find_paths, stream_paths
from empirical.finder.paths import Path
from empirical.losses.objectives import ClassLoss, Field
from empirical.prediction.lines import resolved_lines

A, C = torch.zeros(2, 3), torch.ones(2, 3)


class Noisy(nn.Module):
    """Logits with noise of a hundredth."""

    def forward(self, x):
        return x + 1e-2 * torch.randn(x.shape)


class Dropping(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x + torch.arange(3.0), 0.5)


@pytest.mark.parametrize("network", [Noisy(), Dropping()])
@pytest.mark.parametrize(
    "search",
    [
        lambda objective: find_paths(objective, A, C),
        lambda objective: list(stream_paths(objective, zip(A, C, strict=True))),
        lambda objective: certify(objective, Path(torch.stack([A[0], C[0]])), level=1.0),
    ],
    ids=["find_paths", "stream_paths", "certify"],
)
def test_a_network_that_answers_differently_is_refused(network, search):
    with pytest.raises(ValueError, match="the loss of one point is .* and, asked again, .*: dropout is left on"):
        search(ClassLoss(network.eval(), torch.tensor([0, 0])))


@torch.no_grad()
def frozen(x):
    return x.pow(2).mean(1) * (1 - x).pow(2).sum(1)


@pytest.mark.parametrize("function", [frozen, lambda x: frozen(x.detach()) + 0 * torch.ones(1, requires_grad=True)])
def test_a_loss_without_gradients_is_refused(function):
    hill = Field(function)
    for search in (
        lambda: find_paths(hill, A, C),
        lambda: certify(hill, Path(torch.stack([A[0], C[0]]))),
        lambda: resolved_lines(hill, A, C, lambda lines: 1e-3),
    ):
        with pytest.raises(ValueError, match="the loss has no gradient, so that no point can be moved downhill"):
            search()
