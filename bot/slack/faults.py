"""What Slack's errors mean, in one place: wait, look for another place, or tell somebody."""

from __future__ import annotations

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError

from blocks.troubles import APP_GONE
from scheduler.messenger import BusyError, RefusedError, SlackError, TokenError, UnreachableError

# The place is at fault, and another one may do. All else is the token's, the app's or our own.
_OF_THE_PLACE = frozenset([
    "as_user_not_supported", "cannot_dm_bot", "cant_update_message", "channel_is_archived", "channel_not_found",
    "edit_window_closed", "external_channel_migrating", "is_archived", "is_inactive", "message_not_found",
    "messages_tab_disabled", "no_permission", "not_in_channel", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "user_disabled", "user_not_found",
])  # fmt: skip
_OF_THE_TOKEN = frozenset([
    "account_inactive", "app_uninstalled", "invalid_auth", "not_authed", "team_access_not_granted", "token_expired",
    "token_revoked",
])  # fmt: skip
_TOO_LITTLE = frozenset(["missing_scope", "not_allowed_token_type"])
_PASSING = frozenset(["fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed"])
_PAUSE = 30.0


def fault_of(error: Exception) -> SlackError:
    """The fault that delivery understands, of whatever the client raised."""
    if not isinstance(error, SlackApiError):
        return UnreachableError(str(error) or type(error).__name__)
    answer = error.response
    said = str(answer.get("error") or f"HTTP {answer.status_code}")
    if answer.status_code == 429 or said in ("ratelimited", "rate_limited"):  # noqa: PLR2004 - Too Many Requests
        return BusyError(said, _retry_after(answer.headers.get("Retry-After")))
    if said in _PASSING or answer.status_code >= 500:  # noqa: PLR2004 - the server's own faults
        return UnreachableError(said)
    if said in _OF_THE_TOKEN:
        return TokenError(said)
    return RefusedError(said) if said in _OF_THE_PLACE else SlackError(said)


def trouble_of(fault: SlackError) -> str | None:
    """What an operator should know of Slack as a whole. What it refuses for other reasons, it has answered."""
    if isinstance(fault, UnreachableError):
        return f"unreachable: {fault.error}"
    if isinstance(fault, TokenError):
        return refuses(fault.error)
    return f"refuses the token: {fault.error}" if fault.error in _TOO_LITTLE else None


def refuses(error: str) -> str:
    return f"refuses the token: {error}. {APP_GONE}"


def _retry_after(written: str | None) -> float:
    try:
        return max(1.0, float(written or _PAUSE))
    except ValueError:
        return _PAUSE


RAISED = (SlackClientError, ClientError, TimeoutError, OSError, ValueError)  # ValueError: an answer that is not JSON
