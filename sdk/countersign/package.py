"""A package's life as its agent sees it: proposed, waited for, answered with new versions, claimed, reported."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from typing import Any, Literal

from countersign.canonical import digest_of
from countersign.document import StatusDocument
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
from countersign.wire import Call, Flow, Patience, Pause, answered

PACKAGES = "/v1/packages"
HANDED_BACK = "thread.handed_back"  # the event; the package itself stays what it was
CALLS = ("action", "tool_call")  # what they do is all in their parameters
_AT_ONCE = 0.5  # a poll that ends sooner and brings nothing new was cut short, and is not repeated at once

Reported = Literal["succeeded", "failed", "rolled_back"]


def step_key(proposal: Mapping[str, Any], step: str) -> str | None:
    """The same action in the same step of the same run is the same proposal, however often an agent comes to it.

    Without a run there is nothing to come back to.
    """
    if proposal.get("run_id") is None:
        return None
    names: tuple[str, ...] = ("action_type", "action_parameters", "subject_type", "subject_id")
    if proposal.get("kind", "action") not in CALLS:
        names += ("kind", "title", "proposed_action")
    return digest_of([proposal["run_id"], step, {name: proposal.get(name) for name in names}])


def submitted(proposal: Mapping[str, Any], key: str | None, step: str, patience: Patience) -> Flow[Package]:
    """Proposes it. A restarted agent may word it otherwise: what was asked first, for the same action, stands."""
    derived = None if key else step_key(proposal, step)
    headers = {"Idempotency-Key": key or derived or uuid.uuid4().hex}
    try:
        document = yield from answered(Call(method="POST", path=PACKAGES, body=proposal, headers=headers), patience)
    except IdempotencyConflictError as conflict:
        if derived is None or conflict.package is None:
            raise
        document = yield from answered(Call(method="GET", path=f"{PACKAGES}/{conflict.package}"), patience)
    return Package(document, patience, content=proposal)


def found(package_id: str, claim_id: str | None, patience: Patience) -> Flow[Package]:
    document = yield from answered(Call(method="GET", path=f"{PACKAGES}/{package_id}"), patience)
    return Package(document, patience, claim_id=claim_id)


class Package:
    """What is known of one package, and the flows that learn or change it."""

    def __init__(
        self,
        document: StatusDocument,
        patience: Patience,
        *,
        content: Mapping[str, Any] | None = None,
        claim_id: str | None = None,
    ) -> None:
        self.patience, self.content = patience, content
        # One for each attempt, never derived: who starts again must not pass for whoever claimed before.
        self.claim_id = claim_id or f"claim-{uuid.uuid4().hex}"
        self._deferral_told = False
        self._learn(document)

    def _learn(self, document: StatusDocument) -> None:
        missing = {"decision_package_id", "status", "revision", "execution", "action_digest"} - document.keys()
        if missing:
            raise BadAnswerError(f"the answer is no status document: it has no {', '.join(sorted(missing))}")
        self.document = document
        self._deferral_told = self._deferral_told and document["status"] == "deferred"

    @property
    def id(self) -> str:
        return self.document["decision_package_id"]

    @property
    def _path(self) -> str:
        return f"{PACKAGES}/{self.id}"

    # ---- Waiting

    def wait(self, timeout: float | None) -> Flow[Outcome]:
        """As soon as there is something to act on, through restarts and lost networks. A deferral is told once."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        while (outcome := self._to_tell()) is None:
            yield from self._news(until)
        self._deferral_told = isinstance(outcome, Deferred)
        return outcome

    def _to_tell(self) -> Outcome | None:
        outcome = outcome_of(self.document)
        return None if isinstance(outcome, Deferred) and self._deferral_told else outcome

    def _news(self, until: float) -> Flow[None]:
        """One bounded long poll, also where no time is left: what is new by then, or not yet."""
        before, began = self.document["revision"], time.monotonic()
        wait = max(0.0, min(self.patience.poll, until - began))
        document = yield from self._heard(self._poll(wait), until)
        if document is not None:
            self._learn(document)
            if document["revision"] != before:
                return
        if time.monotonic() >= until:
            raise self._still_pending("nobody has decided yet")
        if time.monotonic() - began < min(_AT_ONCE, wait):
            yield Pause(self.patience.rest(0, 0.0))

    def _heard(self, call: Call, until: float) -> Flow[Any]:
        """Who only waits is out of patience when its time ends, whoever does not answer by then."""
        try:
            return (yield from answered(call, self.patience, until))
        except UnreachableError as fault:
            raise self._still_pending(str(fault)) from fault

    def _poll(self, wait: float) -> Call:
        tag = {"If-None-Match": f'"{self.document["revision"]}"'}
        return Call(method="GET", path=self._path, query={"wait": round(wait, 3)}, headers=tag, lasts=wait)

    def _still_pending(self, why: str) -> StillPendingError:
        return StillPendingError(f"{self.id} is still {self.document['status']}: {why}. It waits on.", self.id)

    def refresh(self) -> Flow[Outcome | None]:
        self._learn((yield from answered(Call(method="GET", path=self._path), self.patience)))
        return outcome_of(self.document)

    def handed_back(self, timeout: float | None) -> Flow[None]:
        """Until who took over the thread has handed it back; NotTakenOverError where nobody will have taken it over."""
        if self.document["thread_id"] is None:
            raise ValueError(f"{self.id} belongs to no thread, so there is nothing to hand back: propose anew")
        until = math.inf if timeout is None else time.monotonic() + timeout
        while not (yield from self._is_handed_back(until)):
            outcome = outcome_of(self.document)
            if not isinstance(outcome, TakenOver | Deferred | None):
                raise NotTakenOverError(outcome)
            yield from self._news(until)

    def _is_handed_back(self, until: float) -> Flow[bool]:
        told = yield from self._heard(Call(method="GET", path=f"{self._path}/events"), until)
        return any(event["event_type"] == HANDED_BACK for event in told["events"])

    # ---- Changing

    def revise(self, changes: Mapping[str, Any], version: int | None = None) -> Flow[None]:
        """The next version after this one: what was said before, with these changes."""
        content = {**(self.content or {}), **changes}
        version = version or self.document["version"]
        body = {**content, "expected_package_version": version}
        headers = {"Idempotency-Key": digest_of([self.id, version, content])}
        call = Call(method="POST", path=f"{self._path}/versions", body=body, headers=headers)
        self._learn((yield from answered(call, self.patience)))
        self.content = content

    def cancel(self, reason: str) -> Flow[None]:
        call = Call(method="POST", path=f"{self._path}/cancel", body={"reason": reason})
        self._learn((yield from answered(call, self.patience)))

    def claim(self, action_digest: str | None) -> Flow[dict[str, Any]]:
        """Takes the permission, once; gives the parameters as approved."""
        digest = action_digest or self.document["action_digest"]
        yield from self._execution({"state": "claimed", "action_digest": digest})
        decision = self.document["decision"]
        return (decision and decision["action_parameters"]) or {}

    def report(self, state: Reported, detail: str | None) -> Flow[None]:
        sentence = one_line(detail or "", MAX_SENTENCE)
        said = {"detail": sentence} if sentence else {}
        yield from self._execution({"state": state, **said})

    def report_success(self, result: Any = None) -> Flow[None]:
        """What was done is done, also where the service cannot be told of it."""
        try:
            yield from self.report("succeeded", None)
        except CountersignError as fault:
            raise UnreportedError(self.id, self.claim_id, result) from fault

    def report_failure(self, fault: Exception) -> Flow[None]:
        """The fault stays the news, even where the service cannot be told of it."""
        try:
            yield from self.report("failed", f"{type(fault).__name__}: {fault}")
        except CountersignError as unreported:
            fault.add_note(f"{self.id}: that it failed could not be reported under {self.claim_id} ({unreported})")

    def _execution(self, body: Mapping[str, Any]) -> Flow[None]:
        call = Call(method="POST", path=f"{self._path}/execution", body={**body, "claim_id": self.claim_id})
        self._learn((yield from answered(call, self.patience)))
