"""One thread for as long as anybody asks for it, and not a moment longer."""

import subprocess
import sys

OVERLAP = """
from threading import Event, Thread
import torch
from empirical.threads import one_thread

torch.set_num_threads(2)
b_began, a_ended, seen = Event(), Event(), []

def b():
    with one_thread():
        b_began.set()
        assert a_ended.wait(60)
        seen.append(torch.get_num_threads())
    seen.append(torch.get_num_threads())

other = Thread(target=b)
with one_thread():
    other.start()
    assert b_began.wait(60)
    with one_thread():
        pass
    seen.append(torch.get_num_threads())
a_ended.set()
other.join(60)
new = Thread(target=lambda: seen.append(torch.get_num_threads()))
new.start(), new.join()
print(seen, torch.get_num_threads())
"""


def test_blocks_that_overlap_leave_the_number_as_it_was():
    """A begins, B begins, A ends, B ends: in a process of its own, here the tests run inside a block."""
    done = subprocess.run([sys.executable, "-c", OVERLAP], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[1, 1, 2, 2] 2"
