"""What theory and publications say; no simulation imports it, and it none: each checks the other.

Nothing here simulates percolation; `rounds` evaluates its one-dimensional theory by sampling.
"""
