"""Theory's numbers from a network: its straight lines, what they predict, its cells, and verdicts."""
