"""Helpers that create, check and forge exports."""

from __future__ import annotations

import base64
import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.audit.check import ExportCheck
from bot.audit.export import export_jsonl, signed_message
from bot.keys import SigningKey, signing_key
from bot.settings import Settings
from store.audit.reader import EVERYTHING, Selection, snapshot
from tests.rules.world import NOW
from tests.store.audit_record import AuditDatabase, write_record

OURS, THEIRS = (
    signing_key(Settings.model_validate({"COUNTERSIGN_KEY": base64.b64encode(bytes([byte]) * 32).decode()}))
    for byte in (1, 2)
)


def export(record: AuditDatabase, selection: Selection = EVERYTHING, key: SigningKey = OURS) -> list[bytes]:
    with snapshot(record.engine) as connection:
        return list(export_jsonl(connection, key, NOW, selection))


def export_once(template: Path, folder: Path) -> list[bytes]:
    """Export one record from a copy of an empty database."""
    record = write_record(f"sqlite:///{shutil.copy(template, folder / 'its.db')}")
    lines = export(record)
    record.engine.dispose()
    return lines


def faults(lines: list[bytes], public_key: str | None = OURS.public) -> list[str]:
    return [str(fault) for fault in ExportCheck(public_key).faults(lines)]


def json_line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def pem(key: SigningKey) -> str:
    raw = base64.b64decode(key.public)
    written = Ed25519PublicKey.from_public_bytes(raw).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return written.decode()


def resign(lines: list[bytes], key: SigningKey, public_key: str | None = None) -> list[bytes]:
    """Compute digest and signature again, as a forger with a key of their own can."""
    manifest = json.loads(lines[-1]) | {"digest": "sha256:" + sha256(b"".join(lines[:-1])).hexdigest()}
    manifest |= {"public_key": public_key or key.public}
    return [*lines[:-1], json_line(manifest | {"signature": key.sign(signed_message(manifest))})]


def belongs_to(line: bytes, package_id: str) -> bool:
    return str(json.loads(line).get("decision_package_id")) == package_id


def package_ids(lines: list[bytes]) -> list[str]:
    return [json.loads(line)["decision_package_id"] for line in lines if b'"kind":"head"' in line]
