"""The key of the installation: from the setting, or made once beside the SQLite file, and never shown."""

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


def test_what_was_signed_verifies_and_nothing_else(tmp_path: Path) -> None:
    key = signing_key(beside(tmp_path, SEED))
    other = signing_key(beside(tmp_path))
    signature = key.sign(b"yes")
    assert verify_signature(key.public, signature, b"yes")
    assert not verify_signature(key.public, signature, b"no")
    assert not verify_signature(key.public, other.sign(b"yes"), b"yes")
    assert not verify_signature(other.public, signature, b"yes")
    assert not verify_signature("no key", signature, b"yes")
    assert not verify_signature(key.public, "no signature", b"yes")


def test_without_the_setting_a_key_is_made_beside_the_sqlite_file_and_kept(tmp_path: Path) -> None:
    first = signing_key(beside(tmp_path))
    path = tmp_path / "its.db.key"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_key(beside(tmp_path)).public == first.public == known_public_key(beside(tmp_path))


def test_of_many_who_make_it_at_once_all_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: signing_key(beside(tmp_path)).public, range(32)))
    assert len(set(keys)) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "its.db.key"
    path.write_text("spoilt")
    with pytest.raises(SettingsError, match=r"its\.db\.key: must be the base64 of 32 bytes"):
        signing_key(beside(tmp_path))
    assert path.read_text() == "spoilt"


def test_where_no_key_can_be_made_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="COUNTERSIGN_KEY: no key could be made"):
        signing_key(beside(tmp_path / "nowhere"))


def test_a_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "its.db.key").mkdir()
    with pytest.raises(SettingsError, match=r"COUNTERSIGN_KEY: the key in .* cannot be read"):
        signing_key(beside(tmp_path))


def test_on_postgresql_the_key_has_to_be_set() -> None:
    assert signing_key(settings(POSTGRES, SEED)).public == normalize_public_key(PUBLIC_PEM)
    assert known_public_key(settings(POSTGRES)) is None
    with pytest.raises(SettingsError, match=r"^COUNTERSIGN_KEY: must be set on PostgreSQL"):
        signing_key(settings(POSTGRES))


@pytest.mark.parametrize("written", ["", "?", SEED[:-8], SEED + SEED, "ü", "-----BEGIN nothing", PUBLIC_PEM, CURVE_PEM])
def test_a_setting_that_is_no_key_is_refused_without_being_shown(tmp_path: Path, written: str) -> None:
    with pytest.raises(SettingsError, match=r"^COUNTERSIGN_KEY: must be") as refused:
        signing_key(beside(tmp_path, written))
    assert SEED[:-8] not in str(refused.value)
    assert "BEGIN" not in str(refused.value)


def test_to_know_the_public_key_none_is_made(tmp_path: Path) -> None:
    assert known_public_key(beside(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    assert SEED not in repr(signing_key(beside(tmp_path, SEED)))


@pytest.mark.parametrize("written", ["", "?", SEED[:-8], CURVE_PUBLIC_PEM, PEM])
def test_what_is_no_public_key_is_refused(written: str) -> None:
    with pytest.raises(PublicKeyError, match="public key"):
        normalize_public_key(written)
