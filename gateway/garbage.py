"""Python's garbage collector and the C library's memory, set for a process that holds much for long and builds long answers.

Python looks for cycles through all that is alive: the schema and Butler's classes are 200,000 objects, and every look at them stops
all requests for 0.15 seconds and more. They stay as long as the process does.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import sys
from contextlib import suppress

# A list of 10,000 rows is far more objects than the 700 after which Python would look at the youngest, again and again. With these
# numbers no look at what an answer is made of took 50 ms (10 clients that fetch 10,000 rows each), and all of them an eighth of
# the time.
_THRESHOLDS = (10_000, 20, 100)


_M_ARENA_MAX = -8  # malloc.h of the GNU C library, mallopt(3)
_ARENAS = 2

_TURN = 0.001  # seconds


def settle() -> None:
    """Leave what is there now alone, for good, and look at the rest less often. Called once, when all is imported and before there are
    threads: each of them would keep free memory of its own, 40 MB more in all after the same load."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    # The loop's turn must not wait five milliseconds for each of the threads that read rows.
    sys.setswitchinterval(_TURN)
    gc.collect()
    gc.freeze()
    # What is frozen would not be freed at the end either, and libraries in C++ (nanobind's) then say on standard error what was leaked.
    atexit.register(gc.unfreeze)
    gc.set_threshold(*_THRESHOLDS)
