"""Python's garbage collector, set for a process that holds much for long and builds long answers.

Python looks for cycles through all that is alive: the schema and Butler's classes are 200,000 objects, and every look at them stops
all requests for 0.15 seconds and more. They stay as long as the process does.
"""

from __future__ import annotations

import gc

# A list of 10,000 rows is far more objects than the 700 after which Python would look at the youngest, again and again. With these
# numbers no look at what an answer is made of took 50 ms (10 clients that fetch 10,000 rows each), and all of them an eighth of
# the time.
_THRESHOLDS = (10_000, 20, 100)


def settle() -> None:
    """Leave what is there now alone, for good, and look at the rest less often. Called once, when all is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
