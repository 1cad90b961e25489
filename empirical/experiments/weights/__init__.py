"""Paths between trained networks, in the space of their parameters."""
