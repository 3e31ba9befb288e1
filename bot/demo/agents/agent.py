"""An agent as anybody would write it: it proposes over HTTP, waits for the answer, and acts on nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp

from bot.demo.agents.diary import Diary
from bot.demo.agents.hearing import heard

WAIT = 25  # seconds of a long poll
AGAIN = 2.0  # seconds, where the service asks for patience

Document = dict[str, Any]
Package = dict[str, Any]


class RefusedError(Exception):
    """What Countersign answered instead of a status document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.kind = status, str(problem["type"]).rpartition(":")[2]
        super().__init__(f"{status} {self.kind}: {problem.get('detail') or problem['title']}")


class PatienceError(RefusedError):
    """Later it may go: Slack is away, or somebody paused the agent."""


class Agent:
    """Each turn of its story has ids of its own. A turn begun again says the same again, and nothing happens twice."""

    def __init__(self, name: str, turn: int, http: aiohttp.ClientSession, diary: Diary) -> None:
        self.name, self.turn, self._http, self._diary = name, turn, http, diary
        self.run_id = f"{name}-{turn}"

    def did(self, text: str) -> None:
        self._diary.tell(self.name, "did", text)

    def sent(self, text: str) -> None:
        self._diary.tell(self.name, "sent", text)

    def received(self, text: str) -> None:
        self._diary.tell(self.name, "received", text)

    def failed(self, text: str) -> None:
        self._diary.tell(self.name, "error", text)

    async def propose(self, package: Package, step: str = "1") -> Document:
        self.sent(f"Proposed: {package['title']}")
        marked = {**package, "run_id": self.run_id, "thread_id": self.run_id}
        told = await self._call("POST", "/v1/packages", marked, key=f"{self.run_id}-{step}")
        self.received(f"Its id is {told['decision_package_id']}")
        self.received(heard(told))
        return told

    async def revise(self, told: Document, package: Package) -> Document:
        """A new version, in answer to a reviewer."""
        after = int(told["version"])
        self.sent(f"Version {after + 1}: {package['title']}")
        marked = {**package, "run_id": self.run_id, "thread_id": self.run_id, "expected_package_version": after}
        path = f"/v1/packages/{told['decision_package_id']}/versions"
        return await self._call("POST", path, marked, key=f"{self.run_id}-version-{after + 1}")

    async def changed(self, told: Document) -> Document:
        """As soon as it is another than was told, however long that takes."""
        path, seen = f"/v1/packages/{told['decision_package_id']}", told["revision"]
        now = told
        while now["revision"] == seen:
            now = await self._call("GET", f"{path}?wait={WAIT}", seen=seen) or now
        if heard(now) != heard(told):
            self.received(heard(now))
        return now

    async def decided(self, told: Document, revised: Callable[[Document], Package] | None = None) -> Document:
        """At its end. Whoever wants changes or more evidence gets what `revised` makes of what they said."""
        while not told["terminal"]:
            if told["status"] in ("revision_requested", "evidence_requested") and revised:
                told = await self.revise(told, revised(told))
            told = await self.changed(told)
        return told

    async def carry_out(self, told: Document, work: Callable[[Mapping[str, Any]], str]) -> bool:
        """Takes the permission, does what was approved, and says what came of it. Without permission: nothing."""
        if not told["may_proceed"]:
            self.did("Nothing: without permission there is nothing to do.")
            return False
        claim = f"{self.run_id}-worker"
        told = await self.claim(told, claim)
        detail = work(told["decision"]["action_parameters"] or {})
        self.did(detail)
        await self._execution(told, {"state": "succeeded", "claim_id": claim, "detail": detail})
        self.sent("Reported: succeeded")
        return True

    async def claim(self, told: Document, claim_id: str) -> Document:
        self.sent(f"Claimed the permission as {claim_id}")
        body = {"state": "claimed", "claim_id": claim_id, "action_digest": told["action_digest"]}
        return await self._execution(told, body)

    async def _execution(self, told: Document, body: Document) -> Document:
        return await self._call("POST", f"/v1/packages/{told['decision_package_id']}/execution", body)

    async def events(self, told: Document) -> list[Document]:
        found = await self._call("GET", f"/v1/packages/{told['decision_package_id']}/events")
        return list(found["events"])

    async def _call(
        self, method: str, path: str, body: Document | None = None, *, key: str | None = None, seen: int | None = None
    ) -> Document:
        """Once more wherever the service asks for patience, or does not answer; the key makes it the same request."""
        headers = ({"Idempotency-Key": key} if key else {}) | ({"If-None-Match": f'"{seen}"'} if seen else {})
        told = ""
        while True:
            try:
                return await self._answer(method, path, body, headers)
            except (PatienceError, aiohttp.ClientError) as fault:
                told = self._once(told, str(fault))
            await asyncio.sleep(AGAIN)

    async def _answer(self, method: str, path: str, body: Document | None, headers: dict[str, str]) -> Document:
        async with self._http.request(method, path, json=body, headers=headers) as answer:
            document: Document = await answer.json(content_type=None)
        if answer.status < HTTPStatus.BAD_REQUEST:
            return document
        patience = answer.status == HTTPStatus.SERVICE_UNAVAILABLE or document["type"].endswith(":agent-paused")
        raise (PatienceError if patience else RefusedError)(answer.status, document)

    def _once(self, told: str, fault: str) -> str:
        if fault != told:
            self.failed(fault)
        return fault
