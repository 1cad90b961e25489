"""Do clusters of overlapping spheres wind round a torus? As `wrapping`, with the points of a cell in place of a site.

Space is cells of side 1, the distance within which two points are joined, so that these lie in one cell or in two that
touch: the bonds of the torus of cells that is handed in. Its sites are in raster order, and so are the points.
"""

import numpy as np

from percolation._kernels.compiling import kernel, part
from percolation._kernels.union_find import find_lowest, unite_lowest
from percolation._kernels.wrapping import open_seam_bond


@kernel
def wind(begins, x, side, torus, work, axes, rank):
    """For each row of begins fill axes (n, d), those that a cluster winds round, and rank (n,).

    begins: (n, n_cells + 1) int64, where the points of a cell begin in x, rows one after another. x: (n_points, d)
    in [0, side)^d. work: for the points of a row.
    """
    for row in range(len(begins)):
        cells, points = begins[row] - begins[row, 0], x[begins[row, 0] : begins[row, -1]]
        unite_inside(cells, points, torus, work)
        loops = np.zeros((2, axes.shape[1]), dtype=np.int64)
        for k in range(len(torus.seams)):
            a, b = torus.seams[k]
            for i in range(cells[a], cells[a + 1]):
                for j in range(cells[b], cells[b + 1]):
                    if are_near_across(points[i], points[j], side):
                        open_seam_bond(work, i, j, torus.crossed[k], axes[row], rank[row : row + 1], loops)


@part
def unite_inside(cells, points, torus, work):
    """Unite each point with those of lower number within distance 1, across no seam."""
    for cell in range(len(cells) - 1):
        for i in range(cells[cell], cells[cell + 1]):
            root = unite_near(points, i, cells[cell], i, work.parent, i)
            for k in range(torus.starts[cell], torus.starts[cell + 1]):
                lower = torus.lower[k]
                root = unite_near(points, i, cells[lower], cells[lower + 1], work.parent, root)
            work.parent[i] = root
            work.crossed[i] = 0


@part
def unite_near(points, i, begin, end, parent, root):
    """Root of the new point i, hung below the lowest of the roots of those of begin to end within distance 1."""
    for j in range(begin, end):
        if are_near(points[i], points[j]):
            root = unite_lowest(parent, root, find_lowest(parent, j))
    return root


@part
def are_near(x, y):
    square = 0.0
    for axis in range(len(x)):
        gap = x[axis] - y[axis]
        square += gap * gap
    return square < 1


@part
def are_near_across(x, y, side):
    """By the shortest way on the torus."""
    square = 0.0
    for axis in range(len(x)):
        gap = abs(x[axis] - y[axis])
        gap = min(gap, side - gap)
        square += gap * gap
    return square < 1
