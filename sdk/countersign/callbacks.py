"""Verify the callbacks that the service sends. They are signed as Standard Webhooks describes.

A callback can arrive twice or late, so its document may be out of date. Its `id` is the same in every attempt. Read the
current state with `client.handle(callback.document["decision_package_id"])`.
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
_DIGITS = 12  # enough for any Unix time; a longer number is not one
_TOLERANCE = 300.0  # seconds of clock difference and time in transit


@dataclass(frozen=True, kw_only=True)
class Callback:
    """A verified callback, and the document that it carried: of a package or, by `type`, of a thread or handoff."""

    id: str
    type: str
    timestamp: datetime
    document: StatusDocument

    @property
    def outcome(self) -> Outcome | None:
        """The outcome at the time of sending; None also if this is about a thread or a handoff."""
        return outcome_of(self.document) if self.type.startswith("package.") else None


def verify_callback(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str] | None = None,
    *,
    tolerance: float = _TOLERANCE,
    now: float | None = None,
) -> Callback:
    """Verifies the signature and the time, and returns the callback. Raises `CallbackError` if either is wrong.

    `secret` is the callback secret that `countersign agents add` printed; it defaults to COUNTERSIGN_CALLBACK_SECRET.
    Give several (a list, or separated by spaces) while a secret is being replaced. `tolerance` is how many seconds the
    callback's time may differ from `now`.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    callback_id, sent_at = lowered.get("webhook-id", ""), lowered.get("webhook-timestamp", "")
    if not (callback_id and sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= _DIGITS):
        raise CallbackError("the headers webhook-id and webhook-timestamp are missing or invalid")
    if abs((time.time() if now is None else now) - int(sent_at)) > tolerance:
        raise CallbackError("it is too old, or a clock is wrong: its time is too far from the present")
    signed = _bytes(f"{callback_id}.{sent_at}.") + body
    if not _is_signed(signed, lowered.get("webhook-signature", ""), _decode_keys(secret)):
        raise CallbackError("its signature is wrong")
    return _read(body, callback_id)


def _is_signed(signed: bytes, signatures: str, keys: Sequence[bytes]) -> bool:
    """Whether any signature matches any key. While a secret is being replaced, a callback carries two signatures."""
    expected = [base64.b64encode(hmac.digest(key, signed, sha256)) for key in keys]
    received = [
        _bytes(entry.removeprefix(f"{_VERSION},")) for entry in signatures.split() if entry.startswith(_VERSION)
    ]
    return any(hmac.compare_digest(ours, entry) for ours in expected for entry in received)


def _bytes(text: str) -> bytes:
    """A header may hold any bytes. Frameworks represent bytes that are not valid text as surrogates."""
    return text.encode(errors="surrogatepass")


def _decode_keys(secret: str | Sequence[str] | None) -> list[bytes]:
    configured = secret or os.environ.get(SECRET) or ""
    secrets = configured.split() if isinstance(configured, str) else configured
    try:
        keys = [base64.b64decode(text.removeprefix(_PREFIX), validate=True) for text in secrets]
    except binascii.Error:
        keys = []
    if not keys or not all(keys):
        raise ConfigurationError(
            f"{SECRET} must be the callback secret, whsec_…, that `countersign agents add` printed"
        )
    return keys


def _read(body: bytes, callback_id: str) -> Callback:
    try:
        payload = json.loads(body)
        signed_at = datetime.fromisoformat(payload["timestamp"])
        return Callback(
            id=callback_id, type=payload["type"], timestamp=signed_at.astimezone(UTC), document=payload["data"]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise CallbackError(f"its signature is right, but its content is not a callback: {fault!r}") from fault
