"""The agents' HTTP API. A handler parses, calls the road once, and answers; the rules are elsewhere."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil

from aiohttp import web
from pydantic_core import to_json

from bot.api.authentication import AGENT
from bot.api.cursors import decode, encode
from bot.api.problems import Problem, not_found, refused, wrong
from bot.api.requests import (
    CancelRequest,
    ClaimRequest,
    ListQuery,
    NewVersionRequest,
    ReportRequest,
    Shape,
    WaitQuery,
    body_of,
    idempotency_key,
    package_id,
    parsed,
    query_of,
    seen_revision,
    shaped,
)
from bot.api.service import SERVICE
from bot.callbacks.guard import forbidden
from bot.slack.context.lookups import Lookups
from rules.canonical import sha256_of
from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.record.status_document import Document
from rules.state.commands import ClaimExecution, Command, NewVersion, ReportExecution, Withdraw
from rules.verbs.submission import Submit
from scheduler.common.messenger import BusyError, SlackError
from store.installation.house import fresh_id
from store.store import Answered

POLL_AGAIN = "5"


async def submit(request: web.Request) -> web.Response:
    """202 while a person is awaited, 201 where policy settled it at once, 200 where it was answered before."""
    package = await parsed(request, DecisionPackage)
    command_id = _command_id(request, idempotency_key(request, package))
    await _prepared(request, package, command_id)
    command = Submit(command_id=command_id, decision_package_id=f"pkg_{fresh_id()}", package=package)
    answered = await _carried_out(request, command, _content(package))
    settled = answered.document["terminal"]
    status = HTTPStatus.OK if answered.replayed else HTTPStatus.CREATED if settled else HTTPStatus.ACCEPTED
    headers = {"Location": f"/v1/packages/{answered.document['decision_package_id']}"}
    return _answer(answered, status, headers | ({} if settled else {"Retry-After": POLL_AGAIN}))


async def read(request: web.Request) -> web.Response:
    """The status document, now or as soon as it is another than the one that the agent has."""
    service, wait = request.app[SERVICE], query_of(request, WaitQuery).wait
    which, agent_id, seen = package_id(request), request[AGENT].agent_id, seen_revision(request)
    if wait:
        with service.polls.held(agent_id), service.metrics.waiting.track_inprogress():
            found = await service.store.next_change(which, agent_id, seen, wait)
    else:
        found = await service.store.found(which, agent_id)
    if found is None:
        not_found()
    if found.document["revision"] == seen:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_tag(found.document))
    return _json(found.document)


async def listed(request: web.Request) -> web.Response:
    """The agent's own packages, newest first."""
    query, store = query_of(request, ListQuery), request.app[SERVICE].store
    after = decode(query.cursor) if query.cursor else None
    wanted = {"status": query.status, "thread_id": query.thread_id, "action_type": query.action_type}
    found, following = await store.own(request[AGENT].agent_id, limit=query.limit, after=after, **wanted)
    return _json({"packages": found, "next_cursor": encode(following) if following else None})


async def new_version(request: web.Request) -> web.Response:
    """The answer to a revise or an evidence request."""
    body = await parsed(request, NewVersionRequest)
    package = shaped(body.model_dump(exclude={"expected_package_version"}, exclude_unset=True), DecisionPackage)
    command_id = _command_id(request, idempotency_key(request, package))
    await _prepared(request, package, command_id)
    command = NewVersion(
        command_id=command_id,
        decision_package_id=package_id(request),
        expected_package_version=body.expected_package_version,
        package=package,
    )
    answered = await _carried_out(request, command, _content(body))
    return _answer(answered, HTTPStatus.OK if answered.replayed else HTTPStatus.ACCEPTED, {"Retry-After": POLL_AGAIN})


async def cancel(request: web.Request) -> web.Response:
    """Withdraws what nobody has decided yet. Once more changes nothing."""
    body = await parsed(request, CancelRequest)
    command = Withdraw(
        command_id=_command_id(request, idempotency_key(request)),
        decision_package_id=package_id(request),
        comment=body.reason,
    )
    return _answer(await _carried_out(request, command, _content(body)))


async def execution(request: web.Request) -> web.Response:
    """Claims the permission, once, or reports what came of it."""
    body = await body_of(request)
    whose = {"command_id": f"cmd_{fresh_id()}", "decision_package_id": package_id(request)}
    command: Command
    if isinstance(body, dict) and body.get("state") == "claimed":
        claim = shaped(body, ClaimRequest)
        command = ClaimExecution(**whose, claim_id=claim.claim_id, action_digest=claim.action_digest)
    else:
        report = shaped(body, ReportRequest)
        command = ReportExecution(**whose, claim_id=report.claim_id, outcome=report.state, detail=report.detail)
    return _answer(await _carried_out(request, command))


async def events(request: web.Request) -> web.Response:
    """The package's audit events, oldest first."""
    found = await request.app[SERVICE].store.events(package_id(request), request[AGENT].agent_id)
    if found is None:
        not_found()
    return _json({"events": found})


async def _carried_out(request: web.Request, command: Command, content_digest: str | None = None) -> Answered:
    service = request.app[SERVICE]
    answered = await service.store.asked_by(request[AGENT], command, content_digest)
    service.metrics.commands.labels(command.verb, answered.refusal.reason if answered.refusal else "done").inc()
    if answered.refusal:
        raise refused(answered.refusal)
    return answered


async def _prepared(request: web.Request, package: DecisionPackage, command_id: str) -> None:
    """Where its callbacks may go, and who its parties are; what was answered before is only answered again."""
    service = request.app[SERVICE]
    lookups = service.slack.lookups if service.slack else None
    asks_slack = lookups is not None and lookups.are_needed(package)
    if not (package.callback_url or asks_slack) or await service.store.has_answered(command_id):
        return
    if package.callback_url and (because := await forbidden(package.callback_url, service.settings.callback_allow)):
        raise wrong("callback_url", because)
    if lookups is not None and asks_slack:
        await _introduced(lookups, package)


async def _introduced(lookups: Lookups, package: DecisionPackage) -> None:
    """Slack is asked once about an unknown address. Where it cannot say, nobody can say who requested this."""
    detail = "Slack could not be asked whose address requested_by or on_behalf_of names. Send the same request again."
    try:
        await lookups.learn(package)
    except BusyError as busy:
        raise Problem(Reason.DIRECTORY_STALE, detail, headers={"Retry-After": str(ceil(busy.after))}) from busy
    except (SlackError, TimeoutError) as fault:
        raise Problem(Reason.DIRECTORY_STALE, detail) from fault


def _command_id(request: web.Request, key: str | None) -> str:
    """A key makes the same request the same command; it is the agent's own, for this very address."""
    return f"key:{sha256_of([request[AGENT].agent_id, request.path, key])}" if key else f"cmd_{fresh_id()}"


def _content(body: DecisionPackage | Shape) -> str:
    return sha256_of(body.model_dump(mode="json", exclude={"idempotency_key"}, exclude_unset=True))


def _answer(answered: Answered, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    replayed = {"Idempotent-Replayed": "true"} if answered.replayed else {}
    return _json(answered.document, status, (headers or {}) | replayed)


def _json(body: Document, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    headers = (headers or {}) | _tag(body)
    return web.Response(
        body=to_json(body), status=status, content_type="application/json", charset="utf-8", headers=headers
    )


def _tag(body: Document) -> dict[str, str]:
    return {"ETag": f'"{body["revision"]}"'} if "revision" in body else {}


ROUTES = [
    web.post("/v1/packages", submit),
    web.get("/v1/packages", listed, allow_head=False),
    web.get("/v1/packages/{id}", read, allow_head=False),
    web.post("/v1/packages/{id}/versions", new_version),
    web.post("/v1/packages/{id}/cancel", cancel),
    web.post("/v1/packages/{id}/execution", execution),
    web.get("/v1/packages/{id}/events", events, allow_head=False),
]
