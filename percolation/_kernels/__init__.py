"""Jitted functions, a file an idea.

Functions that call each other share a file: numba's cache does not see edits elsewhere.
"""
