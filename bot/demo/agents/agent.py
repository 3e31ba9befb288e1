"""A sample agent. It proposes over HTTP, waits for the decision, and acts on nothing else.

The stories use it. It calls the HTTP API without the SDK, and writes each step into the diary that the demo's page
shows. While the service is unavailable, it repeats a call with the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.demo.agents.diary import Diary, Kind
from bot.demo.agents.sentences import describe

WAIT = 25  # seconds of a long poll
RETRY_AFTER = 2.0  # seconds before the next try, if the service is unavailable

Document = dict[str, Any]  # JSON that the service answers
Package = dict[str, Any]  # the fields of a proposal


class RefusedError(Exception):
    """Countersign answered with a problem instead of a status document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.kind = status, str(problem["type"]).rpartition(":")[2]
        super().__init__(f"{status} {self.kind}: {problem.get('detail') or problem['title']}")


class TryLaterError(RefusedError):
    """The same request may succeed later: Slack is away, or the agent is paused."""


class Agent:
    """Plays one turn of its story.

    All ids are derived from the turn. A turn that is started again therefore sends the same requests, and nothing
    happens twice.
    """

    def __init__(
        self, name: str, turn: int, http: aiohttp.ClientSession, diary: Diary, *, helps: Agent | None = None
    ) -> None:
        """An agent that helps another one works in the other's thread, and its lines are on the other's panel."""
        self.name, self.turn, self._http, self._diary = name, turn, http, diary
        self.run_id = f"{name}-{turn}"
        self.thread_id: str = helps.thread_id if helps else self.run_id
        self._panel, self._prefix = (helps.name, f"{name}: ") if helps else (name, "")
        self.helper: Agent | None = None

    def did(self, text: str) -> None:
        self._tell("did", text)

    def log_sent(self, text: str) -> None:
        self._tell("sent", text)

    def log_received(self, text: str) -> None:
        self._tell("received", text)

    def log_error(self, text: str) -> None:
        self._tell("error", text)

    def _tell(self, kind: Kind, text: str) -> None:
        self._diary.tell(self._panel, kind, self._prefix + text)

    async def propose(self, package: Package, step: str = "1") -> Document:
        self.log_sent(f"Proposed: {package['title']}")
        body = {**package, "run_id": self.run_id, "thread_id": self.thread_id}
        document = await self.call("POST", "/v1/packages", body, key=f"{self.run_id}-{step}")
        self.log_received(f"Its id is {document['decision_package_id']}")
        self.log_received(describe(document))
        return document

    async def revise(self, document: Document, package: Package) -> Document:
        """Send a new version, in answer to a reviewer."""
        version = int(document["version"])
        self.log_sent(f"Version {version + 1}: {package['title']}")
        body = {**package, "run_id": self.run_id, "thread_id": self.thread_id, "expected_package_version": version}
        path = f"/v1/packages/{document['decision_package_id']}/versions"
        return await self.call("POST", path, body, key=f"{self.run_id}-version-{version + 1}")

    async def wait_for_change(self, document: Document) -> Document:
        """Wait until the document differs from this one, however long that takes."""
        path, seen = f"/v1/packages/{document['decision_package_id']}", document["revision"]
        newest = document
        while newest["revision"] == seen:
            newest = await self.call("GET", f"{path}?wait={WAIT}", seen=seen) or newest
        if describe(newest) != describe(document):
            self.log_received(describe(newest))
        return newest

    async def wait_for_decision(
        self, document: Document, revision_of: Callable[[Document], Package] | None = None
    ) -> Document:
        """Wait for the final decision. When people want changes or evidence, send what `revision_of` builds."""
        while not document["terminal"]:
            if document["status"] in ("revision_requested", "evidence_requested") and revision_of:
                document = await self.revise(document, revision_of(document))
            document = await self.wait_for_change(document)
        return document

    async def carry_out(self, document: Document, work: Callable[[Mapping[str, Any]], str]) -> bool:
        """Claim the permission, do what was approved, and report the outcome. Without permission, do nothing."""
        if not document["may_proceed"]:
            self.did("Did nothing, because there is no permission.")
            return False
        claim = f"{self.run_id}-worker"
        document = await self.claim(document, claim)
        detail = work(document["decision"]["action_parameters"] or {})
        self.did(detail)
        await self.report(document, "succeeded", claim, detail)
        return True

    async def report(self, document: Document, state: str, claim_id: str, detail: str) -> Document:
        self.log_sent(f"Reported: {state.replace('_', ' ')}")
        return await self._execution(document, {"state": state, "claim_id": claim_id, "detail": detail})

    async def claim(self, document: Document, claim_id: str) -> Document:
        self.log_sent(f"Claimed the permission as {claim_id}")
        body = {"state": "claimed", "claim_id": claim_id, "action_digest": document["action_digest"]}
        return await self._execution(document, body)

    async def _execution(self, document: Document, body: Document) -> Document:
        return await self.call("POST", f"/v1/packages/{document['decision_package_id']}/execution", body)

    async def call(
        self, method: str, path: str, body: Document | None = None, *, key: str | None = None, seen: int | None = None
    ) -> Document:
        """Call the API, and repeat the call while the service is unavailable or does not answer.

        `key` is the idempotency key. With `seen`, the service answers as soon as the revision is another one.
        """
        headers = ({"Idempotency-Key": key} if key else {}) | ({"If-None-Match": f'"{seen}"'} if seen else {})
        reported = ""
        while True:
            try:
                return await self._answer(method, path, body, headers)
            except (TryLaterError, aiohttp.ClientError) as fault:
                reported = self._report_once(reported, str(fault))
            await asyncio.sleep(RETRY_AFTER)

    async def _answer(self, method: str, path: str, body: Document | None, headers: dict[str, str]) -> Document:
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            document: Document = await answer.json(content_type=None)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return document
        is_temporary = answer.status == HTTPStatus.SERVICE_UNAVAILABLE or document["type"].endswith(":agent-paused")
        raise (TryLaterError if is_temporary else RefusedError)(answer.status, document)

    def _report_once(self, reported: str, fault: str) -> str:
        if fault != reported:
            self.log_error(fault)
        return fault
