"""Pairs of low-loss points to connect: what is asked for, and what was drawn."""
