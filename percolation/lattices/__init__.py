"""Lattices: a unit cell, which is the infinite lattice and cuts tori and boxes out of itself; and finite families.

`hypercubic(d)`, `triangular`, `honeycomb`, `kagome`, `Lieb`, `bcc`, `fcc`, `root_lattice("D", d)` and any `Lattice` of
your own bonds are infinite: `.torus(L)` and `.box(L)` are their finite pieces. `n_cube(n)` and `hamming(d, q)` are
finite graphs without an infinite lattice behind them. `named` has all of them by the names that `percolation.theory`
uses too.
"""

from percolation.graphs import Graph
from percolation.lattices.finite import Hamming, NCube, cayley_tree, hamming, n_cube
from percolation.lattices.lattice import Bond, Box, Lattice, bravais
from percolation.lattices.named import (
    NAMES,
    Lieb,
    bcc,
    cubic,
    dimension,
    fcc,
    honeycomb,
    hypercubic,
    kagome,
    named,
    root_lattice,
    square,
    triangular,
)

FiniteGraph = Box | Hamming | NCube | Graph  # what has sites and bonds to open

__all__ = [
    "Bond",
    "Box",
    "FiniteGraph",
    "Hamming",
    "Lattice",
    "Lieb",
    "NAMES",
    "NCube",
    "bcc",
    "bravais",
    "cayley_tree",
    "cubic",
    "dimension",
    "fcc",
    "hamming",
    "honeycomb",
    "hypercubic",
    "kagome",
    "n_cube",
    "named",
    "root_lattice",
    "square",
    "triangular",
]
