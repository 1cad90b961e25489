"""Figures of papers: one folder a paper, one module a figure, each with compute() and draw()."""
