"""Health, readiness and metrics, for operators and machines.

They need no key and never call Slack: they report what this process or another replica last got from Slack. `/healthz`
asks nothing, `/readyz` and `/metrics` read the database. `bot.web` adds the routes to the port of the operators.
"""

from __future__ import annotations

import asyncio
import json
import math
from http import HTTPStatus
from typing import Any

from aiohttp import web

from blocks.home.troubles import SOCKET_OFF
from bot.api.service import SERVICE, Service
from bot.slack.outgoing.faults import token_refused
from bot.slack.wiring import SlackSide
from rules.record.chain import rfc3339
from scheduler.time import heartbeat
from store.commands.policies import FILE_NOT_IN_FORCE
from store.engine.workers import UnavailableError
from store.installation import presence
from store.installation.policy_texts import FIX, UnreadablePolicyError
from store.mail import letters
from store.mail.letters import MailCounts
from store.mail.sending import are_mails_sent
from store.outbox import callback_admin, cards, troubles
from store.outbox.callback_admin import CallbackCounts

DATABASE_TIMEOUT = 5.0  # seconds, for a database that may hang


async def healthz(_: web.Request) -> web.Response:
    """Answer that the process is alive. The database is not asked, so that a slow one does not cause restarts."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Answer 200 if the database answers and this process has written its heartbeat lately. Nothing is written.

    The posture names the policy in force, and what holds back approvals now.
    The service is ready without Slack or its socket: agents can still read, claim and report. An outage of Slack
    affects all replicas, so taking this one out of the load balancer would only stop agents as well.
    """
    service = request.app[SERVICE]
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT):
            body = await _readiness(service)
    except UnreadablePolicyError as fault:
        return _not_ready({"database": "ok", "policy": f"{fault} {FIX}"})
    except (UnavailableError, TimeoutError):
        return _not_ready({"database": "does not answer"})
    if service.slack and service.slack.clockwork.heart.cannot_write:
        return _not_ready({"database": f"has taken no write of this process for {heartbeat.MUST_WRITE:.0f} s"})
    return web.Response(text=json.dumps(body), content_type="application/json")


async def _readiness(service: Service) -> dict[str, Any]:
    store, installation = service.store, service.store.installation
    status, roster, callbacks, mails, away, undelivered, mails_on = await store.read(
        lambda connection: (
            installation.status(connection),
            installation.roster(connection),
            callback_admin.count_callbacks(connection),
            letters.count_mails(connection),
            presence.slack_away_since(connection, installation.tenant_id, store.clock()),
            troubles.current_troubles(connection, installation.tenant_id),
            are_mails_sent(connection, store.clock()),
        )
    )
    policy = roster.policy
    fresh = roster.directory.is_fresh(policy, store.clock())
    checks = {"database": "ok", "directory": "fresh" if fresh else "stale: nobody can decide"}
    return {
        "ready": True,
        "checks": checks | {"policy": "in force" if store.is_file_in_force(policy) else FILE_NOT_IN_FORCE},
        "posture": {
            "policy_version": policy.full_version,
            "soft_approval": policy.soft.enabled,
            "frozen": status.frozen,
            "tenant_id": installation.tenant_id,
            **_slack_posture(service.slack, undelivered),
            **({"slack_away_since": rfc3339(away)} if away else {}),
            "callbacks": callbacks._asdict(),
            "email": {"on": mails_on, **mails._asdict()},
            "feed": await service.feed_reports.load_posture(store),
        },
    }


def _not_ready(checks: dict[str, str]) -> web.Response:
    body = {"ready": False, "checks": checks}
    return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)


def _slack_posture(side: SlackSide | None, trouble_reports: list[troubles.TroubleReport]) -> dict[str, Any]:
    """Describe Slack as of the last call to it; no call is made here."""
    if side is None:
        return {"slack": "not configured"}
    errors = {trouble.place: trouble.error for trouble in trouble_reports}  # of all replicas
    app_error, socket_error = errors.pop(troubles.APP, None), errors.pop(troubles.SOCKET, None)
    directory = {"directory_trouble": side.directory.trouble} if side.directory.trouble else {}
    return {
        "slack": token_refused(app_error) if app_error else side.client.trouble or "ok",
        **_socket_posture(side, socket_error),
        "silence": f"does not count: {side.unproven}" if side.unproven else "counts",
        **directory,
        "undelivered": [{"place": place, "error": error} for place, error in errors.items()],
    }


def _socket_posture(side: SlackSide, reported_error: str | None) -> dict[str, str]:
    if side.socket is None:
        return {}
    if side.socket.connected:
        return {"socket": "connected"}
    error = side.socket.refusal or reported_error
    trouble = {"socket_trouble": f"Slack refuses the connection: {error}. {SOCKET_OFF}"} if error else {}
    return {"socket": "not connected", **trouble}


def _trouble_counts(side: SlackSide, trouble_reports: list[troubles.TroubleReport]) -> dict[str, int]:
    places = {report.place for report in trouble_reports}
    trouble = side.client.trouble or ""
    return {
        "unreachable": trouble.startswith("unreachable"),
        "token": troubles.APP in places or trouble.startswith("refuses"),
        "socket": troubles.SOCKET in places or bool(side.socket and side.socket.refusal),
        "places": len(places.difference(troubles.OF_THE_APP)),
    }


async def metrics(request: web.Request) -> web.Response:
    """Serve the Prometheus page. Without the database, the gauges of the backlog are NaN."""
    service = request.app[SERVICE]
    behind, callbacks, mails, trouble_reports = await _read_backlog(service)
    service.metrics.behind.set(behind)
    for kind, value in (_trouble_counts(service.slack, trouble_reports) if service.slack else {}).items():
        service.metrics.troubles.labels(kind).set(value)
    service.metrics.silence.set(bool(service.slack and not service.slack.unproven))
    for state in ("due", "waiting", "dead"):
        service.metrics.undelivered.labels(state).set(getattr(callbacks, state))
        service.metrics.unsent.labels(state).set(getattr(mails, state))
    await service.feed_reports.write_metrics(service.store, service.metrics)
    await service.oversight.refresh(service.store)
    page, content_type = service.metrics.page()
    return web.Response(body=page, headers={"Content-Type": content_type})


_Backlog = tuple[float, CallbackCounts, MailCounts, list[troubles.TroubleReport]]


async def _read_backlog(service: Service) -> _Backlog:
    store, tenant_id = service.store, service.store.installation.tenant_id
    try:
        return await store.read(
            lambda connection: (
                cards.count_cards_behind(connection, tenant_id),
                callback_admin.count_callbacks(connection),
                letters.count_mails(connection),
                troubles.current_troubles(connection, tenant_id),
            ),
        )
    except UnavailableError:
        return math.nan, CallbackCounts(*[math.nan] * 4), MailCounts(*[math.nan] * 3), []


LIVENESS = web.get("/healthz", healthz)
ROUTES = [
    LIVENESS,
    web.get("/readyz", readyz),
    web.get("/metrics", metrics),
]
