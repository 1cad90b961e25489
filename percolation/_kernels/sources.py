"""What a kernel was compiled from. Numba's cache looks at the file of a function alone, not at those it calls into.

So a kernel made of several files closes over their fingerprint, which is then part of its cache's key, and its parts
are not cached by themselves: see `_kept_under` beside such a kernel.
"""

from hashlib import sha256
from pathlib import Path


def fingerprint(*names: str) -> int:
    """48 bits of the sources of these modules of `_kernels`."""
    folder = Path(__file__).parent
    digest = sha256(b"".join((folder / f"{name}.py").read_bytes() for name in names)).digest()
    return int.from_bytes(digest[:6])
