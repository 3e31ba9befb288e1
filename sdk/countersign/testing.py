"""A scripted reviewer for the unit tests of agents: no service, no Slack, and the answers that the service gives.

    with ScriptedReviewer(reject("Too much"), approve()) as reviewer:
        assert refund(456, "9000") == "asked for less"
    assert [each["action_parameters"]["amount"] for each in reviewer.proposals] == ["9000", "120"]

It listens on this machine, and inside `with` the environment points there: clients, gates and commands find it as they
find the service. Each wait takes the next step of the script. The documents it answers with were recorded from the
service, and the project's own tests hold them against it.
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

from countersign.scripted import Stage
from countersign.settings import KEY, URL


@dataclass(frozen=True)
class Step:
    """What the reviewer does next: the recorded document, and what is said in it."""

    recorded: str
    decision: Mapping[str, Any] = field(default_factory=dict)


def settle() -> Step:
    """The policy asks for nobody."""
    return Step("settled_by_policy")


def approve(comment: str | None = None, *, edited: Mapping[str, Any] | None = None) -> Step:
    """`edited` are the parameters as the reviewer approves them instead."""
    more = {} if edited is None else {"action_parameters": dict(edited), "decision": "approve_with_edits"}
    return Step("approved", {"comment": comment, **more})


def consent() -> Step:
    return Step("consented")


def reject(reason: str) -> Step:
    return Step("rejected", {"comment": reason})


def revise(instructions: str) -> Step:
    return Step("revision_requested", {"instructions": instructions})


def want_evidence(instructions: str) -> Step:
    return Step("evidence_requested", {"instructions": instructions})


def defer(reason: str | None = None) -> Step:
    return Step("deferred", {"comment": reason})


def override(decision: str, reason: str) -> Step:
    """`proceed`, `stop` or `other`."""
    return Step(f"overridden_{decision}", {"override": {"override_reason": reason}})


def take_over(comment: str | None = None) -> Step:
    return Step("taken_over", {"comment": comment})


def hand_back() -> Step:
    """After `take_over`, of a package that belongs to a thread."""
    return Step("handed_back")


def answer(text: str) -> Step:
    return Step("answered", {"answer": text})


def expire() -> Step:
    return Step("expired")


def cancel() -> Step:
    """A person withdraws it."""
    return Step("cancelled")


def lapse() -> Step:
    """It is approved, and not used in time."""
    return Step("lapsed")


def lose_track() -> Step:
    """It is approved, and an attempt that told no outcome has used it."""
    return Step("unknown")


class ScriptedReviewer:
    """Inside `with`, whoever asks the environment for the service finds this."""

    def __init__(self, *script: Step) -> None:
        self._stage = Stage([(step.recorded, step.decision) for step in script])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._stage))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.key = "csk_scripted"
        self._before: dict[str, str | None] = {}

    @property
    def proposals(self) -> list[dict[str, Any]]:
        """What was proposed, each version, in order."""
        return list(self._stage.proposals)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """How each package stands, in order."""
        return self._stage.documents

    @property
    def executions(self) -> list[str]:
        """What came of each package: `none`, `claimed`, `succeeded` and so on."""
        return [document["execution"]["state"] for document in self.documents]

    @property
    def left(self) -> int:
        """Steps of the script that nobody has waited for."""
        return self._stage.left

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


def _handler(stage: Stage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            self._answer("GET", address.path, {"wait": bool(parse_qs(address.query).get("wait"))})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._answer("POST", self.path, body)

        def _answer(self, method: str, path: str, body: dict[str, Any]) -> None:
            status, said = stage.answer(method, path, body, self.headers.get("Idempotency-Key"))
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")  # noqa: PLR2004
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Says nothing between the lines of a test run."""

    return Handler
