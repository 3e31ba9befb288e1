"""How the app knows that it is Slack that speaks."""

from __future__ import annotations

import hashlib
import hmac
import time

AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


def signed(secret: str, body: str, at: float | None = None) -> dict[str, str]:
    """The headers. Their time is the real one, because the app holds it against its own clock."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "User-Agent": AGENT}
