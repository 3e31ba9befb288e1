"""Cursors: where a listing goes on, opaque to whoever carries it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from bot.problems import wrong
from store.packages import Cursor


def encode(cursor: Cursor) -> str:
    return urlsafe_b64encode(f"{cursor.created_at.isoformat()} {cursor.package_id}".encode()).decode()


def decode(text: str) -> Cursor:
    try:
        moment, package_id = urlsafe_b64decode(text.encode()).decode().split(" ")
        created_at = datetime.fromisoformat(moment)
    except ValueError:
        created_at, package_id = datetime.min, ""  # noqa: DTZ901 - naive, and so refused below
    if created_at.tzinfo is None:
        raise wrong("query.cursor", "is not one of ours: take next_cursor from the page before, as it is")
    return Cursor(created_at, package_id)
