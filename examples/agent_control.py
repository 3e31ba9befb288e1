"""The agent's side of a control surface: people pause, resume and cancel it, and read what it did.

They do it in Slack (`/reviews hold inbox-7`, `resume`, `cancel`, `history`, or the buttons of the thread) or with
`countersign threads`. The agent only asks before each step whether it may go on.
"""

from __future__ import annotations

import sys
from typing import Any

from countersign import Client, NotPermittedError, ThreadCancelledError, gate

THREAD = sys.argv[1] if sys.argv[1:] else "inbox-7"


class AgentControl:
    """What an agent must do so that people control it."""

    def __init__(self, client: Client) -> None:
        self.client, self.thread = client, client.thread(THREAD)

    def pause_point(self, checkpoint_id: str, state: dict[str, Any]) -> dict[str, Any]:
        """Waits while people hold the thread, and returns the state as they want it.

        Raises ThreadCancelledError if they cancel it.
        """
        thread = self.thread.checkpoint(checkpoint_id, f"Before {checkpoint_id}", state)
        if thread["state"] == "running":
            return state
        print(f"On hold at {checkpoint_id}: {thread['reason']}", flush=True)
        resumed = self.thread.wait_until_running()
        print(f"Resumed: {resumed['instruction'] or 'go on'}", flush=True)
        return state | (resumed["modified_state"] or {})

    def get_execution_history(self) -> list[str]:
        return [event["event_type"] for event in self.thread.history()]


def main() -> None:
    with Client() as client:
        control = AgentControl(client)

        @gate(
            "archive_messages",
            risk_level="medium",
            confidence=0.9,
            rationale="They are older than a year.",
            thread_id=THREAD,
            client=client,
        )
        def archive(folder: str) -> str:
            """Archive the old messages of a folder."""
            return f"archived {folder}"

        try:
            state = {"folder": "Letters"}
            print(archive(state["folder"]), flush=True)
            state = control.pause_point("step-2", {"folder": "Invoices"})
            print(archive(state["folder"]), flush=True)
        except (ThreadCancelledError, NotPermittedError) as stopped:
            print(f"Stopped: {stopped}")
        print("History:", ", ".join(control.get_execution_history()))


if __name__ == "__main__":
    main()
