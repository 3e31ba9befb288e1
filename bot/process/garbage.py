"""Makes the garbage collector run rarely: a request makes thousands of objects and hardly any reference cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (20_000, 20, 20)  # with Python's defaults, collection took a tenth of the CPU time


@contextmanager
def rare_collection() -> Iterator[None]:
    """Exempt everything loaded so far from collection, and raise the thresholds, until the end of the block."""
    before = gc.get_threshold()
    if before == THRESHOLDS:  # already set; gc.get_freeze_count() would walk all frozen objects
        yield
        return
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
