"""What Slack's errors mean, in one place: wait, look for another place, or tell somebody."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook import WebhookResponse

from blocks.home.troubles import APP_GONE
from scheduler.common.messenger import BusyError, RefusedError, SlackError, TokenError, UnreachableError

# The place is at fault, and another one may do. All else is the token's, the app's or our own.
_OF_THE_PLACE = frozenset([
    "as_user_not_supported", "cannot_dm_bot", "cant_update_message", "channel_is_archived", "channel_not_found",
    "edit_window_closed", "external_channel_migrating", "is_archived", "is_inactive", "message_not_found",
    "messages_tab_disabled", "no_permission", "not_in_channel", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "user_disabled", "user_not_found",
])  # fmt: skip
_OF_THE_TOKEN = frozenset([
    "accesslimited", "account_inactive", "app_uninstalled", "ekm_access_denied", "invalid_auth", "not_authed",
    "org_login_required", "team_access_not_granted", "team_added_to_org", "token_expired", "token_revoked",
])  # fmt: skip
_TOO_LITTLE = frozenset(["missing_scope", "not_allowed_token_type"])
_PASSING = frozenset(["fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed"])
_TOO_FAST = frozenset(["ratelimited", "rate_limited"])
_PAUSE = 30.0
_WORD = re.compile(r"[a-z0-9_]{1,60}")

# What the client raises besides Slack's own errors. ValueError, RecursionError: the body is no JSON that can be read.
RAISED = (SlackClientError, ClientError, TimeoutError, OSError, ValueError, RecursionError)


async def understood(call: Awaitable[AsyncSlackResponse], *fields: str) -> AsyncSlackResponse:
    """The answer, if it says ok and has these fields; else the fault that it means, whatever its status and body."""
    try:
        answer = await call
        missing = [field for field in ("ok", *fields) if answer[field] is None]
    except AttributeError as error:  # raised by the SDK if the body of a 200 is text or a list
        raise UnreachableError("an answer that is not a JSON object") from error
    except RAISED as error:
        raise fault_of(error) from error
    if missing:
        raise UnreachableError(f"an answer without {missing[0]}")
    return answer


def fault_of(error: Exception) -> SlackError:
    """The fault that delivery understands, of whatever the client raised."""
    if not isinstance(error, SlackApiError):
        return UnreachableError(str(error) or type(error).__name__)
    answer: Any = error.response  # aiohttp's own response if the body was no JSON, else the SDK's
    status = getattr(answer, "status_code", None) or answer.status
    return _classified(status, answer.headers, _word(getattr(answer, "data", None)))


def fault_of_reply(answer: WebhookResponse) -> SlackError | None:
    """What a response_url answered, if not that all is well: in plain text or in JSON."""
    if answer.status_code == HTTPStatus.OK:
        return None
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = {"error": answer.body.strip()}
    return _classified(answer.status_code, answer.headers, _word(said))


def _word(data: object) -> str | None:
    """Slack's own word for the error. A body of another form comes from something between Slack and us."""
    said = data.get("error") if isinstance(data, dict) else None
    return said if isinstance(said, str) and _WORD.fullmatch(said) else None


def _classified(status: int, headers: Mapping[str, str], said: str | None) -> SlackError:
    if status == HTTPStatus.TOO_MANY_REQUESTS or said in _TOO_FAST:
        return BusyError(said or "ratelimited", _retry_after(headers.get("Retry-After")))
    if said is None or said in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        unread = "" if status >= HTTPStatus.BAD_REQUEST else " with an unreadable body"
        return UnreachableError(said or f"HTTP {status}{unread}")
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
