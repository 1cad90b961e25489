"""Connectivity while a network learns."""
