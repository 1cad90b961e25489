"""Peak memory of a program that a test runs in a fresh process, Linux only.

getrusage would not do: a process begins with the peak of the one that started it (the kernel carries ru_maxrss
across exec), and the tests before may have held gigabytes.
"""

import sys

import pytest

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")

# the beginning of such a program
PEAK = '''
def peak():
    """Largest resident memory so far, bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
'''
