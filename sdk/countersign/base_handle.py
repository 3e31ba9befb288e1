"""`BaseHandle`: what handles of sync and of async code can tell without asking the service."""

from __future__ import annotations

from countersign.document import ExecutionState, Level, Recovery, Status, StatusDocument
from countersign.outcomes import Outcome, outcome_of
from countersign.package import Package


class BaseHandle:
    """The package as the service last described it. `wait` and `refresh` update it."""

    def __init__(self, package: Package) -> None:
        self._package = package

    @property
    def decision_package_id(self) -> str:
        return self._package.id

    @property
    def claim_id(self) -> str:
        return self._package.claim_id

    @property
    def document(self) -> StatusDocument:
        return self._package.document

    @property
    def status(self) -> Status:
        return self.document["status"]

    @property
    def version(self) -> int:
        return self.document["version"]

    @property
    def level(self) -> Level:
        return self.document["level"]

    @property
    def action_digest(self) -> str:
        return self.document["action_digest"]

    @property
    def may_proceed(self) -> bool:
        return self.document["may_proceed"]

    @property
    def execution(self) -> ExecutionState:
        return self.document["execution"]["state"]

    @property
    def outcome(self) -> Outcome | None:
        """The outcome; None while nobody has decided."""
        return outcome_of(self.document)

    @property
    def recovery(self) -> Recovery | None:
        """What people decided after a failure; None while they have not."""
        return self.document.get("recovery")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.decision_package_id} v{self.version} {self.status}>"
