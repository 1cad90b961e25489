"""Clusters of one configuration: which sites, or bonds, are open is given."""

import numpy as np
from numpy.typing import ArrayLike

from percolation._kernels import label as kernels
from percolation.lattices import Box, FiniteGraph


def label(graph: FiniteGraph, open_sites: ArrayLike | None = None, open_bonds: ArrayLike | None = None) -> np.ndarray:
    """Number the clusters: two open sites have the same label if a path of open sites and bonds joins them.

    open_sites: bool, (n_sites,), or on a lattice without a basis the shape of its box, (L,) * d; all open if not
    given. open_bonds: bool, (n_bonds,), as in graph.bonds(); all open if not given.
    Returns int32 of the shape of open_sites: 0 at closed sites, else 1, 2, ... in the order of a cluster's first site.
    Sizes: np.bincount(labels.ravel())[1:]. On an open hypercubic lattice equal to scipy.ndimage.label(open_sites)[0].
    """
    sites = _checked_open("open_sites", open_sites, graph.n_sites, _box(graph))
    labels = np.empty(graph.n_sites, dtype=np.int32)
    if open_bonds is None and isinstance(graph, Box) and graph.lattice.is_hypercubic:
        shape, periodic = np.full(graph.d, graph.L), np.array(graph.is_periodic)
        kernels.label_box(sites.ravel(), shape, periodic, labels)
    else:
        pairs = graph.bonds()
        if open_bonds is not None:
            pairs = pairs[_checked_open("open_bonds", open_bonds, len(pairs), (len(pairs),))]
        kernels.label_pairs(sites.ravel(), pairs, labels)
    return labels.reshape(sites.shape)


def _box(graph: FiniteGraph) -> tuple[int, ...]:
    """The shape in which a field over the sites may come, besides (n_sites,)."""
    return (graph.L,) * graph.d if isinstance(graph, Box) and graph.n_basis == 1 else (graph.n_sites,)


def _checked_open(name: str, opened: ArrayLike | None, n: int, box: tuple[int, ...]) -> np.ndarray:
    if opened is None:
        return np.ones(n, dtype=bool)
    flags = np.asarray(opened)
    if flags.dtype != bool or flags.shape not in ((n,), box):
        shapes = " or ".join(str(shape) for shape in dict.fromkeys(((n,), box)))
        raise ValueError(f"{name} must be bool of shape {shapes}, got {flags.dtype} of shape {flags.shape}")
    return np.ascontiguousarray(flags)
