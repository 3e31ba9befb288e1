"""The handlers of the agents' HTTP API.

A handler parses the request into a command, has the store carry it out in one transaction, and answers with the status
document. Whether a command is allowed is decided in `rules/`. A request with an idempotency key always becomes the same
command id, so sending it again is answered as before and changes nothing.
"""

from __future__ import annotations

from http import HTTPStatus
from math import ceil

from aiohttp import web

from bot.api.answering import command_id_of, digest_of, etag, json_response
from bot.api.authentication import AGENT
from bot.api.cursors import decode_package, encode_package
from bot.api.problems import Problem, field_problem, raise_not_found, refusal_problem
from bot.api.requests import (
    CancelRequest,
    ClaimRequest,
    ListQuery,
    MessageRequest,
    MessagesQuery,
    NewVersionRequest,
    ReportRequest,
    WaitQuery,
    idempotency_key,
    package_id,
    parse_body,
    parse_query,
    read_json,
    seen_revision,
    trace_of,
    validate,
)
from bot.api.service import SERVICE
from bot.callbacks.guard import why_forbidden
from bot.slack.context.lookups import Lookups
from rules.package.model import DecisionPackage
from rules.reasons import Reason
from rules.state.agent_commands import ClaimExecution, NewVersion, ReportExecution, Say
from rules.state.commands import Command, Withdraw
from rules.trace_context import TraceContext
from rules.verbs.submission import Submit
from scheduler.common.messenger import BusyError, SlackError
from store.installation.installation import fresh_id
from store.packages.documents import message_documents
from store.replies import AgentReply

POLL_AFTER = "5"  # seconds, for the header Retry-After


async def submit_package(request: web.Request) -> web.Response:
    """Answer 202 if it waits for a person, 201 if the policy settled it at once, 200 if it was answered before."""
    package = await parse_body(request, DecisionPackage)
    command_id = command_id_of(request, idempotency_key(request, package))
    await _check_addresses(request, package, command_id)
    command = Submit(command_id=command_id, decision_package_id=f"pkg_{fresh_id()}", package=package)
    with request.app[SERVICE].tracing.submit(trace_of(request)) as submission:
        reply = await _execute(request, command, digest_of(package), submission.trace)
        submission.describe(reply.document)
    settled = reply.document["terminal"]
    status = HTTPStatus.OK if reply.replayed else HTTPStatus.CREATED if settled else HTTPStatus.ACCEPTED
    headers = {"Location": f"/v1/packages/{reply.document['decision_package_id']}"}
    return _answer(reply, status, headers | ({} if settled else {"Retry-After": POLL_AFTER}))


async def read_package(request: web.Request) -> web.Response:
    """Answer with the status document: now or, with `wait`, as soon as it differs from the agent's revision."""
    service, wait = request.app[SERVICE], parse_query(request, WaitQuery).wait
    wanted_id, agent_id, seen = package_id(request), request[AGENT].agent_id, seen_revision(request)
    if wait:
        with service.polls.hold(agent_id), service.metrics.waiting.track_inprogress():
            answer = await service.store.wait_for_change(wanted_id, agent_id, seen, wait)
    else:
        answer = await service.store.load_document(wanted_id, agent_id)
    if answer is None:
        raise_not_found()
    if answer.document["revision"] == seen:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=etag(answer.document))
    return json_response(answer.document)


async def list_packages(request: web.Request) -> web.Response:
    """List the agent's own packages, newest first."""
    query, store = parse_query(request, ListQuery), request.app[SERVICE].store
    after = decode_package(query.cursor) if query.cursor else None
    filters = {"status": query.status, "thread_id": query.thread_id, "action_type": query.action_type}
    packages, following = await store.list_documents(request[AGENT].agent_id, limit=query.limit, after=after, **filters)
    return json_response({"packages": packages, "next_cursor": encode_package(following) if following else None})


async def submit_version(request: web.Request) -> web.Response:
    """Submit the new version that a reviewer asked for, or an improved one."""
    body = await parse_body(request, NewVersionRequest)
    package = validate(body.model_dump(exclude={"expected_package_version"}, exclude_unset=True), DecisionPackage)
    command_id = command_id_of(request, idempotency_key(request, package))
    await _check_addresses(request, package, command_id)
    command = NewVersion(
        command_id=command_id,
        decision_package_id=package_id(request),
        expected_package_version=body.expected_package_version,
        package=package,
    )
    reply = await _execute(request, command, digest_of(body))
    return _answer(reply, HTTPStatus.OK if reply.replayed else HTTPStatus.ACCEPTED, {"Retry-After": POLL_AFTER})


async def cancel_package(request: web.Request) -> web.Response:
    """Withdraw a package that is not decided yet. A second time changes nothing."""
    body = await parse_body(request, CancelRequest)
    command = Withdraw(
        command_id=command_id_of(request, idempotency_key(request)),
        decision_package_id=package_id(request),
        comment=body.reason,
    )
    return _answer(await _execute(request, command, digest_of(body)))


async def send_message(request: web.Request) -> web.Response:
    """Send a message to the people who read the package, whether it is decided or not."""
    body = await parse_body(request, MessageRequest)
    command = Say(
        command_id=command_id_of(request, idempotency_key(request)),
        decision_package_id=package_id(request),
        text=body.text,
        in_reply_to=body.in_reply_to,
    )
    reply = await _execute(request, command, digest_of(body))
    return _answer(reply, HTTPStatus.OK if reply.replayed else HTTPStatus.CREATED)


async def list_messages(request: web.Request) -> web.Response:
    """List the messages of a package, oldest first."""
    query, store = parse_query(request, MessagesQuery), request.app[SERVICE].store
    package = (store.installation, package_id(request), request[AGENT].agent_id)
    after = int(query.cursor) if query.cursor else None
    page = await store.read(lambda connection: message_documents(connection, *package, limit=query.limit, after=after))
    if page is None:
        raise_not_found()
    return json_response({"messages": page.messages, "next_cursor": str(page.following) if page.following else None})


async def claim_or_report(request: web.Request) -> web.Response:
    """Claim the permission to execute, once, or report the outcome."""
    body = await read_json(request)
    ids = {"command_id": f"cmd_{fresh_id()}", "decision_package_id": package_id(request)}
    command: Command
    if isinstance(body, dict) and body.get("state") == "claimed":
        claim = validate(body, ClaimRequest)
        command = ClaimExecution(**ids, claim_id=claim.claim_id, action_digest=claim.action_digest)
    else:
        report = validate(body, ReportRequest)
        command = ReportExecution(**ids, claim_id=report.claim_id, outcome=report.state, detail=report.detail)
    return _answer(await _execute(request, command))


async def list_events(request: web.Request) -> web.Response:
    """List the package's audit events, oldest first."""
    events = await request.app[SERVICE].store.load_events(package_id(request), request[AGENT].agent_id)
    if events is None:
        raise_not_found()
    return json_response({"events": events})


async def _execute(
    request: web.Request, command: Command, content_digest: str | None = None, trace: TraceContext | None = None
) -> AgentReply:
    service = request.app[SERVICE]
    reply = await service.store.execute_for_agent(request[AGENT], command, content_digest, trace)
    service.metrics.commands.labels(command.verb, reply.refusal.reason if reply.refusal else "done").inc()
    if reply.refusal:
        raise refusal_problem(reply.refusal)
    return reply


async def _check_addresses(request: web.Request, package: DecisionPackage, command_id: str) -> None:
    """Check the callback URL, and ask Slack about unknown e-mail addresses; both only if this command is new."""
    service = request.app[SERVICE]
    lookups = service.slack.lookups if service.slack else None
    needs_slack = lookups is not None and lookups.are_needed(package)
    if not (package.callback_url or needs_slack) or await service.store.has_answered(command_id):
        return
    if package.callback_url and (fault := await why_forbidden(package.callback_url, service.settings.callback_allow)):
        raise field_problem("callback_url", fault)
    if lookups is not None and needs_slack:
        await _look_up_people(lookups, package)


async def _look_up_people(lookups: Lookups, package: DecisionPackage) -> None:
    """Ask Slack once about unknown e-mail addresses. If Slack cannot answer, refuse: the requester would be unknown."""
    detail = "Slack could not be asked whose address requested_by or on_behalf_of names. Send the same request again."
    try:
        await lookups.learn(package)
    except BusyError as busy:
        raise Problem(Reason.DIRECTORY_STALE, detail, headers={"Retry-After": str(ceil(busy.after))}) from busy
    except (SlackError, TimeoutError) as fault:
        raise Problem(Reason.DIRECTORY_STALE, detail) from fault


def _answer(reply: AgentReply, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    replayed = {"Idempotent-Replayed": "true"} if reply.replayed else {}
    return json_response(reply.document, status, (headers or {}) | replayed)


ROUTES = [
    web.post("/v1/packages", submit_package),
    web.get("/v1/packages", list_packages, allow_head=False),
    web.get("/v1/packages/{id}", read_package, allow_head=False),
    web.post("/v1/packages/{id}/versions", submit_version),
    web.post("/v1/packages/{id}/cancel", cancel_package),
    web.post("/v1/packages/{id}/execution", claim_or_report),
    web.post("/v1/packages/{id}/messages", send_message),
    web.get("/v1/packages/{id}/messages", list_messages, allow_head=False),
    web.get("/v1/packages/{id}/events", list_events, allow_head=False),
]
