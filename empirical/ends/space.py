"""The space in which a network's inputs live."""

from dataclasses import dataclass, replace

from torch import nn

from empirical.descent.rows import Descent
from empirical.ends.sources import PIXELS
from empirical.networks.architectures import Normalised


@dataclass(frozen=True)
class Space:
    """The shape of a point, what is one unit for the network, and what bounds the coordinates."""

    shape: tuple[int, ...]
    unit: float = 1.0  # standard deviation that the network's normalisation divides by
    bounds: tuple[float, float] | None = None

    def rule(self, rule: Descent) -> Descent:
        """The descent, whose lengths are meant for inputs of variance 1, in this space."""
        rule = replace(rule, bounds=self.bounds if rule.bounds is None else rule.bounds)
        if self.unit == 1:
            return rule
        return replace(
            rule,
            lr=rule.lr * self.unit,
            deviation=rule.deviation / self.unit**2,
            total_variation=rule.total_variation / self.unit,
            weight_decay=rule.weight_decay / self.unit**2,
        )


def space_of(model: nn.Module, shape: tuple[int, ...]) -> Space:
    """The space of a network's inputs: pictures in [0, 1] behind a normalisation, or numbers of variance 1."""
    if not isinstance(model, Normalised):
        return Space(shape)
    return Space(shape, model.std.mean().item(), PIXELS)
