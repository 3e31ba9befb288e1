"""Proves an export by itself: no server, no database, line by line, in hardly more memory for a large one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from hashlib import sha256
from typing import Any, BinaryIO

from bot.audit.export import KIND, VERSION, signed_message
from bot.keys import verifies
from rules.canonical import NotCanonicalError
from rules.record.earlier import EarlierExport
from rules.record.evidence import (
    Claim,
    Counts,
    Fault,
    StoredPolicy,
    StoredRendering,
    StoredWords,
    Trail,
    parse_strict_json,
)
from rules.record.verify import Auditor, SeenIds

EXPORT = "export"  # in the place of a package's id, where the file itself is at fault
_WITHOUT_TEXTS = 1  # the version of exports that hold no renderings and no policies
LONGEST = 16 * 1024 * 1024  # a line holds one event, or the words of one: far less

Line = dict[str, Any]

_NONE = Trail("")


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, of which a hostile one may have no end: what is too long comes in pieces, and is found."""
    return iter(lambda: file.readline(LONGEST), b"")


def untold(_lines: int) -> None:
    """Tells nobody how far it is."""


class ExportCheck:
    """One check of one export. `counts`, `header` and `signed_by` say afterwards what it was that was checked.

    `earlier` is an export of before, with which this one is compared. With `remembers` this one can be such an export.
    """

    def __init__(
        self, public_key: str | None = None, earlier: EarlierExport | None = None, *, remembers: bool = False
    ) -> None:
        self.counts, self.header, self.signed_by = Counts(), Line(), ""
        self._earlier, self._remembers = earlier, remembers
        self._heads: dict[str, Claim] = {}
        self._policies: list[StoredPolicy] = []
        self._expected, self._digest = public_key, sha256()
        self._auditor: Auditor
        self._trail = _NONE
        self._manifest: Line | None = None
        # By their digests: the packages that came, with their heads, and those that should have. The names of those
        # that came are kept in one piece: a hundred thousand strings would weigh four times as much.
        self._came, self._listed, self._names = SeenIds(), SeenIds(), bytearray()

    @property
    def distrust(self) -> str | None:
        """Why it is not proven who made the export, whether or not it is whole."""
        if self._expected is None:
            return (
                f"no key is pinned: the export names its own key, {self.signed_by or 'none'}, so anyone could have "
                "signed it. Give the installation's public key with --public-key"
            )
        if self._expected != self.signed_by:
            return f"the export is signed by another key than the pinned one: {self.signed_by}"
        return None

    @property
    def part(self) -> str | None:
        """The filter of an export that holds only a part of the record, in words."""
        chosen = self.header.get("filter")
        if not chosen:
            return None
        named = chosen.items() if isinstance(chosen, dict) else [("filter", chosen)]
        return ", ".join(f"{name} {value}" for name, value in named if value is not None)

    @property
    def as_earlier(self) -> EarlierExport:
        return EarlierExport(str(self.header.get("tenant_id")), self._tenant_claim(), dict(self._heads))

    def _tenant_claim(self) -> Claim:
        return Claim(*_claimed(_member(self._manifest or {}, "tenant")))

    def faults(self, lines: Iterable[bytes], progress: Callable[[int], None] = untold) -> Iterator[Fault]:
        numbered = enumerate(lines, 1)
        if not self._begun(next(numbered, (1, b""))[1]):
            yield _fault(f"it does not begin as an export of version {VERSION} or earlier does")
            return
        for number, line in numbered:
            yield from self._next(number, line)
            progress(number)
        yield from self._flushed()
        yield from self._ended()

    def _begun(self, line: bytes) -> bool:
        header = _read(line)
        tenant_id = header.get("tenant_id")
        version = header.get("version")
        if header.get("kind") != KIND or version not in (_WITHOUT_TEXTS, VERSION) or not isinstance(tenant_id, str):
            return False
        self.header = header
        earlier = None if self.part else self._earlier  # what a part lacks may be there all the same
        self._auditor = Auditor(tenant_id, self.counts, earlier, texts=version != _WITHOUT_TEXTS)
        self._digest.update(line)
        return True

    def _next(self, number: int, line: bytes) -> Iterator[Fault]:
        value = _read(line)
        if self._manifest is not None:
            yield _fault(f"line {number} comes after the manifest, which should be the last")
        elif value.get("kind") == "manifest":
            self._manifest = value
        elif not (line.endswith(b"\n") and _has_ids(value)):
            yield _fault(f"line {number} is no line of an export")
        else:
            self._digest.update(line)
            yield from self._taken(value)

    def _taken(self, line: Line) -> Iterator[Fault]:
        match line.get("kind"):
            case None:
                yield from self._event(line, line)
            case "unreadable":  # what stood in the database in the place of an event, and was none
                yield from self._event(line, line.get("body"))
            case "content":
                yield from self._turned_to(line["decision_package_id"])
                self._trail.contents.append(StoredWords(line["event_id"], line.get("salt"), line.get("words")))
            case "rendering":
                yield from self._turned_to(line["decision_package_id"])
                self._trail.renderings.append(StoredRendering(line["rendering_id"], line.get("body")))
            case "policy":
                self._policies.append(StoredPolicy(line["digest"], line.get("version"), line.get("text")))
            case "agent":
                pass  # names, which no event holds: the signature alone vouches for them
            case "state":
                yield from self._state(line)
            case _:
                yield from self._head(line)

    def _event(self, line: Line, event: Any) -> Iterator[Fault]:
        if line.get("decision_package_id") is None:
            yield from self._auditor.tenant_event(event)
        else:
            yield from self._turned_to(line["decision_package_id"])
            self._trail.events.append(event)

    def _state(self, line: Line) -> Iterator[Fault]:
        yield from self._turned_to(line["decision_package_id"])
        self._trail.claim = Claim(*_claimed(line), _member(line, "state"))
        yield from self._flushed()

    def _head(self, line: Line) -> Iterator[Fault]:
        yield from self._flushed()
        package_id, claimed = line["decision_package_id"], _claimed(line)
        if self._remembers:
            self._heads[package_id] = Claim(*claimed)
        if not self._listed.add(package_id):
            yield Fault(package_id, None, None, "the export lists it twice")
        elif package_id not in self._came:
            yield Fault(package_id, None, None, f"it is missing: the export lists it with {claimed[0]} events")
        elif _named(package_id, claimed) not in self._came:
            yield Fault(package_id, None, None, "its length or head is not the one that the export lists")

    def _turned_to(self, package_id: str) -> Iterator[Fault]:
        if self._trail.package_id != package_id:
            yield from self._flushed()
            self._trail = Trail(package_id)

    def _flushed(self) -> Iterator[Fault]:
        """The package that is open is complete: judged, and forgotten but for its name and its head."""
        trail, self._trail = self._trail, _NONE
        if trail is _NONE:
            return
        if not self._came.add(trail.package_id):
            yield Fault(trail.package_id, None, None, "it stands in the export twice")
        if trail.claim is not None:
            self._came.add(_named(trail.package_id, (trail.claim.length, trail.claim.head)))
            self._names += trail.package_id.encode("utf-8", "backslashreplace") + b"\n"
        yield from self._auditor.package(trail)

    def _ended(self) -> Iterator[Fault]:
        if self._manifest is None:
            yield _fault("it was cut off: the manifest, which should be its last line, is missing")
            return
        for name in filter(None, self._names.decode().split("\n")):
            if name not in self._listed:
                yield Fault(name, None, None, "it was added: the export does not list it")
        yield from self._auditor.tenant_ended(self._tenant_claim())
        yield from self._auditor.policies(self._policies)
        yield from self._auditor.ended()
        yield from self._miscounted(self._manifest)
        yield from self._missigned(self._manifest)

    def _miscounted(self, manifest: Line) -> Iterator[Fault]:
        counts = _member(manifest, "counts")
        for name, held in asdict(self.counts).items():
            said = counts.get(name, 0)
            if held != said:
                yield _fault(f"it holds {held} {name.replace('_', ' ')}, and its manifest says {said}")

    def _missigned(self, manifest: Line) -> Iterator[Fault]:
        self.signed_by = str(manifest.get("public_key"))
        if manifest.get("tenant_id") != self.header["tenant_id"]:
            yield _fault("its manifest is that of another tenant")
        if manifest.get("digest") != "sha256:" + self._digest.hexdigest():
            yield _fault("it was changed: its lines are not those of which the manifest keeps the digest")
        if not _is_signed(manifest):
            yield _fault("its manifest was changed: the signature does not fit")


def _has_ids(line: Line) -> bool:
    """Whether it is of a known kind, and names what it belongs to."""
    package_id = line.get("decision_package_id")
    named = isinstance(package_id, str) and package_id != ""
    match line.get("kind"):
        case None | "unreadable":
            return named or package_id is None
        case "content":
            return named and isinstance(line.get("event_id"), str)
        case "rendering":
            return named and isinstance(line.get("rendering_id"), str)
        case "policy":
            return isinstance(line.get("digest"), str)
        case "agent":
            return isinstance(line.get("agent_id"), str)
        case kind:
            return named and kind in ("state", "head")


def _fault(what: str) -> Fault:
    return Fault(EXPORT, None, None, what)


def _read(line: bytes) -> Line:
    """A line that is no JSON object is one of no kind."""
    try:
        value = parse_strict_json(line.decode(errors="surrogatepass"))
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"kind": "nothing"}


def _member(value: Line, name: str) -> Line:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _claimed(value: Line) -> tuple[int, str | None]:
    length, head = value.get("length"), value.get("head")
    return (length if type(length) is int else -1), (head if isinstance(head, str) else None)


def _named(package_id: str, claimed: tuple[int, str | None]) -> str:
    return f"{package_id} {claimed[0]} {claimed[1]}"


def _is_signed(manifest: Line) -> bool:
    public, signature = manifest.get("public_key"), manifest.get("signature")
    try:
        message = signed_message(manifest)
    except NotCanonicalError:
        return False
    return isinstance(public, str) and isinstance(signature, str) and verifies(public, signature, message)
