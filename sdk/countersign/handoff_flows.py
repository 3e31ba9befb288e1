"""The flows of handoffs: the requests that `Handoff` and `AsyncHandoff` make.

If the policy wants a person to allow an offer, the service refuses it with `NEEDS_PERSON`. The flow then proposes a
package, waits for its approval, and offers again with the package's id. The package's idempotency key is derived from
the words of the offer, so that a restarted agent finds its earlier package and makes no second one.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict
from urllib.parse import quote

from countersign.canonical import digest_of
from countersign.errors import (
    CountersignError,
    HandoffError,
    NotFoundError,
    StillPendingError,
    UnreachableError,
    refusal,
)
from countersign.package import Package, submit_proposal
from countersign.proposal import MAX_SENTENCE, one_line
from countersign.wire import Call, Flow, Patience, long_poll, send

HANDOFFS = "/v1/handoffs"
NEEDS_PERSON = "handoff-needs-person"
ACTION_TYPE = "hand_over_thread"
_OPEN = ("offered", "accepted")

Mode: TypeAlias = Literal["peer", "delegate"]
HandoffStatus: TypeAlias = Literal["offered", "accepted", "declined", "returned", "timed_out", "cancelled"]


class HandoffDocument(TypedDict):
    """A handoff as the service describes it. It may have more fields."""

    handoff_id: str
    thread_id: str
    status: HandoffStatus
    mode: Mode
    from_agent: str
    to_agent: str
    to_agent_id: str
    reason: str | None
    captured_state: dict[str, Any] | None
    user_context: dict[str, Any] | None
    due_at: str | None
    decline_reason: str | None
    result: str | None
    result_state: dict[str, Any] | None


class Offer(TypedDict):
    """What `hand_off` offers. The mode is `peer` if none is given."""

    to_agent: str
    reason: str
    mode: NotRequired[Mode]
    captured_state: NotRequired[Mapping[str, Any] | None]
    user_context: NotRequired[Mapping[str, Any] | None]


class HandoffFlows:
    """What an agent does with handoffs, as flows (see `countersign.wire`)."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def offer(
        self, thread_id: str, offer: Offer, ask: Mapping[str, Any] | None, key: str | None, timeout: float | None
    ) -> Flow[HandoffDocument]:
        """Offers a thread. If the policy wants a person to allow it, asks for that first and waits.

        Without a key, a restarted agent finds what it offered before in the same words, as long as it is not over.
        """
        offered = {name: value for name, value in offer.items() if value is not None}
        sentence = one_line(offer["reason"], MAX_SENTENCE)
        body: dict[str, Any] = {"mode": "peer", **offered, "thread_id": thread_id, "reason": sentence}
        last = yield from self._last_given(thread_id)
        if key is None and last is not None and (yield from self._is_same(last, body)):
            return (yield from self.read(last["handoff_id"]))
        try:
            return (yield from self._post(HANDOFFS, body, key or uuid.uuid4().hex))
        except HandoffError as refused:
            if refused.kind != NEEDS_PERSON:
                raise
        package = yield from self._ask(body, ask or {}, key or (last["handoff_id"] if last else ""), timeout)
        return (yield from self._use(package, body))

    def _last_given(self, thread_id: str) -> Flow[HandoffDocument | None]:
        """The last handoff of this thread by this agent, without its states."""
        query = {"direction": "given", "thread_id": thread_id}
        page = yield from send(Call(method="GET", path=HANDOFFS, query=query), self._patience)
        return page["handoffs"][0] if page["handoffs"] else None

    def _is_same(self, last: HandoffDocument, body: Mapping[str, Any]) -> Flow[bool]:
        """Whether the last handoff is this one: not over, in the same words, and the thread has not come back since."""
        names = (last["to_agent"], last["to_agent_id"])
        if last["status"] not in _OPEN or body["to_agent"] not in names or last["mode"] != body["mode"]:
            return False
        document = yield from self.read(last["handoff_id"])
        texts = ("reason", "captured_state", "user_context")
        if digest_of([document.get(text) for text in texts]) != digest_of([body.get(text) for text in texts]):
            return False
        return (document["status"], document["mode"]) != ("accepted", "peer") or not (yield from self._owns(body))

    def _owns(self, body: Mapping[str, Any]) -> Flow[bool]:
        path = f"/v1/threads/{quote(body['thread_id'], safe='')}"
        try:
            yield from send(Call(method="GET", path=path), self._patience)
        except NotFoundError:
            return False
        return True

    def _use(self, package: Package, body: Mapping[str, Any]) -> Flow[HandoffDocument]:
        """Offers what people allowed. One package allows one handoff."""
        try:
            document = yield from self._post(HANDOFFS, {**body, "decision_package_id": package.id}, package.id)
        except HandoffError as refused:
            yield from package.report_failure(refused)
            raise
        with suppress(CountersignError):  # the handoff is valid, whether the report arrives or not
            yield from package.report("succeeded", None)
        return document

    def _ask(
        self, offer: Mapping[str, Any], fields: Mapping[str, Any], after: str, timeout: float | None
    ) -> Flow[Package]:
        """A claimed package by which people allow this handoff. Raises NotPermittedError if they do not.

        A restarted agent goes on with the package that it claimed before. One whose offer was refused is used up.
        """
        proposal = {**_permission_fields(offer), **fields}
        attempt = -1
        while True:
            attempt += 1
            key = digest_of([ACTION_TYPE, proposal, after, attempt])
            package: Package = yield from submit_proposal(proposal, key, "", self._patience)
            yield from package.refresh()
            package.claim_id, execution = f"handoff-{package.id}", package.document["execution"]
            if execution["state"] == "claimed" and execution.get("claim_id") == package.claim_id:
                return package
            if execution["state"] != "none":
                continue
            outcome = yield from package.wait(timeout)
            if not outcome.permits:
                raise refusal(outcome)
            yield from package.claim(None)
            return package

    def read(self, handoff_id: str) -> Flow[HandoffDocument]:
        call = Call(method="GET", path=f"{HANDOFFS}/{handoff_id}")
        return (yield from send(call, self._patience))  # type: ignore[no-any-return]

    def act(self, handoff_id: str, verb: str, body: Mapping[str, Any]) -> Flow[HandoffDocument]:
        """A restarted agent that gives the same answer again gets the same reply."""
        path = f"{HANDOFFS}/{handoff_id}/{verb}"
        return (yield from self._post(path, body, digest_of([path, body])))

    def _post(self, path: str, body: Mapping[str, Any], key: str) -> Flow[HandoffDocument]:
        call = Call(method="POST", path=path, body=body, headers={"Idempotency-Key": key})
        return (yield from send(call, self._patience))  # type: ignore[no-any-return]

    def until_not(self, known: HandoffDocument, timeout: float | None) -> Flow[HandoffDocument]:
        """Waits until the status changes. If it cannot change any more, returns at once."""
        if known["status"] not in _OPEN or (known["status"], known["mode"]) == ("accepted", "peer"):
            return known
        path, query = f"{HANDOFFS}/{known['handoff_id']}", {"status": known["status"]}
        call = Call(method="GET", path=path, query=query)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            document = yield from self._poll(call, deadline, lambda answer: answer["status"] != known["status"])
            if document["status"] != known["status"]:
                return document  # type: ignore[no-any-return]
            if time.monotonic() >= deadline:
                raise StillPendingError(f"Handoff {known['handoff_id']} is still {known['status']}.")

    def receive(self, timeout: float | None) -> Flow[HandoffDocument | None]:
        """The offer that waits longest, as soon as there is one; None after `timeout` seconds."""
        call = Call(method="GET", path=HANDOFFS, query={"status": "offered"})
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            page = yield from self._poll(call, deadline, lambda answer: bool(answer["handoffs"]))
            if page["handoffs"]:
                return (yield from self.read(page["handoffs"][0]["handoff_id"]))
            if time.monotonic() >= deadline:
                return None

    def _poll(self, call: Call, deadline: float, is_new: Callable[[Any], bool]) -> Flow[Any]:
        """One long poll. A service that does not answer is asked again as long as the deadline allows."""
        try:
            return (yield from long_poll(call, self._patience, deadline, is_new))
        except UnreachableError as fault:
            raise StillPendingError(f"No answer about handoffs: {fault}") from fault


def _permission_fields(offer: Mapping[str, Any]) -> dict[str, Any]:
    """The proposal that asks people to allow a handoff."""
    return {
        "title": f"Hand over to {offer['to_agent']}",
        "action_type": ACTION_TYPE,
        "action_parameters": {name: offer[name] for name in ("thread_id", "to_agent", "mode")},
        "proposed_action": f"Hand the thread to {offer['to_agent']} as a {offer['mode']}.",
        "rationale": offer["reason"],
        "risk_level": "high",
        "confidence": 0.9,
        "thread_id": offer["thread_id"],
    }
