"""Checks stored renderings and policy texts against the digests under which they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from rules.canonical import NotCanonicalError, canonical_json
from rules.policy.parse import PolicyError, read_policy
from rules.record.evidence import TENANT, Fault, StoredPolicy, StoredRendering, Trail, parse_strict_json
from rules.state.events import TenantEventType

_RENDERING = re.compile(r"rnd_[0-9a-f]{32}")
_REFERENCE = (
    r"(pkg_[0-9a-z_]{1,60} [0-9]{1,6} [0-9]{1,3}) "  # bounded, so that a search takes linear time in any export
)


def rendering_faults(trail: Trail) -> Iterator[Fault]:
    """Renderings whose id is not the digest of their content, and renderings that an event names but are missing."""
    kept = {rendering.rendering_id for rendering in trail.renderings}
    for rendering in trail.renderings:
        if rendering.body is not None and _computed_id(rendering) != rendering.rendering_id:
            sentence = f"the rendering {rendering.rendering_id} was changed: its id is not the digest of its content"
            yield Fault(trail.package_id, None, None, sentence)
    for event in trail.events:
        named = event.get("rendering_id") if isinstance(event, dict) else None
        if isinstance(named, str) and _RENDERING.fullmatch(named) and named not in kept:
            sentence = f"the rendering {named} is gone: retention empties renderings and never removes them"
            yield Fault(trail.package_id, event.get("revision"), event.get("event_id"), sentence)


def _computed_id(rendering: StoredRendering) -> str | None:
    """The id computed from the content. Buttons contain the id, which did not exist when the digest was computed."""
    try:
        bare = re.sub(_REFERENCE + re.escape(rendering.rendering_id), r"\1 -", rendering.body)
        return "rnd_" + sha256(canonical_json(parse_strict_json(bare))).hexdigest()[:32]
    except (NotCanonicalError, TypeError, ValueError):
        return None


def text_digest(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()


class PoliciesInForce:
    """The policies that the events put in force: their digests, each with the digest of its text if known."""

    def __init__(self) -> None:
        self._texts: dict[str, Any] = {}
        self._since: list[tuple[datetime, str]] = []
        self._at_most: dict[str, timedelta] = {}  # how long an exception may hold, of policies that can be read

    def record_activation(self, event: Any) -> None:
        change = event.get("change") if isinstance(event, dict) else None
        if isinstance(change, dict) and event.get("event_type") == TenantEventType.POLICY_ACTIVATED:
            digest, text = change.get("policy_digest"), change.get("text_digest")
            self._texts[str(digest)] = text or self._texts.get(str(digest))
            if moment := parse_moment(event.get("occurred_at")):
                self._since.append((moment, str(digest)))

    def faults(self, policies: list[StoredPolicy]) -> Iterator[Fault]:
        """Policies whose text does not match its digest, or is missing."""
        for policy in policies:
            if (at_most := _longest_exception(policy)) is not None:
                self._at_most[policy.digest] = at_most
            if not _matches_digest(policy, self._texts.get(policy.digest)):
                sentence = f"the text of policy {policy.digest} was changed: it is not the one that was put in force"
                yield Fault(TENANT, None, None, sentence)
        for digest in self._texts.keys() - {policy.digest for policy in policies}:
            yield Fault(TENANT, None, None, f"the text of policy {digest} is gone")

    def exception_end(self, begins: datetime) -> datetime | None:
        """Until when these policies let an exception hold that began then. A policy that cannot be read sets no end."""
        ends = [begin for begin, _ in self._since[1:]]
        in_force = zip(self._since, [*ends, None], strict=False)
        return min(
            (
                max(begins + self._at_most[digest], since)
                for (since, digest), until in in_force
                if digest in self._at_most and (until is None or until > begins)
            ),
            default=None,
        )


def _longest_exception(policy: StoredPolicy) -> timedelta | None:
    try:
        return read_policy(policy.text).exceptions.at_most if isinstance(policy.text, str) else None
    except PolicyError:
        return None


def parse_moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None


def _matches_digest(policy: StoredPolicy, digest: str | None) -> bool:
    """Earlier releases recorded only one digest of a policy: first that of its text, later that of its content."""
    if not isinstance(policy.text, str):
        return False
    computed = text_digest(policy.text)
    if digest is not None:
        return computed == digest
    try:
        return policy.digest in (computed, read_policy(policy.text).digest)
    except PolicyError:
        return False
