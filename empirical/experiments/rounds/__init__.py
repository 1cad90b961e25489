"""Rounds of the path finder beside those that theory predicts."""
