"""Networks whose input is projected to a sphere, so that the norm of a point plays no part."""

import math

from torch import Tensor, nn

SMALLEST = 1e-6  # norm that is divided by; the centre itself is mapped to no point of the sphere


class OnSphere(nn.Module):
    """x -> model(sqrt(d) x / |x|), (n, *shape) of d numbers each: a straight line is walked as a great circle.

    Without biases a ReLU network is positively homogeneous, so that its loss falls with the norm alone; here it cannot.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = model.training

    def forward(self, points: Tensor) -> Tensor:
        return self.model(projected(points))


def projected(points: Tensor) -> Tensor:
    """Points (n, *shape) on the sphere |x|^2 = d, in the directions that they had."""
    flat = points.flatten(1)
    radius = flat.norm(dim=1, keepdim=True).clamp(min=SMALLEST)
    return (flat * (math.sqrt(flat.shape[1]) / radius)).view_as(points)
