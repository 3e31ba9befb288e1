"""How rarely the garbage collector runs: a request makes thousands of objects and hardly any reference cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = (20_000, 20, 20)  # at Python's own thresholds, looking for cycles took a tenth of the time


@contextmanager
def seldom_collected() -> Iterator[None]:
    """What is loaded by now stays for good: the collector need not look through it again and again."""
    before = gc.get_threshold()
    if before == YOUNG:  # set up in this process already; asking for the count of frozen objects would count them all
        yield
        return
    gc.freeze()
    gc.set_threshold(*YOUNG)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
