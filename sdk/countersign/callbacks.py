"""What the service sends: verified by its signature (Standard Webhooks) before a word of it is believed.

A callback can come twice, and late. So it is a reason to look, not the last word: `id` is the same in every attempt,
and the package itself (`client.handle(callback.document["decision_package_id"])`) is always as it is now.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from countersign.document import StatusDocument
from countersign.errors import CallbackError, ConfigurationError
from countersign.outcomes import Outcome, outcome_of

SECRET = "COUNTERSIGN_CALLBACK_SECRET"  # noqa: S105 - the name of the variable
MAX_BODY = 1024 * 1024
_PREFIX, _VERSION = "whsec_", "v1"
_DIGITS = 12  # of a time in seconds, for as long as anybody will run this
_TOLERANCE = 300.0  # seconds that a clock may be off, or a callback under way


@dataclass(frozen=True, kw_only=True)
class Callback:
    """What the service said, and when."""

    id: str
    type: str
    timestamp: datetime
    document: StatusDocument

    @property
    def outcome(self) -> Outcome | None:
        """As it was when this was sent."""
        return outcome_of(self.document)


def verify_callback(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str] | None = None,
    *,
    tolerance: float = _TOLERANCE,
    now: float | None = None,
) -> Callback:
    """The callback, or CallbackError. `secret` is what `countersign agents add` printed; several while one changes."""
    given = {name.lower(): value for name, value in headers.items()}
    callback_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (callback_id and stamp.isascii() and stamp.isdigit() and len(stamp) <= _DIGITS):
        raise CallbackError("it does not bear the headers webhook-id and webhook-timestamp")
    if abs((time.time() if now is None else now) - int(stamp)) > tolerance:
        raise CallbackError("its time is too far from now: it is old and sent again, or a clock is wrong")
    signed = _bytes(f"{callback_id}.{stamp}.") + body
    if not _is_signed(signed, given.get("webhook-signature", ""), _keys(secret)):
        raise CallbackError("its signature is not the service's")
    return _read(body, callback_id)


def _is_signed(signed: bytes, signatures: str, keys: Sequence[bytes]) -> bool:
    """By any of the keys: while a secret changes, there are two signatures."""
    ours = [base64.b64encode(hmac.digest(key, signed, sha256)) for key in keys]
    theirs = [_bytes(each.removeprefix(f"{_VERSION},")) for each in signatures.split() if each.startswith(_VERSION)]
    return any(hmac.compare_digest(mine, each) for mine in ours for each in theirs)


def _bytes(text: str) -> bytes:
    """A header may hold any bytes, and frameworks spell those that are no text as surrogates."""
    return text.encode(errors="surrogatepass")


def _keys(secret: str | Sequence[str] | None) -> list[bytes]:
    given = secret or os.environ.get(SECRET) or ""
    secrets = given.split() if isinstance(given, str) else given
    try:
        keys = [base64.b64decode(each.removeprefix(_PREFIX), validate=True) for each in secrets]
    except binascii.Error:
        keys = []
    if not keys or not all(keys):
        raise ConfigurationError(
            f"{SECRET} must be the callback secret, whsec_…, that `countersign agents add` printed"
        )
    return keys


def _read(body: bytes, callback_id: str) -> Callback:
    try:
        said = json.loads(body)
        written = datetime.fromisoformat(said["timestamp"])
        return Callback(id=callback_id, type=said["type"], timestamp=written.astimezone(UTC), document=said["data"])
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise CallbackError(f"it is signed, and cannot be understood: {fault!r}") from fault
