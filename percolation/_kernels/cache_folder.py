"""A folder for numba's cache where neither the package's own nor the user's can be written.

Numba refuses to define a cached kernel there: containers with a read-only image and no home could not even import it.
"""

import atexit
import shutil
import tempfile
from typing import Any

from numba import config as numba_config
from numba import njit

config: Any = numba_config  # its settings are made at run time


def ensure() -> None:
    """Let numba keep compiled kernels in a private temporary folder for as long as this process runs, if it must."""
    try:
        njit(cache=True)(_probe)
    except RuntimeError:
        config.CACHE_DIR = tempfile.mkdtemp(prefix="numba-")
        atexit.register(shutil.rmtree, config.CACHE_DIR, ignore_errors=True)


def _probe() -> None:
    """Never compiled: numba looks for a folder when it is decorated."""
