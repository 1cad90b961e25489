"""Label the clusters of open sites, a line of the box at a time.

A pass along the lines gives every run of open sites its own number, and joins runs that touch along another axis by
union-find over the runs; there are far fewer of these than sites. A second pass writes the labels.
"""

import numpy as np

from percolation._kernels.compiling import kernel, part
from percolation._kernels.union_find import find_lowest, unite_lowest


@kernel
def label_box(opened, shape, periodic, labels):
    """Fill labels of a box of sites in numpy's order: 0 if closed, else 1, 2, ... by first site; returns how many."""
    L, n = shape[-1], len(opened)
    parent = np.empty(n // L * ((L + 1) // 2) + 2, dtype=np.int32)
    parent[0], n_runs = 0, np.int64(0)
    for start in range(0, n, L):
        n_runs = number_runs(opened, start, start + L, labels, parent, n_runs)
        if periodic[-1] and opened[start] and opened[start + L - 1]:
            join(parent, labels[start], labels[start + L - 1])
        stride, rest = L, start // L
        for axis in range(len(shape) - 2, -1, -1):
            x, rest = rest % shape[axis], rest // shape[axis]
            if x > 0:
                join_lines(labels, start, start - stride, L, parent)
            if periodic[axis] and x == shape[axis] - 1:
                join_lines(labels, start, start - x * stride, L, parent)
            stride *= shape[axis]
    n_clusters = number_roots(parent, n_runs)
    for i in range(n):
        labels[i] = parent[labels[i]]
    return n_clusters


@part
def number_runs(opened, first, last, labels, parent, n_runs):
    """Give each run of open sites of a line the next number; returns the last one given."""
    before = False
    for i in range(first, last):
        now = opened[i]
        parent[n_runs + 1] = n_runs + 1
        n_runs += now & ~before
        labels[i] = n_runs * now
        before = now
    return n_runs


@part
def join_lines(labels, line, other, L, parent):
    """Join the runs of two lines where both are open, once for each stretch of the same two runs."""
    a, b = np.int32(0), np.int32(0)
    for i in range(L):
        here, there = labels[line + i], labels[other + i]
        if (here != a or there != b) and here > 0 and there > 0:
            join(parent, here, there)
        a, b = here, there


@kernel
def label_pairs(opened, pairs, labels):
    """The same for any graph: pairs of sites that are joined if both are open."""
    n = len(opened)
    parent = np.empty(n + 1, dtype=np.int32)
    for i in range(n):
        labels[i] = i + 1 if opened[i] else 0
        parent[i + 1] = i + 1
    parent[0] = 0
    for k in range(len(pairs)):
        i, j = pairs[k]
        if opened[i] and opened[j]:
            join(parent, labels[i], labels[j])
    for i in range(n):
        if not opened[i]:
            parent[i + 1] = 0
    n_clusters = number_roots(parent, n)
    for i in range(n):
        labels[i] = parent[labels[i]]
    return n_clusters


@part
def join(parent, i, j):
    """Join two runs by their labels; the earlier root stays, so that paths lead to smaller numbers only."""
    unite_lowest(parent, find_lowest(parent, i), find_lowest(parent, j))


@part
def number_roots(parent, n):
    """Replace each of the parents 1 ... n by the number of its root among the roots, from 1; returns how many."""
    n_roots = 0
    for i in range(1, n + 1):
        if parent[i] == i:
            n_roots += 1
            parent[i] = n_roots
        else:
            parent[i] = parent[parent[i]]
    return n_roots
