"""A handoff manager: a research agent hands its thread to a writer, with its state and the user's context.

Run it twice, as two agents with a key each: `handoff_manager.py writer` waits for threads and writes,
`handoff_manager.py` reads the sources and hands over. The thread, its open packages and the people who may not decide
them go with it. The writer gives the thread back with its report; with mode "peer" it would keep it.
"""

from __future__ import annotations

import sys
from typing import Any

from countersign import Client, HandoffError, gate

THREAD = "report-17"


class HandoffManager:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.sources: list[str] = []

    def capture_state(self) -> dict[str, Any]:
        return {"sources": self.sources}

    def handoff_to(self, target_agent: str, context: dict[str, Any], reason: str) -> str:
        """Hands over, and waits until the other agent has done its part."""
        try:
            handoff = self.client.hand_off(
                THREAD,
                to_agent=target_agent,
                reason=reason,
                captured_state=self.capture_state(),
                user_context=context,
                mode="delegate",
            )
        except HandoffError as refused:
            return f"Not handed over: {refused.detail}"
        while handoff.status in ("offered", "accepted"):
            handoff.wait()
        return f"{handoff.status}: {handoff.document['result'] or handoff.document['decline_reason']}"


def research(client: Client) -> None:
    manager = HandoffManager(client)
    manager.sources = ["Inspection of 14 April", "Inspection of 20 June"]  # where a model would read them
    print(manager.handoff_to("writer", {"reader": "the supervisor"}, "The sources are read."))


def write(client: Client) -> None:
    @gate("publish_report", risk_level="medium", confidence=0.9, rationale="The sources agree.", thread_id=THREAD)
    def publish(text: str) -> str:
        """Publish a report."""
        return f"Published: {text}"

    for handoff in client.receive_handoffs(timeout=60):
        handoff.accept()
        sources, reader = handoff.captured_state["sources"], handoff.user_context["reader"]
        result = publish(f"{len(sources)} sources, for {reader}")  # people approve it in the same thread
        handoff.return_result(result)
        print(result)
        break


if __name__ == "__main__":
    with Client() as connection:
        (write if sys.argv[1:] == ["writer"] else research)(connection)
