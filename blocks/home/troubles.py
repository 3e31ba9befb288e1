"""Messages to admins about troubles of the service: when one begins, and when it ends.

`scheduler.cards.admin_alerts` picks the function and sends the message to the admins. Each says what to do. `error` is
Slack's own word, so it is cleaned.
"""

from __future__ import annotations

from datetime import datetime

from blocks.kit.elements import Element, Run, code, moment, paragraph, rich, user
from blocks.kit.message import Message
from blocks.kit.text import clean, in_utc

APP_GONE = "Install the app in Slack, give the service its SLACK_BOT_TOKEN, and restart it."
SOCKET_OFF = "Turn Socket Mode on for the app at api.slack.com/apps, and check SLACK_APP_TOKEN."
_FIXES = {
    "channel_is_archived": "Unarchive the channel, or name another one in the policy.",
    "channel_id_changed": "Name the channel in the policy by its new id, which Slack shows in its details.",
    "channel_not_found": "Correct its id in the policy; if it is a private channel, invite the app there.",
    "is_archived": "Unarchive the channel, or name another one in the policy.",
    "not_in_channel": "Invite the app there.",
    "restricted_action": "Let the app post there, or name another channel in the policy.",
}
_FIX = "Look at it with `countersign doctor`."


def channel_failing(place: str, error: str) -> Message:
    """While it lasts, people are asked elsewhere: in the fallback channel or by direct message."""
    fix, reason = _FIXES.get(error, _FIX), clean(error)
    text = f"Countersign cannot show anything in {place}: Slack says {reason}. {fix}"
    runs: list[Run] = ["Countersign cannot show anything in ", _place(place), ": Slack says ", code(reason), ". ", fix]
    return Message(text, (rich(paragraph(*runs, " Until then people are asked elsewhere, if the policy allows.")),))


def channel_working(place: str) -> Message:
    text = f"Countersign can post in {place} again."
    return Message(text, (rich(paragraph("Countersign can post in ", _place(place), " again.")),))


def app_gone(error: str) -> Message:
    return _plain(f"Slack no longer lets Countersign do anything: {clean(error)}. {APP_GONE}")


def app_back(error: str, since: datetime) -> Message:
    before, after = "Slack lets Countersign work again. It refused everything since ", f": {clean(error)}."
    return Message(f"{before}{in_utc(since)}{after}", (rich(paragraph(before, moment(since), after)),))


def socket_off(error: str) -> Message:
    return _plain(f"Clicks in Slack do not reach Countersign: Socket Mode is refused ({clean(error)}). {SOCKET_OFF}")


def socket_back() -> Message:
    return _plain("Socket Mode is connected again: clicks in Slack reach Countersign.")


def _plain(text: str) -> Message:
    return Message(text, (rich(paragraph(text)),))


def _place(place: str) -> Element:
    return user(place) if place.startswith(("U", "W")) else {"type": "channel", "channel_id": place}
