"""Signs requests, so that the app knows that they come from Slack."""

from __future__ import annotations

import hashlib
import hmac
import time

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


def signature_headers(secret: str, body: str, at: float | None = None) -> dict[str, str]:
    """The signature's time is the real one, because the app compares it with its own clock."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "User-Agent": AGENT}
