"""graph-tool's percolation, for the system's python3, where it lives.

Reads a file with the number of sites and the edges; then, for every line "site" or "bond" on standard input, does a
sweep in random order, the shuffle included, and prints its seconds. "site order.npy result.npy" writes the largest
cluster for that order instead.
"""

import sys
import time

import numpy as np
from graph_tool import Graph, openmp_set_num_threads
from graph_tool.topology import edge_percolation, vertex_percolation

openmp_set_num_threads(1)
stored = np.load(sys.argv[1])
edges = stored["edges"]
graph = Graph(directed=False)
graph.add_vertex(int(stored["n_sites"]))
graph.add_edge_list(edges)
rng = np.random.default_rng(1)
print("ready", flush=True)
for line in sys.stdin:
    kind, *files = line.split()
    if files:
        order = np.load(files[0])
        result = vertex_percolation(graph, order) if kind == "site" else edge_percolation(graph, edges[order])
        np.save(files[1], result[0])
        print("done", flush=True)
        continue
    start = time.perf_counter()
    if kind == "site":
        vertex_percolation(graph, rng.permutation(graph.num_vertices()))
    else:
        edge_percolation(graph, rng.permutation(edges))
    print(time.perf_counter() - start, flush=True)
