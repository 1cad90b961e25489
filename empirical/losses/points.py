"""A number for each point, beside tensors of points."""

from torch import Tensor


def columns(values: Tensor, like: Tensor) -> Tensor:
    """values (n,) as (n, 1, ..., 1), to be multiplied with points (n, *shape) of as many axes as `like`."""
    return values.view(-1, *[1] * (like.ndim - 1))
