"""Compares the record with an earlier export: since then it may only have grown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rules.record.evidence import TENANT, Claim, Fault


@dataclass(slots=True)
class EarlierExport:
    """The length of each chain then, and the digest of its last event, which covers all the events before it."""

    tenant_id: str
    tenant: Claim
    packages: dict[str, Claim] = field(default_factory=dict)
    _reached: bool = False

    def check_tenant_event(self, event: Any) -> Iterator[Fault]:
        if _revision(event) == self.tenant.length:
            self._reached = True
            yield from _check_unchanged(TENANT, self.tenant, event)

    def check_package(self, package_id: str, events: list[Any]) -> Iterator[Fault]:
        """The chain must still contain what the earlier export has of it."""
        claim = self.packages.pop(package_id, None)
        if claim is None or claim.length < 1:
            return
        last = next((event for event in events if _revision(event) == claim.length), None)
        if last is None:
            yield Fault(package_id, None, None, f"it was cut: the earlier export has it up to revision {claim.length}")
        else:
            yield from _check_unchanged(package_id, claim, last)

    def check_end(self, tenant_id: str) -> Iterator[Fault]:
        """The faults of chains that the earlier export has and that are now missing or shorter."""
        if tenant_id != self.tenant_id:
            yield Fault(TENANT, None, None, f"the earlier export is of another installation, {self.tenant_id}")
        if self.tenant.length > 0 and not self._reached:
            sentence = f"it was cut: the earlier export has it up to revision {self.tenant.length}"
            yield Fault(TENANT, None, None, sentence)
        for package_id, claim in self.packages.items():
            sentence = f"it was deleted: the earlier export has it with {claim.length} events"
            yield Fault(package_id, None, None, sentence)


def _revision(event: Any) -> Any:
    return event.get("revision") if isinstance(event, dict) else None


def _check_unchanged(chain: str, claim: Claim, event: Any) -> Iterator[Fault]:
    if event.get("digest") != claim.head:
        sentence = f"it was rewritten: up to revision {claim.length} it is not what the earlier export has"
        yield Fault(chain, claim.length, None, sentence)
