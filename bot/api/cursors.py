"""Cursors of paginated lists, as text. Any text of the right form is a valid position, so none can be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from store.packages.packages import Cursor
from store.threads.history import EventPlace

PATTERN = r"^[0-9]{1,16}-pkg_[0-9a-z]{1,60}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


EVENT_PATTERN = r"^[0-9]{1,16}-evt_[0-9a-z]{1,60}$"


def encode_event(place: EventPlace) -> str:
    return f"{(place.occurred_at - _EPOCH) // _MICROSECOND}-{place.event_id}"


def decode_event(text: str) -> EventPlace:
    since, _, event_id = text.partition("-")
    return EventPlace(_EPOCH + int(since) * _MICROSECOND, event_id)


def encode(cursor: Cursor) -> str:
    return f"{(cursor.created_at - _EPOCH) // _MICROSECOND}-{cursor.package_id}"


def decode(text: str) -> Cursor:
    since, _, package_id = text.partition("-")
    return Cursor(_EPOCH + int(since) * _MICROSECOND, package_id)
