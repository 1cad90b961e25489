"""Networks: low-loss points, the path finder that connects them, and the comparison with percolation."""
