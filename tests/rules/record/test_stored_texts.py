"""Renderings in a hostile export: the check always ends."""

from __future__ import annotations

import json
from time import process_time

from rules.record.evidence import StoredRendering, Trail
from rules.record.stored_texts import rendering_faults


def test_a_rendering_that_is_crafted_to_be_slow_is_checked_quickly() -> None:
    trail = Trail("pkg_a", renderings=[StoredRendering("rnd_" + "0" * 32, json.dumps("pkg_" * 60_000))])
    begun = process_time()
    assert len(list(rendering_faults(trail))) == 1
    assert process_time() - begun < 5
