"""Renderings of an export that a stranger made: whatever they hold, checking them ends."""

from __future__ import annotations

import json
from time import process_time

from rules.record.evidence import Shown, Trail
from rules.record.kept_texts import renderings_at_fault


def test_a_rendering_made_to_be_searched_for_long_is_checked_at_once() -> None:
    trail = Trail("pkg_a", renderings=[Shown("rnd_" + "0" * 32, json.dumps("pkg_" * 60_000))])
    begun = process_time()
    assert len(list(renderings_at_fault(trail))) == 1
    assert process_time() - begun < 5
