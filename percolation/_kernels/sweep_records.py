"""Totals over all clusters, kept up step by step, and where they are written."""

from typing import NamedTuple

import numpy as np

from percolation._kernels.compiling import part


class Totals(NamedTuple):
    """Totals over all clusters; whole numbers are exact below 2^53. The last three only if sizes are counted.

    A tuple of numbers stays in registers. In an array they fill the buffer of pending stores: 1.25 x slower at 1000^2.
    """

    largest: float
    second_moment: float
    n_clusters: float
    second_largest: float
    third_moment: float
    fourth_moment: float


class Tally(NamedTuple):
    """What is counted, and what is recorded."""

    counts: np.ndarray  # (n_sites + 1,) int32, number of clusters of each size, or empty
    rows: np.ndarray  # (6,) int64, row of `records` for each of the totals, -1 for none
    records: np.ndarray  # (n_rows, n_records) float64
    size_edges: np.ndarray  # (n_bins + 1,) int64, the last at most n_sites + 1
    cluster_counts: np.ndarray  # (n_counted, n_bins) int64, clusters of size_edges[j] <= s < size_edges[j + 1]


@part
def drop(counts, totals, size):
    """A cluster of this size is no more."""
    s = np.float64(size)
    largest, squares, n, second, cubes, fourths = totals
    if len(counts) > 0:
        counts[size] -= 1
        cubes -= s * s * s
        fourths -= s * s * (s * s)
    return Totals(largest, squares - s * s, n - 1.0, second, cubes, fourths)


@part
def add(counts, totals, size):
    """A cluster of this size is there, after those that it was made of have been dropped."""
    s = np.float64(size)
    largest, squares, n, second, cubes, fourths = totals
    if len(counts) > 0:
        counts[size] += 1
        cubes += s * s * s
        fourths += s * s * (s * s)
        second = np.float64(second_largest(counts, np.int64(size), np.int64(largest), np.int64(second)))
    return Totals(max(largest, s), squares + s * s, n + 1.0, second, cubes, fourths)


@part
def second_largest(counts, size, largest, second):
    """Second largest cluster once one of `size` is there; largest and second are as they were before.

    The search goes down only from the size of a cluster that a larger one took in. A site is taken in at most
    log2(n_sites) times, so that all searches together are near-linear.
    """
    if size <= largest:
        second = max(second, size)
    elif counts[largest] > 0:
        second = largest
    while second > 0 and counts[second] == 0:
        second -= 1
    return second


@part
def write(tally, totals, k):
    """Fill record k of the totals that have a row."""
    records, rows = tally.records, tally.rows
    put(records, rows[0], k, totals.largest)
    put(records, rows[1], k, totals.second_moment)
    put(records, rows[2], k, totals.n_clusters)
    put(records, rows[3], k, totals.second_largest)
    put(records, rows[4], k, totals.third_moment)
    put(records, rows[5], k, totals.fourth_moment)


@part
def put(records, row, k, total):
    if row >= 0:
        records[row, k] = total


@part
def count_sizes(tally, k):
    """Fill row k of the counts of clusters by size, if there is one."""
    if k < len(tally.cluster_counts):
        for j in range(len(tally.size_edges) - 1):
            total = 0
            for size in range(tally.size_edges[j], tally.size_edges[j + 1]):
                total += tally.counts[size]
            tally.cluster_counts[k, j] = total
