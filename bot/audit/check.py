"""Verifies a jsonl export by itself, without a server or a database.

The file is read line by line. The lines of one package are collected into a `Trail`, and the auditor checks it when the
package ends; then only its digest, its name and its head are kept, so that memory hardly grows with the file. The lines
after the last package (heads and manifest) say what should have come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from hashlib import sha256
from typing import Any, BinaryIO

from bot.audit.export import KIND, VERSION, signed_message
from bot.keys import verify_signature
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

WHOLE_EXPORT = "export"  # stands for the package id if the fault is in the file itself
_WITHOUT_TEXTS = 1  # the version of exports without renderings and policies
MAX_LINE = 16 * 1024 * 1024  # bytes; a line holds one event or its texts, which is far less

Line = dict[str, Any]

_NO_TRAIL = Trail("")


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines. A line that is too long, as in a hostile file, comes in pieces, and the check reports it."""
    return iter(lambda: file.readline(MAX_LINE), b"")


def no_progress(_lines: int) -> None:
    """Report no progress."""


class ExportCheck:
    """One check of one export. Afterwards `counts`, `header` and `signed_by` describe the export.

    `earlier` is an earlier export that this one must continue. With `remembers`, this check keeps what is needed to
    serve as `earlier` itself.
    """

    def __init__(
        self, public_key: str | None = None, earlier: EarlierExport | None = None, *, remembers: bool = False
    ) -> None:
        self.counts, self.header, self.signed_by = Counts(), Line(), ""
        self._earlier, self._remembers = earlier, remembers
        self._heads: dict[str, Claim] = {}
        self._policies: list[StoredPolicy] = []
        self._pinned_key, self._digest = public_key, sha256()
        self._auditor: Auditor
        self._trail = _NO_TRAIL
        self._manifest: Line | None = None
        # The ids of the packages in the file, and their fingerprints; the ids that the file lists at its end; the ids
        # of the packages in the file as text, because a hundred thousand strings would take four times the memory.
        self._present, self._listed, self._ids = SeenIds(), SeenIds(), bytearray()

    @property
    def distrust(self) -> str | None:
        """Why the origin of the export is not proven, even if its content is consistent."""
        if self._pinned_key is None:
            return (
                f"no key is pinned: the export names its own key, {self.signed_by or 'none'}, so anyone could have "
                "signed it. Give the installation's public key with --public-key"
            )
        if self._pinned_key != self.signed_by:
            return f"the export is signed by another key than the pinned one: {self.signed_by}"
        return None

    @property
    def part(self) -> str | None:
        """The filter in words, if the export holds only a part of the record."""
        selected = self.header.get("filter")
        if not selected:
            return None
        criteria = selected.items() if isinstance(selected, dict) else [("filter", selected)]
        return ", ".join(f"{name} {value}" for name, value in criteria if value is not None)

    @property
    def as_earlier(self) -> EarlierExport:
        """What a later export must continue. Only after a check that `remembers`."""
        return EarlierExport(str(self.header.get("tenant_id")), self._tenant_claim(), dict(self._heads))

    def _tenant_claim(self) -> Claim:
        return Claim(*_claimed_head(_object_member(self._manifest or {}, "tenant")))

    def faults(self, lines: Iterable[bytes], progress: Callable[[int], None] = no_progress) -> Iterator[Fault]:
        """Check the lines and yield what is wrong. `progress` gets the number of lines read so far."""
        numbered = enumerate(lines, 1)
        if not self._start(next(numbered, (1, b""))[1]):
            yield _fault(f"it does not begin as an export of version {VERSION} or earlier does")
            return
        for number, line in numbered:
            yield from self._read_line(number, line)
            progress(number)
        yield from self._finish_package()
        yield from self._finish()

    def _start(self, line: bytes) -> bool:
        header = _parse_line(line)
        tenant_id = header.get("tenant_id")
        version = header.get("version")
        if (
            header.get("kind") != KIND
            or version not in range(_WITHOUT_TEXTS, VERSION + 1)
            or not isinstance(tenant_id, str)
        ):
            return False
        self.header = header
        earlier = None if self.part else self._earlier  # a part may leave out what the earlier export has
        self._auditor = Auditor(tenant_id, self.counts, earlier, texts=version != _WITHOUT_TEXTS)
        self._digest.update(line)
        return True

    def _read_line(self, number: int, line: bytes) -> Iterator[Fault]:
        value = _parse_line(line)
        if self._manifest is not None:
            yield _fault(f"line {number} comes after the manifest, which should be the last")
        elif value.get("kind") == "manifest":
            self._manifest = value
        elif not (line.endswith(b"\n") and _is_valid_line(value)):
            yield _fault(f"line {number} is no line of an export")
        else:
            self._digest.update(line)
            yield from self._add_line(value)

    def _add_line(self, line: Line) -> Iterator[Fault]:
        match line.get("kind"):
            case None:
                yield from self._event(line, line)
            case "unreadable":  # a database row in the place of an event that could not be read as one
                yield from self._event(line, line.get("body"))
            case "content":
                yield from self._switch_to(line["decision_package_id"])
                self._trail.contents.append(StoredWords(line["event_id"], line.get("salt"), line.get("words")))
            case "rendering":
                yield from self._switch_to(line["decision_package_id"])
                self._trail.renderings.append(StoredRendering(line["rendering_id"], line.get("body")))
            case "policy":
                self._policies.append(StoredPolicy(line["digest"], line.get("version"), line.get("text")))
            case "agent":
                pass  # names are in no event: only the signature protects them
            case "state":
                yield from self._state(line)
            case _:
                yield from self._head(line)

    def _event(self, line: Line, event: Any) -> Iterator[Fault]:
        if line.get("decision_package_id") is None:
            yield from self._auditor.check_tenant_event(event)
        else:
            yield from self._switch_to(line["decision_package_id"])
            self._trail.events.append(event)

    def _state(self, line: Line) -> Iterator[Fault]:
        yield from self._switch_to(line["decision_package_id"])
        self._trail.claim = Claim(*_claimed_head(line), _object_member(line, "state"))
        yield from self._finish_package()

    def _head(self, line: Line) -> Iterator[Fault]:
        yield from self._finish_package()
        package_id, claimed = line["decision_package_id"], _claimed_head(line)
        if self._remembers:
            self._heads[package_id] = Claim(*claimed)
        if not self._listed.add(package_id):
            yield Fault(package_id, None, None, "the export lists it twice")
        elif package_id not in self._present:
            yield Fault(package_id, None, None, f"it is missing: the export lists it with {claimed[0]} events")
        elif _fingerprint(package_id, claimed) not in self._present:
            yield Fault(package_id, None, None, "its length or head is not the one that the export lists")

    def _switch_to(self, package_id: str) -> Iterator[Fault]:
        if self._trail.package_id != package_id:
            yield from self._finish_package()
            self._trail = Trail(package_id)

    def _finish_package(self) -> Iterator[Fault]:
        """Check the open package, which is complete, and forget all of it but its id and head."""
        trail, self._trail = self._trail, _NO_TRAIL
        if trail is _NO_TRAIL:
            return
        if not self._present.add(trail.package_id):
            yield Fault(trail.package_id, None, None, "it stands in the export twice")
        if trail.claim is not None:
            self._present.add(_fingerprint(trail.package_id, (trail.claim.length, trail.claim.head)))
            self._ids += trail.package_id.encode("utf-8", "backslashreplace") + b"\n"
        yield from self._auditor.check_package(trail)

    def _finish(self) -> Iterator[Fault]:
        if self._manifest is None:
            yield _fault("it was cut off: the manifest, which should be its last line, is missing")
            return
        for package_id in filter(None, self._ids.decode().split("\n")):
            if package_id not in self._listed:
                yield Fault(package_id, None, None, "it was added: the export does not list it")
        yield from self._auditor.check_tenant_end(self._tenant_claim())
        yield from self._auditor.check_policies(self._policies)
        yield from self._auditor.check_missing()
        yield from self._auditor.check_exceptions(whole=not self.part)
        yield from self._check_counts(self._manifest)
        yield from self._check_signature(self._manifest)

    def _check_counts(self, manifest: Line) -> Iterator[Fault]:
        counts = _object_member(manifest, "counts")
        for name, count in asdict(self.counts).items():
            expected = counts.get(name, 0)
            if count != expected:
                yield _fault(f"it holds {count} {name.replace('_', ' ')}, and its manifest says {expected}")

    def _check_signature(self, manifest: Line) -> Iterator[Fault]:
        self.signed_by = str(manifest.get("public_key"))
        if manifest.get("tenant_id") != self.header["tenant_id"]:
            yield _fault("its manifest belongs to another tenant")
        if manifest.get("digest") != "sha256:" + self._digest.hexdigest():
            yield _fault("it was changed: its lines do not match the digest in the manifest")
        if not _is_signed(manifest):
            yield _fault("its manifest was changed: it does not match its signature")


def _is_valid_line(line: Line) -> bool:
    """Whether the line has a known kind and the ids that this kind needs."""
    package_id = line.get("decision_package_id")
    has_package = isinstance(package_id, str) and package_id != ""
    match line.get("kind"):
        case None | "unreadable":
            return has_package or package_id is None
        case "content":
            return has_package and isinstance(line.get("event_id"), str)
        case "rendering":
            return has_package and isinstance(line.get("rendering_id"), str)
        case "policy":
            return isinstance(line.get("digest"), str)
        case "agent":
            return isinstance(line.get("agent_id"), str)
        case kind:
            return has_package and kind in ("state", "head")


def _fault(sentence: str) -> Fault:
    return Fault(WHOLE_EXPORT, None, None, sentence)


def _parse_line(line: bytes) -> Line:
    """Parse a line. If it is not a JSON object, return one of an unknown kind."""
    try:
        value = parse_strict_json(line.decode(errors="surrogatepass"))
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"kind": "nothing"}


def _object_member(value: Line, name: str) -> Line:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _claimed_head(value: Line) -> tuple[int, str | None]:
    length, head = value.get("length"), value.get("head")
    return (length if type(length) is int else -1), (head if isinstance(head, str) else None)


def _fingerprint(package_id: str, claimed: tuple[int, str | None]) -> str:
    """Stand for the package with exactly this length and head."""
    return f"{package_id} {claimed[0]} {claimed[1]}"


def _is_signed(manifest: Line) -> bool:
    public, signature = manifest.get("public_key"), manifest.get("signature")
    try:
        message = signed_message(manifest)
    except NotCanonicalError:
        return False
    return isinstance(public, str) and isinstance(signature, str) and verify_signature(public, signature, message)
