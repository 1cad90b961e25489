"""Random fields at many points: keys of cells, and sums of cosines.

Every sum runs in an order that depends neither on the other points nor on how loops are vectorised: fused
multiply-adds are asked for by name, and a sum over features is a tree. So a point has the same bits in any batch.
"""

import math

import numpy as np

from percolation._kernels.bits import fma, middle, mix
from percolation._kernels.compiling import kernel, part

POINTS = 64  # worked on at a time: their phases stay in the second cache (32 to 128 alike within 10 %)
ROWS, COLUMNS = 64, 512  # of the matrix, worked on at a time: 256 KiB stay in the second cache

# sin(2 pi x) = x sum_k SINE[k] x^2k: on |x| <= 1/4 what is left out is (pi / 2)^23 / 23! = 1e-18
SINE = np.array([(-1) ** k * (2 * math.pi) ** (2 * k + 1) / math.factorial(2 * k + 1) for k in range(11)])


@kernel
def cell_values(points, side, origin, r, values):
    """values[i]: the uniform number of the cell with key origin + sum_k floor(points[i, k] / side) r[k] mod 2^64."""
    for i in range(len(points)):
        key = origin
        for k in range(len(r)):
            key += np.uint64(np.int64(math.floor(points[i, k] / side))) * r[k]
        values[i] = middle(mix(key))


@kernel
def fourier_values(points, turns, offsets, values):
    """values[i] = sqrt(2 / M) sum_j cos 2 pi (points[i] . turns[:, j] + offsets[j])."""
    n, m = len(points), len(offsets)
    amplitude = math.sqrt(2 / m)
    phases = np.empty((POINTS, m))
    for first in range(0, n, POINTS):
        count = min(POINTS, n - first)
        for i in range(count):
            copy(offsets, phases[i])
        add_product(points[first : first + count], turns, phases)
        for i in range(count):
            cosines(phases[i])
            values[first + i] = amplitude * total(phases[i])


@kernel
def fourier_gradient(points, turns, by_feature, offsets, values, gradient):
    """The same, and gradient[i] = -2 pi sqrt(2 / M) sum_j turns[:, j] sin 2 pi (...), gradient 0 before."""
    n, m = len(points), len(offsets)
    amplitude = math.sqrt(2 / m)
    phases, slopes = np.empty((POINTS, m)), np.empty((POINTS, m))
    for first in range(0, n, POINTS):
        count = min(POINTS, n - first)
        for i in range(count):
            copy(offsets, phases[i])
        add_product(points[first : first + count], turns, phases)
        for i in range(count):
            sines(phases[i], -2 * math.pi * amplitude, slopes[i])
            cosines(phases[i])
            values[first + i] = amplitude * total(phases[i])
        add_product(slopes[:count], by_feature, gradient[first : first + count])


@kernel
def add_product(left, right, out):
    """out += left @ right, every element summed over the rows of right in their order, whatever is done together."""
    n_rows, n_columns = right.shape
    for column in range(0, n_columns, COLUMNS):
        columns = slice(column, min(column + COLUMNS, n_columns))
        for row in range(0, n_rows, ROWS):
            stop = min(row + ROWS, n_rows)
            fours = row + (stop - row) // 4 * 4
            together = len(left) // 4 * 4
            for i in range(0, together, 4):
                for k in range(row, fours, 4):
                    add_four_to_four(left, i, right, k, columns, out)
            for i in range(together, len(left)):
                for k in range(row, fours, 4):
                    add_four(left[i], right, k, columns, out[i, columns])
            for i in range(len(left)):
                for k in range(fours, stop):
                    add_one(left[i, k], right[k, columns], out[i, columns])


@part
def copy(numbers, out):
    for j in range(len(numbers)):
        out[j] = numbers[j]


@part
def add_four_to_four(left, i, right, k, columns, out):
    """Four rows of right to four of out: each number that is read serves four times, half the time of `add_four`."""
    a, b, c, d = four(left[i], k), four(left[i + 1], k), four(left[i + 2], k), four(left[i + 3], k)
    p, q, r, s = right[k, columns], right[k + 1, columns], right[k + 2, columns], right[k + 3, columns]
    to_a, to_b, to_c, to_d = out[i, columns], out[i + 1, columns], out[i + 2, columns], out[i + 3, columns]
    for j in range(len(to_a)):
        numbers = p[j], q[j], r[j], s[j]
        to_a[j] = chain(a, numbers, to_a[j])
        to_b[j] = chain(b, numbers, to_b[j])
        to_c[j] = chain(c, numbers, to_c[j])
        to_d[j] = chain(d, numbers, to_d[j])


@part
def add_four(weights, right, k, columns, out):
    """out += weights[k] right[k] + ... + weights[k + 3] right[k + 3]."""
    a = four(weights, k)
    p, q, r, s = right[k, columns], right[k + 1, columns], right[k + 2, columns], right[k + 3, columns]
    for j in range(len(out)):
        out[j] = chain(a, (p[j], q[j], r[j], s[j]), out[j])


@part
def add_one(weight, numbers, out):
    for j in range(len(out)):
        out[j] = fma(weight, numbers[j], out[j])


@part
def four(weights, k):
    return weights[k], weights[k + 1], weights[k + 2], weights[k + 3]


@part
def chain(weights, numbers, start):
    """start + sum of weights[k] numbers[k], the first first."""
    total = fma(weights[0], numbers[0], start)
    total = fma(weights[1], numbers[1], total)
    total = fma(weights[2], numbers[2], total)
    return fma(weights[3], numbers[3], total)


@part
def quarter_sine(x):
    """sin(2 pi x) for |x| <= 1/4."""
    square, power = x * x, SINE[10]
    for k in range(9, -1, -1):
        power = fma(power, square, SINE[k])
    return power * x


@part
def cosines(phases):
    """phases -> cos(2 pi phases), in place; whole turns drop out without rounding."""
    for j in range(len(phases)):
        phases[j] = quarter_sine(0.25 - abs(phases[j] - np.rint(phases[j])))


@part
def sines(phases, amplitude, out):
    """out = amplitude sin(2 pi phases)."""
    for j in range(len(phases)):
        part = phases[j] - np.rint(phases[j])
        out[j] = amplitude * quarter_sine(math.copysign(0.25 - abs(abs(part) - 0.25), part))


@part
def total(numbers):
    """Sum as a tree, which loops over halves; overwrites the numbers."""
    m = len(numbers)
    while m > 1:
        half = m // 2
        for j in range(half):
            numbers[j] += numbers[m - half + j]
        m -= half
    return numbers[0]
