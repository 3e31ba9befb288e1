"""Verifies the record, stored or exported, and yields every fault.

1. The tenant's chain is checked event by event and each package as a whole. Afterwards only nine bytes for each event
   id are kept, so the record may have any length.
2. A fault does not stop the check. What follows is checked as if the event had been correct, so that one change usually
   gives one fault.
3. The chain shows events that were changed afterwards. Only a head that was stored elsewhere, such as in the signed
   manifest of an export, shows that nobody rewrote the whole chain.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from rules.canonical import NotCanonicalError
from rules.record.chain import Event, content_digest, event_digest
from rules.record.earlier import EarlierExport
from rules.record.evidence import TENANT, Claim, Counts, Fault, StoredPolicy, StoredWords, Trail
from rules.record.references import ExceptionUses, thread_references
from rules.record.replay import replay
from rules.record.stored_texts import PoliciesInForce, rendering_faults

_FORM: Mapping[str, type] = {
    "event_id": str,
    "event_type": str,
    "tenant_id": str,
    "revision": int,
    "change": dict,
    "digest": str,
}


class SeenIds:
    """A set of strings that stores 64 bits of each. The chance that two of a million collide is one in forty million.

    Sorted arrays take a tenth of the memory of a `set`. There are many, to keep insertions short.
    """

    def __init__(self) -> None:
        self._arrays = [array("Q") for _ in range(512)]

    def __contains__(self, name: str) -> bool:
        marks, mark, place = self._place(name)
        return mark in marks[place : place + 1]

    def add(self, name: str) -> bool:
        """Add the name, and return whether it is new."""
        marks, mark, place = self._place(name)
        if mark in marks[place : place + 1]:
            return False
        marks.insert(place, mark)
        return True

    def _place(self, name: str) -> tuple[array[int], int, int]:
        mark = int.from_bytes(blake2b(name.encode("utf-8", "backslashreplace"), digest_size=8).digest())
        marks = self._arrays[mark % len(self._arrays)]
        return marks, mark, bisect_left(marks, mark)


class ChainChecker:
    """Checks one chain, event by event."""

    def __init__(self, tenant_id: str, package_id: str | None, seen: SeenIds) -> None:
        self.tenant_id, self.package_id, self._seen = tenant_id, package_id, seen
        self.length = 0
        # The digests that the next event may name as `previous`; if empty, any, because the right one is unknown.
        self._heads: tuple[Any, ...] = (None,)

    def check(self, event: Any) -> Fault | None:
        """Check the next event."""
        digest = _computed_digest(event)
        if sentence := _integrity_fault(event, digest):
            # The event counts as present under either digest, so that its successor is not reported as well.
            stated = event.get("digest") if isinstance(event, dict) else None
            self._advance(self.length + 1, (digest, stated) if isinstance(stated, str) else ())
            return self.fault(sentence, event)
        if sentence := self._origin_fault(event):
            return self.fault(sentence, event)
        misplaced = self._order_fault(event)
        if event["revision"] > self.length:
            self._advance(event["revision"], (digest,))
        new = self._seen.add(event["event_id"])
        sentence = misplaced or (None if new else "its event id stands in the record twice")
        return self.fault(sentence, event) if sentence else None

    def _advance(self, length: int, heads: tuple[Any, ...]) -> None:
        self.length, self._heads = length, heads

    def check_end(self, claim: Claim) -> Fault | None:
        """Check the length and the head, after all events."""
        if self.length < claim.length:
            lost = f"{self.length + 1} to {claim.length}" if claim.length - self.length > 1 else claim.length
            return self.fault(f"its tail was cut: revision {lost} should follow")
        if self.length > claim.length:
            return self.fault(f"it goes on after revision {claim.length}, which should be its last")
        if self._heads and claim.head not in self._heads:
            return self.fault("its last event is not the one that is named as its head")
        return None

    def fault(self, sentence: str, event: Any = None) -> Fault:
        """A fault of this chain, at the event or else at the end of what was checked."""
        named = event if isinstance(event, dict) else {}
        revision, event_id = named.get("revision"), named.get("event_id")
        return Fault(
            self.package_id or TENANT,
            revision if isinstance(revision, int) else self.length or None,
            event_id if isinstance(event_id, str) else None,
            sentence,
        )

    def _origin_fault(self, event: Event) -> str | None:
        if event["tenant_id"] != self.tenant_id:
            return f"it belongs to another tenant, {event['tenant_id']}"
        other = event.get("decision_package_id")
        return f"it belongs to another chain, {other or TENANT}" if other != self.package_id else None

    def _order_fault(self, event: Event) -> str | None:
        came, expected = event["revision"], self.length + 1
        if came < expected:
            return f"it stands out of its order: revision {expected} should come here"
        if came > expected:
            lost = f"{expected} to {came - 1}" if came - expected > 1 else expected
            return f"revision {lost} is missing before it"
        if self._heads and event.get("previous") not in self._heads:
            return "it does not follow the event before it: its `previous` is another digest"
        return None


def _integrity_fault(event: Any, digest: str | None) -> str | None:
    if sentence := _form_fault(event):
        return sentence
    return None if digest == event["digest"] else "it was changed: its digest is not that of its content"


def _form_fault(event: Any) -> str | None:
    if not isinstance(event, dict):
        return "it is no event"
    bad = [name for name, kind in _FORM.items() if type(event.get(name)) is not kind]
    return f"it has not the form of an event: {', '.join(bad)}" if bad else None


def _computed_digest(event: Any) -> str | None:
    try:
        return event_digest(event) if isinstance(event, dict) else None
    except NotCanonicalError:
        return None


class Auditor:
    """Checks the record of one tenant: its own chain, the policies, and one package after the other.

    `texts`: whether renderings and policies are included, which exports of the first version lack. `earlier`: an
    earlier export to compare with.
    """

    def __init__(
        self, tenant_id: str, counts: Counts | None = None, earlier: EarlierExport | None = None, *, texts: bool = True
    ) -> None:
        self.counts = counts or Counts()
        self._tenant_id, self._seen, self._earlier, self._texts = tenant_id, SeenIds(), earlier, texts
        self._own, self._policies = ChainChecker(tenant_id, None, self._seen), PoliciesInForce()
        self._exceptions = ExceptionUses()
        self._references: dict[str, Fault] = {}  # by the event that is named: the fault if there is none

    def check_tenant_event(self, event: Any) -> Iterator[Fault]:
        self.counts.tenant_events += 1
        if fault := self._own.check(event):
            yield fault
        self._policies.record_activation(event)
        yield from self._earlier.check_tenant_event(event) if self._earlier else ()

    def check_policies(self, policies: list[StoredPolicy]) -> Iterator[Fault]:
        self.counts.policies += len(policies)
        yield from self._policies.faults(policies) if self._texts else ()

    def check_missing(self) -> Iterator[Fault]:
        """Check what the earlier export has, after everything else."""
        yield from self._earlier.check_end(self._tenant_id) if self._earlier else ()

    def check_tenant_end(self, claim: Claim) -> Iterator[Fault]:
        if fault := self._own.check_end(claim):
            yield fault

    def check_package(self, trail: Trail) -> Iterator[Fault]:
        """All faults of a package or thread: its chain, its words and renderings, its state."""
        self.counts.add_trail(trail)
        yield from trail.noticed
        chain = ChainChecker(self._tenant_id, trail.package_id, self._seen)
        broken = [fault for event in trail.events if (fault := chain.check(event))]
        broken += _end_faults(trail, chain)
        yield from broken
        yield from word_faults(trail)
        yield from rendering_faults(trail) if self._texts else ()
        yield from self._earlier.check_package(trail.package_id, trail.events) if self._earlier else ()
        # Replaying a broken chain means nothing, and its faults have been yielded.
        if not broken:
            self._references.update(thread_references(trail))
            yield from self._exceptions.read(trail)
            yield from replay(trail)

    def check_exceptions(self, *, whole: bool = True) -> Iterator[Fault]:
        """Check that each use of an exception cites one that held, after all packages."""
        yield from self._exceptions.faults(whole=whole, longest=self._policies.exception_end)

    def check_thread_references(self) -> Iterator[Fault]:
        """Check that the threads to which packages refer are there, after all packages and threads."""
        yield from (fault for event_id, fault in self._references.items() if event_id not in self._seen)


def _end_faults(trail: Trail, chain: ChainChecker) -> Iterator[Fault]:
    if trail.claim is None:
        yield Fault(trail.package_id, None, None, "it has a record, and no state: its row is missing")
    elif not trail.events:
        yield Fault(trail.package_id, None, None, "it has a state, and no events: its record is missing")
    elif fault := chain.check_end(trail.claim):
        yield fault


def word_faults(trail: Trail) -> Iterator[Fault]:
    """Texts that do not match the digest in their event. Texts that retention erased with their salt are fine."""
    events = [event for event in trail.events if not _form_fault(event)]
    digests = {event["event_id"]: event.get("content") for event in events}
    revisions = {event["event_id"]: event["revision"] for event in events}
    missing = {event_id for event_id, digest in digests.items() if digest is not None}
    for kept in trail.contents:
        sentence = _stored_words_fault(kept, digests.get(kept.event_id), missing)
        missing.discard(kept.event_id)
        if sentence:
            yield Fault(trail.package_id, revisions.get(kept.event_id), kept.event_id, sentence)
    for event_id in sorted(missing):
        sentence = "the row of its words is missing: retention empties such rows and never deletes them"
        yield Fault(trail.package_id, revisions[event_id], event_id, sentence)


def _stored_words_fault(kept: StoredWords, digest: Any, missing: set[str]) -> str | None:
    if digest is None:
        return "words are stored for it, but it has none"
    if kept.event_id not in missing:
        return "words are stored for it twice"
    if kept.words is None:
        return None if kept.salt is None else "its words were emptied but not their salt, so they can be guessed"
    try:
        fits = isinstance(kept.salt, str) and content_digest(kept.words, kept.salt) == digest
    except NotCanonicalError:
        fits = False
    return None if fits else "its words were changed: they do not match its digest"
