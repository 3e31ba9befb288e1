"""What Slack's errors mean: wait, try another place, or tell an admin.

Every failure becomes one of the errors of `scheduler.common.messenger`; `_classify` decides by status, header and
Slack's word. A word that is in none of the sets is a plain `SlackError`: it is about the app or this service, so
another place would not help.
"""

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
from scheduler.common.messenger import BusyError, RefusedError, SlackError, TextError, TokenError, UnreachableError

# Another place may work. Any other error is about the token, the app or this service.
_PLACE_ERRORS = frozenset([
    "as_user_not_supported", "cannot_dm_bot", "cant_update_message", "channel_is_archived", "channel_not_found",
    "edit_window_closed", "external_channel_migrating", "is_archived", "is_inactive", "message_not_found",
    "messages_tab_disabled", "no_permission", "not_in_channel", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "user_disabled", "user_not_found",
])  # fmt: skip
# Another text may work.
_TEXT_ERRORS = frozenset([
    "invalid_attachments", "invalid_blocks", "invalid_blocks_format", "invalid_metadata_format",
    "markdown_text_conflict", "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_attachments",
])  # fmt: skip
_TOKEN_ERRORS = frozenset([
    "accesslimited", "account_inactive", "app_uninstalled", "ekm_access_denied", "invalid_auth", "not_authed",
    "org_login_required", "team_access_not_granted", "team_added_to_org", "token_expired", "token_revoked",
])  # fmt: skip
_SCOPE_ERRORS = frozenset(["missing_scope", "not_allowed_token_type"])
_TEMPORARY_ERRORS = frozenset(
    ["fatal_error", "internal_error", "request_timeout", "service_unavailable", "update_failed"]
)
_RATE_ERRORS = frozenset(["ratelimited", "rate_limited"])
_PAUSE = 30.0  # seconds, if Slack does not say how long
_ERROR_CODE = re.compile(r"[a-z0-9_]{1,60}")

# Raised by the client besides Slack's own errors. ValueError and RecursionError: the body is not readable JSON.
CLIENT_ERRORS = (SlackClientError, ClientError, TimeoutError, OSError, ValueError, RecursionError)


async def read_answer(call: Awaitable[AsyncSlackResponse], *fields: str) -> AsyncSlackResponse:
    """Return the answer if it says ok and has these fields; otherwise raise the fault that it stands for."""
    try:
        answer = await call
        missing = [field for field in ("ok", *fields) if answer[field] is None]
    except AttributeError as error:  # raised by the SDK if the body of a 200 is text or a list
        raise UnreachableError("an answer that is not a JSON object") from error
    except CLIENT_ERRORS as error:
        raise fault_of(error) from error
    if missing:
        raise UnreachableError(f"an answer without {missing[0]}")
    return answer


def fault_of(error: Exception) -> SlackError:
    """Translate an exception of the client into a fault that delivery understands."""
    if not isinstance(error, SlackApiError):
        return UnreachableError(str(error) or type(error).__name__)
    answer: Any = error.response  # aiohttp's response if the body was no JSON, otherwise the SDK's
    status = getattr(answer, "status_code", None) or answer.status
    return _classify(status, answer.headers, _error_code(getattr(answer, "data", None)))


def fault_of_reply(answer: WebhookResponse) -> SlackError | None:
    """The fault in an answer of a response_url, in plain text or JSON. None if it succeeded."""
    if answer.status_code == HTTPStatus.OK:
        return None
    try:
        error = json.loads(answer.body)
    except (ValueError, RecursionError):
        error = {"error": answer.body.strip()}
    return _classify(answer.status_code, answer.headers, _error_code(error))


def _error_code(data: object) -> str | None:
    """Slack's code of the error. A body in any other form comes from something between Slack and us."""
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else None


def _classify(status: int, headers: Mapping[str, str], error: str | None) -> SlackError:
    if status == HTTPStatus.TOO_MANY_REQUESTS or error in _RATE_ERRORS:
        return BusyError(error or "ratelimited", _retry_after(headers.get("Retry-After")))
    if error is None or error in _TEMPORARY_ERRORS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        unread = "" if status >= HTTPStatus.BAD_REQUEST else " with an unreadable body"
        return UnreachableError(error or f"HTTP {status}{unread}")
    if error in _TOKEN_ERRORS:
        return TokenError(error)
    if error in _TEXT_ERRORS:
        return TextError(error)
    return RefusedError(error) if error in _PLACE_ERRORS else SlackError(error)


def trouble_of(fault: SlackError) -> str | None:
    """What an operator should know about Slack as a whole. Other refusals are ordinary answers."""
    if isinstance(fault, UnreachableError):
        return f"unreachable: {fault.error}"
    if isinstance(fault, TokenError):
        return token_refused(fault.error)
    return f"refuses the token: {fault.error}" if fault.error in _SCOPE_ERRORS else None


def token_refused(error: str) -> str:
    return f"refuses the token: {error}. {APP_GONE}"


def _retry_after(header: str | None) -> float:
    try:
        return max(1.0, float(header or _PAUSE))
    except ValueError:
        return _PAUSE
