"""Everything that an agent does with a package: propose, wait, revise, cancel, claim and report, as flows.

`submit_proposal` and `fetch_package` return a `Package`, whose methods are flows (see `countersign.wire`). Handles,
gates and adapters are built on them.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeAlias

from countersign.canonical import digest_of
from countersign.document import Message, Recovery, StatusDocument
from countersign.errors import (
    BadAnswerError,
    CountersignError,
    IdempotencyConflictError,
    NotTakenOverError,
    StillPendingError,
    UnreachableError,
    UnreportedError,
)
from countersign.outcomes import Deferred, Outcome, TakenOver, outcome_of
from countersign.proposal import MAX_SENTENCE, one_line
from countersign.tracing import trace_headers
from countersign.wire import Call, Flow, Patience, Perform, long_poll, send, send_for_all

PACKAGES = "/v1/packages"
FAILURES = ("failed", "rolled_back", "unknown")  # people can then decide about a retry
HANDED_BACK = "thread.handed_back"  # an event of the thread; the package's status does not change
CALL_KINDS = ("action", "tool_call")  # their parameters say completely what they do
_MESSAGES_IN_DOCUMENT = 50  # the service puts so many of the last messages into it

Reported = Literal["succeeded", "failed", "rolled_back"]
# Takes what a person wrote. If it returns a text, that is sent as the answer. With an AsyncClient it may be async.
OnMessage: TypeAlias = Callable[[Message], Any]
Watch: TypeAlias = Callable[[], Flow[None]]  # runs after each poll; raises an error to end the wait


def step_key(proposal: Mapping[str, Any], step: str) -> str | None:
    """The idempotency key of a proposal: its run, step and action. None for a proposal that belongs to no run."""
    if proposal.get("run_id") is None:
        return None
    names: tuple[str, ...] = ("action_type", "action_parameters", "subject_type", "subject_id")
    if proposal.get("kind", "action") not in CALL_KINDS:
        names += ("kind", "title", "proposed_action")
    return digest_of([proposal["run_id"], step, {name: proposal.get(name) for name in names}])


def submit_proposal(proposal: Mapping[str, Any], key: str | None, step: str, patience: Patience) -> Flow[Package]:
    """Submits a proposal. If a restarted agent words the same action differently, it gets the first proposal."""
    derived = None if key else step_key(proposal, step)
    headers = {"Idempotency-Key": key or derived or uuid.uuid4().hex, **trace_headers()}
    try:
        document = yield from send(Call(method="POST", path=PACKAGES, body=proposal, headers=headers), patience)
    except IdempotencyConflictError as conflict:
        if derived is None or conflict.package is None:
            raise
        document = yield from send(Call(method="GET", path=f"{PACKAGES}/{conflict.package}"), patience)
    return Package(document, patience, content=proposal)


def fetch_package(package_id: str, claim_id: str | None, patience: Patience) -> Flow[Package]:
    document = yield from send(Call(method="GET", path=f"{PACKAGES}/{package_id}"), patience)
    return Package(document, patience, claim_id=claim_id)


def _new_claim_id() -> str:
    return f"claim-{uuid.uuid4().hex}"


class Package:
    """One package: its newest status document, and the flows that update or change it."""

    def __init__(
        self,
        document: StatusDocument,
        patience: Patience,
        *,
        content: Mapping[str, Any] | None = None,
        claim_id: str | None = None,
    ) -> None:
        self.patience, self.content = patience, content
        # Random and never derived: a restarted agent must not act on the claim of an earlier attempt, which may have
        # run.
        self.claim_id = claim_id or _new_claim_id()
        self._deferral_seen = False
        self._delivered: set[str] = set()  # ids of messages that `on_message` got
        self._update(document)

    def _update(self, document: StatusDocument) -> None:
        missing = {"decision_package_id", "status", "revision", "execution", "action_digest"} - document.keys()
        if missing:
            raise BadAnswerError(f"the answer is no status document: it has no {', '.join(sorted(missing))}")
        self.document = document
        self._deferral_seen = self._deferral_seen and document["status"] == "deferred"

    @property
    def id(self) -> str:
        return self.document["decision_package_id"]

    @property
    def _path(self) -> str:
        return f"{PACKAGES}/{self.id}"

    # ---- Waiting

    def wait(
        self, timeout: float | None, on_message: OnMessage | None = None, watch: Watch | None = None
    ) -> Flow[Outcome]:
        """Waits for an outcome, through restarts of the service and network failures. Returns a deferral only once."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        yield from self._deliver_messages(on_message)
        while (outcome := self._unseen_outcome()) is None:
            yield from self._poll_once(deadline)
            yield from self._deliver_messages(on_message)
            if watch:
                yield from watch()
        self._deferral_seen = isinstance(outcome, Deferred)
        return outcome

    def _unseen_outcome(self) -> Outcome | None:
        outcome = outcome_of(self.document)
        return None if isinstance(outcome, Deferred) and self._deferral_seen else outcome

    def _poll_once(self, deadline: float, reason: str = "nobody has decided yet") -> Flow[None]:
        """Sends one long poll, even if no time is left, and updates the document if it changed."""
        before = self.document["revision"]
        call = Call(method="GET", path=self._path, headers={"If-None-Match": f'"{before}"'})
        poll = long_poll(
            call, self.patience, deadline, lambda answer: answer is not None and answer.get("revision") != before
        )
        document = yield from self._or_still_pending(poll)
        if document is not None:
            self._update(document)
        if self.document["revision"] == before and time.monotonic() >= deadline:
            raise self._still_pending(reason)

    def _or_still_pending(self, request: Flow[Any]) -> Flow[Any]:
        """The answer to a request. A service that does not answer in time counts as still pending."""
        try:
            return (yield from request)
        except UnreachableError as fault:
            raise self._still_pending(str(fault)) from fault

    def _still_pending(self, reason: str) -> StillPendingError:
        return StillPendingError(f"{self.id} is still {self.document['status']}: {reason}. Wait again later.", self.id)

    def refresh(self) -> Flow[Outcome | None]:
        self._update((yield from send(Call(method="GET", path=self._path), self.patience)))
        return outcome_of(self.document)

    def wait_until_handed_back(self, timeout: float | None) -> Flow[None]:
        """Waits until the thread is handed back. Raises NotTakenOverError if the package ends without a takeover."""
        if self.document["thread_id"] is None:
            raise ValueError(f"{self.id} belongs to no thread, so there is nothing to hand back. Propose again")
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while not (yield from self._is_handed_back(deadline)):
            outcome = outcome_of(self.document)
            if not isinstance(outcome, TakenOver | Deferred | None):
                raise NotTakenOverError(outcome)
            yield from self._poll_once(deadline)

    def _is_handed_back(self, deadline: float) -> Flow[bool]:
        call = Call(method="GET", path=f"{self._path}/events")
        page = yield from self._or_still_pending(send(call, self.patience, deadline))
        return any(event["event_type"] == HANDED_BACK for event in page["events"])

    # ---- Messages

    def messages(self) -> Flow[list[Message]]:
        """All messages, oldest first."""
        return (yield from send_for_all(f"{self._path}/messages", "messages", self.patience))

    def say(self, text: str, in_reply_to: str | None = None, key: str | None = None) -> Flow[None]:
        reply = {"in_reply_to": in_reply_to} if in_reply_to else {}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        call = Call(method="POST", path=f"{self._path}/messages", body={"text": text, **reply}, headers=headers)
        self._update((yield from send(call, self.patience)))

    def _deliver_messages(self, on_message: OnMessage | None) -> Flow[None]:
        """Calls `on_message` with each new message of a person, and sends the texts that it returns."""
        if on_message is None:
            return
        for message in (yield from self._new_messages()):
            answer = yield Perform(partial(on_message, message))
            self._delivered.add(message["message_id"])
            if isinstance(answer, str):
                yield from self._answer(message, answer)

    def _new_messages(self) -> Flow[list[Message]]:
        """The document has only the last messages: if all of them are new, earlier ones may be new as well."""
        messages = self.document.get("messages", [])
        by_people = [message for message in messages if message["by"] != "agent"]
        are_all_new = self._delivered.isdisjoint(message["message_id"] for message in by_people)
        if len(messages) >= _MESSAGES_IN_DOCUMENT and are_all_new:
            by_people = [message for message in (yield from self.messages()) if message["by"] != "agent"]
        return [message for message in by_people if message["message_id"] not in self._delivered]

    def _answer(self, message: Message, text: str) -> Flow[None]:
        """One answer to each message, even if the agent is restarted and then words it differently."""
        with suppress(IdempotencyConflictError):
            yield from self.say(text, message["message_id"], digest_of([self.id, "answer", message["message_id"]]))

    # ---- Changing

    def revise(self, changes: Mapping[str, Any], version: int | None = None) -> Flow[None]:
        """Submits the version after `version` (the newest known one): the previous content with these changes."""
        content = {**(self.content or {}), **changes}
        version = version or self.document["version"]
        body = {**content, "expected_package_version": version}
        headers = {"Idempotency-Key": digest_of([self.id, version, content])}
        call = Call(method="POST", path=f"{self._path}/versions", body=body, headers=headers)
        self._update((yield from send(call, self.patience)))
        self.content = content

    def cancel(self, reason: str) -> Flow[None]:
        call = Call(method="POST", path=f"{self._path}/cancel", body={"reason": reason})
        self._update((yield from send(call, self.patience)))

    def claim(self, action_digest: str | None) -> Flow[dict[str, Any]]:
        """Claims the permission and returns the approved parameters."""
        digest = action_digest or self.document["action_digest"]
        yield from self._post_execution({"state": "claimed", "action_digest": digest})
        decision = self.document["decision"]
        return (decision and decision["action_parameters"]) or {}

    def report(self, state: Reported, detail: str | None) -> Flow[None]:
        sentence = one_line(detail or "", MAX_SENTENCE)
        fields = {"detail": sentence} if sentence else {}
        yield from self._post_execution({"state": state, **fields})

    def _post_execution(self, body: Mapping[str, Any]) -> Flow[None]:
        call = Call(method="POST", path=f"{self._path}/execution", body={**body, "claim_id": self.claim_id})
        self._update((yield from send(call, self.patience)))

    def report_success(self, result: Any = None) -> Flow[None]:
        """Reports success. If that fails, UnreportedError carries the result: the action has been done."""
        try:
            yield from self.report("succeeded", None)
        except CountersignError as fault:
            raise UnreportedError(self.id, self.claim_id, result) from fault

    def report_failure(self, fault: Exception) -> Flow[None]:
        """Reports a failure. If that fails, the original exception gets a note and is still the one that is raised."""
        try:
            yield from self.report("failed", f"{type(fault).__name__}: {fault}")
        except CountersignError as unreported:
            fault.add_note(f"{self.id}: this failure could not be reported under {self.claim_id} ({unreported})")

    # ---- After a failure

    def wait_for_recovery(self, timeout: float | None) -> Flow[Recovery | None]:
        """Waits until people decide about a failure, or until its outcome is another one."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        while self.document["execution"]["state"] in FAILURES and self.document.get("recovery") is None:
            yield from self._poll_once(deadline, "nobody has decided about the failure yet")
        return self.document.get("recovery")

    def may_retry(self, fault: Exception, timeout: float | None) -> Flow[bool]:
        """Whether people allow a retry after this failure. A new attempt has a claim of its own."""
        try:
            yield from self.wait_for_recovery(timeout)
        except CountersignError as unknown:
            raise fault from unknown
        if self.document["may_proceed"]:
            self.claim_id = _new_claim_id()
        return self.document["may_proceed"]
