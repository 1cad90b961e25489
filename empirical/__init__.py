"""Networks: low-loss points, the path finder that connects them, and the comparison with percolation."""

from importlib.util import find_spec

_missing = [name for name in ("torch", "torchvision", "mnist1d") if find_spec(name) is None]
if _missing:
    raise ImportError(
        f'networks need {", ".join(_missing)}: pip install "highdim-percolation[networks]"',
        name=_missing[0],
    )
