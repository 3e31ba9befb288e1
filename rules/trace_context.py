"""The trace of an agent's request, by W3C Trace Context. What is invalid is ignored, as the standard says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

MAX_STATE = 512  # characters, as the standard asks every participant to keep
MAX_MEMBERS = 32
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_OWN_VERSION, _INVALID_VERSION = "00", "ff"
_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_MEMBER = re.compile(rf"({_KEY})=[ -+\--<>-~]{{0,255}}[!-+\--<>-~]")


class TraceContext(NamedTuple):
    """The headers `traceparent`, in version 00, and `tracestate`."""

    parent: str
    state: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"traceparent": self.parent} | ({"tracestate": self.state} if self.state else {})


def parse_trace(parents: Sequence[str], states: Sequence[str] = ()) -> TraceContext | None:
    """Parse the values of both headers. An invalid `tracestate` leaves only the `traceparent`."""
    parent = _parse_parent(parents[0].strip(" \t")) if len(parents) == 1 else None
    return TraceContext(parent, _parse_state(",".join(states))) if parent else None


def _parse_parent(written: str) -> str | None:
    """The header as version 00 writes it. A later version begins in the same way, and may be longer."""
    match = _PARENT.fullmatch(written)
    if match is None:
        return None
    version, trace_id, span_id, flags, more = match.groups()
    is_valid_version = version != _INVALID_VERSION and not (version == _OWN_VERSION and more)
    if not is_valid_version or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return f"{_OWN_VERSION}-{trace_id}-{span_id}-{int(flags, 16) & 1:02x}"


def _parse_state(written: str) -> str | None:
    members = [member for part in written.split(",") if (member := part.strip(" \t"))]
    keys = [match[1] for member in members if (match := _MEMBER.fullmatch(member))]
    is_valid = len(keys) == len(members) == len(set(keys)) <= MAX_MEMBERS
    state = ",".join(members)
    return state if members and is_valid and len(state) <= MAX_STATE else None
