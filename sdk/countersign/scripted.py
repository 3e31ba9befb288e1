"""The stage of `countersign.testing`: recorded documents, played in the order of a script, by the service's own rules.

It keeps what an agent could get wrong: one proposal for a key, versions that must be expected, and a permission that is
claimed once, in time, for what was approved.
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
from countersign.package import CALLS, HANDED_BACK

Document = dict[str, Any]
Answer = tuple[int, Document]

_REQUIRED = ("title", "action_type", "proposed_action", "rationale", "risk_level", "confidence")
_ECHOED = ("run_id", "thread_id", "checkpoint_id")
_REPORTABLE: Mapping[str, Sequence[str]] = {
    "claimed": ("succeeded", "failed", "rolled_back"),
    "unknown": ("succeeded", "failed", "rolled_back"),
    "succeeded": ("rolled_back",),
    "failed": ("rolled_back",),
}


def recorded(name: str) -> Document:
    document: Document = json.loads(files("countersign").joinpath(f"recorded/{name}.json").read_text("utf-8"))
    return document


class ProblemAnswer(Exception):  # noqa: N818 - the word of RFC 9457
    """Answers with a recorded problem."""

    def __init__(self, kind: str, **more: Any) -> None:
        super().__init__(kind)
        self.body = recorded(f"problem_{kind}") | more


@dataclass
class Part:
    """One package on stage."""

    content: Document
    document: Document
    is_handed_back: bool = False

    @property
    def waits_for_people(self) -> bool:
        """For what they decide; or to have back the thread that one of them has taken."""
        held = self.document["status"] == "taken_over" and self.document["thread_id"] and not self.is_handed_back
        return self.document["status"] in ("pending", "deferred") or bool(held)

    @property
    def events(self) -> list[Document]:
        """Those that agents look for."""
        return [{"event_type": HANDED_BACK}] if self.is_handed_back else []

    def play(self, name: str, said: Mapping[str, Any]) -> None:
        """What the reviewer does, in the recorded words but for those of the script."""
        before, decision = self.document, dict(said)
        if "action_parameters" in decision:
            self.content = {**self.content, "action_parameters": decision["action_parameters"]}
            before = before | {"version": before["version"] + 1}
        self.document = _placed(recorded(name), before, self.content)
        if name == "handed_back":
            self.is_handed_back, decision = True, before["decision"]
        if self.document["decision"]:
            _speak(self.document, self.content, decision)

    def answer(self, body: Document) -> None:
        """The agent's next version."""
        if body.pop("expected_package_version", None) != self.document["version"]:
            raise ProblemAnswer("stale-version")
        if self.document["terminal"]:
            raise ProblemAnswer("already-decided")
        self.content = body
        before = self.document | {"version": self.document["version"] + 1}
        self.document = _placed(recorded("pending"), before, body)

    def cancel(self) -> None:
        if self.document["status"] == "cancelled":
            return
        if self.document["terminal"]:
            raise ProblemAnswer("already-decided")
        self.document = _placed(recorded("cancelled"), self.document, self.content)

    def execute(self, body: Document) -> None:
        state, claim_id = self.document["execution"]["state"], body["claim_id"]
        if body["state"] == "claimed":
            self._claim(state, claim_id, body["action_digest"])
        elif self.document["execution"].get("claim_id") != claim_id:
            raise ProblemAnswer("not-claimed")
        elif body["state"] in _REPORTABLE.get(state, ()):
            self._executed(body["state"], claim_id)
        elif body["state"] != state:
            raise ProblemAnswer("already-reported")

    def _claim(self, state: str, claim_id: str, digest: str) -> None:
        if not (self.document["decision"] and self.document["decision"]["action_parameters"] is not None):
            raise ProblemAnswer("may-not-proceed")
        if digest != self.document["action_digest"]:
            raise ProblemAnswer("digest-mismatch")
        if state == "lapsed":
            raise ProblemAnswer("approval-lapsed")
        if state == "none":
            self._executed("claimed", claim_id)
        elif self.document["execution"].get("claim_id") != claim_id:
            raise ProblemAnswer("already-claimed")

    def _executed(self, name: str, claim_id: str) -> None:
        told = recorded(name)
        news = {each: told[each] for each in ("may_proceed", "agent_message", "execution")}
        news["execution"] |= {"claim_id": claim_id}
        self.document = self.document | news | {"revision": self.document["revision"] + 1}


class Stage:
    """All packages, and the script."""

    def __init__(self, script: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self._script, self._lock = list(script), threading.Lock()
        self._parts: dict[str, Part] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self.proposals: list[Document] = []

    @property
    def left(self) -> int:
        return len(self._script)

    @property
    def documents(self) -> list[Document]:
        return [deepcopy(part.document) for part in self._parts.values()]

    def answer(self, method: str, path: str, body: Document, key: str | None) -> Answer:
        """One at a time, as one package's commands are on the service too."""
        try:
            with self._lock:
                return self._answer(method, path.removeprefix("/v1/packages").strip("/"), body, key)
        except ProblemAnswer as problem:
            return problem.body["status"], problem.body

    def _answer(self, method: str, path: str, body: Document, key: str | None) -> Answer:
        if not path:
            return self._propose(body, key) if method == "POST" else (200, self._listed())
        package_id, _, what = path.partition("/")
        part = self._parts.get(package_id)
        if part is None:
            raise ProblemAnswer("not-found")
        if method == "GET":
            return (200, {"events": part.events}) if what == "events" else (200, self._awaited(part, body["wait"]))
        if what == "versions":
            self.proposals.append(body)
            part.answer(body)
        else:
            part.cancel() if what == "cancel" else part.execute(body)
        return 200, part.document

    def _listed(self) -> Document:
        return {"packages": self.documents[::-1], "next_cursor": None}

    def _propose(self, body: Document, key: str | None) -> Answer:
        content = digest_of(body)
        if key in self._keys:
            known, package_id = self._keys[key]
            if known != content:
                raise ProblemAnswer("idempotency-conflict", package=package_id)
            return 200, self._parts[package_id].document
        _assert_whole(body)
        part = self._begun(body)
        self._parts[part.document["decision_package_id"]] = part
        self.proposals.append(body)
        if key:
            self._keys[key] = (content, part.document["decision_package_id"])
        return (201 if part.document["terminal"] else 202), part.document

    def _begun(self, body: Document) -> Part:
        first = recorded("pending") | {"decision_package_id": f"pkg_{len(self._parts) + 1}"}
        part = Part(body, _placed(first, first, body))
        if self._script and self._script[0][0] == "settled_by_policy":
            part.play(*self._script.pop(0))
        return part

    def _awaited(self, part: Part, waits: bool) -> Document:  # noqa: FBT001 - what the query says
        if waits and part.waits_for_people:
            if not self._script:
                detail = "The script has ended, and the agent waits for one more decision."
                raise ProblemAnswer("not-found", detail=detail, type="urn:countersign:problem:script-ended", status=410)
            part.play(*self._script.pop(0))
        return part.document


def _assert_whole(body: Document) -> None:
    calls = body.get("kind", "action") in CALLS
    missing = [name for name in (*_REQUIRED, *(["action_parameters"] if calls else [])) if body.get(name) is None]
    if missing:
        errors = [{"field": name, "message": "Field required"} for name in missing]
        raise ProblemAnswer("invalid", detail=f"missing: {', '.join(missing)}", errors=errors)


def _placed(document: Document, before: Document, content: Document) -> Document:
    """The recorded document, as that of this package."""
    own = {name: before[name] for name in ("decision_package_id", "version")}
    echoed = {name: content.get(name) for name in _ECHOED} | {"metadata": content.get("metadata", {})}
    return document | own | echoed | {"revision": before["revision"] + 1, "action_digest": _digest(content)}


def _digest(content: Document) -> str:
    if content.get("kind", "action") not in CALLS:
        return digest_of(content)
    subject = (content.get("subject_type"), content.get("subject_id"))
    return action_digest(content["action_type"], content["action_parameters"], *subject)


def _speak(document: Document, content: Document, said: Document) -> None:
    made = document["decision"]
    made["package_version"] = document["version"]
    if made["override"] and "override" in said:
        said = said | {"override": made["override"] | said["override"]}
    if made["action_parameters"] is not None:
        made["action_parameters"] = content.get("action_parameters")
    made |= said
