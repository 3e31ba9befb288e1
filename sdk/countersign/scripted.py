"""The service behind `countersign.testing`: it answers with recorded documents in the order of a script.

It enforces the rules that an agent could break: one proposal for each idempotency key, the expected version, and a
permission that is claimed once, in time, for the approved action.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from countersign.canonical import action_digest, digest_of
from countersign.package import CALL_KINDS, FAILURES, HANDED_BACK

Document = dict[str, Any]
Answer = tuple[int, Document]

_REQUIRED = ("title", "action_type", "proposed_action", "rationale", "risk_level", "confidence")
_WRITER = {"reviewer_id": "U0", "name": "Reviewer"}
_ECHOED = ("run_id", "thread_id", "checkpoint_id")
_REPORTABLE: Mapping[str, Sequence[str]] = {
    "claimed": ("succeeded", "failed", "rolled_back"),
    "unknown": ("succeeded", "failed", "rolled_back"),
    "succeeded": ("rolled_back",),
    "failed": ("rolled_back",),
}


def read_recorded(name: str) -> Document:
    document: Document = json.loads(files("countersign").joinpath(f"recorded/{name}.json").read_text("utf-8"))
    return document


class ProblemAnswer(Exception):  # noqa: N818 - the word of RFC 9457
    """A recorded problem as the answer."""

    def __init__(self, kind: str, **more: Any) -> None:
        super().__init__(kind)
        self.body = read_recorded(f"problem_{kind}") | more


@dataclass
class ScriptedPackage:
    """One package of the scripted service."""

    content: Document
    document: Document
    is_handed_back: bool = False

    @property
    def waits_for_people(self) -> bool:
        """True until it is decided, while a person holds its thread, and after a failure."""
        holds_thread = (
            self.document["status"] == "taken_over" and self.document["thread_id"] and not self.is_handed_back
        )
        failed = self.document["execution"]["state"] in FAILURES and self.document.get("recovery") is None
        return self.document["status"] in ("pending", "deferred") or bool(holds_thread) or failed

    @property
    def events(self) -> list[Document]:
        """The events that agents look for."""
        return [{"event_type": HANDED_BACK}] if self.is_handed_back else []

    def play(self, name: str, changes: Mapping[str, Any]) -> None:
        """The reviewer's step: the recorded document, with the script's changes to its decision."""
        if name == "message":
            self.write(by=_WRITER, **changes)
            return
        if name == "recovery":
            self._recover(**changes)
            return
        before, decision = self.document, dict(changes)
        if "action_parameters" in decision:
            self.content = {**self.content, "action_parameters": decision["action_parameters"]}
            before = before | {"version": before["version"] + 1}
        self.document = _adapt(read_recorded(name), before, self.content)
        if name == "handed_back":
            self.is_handed_back, decision = True, before["decision"]
        if self.document["decision"]:
            _fill_decision(self.document, self.content, decision)

    def write(self, *, by: Any, text: str, in_reply_to: str | None = None) -> None:
        """A message of the reviewer or of the agent."""
        messages, revision = self.document.get("messages", []), self.document["revision"] + 1
        message = {"message_id": f"evt_{revision}", "by": by, "text": text, "in_reply_to": in_reply_to}
        message |= {"at": self.document["updated_at"], "version": self.document["version"]}
        self.document = self.document | {"messages": [*messages, message], "revision": revision}

    def _recover(self, *, decision: str, instruction: str | None) -> None:
        checkpoint_id = self.document["checkpoint_id"]
        recovery = {"decision": decision, "by": _WRITER, "instruction": instruction, "checkpoint_id": checkpoint_id}
        changes = {"recovery": recovery, "may_proceed": decision == "retry"}
        self.document = self.document | changes | {"revision": self.document["revision"] + 1}

    def revise(self, body: Document) -> None:
        """Accepts the agent's next version."""
        if body.pop("expected_package_version", None) != self.document["version"]:
            raise ProblemAnswer("stale-version")
        if self.document["terminal"]:
            raise ProblemAnswer("already-decided")
        self.content = body
        before = self.document | {"version": self.document["version"] + 1}
        self.document = _adapt(read_recorded("pending"), before, body)

    def cancel(self) -> None:
        if self.document["status"] == "cancelled":
            return
        if self.document["terminal"]:
            raise ProblemAnswer("already-decided")
        self.document = _adapt(read_recorded("cancelled"), self.document, self.content)

    def execute(self, body: Document) -> None:
        state, claim_id = self.document["execution"]["state"], body["claim_id"]
        if body["state"] == "claimed":
            self._claim(state, claim_id, body["action_digest"])
        elif self.document["execution"].get("claim_id") != claim_id:
            raise ProblemAnswer("not-claimed")
        elif body["state"] in _REPORTABLE.get(state, ()):
            self._set_execution(body["state"], claim_id)
        elif body["state"] != state:
            raise ProblemAnswer("already-reported")

    def _claim(self, state: str, claim_id: str, digest: str) -> None:
        if not (self.document["decision"] and self.document["decision"]["action_parameters"] is not None):
            raise ProblemAnswer("may-not-proceed")
        if digest != self.document["action_digest"]:
            raise ProblemAnswer("digest-mismatch")
        if state == "lapsed":
            raise ProblemAnswer("approval-lapsed")
        if state == "none" or (self.document["may_proceed"] and self.document["execution"].get("claim_id") != claim_id):
            self._set_execution("claimed", claim_id)
        elif self.document["execution"].get("claim_id") != claim_id:
            raise ProblemAnswer("already-claimed")

    def _set_execution(self, state: str, claim_id: str) -> None:
        document = read_recorded(state)
        changes = {field: document[field] for field in ("may_proceed", "agent_message", "execution")}
        changes["execution"] |= {"claim_id": claim_id}
        changes["recovery"] = self.document.get("recovery") if state in ("claimed", "succeeded") else None
        self.document = self.document | changes | {"revision": self.document["revision"] + 1}


class ScriptedService:
    """All packages and the rest of the script."""

    def __init__(self, script: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self._script, self._lock = list(script), threading.Lock()
        self._packages: dict[str, ScriptedPackage] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self.proposals: list[Document] = []

    @property
    def left(self) -> int:
        return len(self._script)

    @property
    def documents(self) -> list[Document]:
        return [deepcopy(package.document) for package in self._packages.values()]

    def answer(self, method: str, path: str, body: Document, key: str | None) -> Answer:
        """Answers one request at a time."""
        try:
            with self._lock:
                return self._answer(method, path.removeprefix("/v1/packages").strip("/"), body, key)
        except ProblemAnswer as problem:
            return problem.body["status"], problem.body

    def _answer(self, method: str, path: str, body: Document, key: str | None) -> Answer:
        if not path:
            return self._propose(body, key) if method == "POST" else (200, self._list())
        package_id, _, resource = path.partition("/")
        package = self._packages.get(package_id)
        if package is None:
            raise ProblemAnswer("not-found")
        if method == "GET":
            return 200, self._read(package, resource, waits=body["wait"])
        if resource == "messages":
            package.write(by="agent", **body)
            return 201, package.document
        if resource == "versions":
            self.proposals.append(body)
            package.revise(body)
        else:
            package.cancel() if resource == "cancel" else package.execute(body)
        return 200, package.document

    def _read(self, package: ScriptedPackage, resource: str, *, waits: bool) -> Document:
        if resource == "events":
            return {"events": package.events}
        if resource == "messages":
            return {"messages": package.document.get("messages", []), "next_cursor": None}
        return self._wait_for(package, waits)

    def _list(self) -> Document:
        return {"packages": self.documents[::-1], "next_cursor": None}

    def _propose(self, body: Document, key: str | None) -> Answer:
        content = digest_of(body)
        if key in self._keys:
            first_content, package_id = self._keys[key]
            if content != first_content:
                raise ProblemAnswer("idempotency-conflict", package=package_id)
            return 200, self._packages[package_id].document
        _require_fields(body)
        package = self._new_package(body)
        self._packages[package.document["decision_package_id"]] = package
        self.proposals.append(body)
        if key:
            self._keys[key] = (content, package.document["decision_package_id"])
        return (201 if package.document["terminal"] else 202), package.document

    def _new_package(self, body: Document) -> ScriptedPackage:
        first = read_recorded("pending") | {"decision_package_id": f"pkg_{len(self._packages) + 1}"}
        package = ScriptedPackage(body, _adapt(first, first, body))
        if self._script and self._script[0][0] == "settled_by_policy":
            package.play(*self._script.pop(0))
        return package

    def _wait_for(self, package: ScriptedPackage, waits: bool) -> Document:  # noqa: FBT001 - from the query
        if waits and package.waits_for_people:
            if not self._script:
                detail = "The script has ended, and the agent waits for one more decision."
                raise ProblemAnswer("not-found", detail=detail, type="urn:countersign:problem:script-ended", status=410)
            package.play(*self._script.pop(0))
        return package.document


def _require_fields(body: Document) -> None:
    calls = body.get("kind", "action") in CALL_KINDS
    missing = [name for name in (*_REQUIRED, *(["action_parameters"] if calls else [])) if body.get(name) is None]
    if missing:
        errors = [{"field": name, "message": "Field required"} for name in missing]
        raise ProblemAnswer("invalid", detail=f"missing: {', '.join(missing)}", errors=errors)


def _adapt(document: Document, before: Document, content: Document) -> Document:
    """The recorded document with this package's own ids, version, metadata and digest."""
    own = {name: before[name] for name in ("decision_package_id", "version")}
    own |= {"messages": before.get("messages", [])}
    echoed = {name: content.get(name) for name in _ECHOED} | {"metadata": content.get("metadata", {})}
    return document | own | echoed | {"revision": before["revision"] + 1, "action_digest": _digest(content)}


def _digest(content: Document) -> str:
    if content.get("kind", "action") not in CALL_KINDS:
        return digest_of(content)
    subject = (content.get("subject_type"), content.get("subject_id"))
    return action_digest(content["action_type"], content["action_parameters"], *subject)


def _fill_decision(document: Document, content: Document, changes: Document) -> None:
    decision = document["decision"]
    decision["package_version"] = document["version"]
    if decision["override"] and "override" in changes:
        changes = changes | {"override": decision["override"] | changes["override"]}
    if decision["action_parameters"] is not None:
        decision["action_parameters"] = content.get("action_parameters")
    decision |= changes
