"""Networks by name: how each is built, trained or loaded, and what its answers hang on."""
