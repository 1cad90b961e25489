"""Networks: low-loss points, the path finder that connects them, and the comparison with percolation.

For networks of one's own: `empirical.connect(model, a, c, label)` connects inputs, `empirical.detector(model, x, y)`
tells adversarial ones, `empirical.weights.connect(model_1, model_2, data)` connects two trained networks.
"""

from importlib import import_module
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
    if name == "detector":
        from empirical.experiments.detect.own import detector

        return detector
    if name == "weights":
        return import_module("empirical.weights")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
