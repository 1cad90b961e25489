"""Jitted functions, a file an idea.

Functions that call each other share a file: numba's cache does not see edits elsewhere. The sweeps, in several files,
are cached under a hash of them all.
"""
