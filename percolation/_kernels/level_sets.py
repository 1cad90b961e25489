"""Cells of a box opened in the order of their values: clusters, what they touch and wind round, and how they merged.

Cell i has 2 k neighbours, at i +- stride. marks[i] says at which faces of the box it lies, bits 2 a and 2 a + 1 for
the lower and the upper end of axis a, and so which neighbours are missing or across a seam; that of a root is the
union over its cluster. Union-find by size, in two copies: `parent`, halved on the way as Newman and Ziff (2001), finds
roots; `links` keeps every link as it was made with the step that made it, which is the merge tree.
"""

import numpy as np

from percolation._kernels.bits import U, prefetch
from percolation._kernels.compiling import kernel, lean_kernel, part
from percolation._kernels.union_find import CLOSED, OPEN, find, find_across, unite, unite_across

__all__ = ["CLOSED", "OPEN"]

NEVER = np.int32(2**31 - 1)  # step of the link of a root
NOWHERE = np.int32(-1)
LOWER_FACES = np.uint64(0x5555555555555555)  # bits 0, 2, 4, ...
AHEAD = 16  # cells whose neighbours are asked for before their turn


@lean_kernel
def sweep_open(order, strides, parent, marks, links, largest, first):
    """Open the cells in order: fill links (n, 2), largest (n,), and first (k,), the steps at which axes are spanned."""
    top = 1
    for n in range(len(order)):
        if n + AHEAD < len(order):
            prefetch_neighbours(U(order[n + AHEAD]), strides, parent, marks)
        cell = U(order[n])
        faces = U(marks[cell])
        parent[cell] = OPEN
        root = cell
        for axis in range(len(strides)):
            if faces >> U(2 * axis) & U(1) == U(0):
                root = join(root, cell - strides[axis], n, parent, marks, links)
            if faces >> U(2 * axis + 1) & U(1) == U(0):
                root = join(root, cell + strides[axis], n, parent, marks, links)
        top = max(top, -parent[root])
        largest[n] = top
        note_spanned(U(marks[root]), n, first)


@lean_kernel
def sweep_torus(order, strides, lengths, periodic, parent, marks, windings, links, largest, first):
    """The same where some axes are periodic; first is then the step at which such an axis is wrapped.

    strides, lengths: (k,) uint64. windings: (n,) uint64, how the way from a cell to its parent crosses the seams, see
    `field_bits`.
    """
    top, spans = 1, open_faces(periodic)
    follows = True  # until all periodic axes are wrapped: from then on windings are of no use
    for n in range(len(order)):
        if n + AHEAD < len(order):
            prefetch_neighbours(U(order[n + AHEAD]), strides, parent, marks)
        cell = U(order[n])
        faces = U(marks[cell])
        parent[cell] = OPEN
        root, here = cell, U(0)
        for axis in range(len(strides)):
            for side in range(2):
                across = faces >> U(2 * axis + side) & U(1) != U(0)
                if across and not periodic[axis]:
                    continue
                other = neighbour(cell, strides[axis], lengths[axis], side, across)
                if follows:
                    crossing = seam(axis, len(strides), side) if across else U(0)
                    root, here, loop = join_around(root, here, other, crossing, n, parent, marks, windings, links)
                    if loop != U(0):
                        follows = note_wrapped(loop, n, periodic, first)
                else:
                    root = join(root, other, n, parent, marks, links)
        top = max(top, -parent[root])
        largest[n] = top
        note_spanned(U(marks[root]) & spans, n, first)


@part
def prefetch_neighbours(cell, strides, parent, marks):
    """Have the processor bring a cell and its neighbours into its cache."""
    prefetch(marks, cell)
    prefetch(parent, cell)
    for axis in range(len(strides) - 1):  # along the last, neighbours lie beside the cell
        prefetch(parent, cell - strides[axis])
        prefetch(parent, cell + strides[axis])


@part
def join(root, other, n, parent, marks, links):
    """Root of the cluster of `root` and that of the cell `other`, if it is open, after step n."""
    above = parent[other]
    if above == CLOSED or (above >= 0 and U(above) == root):
        return root
    other = find(parent, other)
    if other == root:
        return root
    root, other = unite(parent, root, other)
    note_merge(root, other, n, marks, links)
    return root


@part
def note_merge(root, other, n, marks, links):
    """Step n hung one root below another: note the link, and the marks of both."""
    links[other, 0], links[other, 1] = root, n
    marks[root] |= marks[other]


@part
def join_around(root, here, other, crossing, n, parent, marks, windings, links):
    """The same with windings: root, winding from it to where `here` was, and that of the loop if one was closed."""
    if parent[other] == CLOSED:
        return root, here, U(0)
    other, there = find_across(parent, windings, other)
    offset = here + crossing - there  # from root to other
    if other == root:
        return root, here, offset
    root, other, here = unite_across(parent, windings, root, other, here, offset)
    note_merge(root, other, n, marks, links)
    return root, here, U(0)


@part
def neighbour(cell, stride, length, side, across):
    """The next cell down (side 0) or up an axis; across: on the other side of the box."""
    step = stride * (length - U(1)) if across else stride
    return cell + step if across == (side == 0) else cell - step


@part
def field_bits(k):
    """Bits of a winding that each of k axes has."""
    return U(64 // max(k, 2))


@part
def seam(axis, k, side):
    """Winding of a step across the seam of an axis: one up, or one down."""
    unit = U(1) << (field_bits(k) * U(axis))
    return unit if side else U(0) - unit


@part
def note_wrapped(loop, n, periodic, first):
    """Step n closed a loop: each axis whose field of bits is not 0 is wrapped. Returns whether an axis is left."""
    bits = field_bits(len(first))
    for axis in range(len(first)):
        field = loop & ((U(1) << bits) - U(1))
        loop >>= bits
        if field != U(0):
            first[axis] = min(first[axis], n)
            loop += field >> (bits - U(1))  # a negative one gives back what it borrowed from the axes above
    for axis in range(len(first)):
        if periodic[axis] and first[axis] == NEVER:
            return True
    return False


@part
def open_faces(periodic):
    """The bits of marks that belong to axes with faces."""
    faces = U(0)
    for axis in range(len(periodic)):
        if not periodic[axis]:
            faces |= U(3) << U(2 * axis)
    return faces


@part
def note_spanned(touched, n, first):
    """After step n a cluster touches these faces."""
    if touched & (touched >> U(1)) & LOWER_FACES:
        for axis in range(len(first)):
            if touched >> U(2 * axis) & U(3) == U(3):
                first[axis] = min(first[axis], n)


@lean_kernel
def sweep_pairs(order, pairs, parent, links, largest):
    """Join the pairs of sites (m, 2) in order: fill links (n, 2), and largest (m + 1,) with m = 0 ... pairs joined."""
    top = 1
    largest[0] = top
    for n in range(len(order)):
        root, other = find(parent, U(pairs[order[n], 0])), find(parent, U(pairs[order[n], 1]))
        if root != other:
            root, other = unite(parent, root, other)
            links[other, 0], links[other, 1] = root, n
            top = max(top, -parent[root])
        largest[n + 1] = top


@kernel
def merge_steps(links, pairs, steps):
    """Fill steps (m,) with the step that joined each pair (m, 2); -1 for a site with itself.

    Steps grow on the way up: go up the earlier of the two links until both are at the same site.
    """
    for row in range(len(pairs)):
        i, j = pairs[row]
        steps[row] = NOWHERE
        while i != j and steps[row] != NEVER:
            if links[i, 1] > links[j, 1]:
                i, j = j, i
            steps[row] = links[i, 1]
            i = links[i, 0]


@kernel
def shortest_path(opened, shape, periodic, start, end, back, queue):
    """Cells of a shortest way from start to end through open cells, both included; breadth first, from the end.

    back: (n,) int32 filled with NOWHERE, the next cell towards the end. queue: int32, as long as there are open cells.
    """
    queue[0], back[end] = end, end
    n_queued, n_done = 1, 0
    while back[start] == NOWHERE:
        cell = queue[n_done]
        n_done += 1
        stride, rest = 1, np.int64(cell)
        for axis in range(len(shape) - 1, -1, -1):
            x, rest = rest % shape[axis], rest // shape[axis]
            for side in range(2):
                across = x == (shape[axis] - 1) * side
                if not across or periodic[axis]:
                    other = cell + stride * ((2 * side - 1) * (1 - shape[axis] if across else 1))
                    if opened[other] and back[other] == NOWHERE:
                        back[other] = cell
                        queue[n_queued] = other
                        n_queued += 1
            stride *= shape[axis]
    return follow(back, start, end)


@kernel
def follow(back, start, end):
    """The way from start to end along back."""
    length, cell = 1, start
    while cell != end:
        cell = back[cell]
        length += 1
    path = np.empty(length, dtype=np.int64)
    cell = start
    for n in range(length):
        path[n] = cell
        cell = back[cell]
    return path
