"""A scripted reviewer for unit tests of agents: no service and no Slack, but the same answers.

    with ScriptedReviewer(reject("Too much"), approve()) as reviewer:
        assert refund(456, "9000") == "asked for less"
    assert [proposal["action_parameters"]["amount"] for proposal in reviewer.proposals] == ["9000", "120"]

It listens on this machine, and inside `with` the environment points to it, so that clients, gates and commands find it
as they find the service. Each wait takes the next step of the script. The documents in its answers were recorded from
the service, and the project's own tests compare them with the service.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from countersign.scripted import ScriptedService
from countersign.settings import KEY, URL


@dataclass(frozen=True)
class Step:
    """One step of the script: the recorded document to answer with, and changes to its decision."""

    recorded: str
    decision: Mapping[str, Any] = field(default_factory=dict)


def settle() -> Step:
    """The policy lets the action proceed without a person. Takes effect when the next package is proposed."""
    return Step("settled_by_policy")


def approve(comment: str | None = None, *, edited: Mapping[str, Any] | None = None) -> Step:
    """A person approves. `edited` replaces the parameters with the reviewer's own."""
    more = {} if edited is None else {"action_parameters": dict(edited), "decision": "approve_with_edits"}
    return Step("approved", {"comment": comment, **more})


def consent() -> Step:
    """Nobody objects to a soft approval."""
    return Step("consented")


def reject(reason: str) -> Step:
    return Step("rejected", {"comment": reason})


def revise(instructions: str) -> Step:
    """A person asks for changes."""
    return Step("revision_requested", {"instructions": instructions})


def want_evidence(instructions: str) -> Step:
    """A person asks for more evidence."""
    return Step("evidence_requested", {"instructions": instructions})


def defer(reason: str | None = None) -> Step:
    return Step("deferred", {"comment": reason})


def override(decision: str, reason: str) -> Step:
    """A person overrides the recommendation: `decision` is `proceed`, `stop` or `other`."""
    return Step(f"overridden_{decision}", {"override": {"override_reason": reason}})


def take_over(comment: str | None = None) -> Step:
    return Step("taken_over", {"comment": comment})


def hand_back() -> Step:
    """A person hands the thread back. Use it after `take_over`, for a package with a `thread_id`."""
    return Step("handed_back")


def answer(text: str, *, data: Mapping[str, Any] | None = None) -> Step:
    """A person answers a question. `data` are the values of a form, for a question with a `response_schema`."""
    return Step("answered", {"answer": text, "answer_data": None if data is None else dict(data)})


def write(text: str) -> Step:
    """A person writes to the agent, and decides nothing."""
    return Step("message", {"text": text})


def allow_retry(instruction: str | None = None) -> Step:
    """After a failure, people allow one more attempt."""
    return Step("recovery", {"decision": "retry", "instruction": instruction})


def ask_rollback(instruction: str | None = None) -> Step:
    """After a failure, a person asks the agent to undo what it did."""
    return Step("recovery", {"decision": "rollback", "instruction": instruction})


def close(reason: str | None = None) -> Step:
    """After a failure, a person leaves it as it is."""
    return Step("recovery", {"decision": "abandon", "instruction": reason})


def expire() -> Step:
    """Nobody decides in time."""
    return Step("expired")


def cancel() -> Step:
    """The package is withdrawn."""
    return Step("cancelled")


def lapse() -> Step:
    """The package is approved, and the permission expires unused."""
    return Step("lapsed")


def lose_track() -> Step:
    """The package is approved, and another attempt has claimed it without reporting an outcome."""
    return Step("unknown")


class ScriptedReviewer:
    """A service on this machine that answers by a script. Inside `with`, the environment points to it."""

    def __init__(self, *script: Step) -> None:
        self._service = ScriptedService([(step.recorded, step.decision) for step in script])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_class(self._service))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.key = "csk_scripted"
        self._before: dict[str, str | None] = {}

    @property
    def proposals(self) -> list[dict[str, Any]]:
        """The proposals and revised versions that the agent sent, in order."""
        return list(self._service.proposals)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The current status document of each package, in order."""
        return self._service.documents

    @property
    def executions(self) -> list[str]:
        """The execution state of each package: `none`, `claimed`, `succeeded` and so on."""
        return [document["execution"]["state"] for document in self.documents]

    @property
    def left(self) -> int:
        """How many steps of the script are left."""
        return self._service.left

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        for name, value in {URL: self.url, KEY: self.key}.items():
            self._before[name] = os.environ.get(name)
            os.environ[name] = value
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        self._server.shutdown()
        self._server.server_close()


def _handler_class(service: ScriptedService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self._answer("GET", address.path, {"wait": bool(parse_qs(address.query).get("wait"))})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._answer("POST", self.path, body)

        def _answer(self, method: str, path: str, body: dict[str, Any]) -> None:
            status, reply = service.answer(method, path, body, self.headers.get("Idempotency-Key"))
            text = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")  # noqa: PLR2004
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Keeps the output of the test run clean."""

    return Handler
