"""The class-optimal set of one class of a network."""
