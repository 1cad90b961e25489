"""The phase diagram: dimension against number of classes."""
