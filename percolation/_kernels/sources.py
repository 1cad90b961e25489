"""What a kernel was compiled from. Numba's cache looks at the file of a function alone, not at those it calls into.

So a kernel made of several files closes over their fingerprint, which is then part of its cache's key, and its parts
are not cached by themselves: see `_kept_under` beside such a kernel.
"""

from hashlib import sha256
from pathlib import Path


def fingerprint(*names: str) -> int:
    """48 bits of the sources of these modules of `_kernels`, in this order; a * in a name stands for any ending."""
    folder = Path(__file__).parent
    paths = [path for name in names for path in sorted(folder.glob(f"{name}.py"))]
    return int.from_bytes(sha256(b"".join(path.read_bytes() for path in paths)).digest()[:6])
