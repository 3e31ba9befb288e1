"""The installation's key: from the setting, or generated once beside the SQLite file, and never shown."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.keys import PublicKeyError, known_public_key, normalize_public_key, signing_key, verify_signature
from bot.settings import Settings, SettingsError

SEED = base64.b64encode(bytes(range(32))).decode()
EDWARDS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = EDWARDS.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC_PEM = EDWARDS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
CURVE = generate_private_key(SECP256R1())
CURVE_PEM = CURVE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CURVE_PUBLIC_PEM = CURVE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
POSTGRES = "postgresql://countersign@db/countersign"


def settings(url: str, key: str | None = None) -> Settings:
    given = {"COUNTERSIGN_DATABASE_URL": url, "COUNTERSIGN_KEY": key}
    return Settings.model_validate(given)


def beside(folder: Path, key: str | None = None) -> Settings:
    return settings(f"sqlite:///{folder}/its.db", key)


@pytest.mark.parametrize("written", [SEED, f" {SEED}\n", PEM])
def test_a_seed_and_a_pem_are_the_same_key(tmp_path: Path, written: str) -> None:
    key = signing_key(beside(tmp_path, written))
    assert key.public == normalize_public_key(PUBLIC_PEM) == normalize_public_key(key.public)
    assert list(tmp_path.iterdir()) == []


def test_only_the_signed_message_verifies(tmp_path: Path) -> None:
    key = signing_key(beside(tmp_path, SEED))
    other = signing_key(beside(tmp_path))
    signature = key.sign(b"yes")
    assert verify_signature(key.public, signature, b"yes")
    assert not verify_signature(key.public, signature, b"no")
    assert not verify_signature(key.public, other.sign(b"yes"), b"yes")
    assert not verify_signature(other.public, signature, b"yes")
    assert not verify_signature("no key", signature, b"yes")
    assert not verify_signature(key.public, "no signature", b"yes")


def test_without_the_setting_a_key_is_generated_beside_the_sqlite_file(tmp_path: Path) -> None:
    first = signing_key(beside(tmp_path))
    path = tmp_path / "its.db.key"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_key(beside(tmp_path)).public == first.public == known_public_key(beside(tmp_path))


def test_concurrent_processes_get_the_same_generated_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: signing_key(beside(tmp_path)).public, range(32)))
    assert len(set(keys)) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_an_existing_key_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "its.db.key"
    path.write_text("spoilt")
    with pytest.raises(SettingsError, match=r"its\.db\.key: must be the base64 of 32 bytes"):
        signing_key(beside(tmp_path))
    assert path.read_text() == "spoilt"


def test_a_key_that_cannot_be_generated_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_KEY: no key could be made"):
        signing_key(beside(tmp_path / "nowhere"))


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "its.db.key").mkdir()
    with pytest.raises(SettingsError, match=r"COUNTERSIGN_KEY: the key in .* cannot be read"):
        signing_key(beside(tmp_path))


def test_the_key_must_be_set_on_postgresql() -> None:
    assert signing_key(settings(POSTGRES, SEED)).public == normalize_public_key(PUBLIC_PEM)
    assert known_public_key(settings(POSTGRES)) is None
    with pytest.raises(SettingsError, match=r"^COUNTERSIGN_KEY: must be set on PostgreSQL"):
        signing_key(settings(POSTGRES))


@pytest.mark.parametrize("written", ["", "?", SEED[:-8], SEED + SEED, "ü", "-----BEGIN nothing", PUBLIC_PEM, CURVE_PEM])
def test_an_invalid_key_setting_is_refused_and_not_shown(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError, match=r"^COUNTERSIGN_KEY: must be") as refused:
        signing_key(beside(tmp_path, written))
    assert SEED[:-8] not in str(refused.value)
    assert "BEGIN" not in str(refused.value)


def test_reading_the_public_key_generates_no_key(tmp_path: Path) -> None:
    assert known_public_key(beside(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_the_repr_of_a_key_hides_the_key(tmp_path: Path) -> None:
    assert SEED not in repr(signing_key(beside(tmp_path, SEED)))


@pytest.mark.parametrize("written", ["", "?", SEED[:-8], CURVE_PUBLIC_PEM, PEM])
def test_an_invalid_public_key_is_refused(written: str) -> None:
    with pytest.raises(PublicKeyError, match="public key"):
        normalize_public_key(written)
