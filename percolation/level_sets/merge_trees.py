"""The merge tree of a sweep: at which step any two sites came into one cluster."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation._kernels import level_sets as kernels

NEVER = int(kernels.NEVER)


@dataclass(frozen=True, eq=False)
class MergeTree:
    """Links of union-find by size, never shortened: site i was hung below links[i, 0] at step links[i, 1].

    Steps grow along every way up, and no way is longer than log2 n, so the step that joined two sites is the largest
    on their ways to where these meet.
    """

    links: np.ndarray  # (n_sites, 2) int32; a root has step NEVER

    def steps(self, i: ArrayLike, j: ArrayLike) -> np.ndarray:
        """Step that joined i and j, int64 of their common shape: -1 for a site with itself, NEVER if none did."""
        first, second = np.broadcast_arrays(self._checked(i), self._checked(j))
        pairs = np.stack([first.ravel(), second.ravel()], axis=1)
        steps = np.empty(len(pairs), dtype=np.int64)
        kernels.merge_steps(self.links, pairs, steps)
        return steps.reshape(first.shape)

    def _checked(self, site: ArrayLike) -> np.ndarray:
        array, n = np.asarray(site), len(self.links)
        if array.dtype.kind not in "iu":
            raise ValueError(f"sites are given by their numbers, integers in 0 ... {n - 1}, got {array.dtype}")
        outside = (array < 0) | (array >= n)
        if outside.any():
            raise ValueError(f"sites are 0 ... {n - 1}, got {array[outside].flat[0]}")
        return array.astype(np.int64)


def empty_links(n_sites: int) -> np.ndarray:
    """Links of sites that nothing has joined yet, (n_sites, 2) int32."""
    links = np.empty((n_sites, 2), dtype=np.int32)
    links[:] = kernels.NOWHERE, kernels.NEVER
    return links
