"""Cursors of paginated lists, as text: microseconds since 1970, a hyphen and an id.

Any text that matches the pattern is a position in the list, so no cursor can be wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from store.packages.packages import Cursor
from store.threads.history import EventPlace

PACKAGE_PATTERN = r"^[0-9]{1,16}-pkg_[0-9a-z]{1,60}$"
EVENT_PATTERN = r"^[0-9]{1,16}-evt_[0-9a-z]{1,60}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_package(cursor: Cursor) -> str:
    return _encode(cursor.created_at, cursor.package_id)


def decode_package(text: str) -> Cursor:
    return Cursor(*_decode(text))


def encode_event(place: EventPlace) -> str:
    return _encode(place.occurred_at, place.event_id)


def decode_event(text: str) -> EventPlace:
    return EventPlace(*_decode(text))


def _encode(moment: datetime, row_id: str) -> str:
    return f"{(moment - _EPOCH) // _MICROSECOND}-{row_id}"


def _decode(text: str) -> tuple[datetime, str]:
    microseconds, _, row_id = text.partition("-")
    return _EPOCH + int(microseconds) * _MICROSECOND, row_id
