"""Jitted functions, a file an idea; all are compiled by `compiling`, and recompiled when any file here changes."""
