"""Networks: low-loss points, the path finder that connects them, and the comparison with percolation.

`empirical.connect(model, a, c, label)` connects inputs of a network of one's own.
"""

from importlib.util import find_spec
from typing import Any

_missing = [name for name in ("torch", "torchvision", "mnist1d") if find_spec(name) is None]
if _missing:
    raise ImportError(
        f'networks need {", ".join(_missing)}: pip install "highdim-percolation[networks]"',
        name=_missing[0],
    )


def __getattr__(name: str) -> Any:
    """What the package offers at its top, loaded when it is asked for: torch takes seconds."""
    if name == "connect":
        from empirical.experiments.connect.own import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
