"""Short scripts to read and run, one for each job of the package; each prints numbers and draws a figure."""
