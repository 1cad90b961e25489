"""What is minimised: losses as batched objectives on a vector space, and their evaluation in chunks."""
