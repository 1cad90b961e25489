"""Figures of a theory paper on percolation over the dimension."""
