"""The result of something that a person did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from playground.client.delivery import Ack, AppRequest
from playground.model.messages import Message
from playground.model.views import View
from playground.model.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`error` is what the person is shown if it failed; `views` and `notes` are looked up on each access."""

    slack: Workspace = field(repr=False)
    user: str
    before: str  # a timestamp: later messages are results
    app_request: AppRequest | None = None
    ack: Ack = field(default_factory=Ack)
    error: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    confirmation: Mapping[str, Any] | None = None

    @property
    def sent(self) -> bool:
        """False if the person declined in the confirmation dialog."""
        return self.app_request is not None

    @property
    def ok(self) -> bool:
        return self.status == HTTPStatus.OK and self.error is None

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.app_request.payload if self.app_request else {}

    @property
    def status(self) -> int | None:
        return self.ack.status

    @property
    def body(self) -> Any:
        return self.ack.body

    @property
    def trigger_id(self) -> str:
        return str(self.payload.get("trigger_id", ""))

    @property
    def response_url(self) -> str:
        return str(self.payload.get("response_url", ""))

    @property
    def views(self) -> list[View]:
        """Views that this opened or pushed, in their current state."""
        return [view for view in self.slack.views.of(self.user) if self.trigger_id and view.trigger == self.trigger_id]

    @property
    def notes(self) -> list[Message]:
        """Private notes that the person was shown since."""
        return [note for note in self.slack.messages.notes(self.user) if note.ts > self.before]
