"""The key of the installation: Ed25519, with which exports and receipts are signed.

`COUNTERSIGN_KEY` is the base64 of 32 random bytes (`openssl rand -base64 32`), or an Ed25519 private key as PEM. Unset
on SQLite, a key is made beside the database file, once, as `<file>.key`. On PostgreSQL the replicas have to share one.
The secrets that callbacks are signed with are sealed by a key derived from it; COUNTERSIGN_KEY_OLD, an earlier key,
opens what that one sealed. A public key is written as the base64 of its 32 bytes, and read as that or as PEM.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from bot.settings import Settings, SettingsError
from store.agents.callback_secrets import Vault
from store.engine.address import address

SETTING = "COUNTERSIGN_KEY"
_SIZE = 32
_PEM = "-----BEGIN "
_SEALING = "countersign callback secrets"


class PublicKeyError(ValueError):
    """What was given as a public key is none; the sentence says what would be one."""


class SigningKey:
    """Signs; what it signs with is shown to nobody, also not by accident."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self._key.sign(message)).decode()

    def derived(self, purpose: str) -> bytes:
        """Another key of 32 bytes, for this purpose alone; nothing can be learnt from it about this one."""
        return HKDF(SHA256(), _SIZE, None, purpose.encode()).derive(self._key.private_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public!r})"


def signing_key(settings: Settings) -> SigningKey:
    """The key of this installation, made beside its SQLite file where there is none yet."""
    if settings.key is not None:
        return _parsed(settings.key.get_secret_value(), SETTING)
    path = key_file(settings)
    if path is None:
        raise SettingsError(
            f"{SETTING}: must be set on PostgreSQL, to the same on every machine; `openssl rand -base64 32` makes one"
        )
    if not path.exists():
        _make(path)
    return _kept(path)


def vault(settings: Settings) -> Vault:
    """Seals with the key of this installation, and also opens what an earlier one sealed."""
    old = settings.key_old
    keys = [signing_key(settings), *([_parsed(old.get_secret_value(), f"{SETTING}_OLD")] if old else [])]
    return Vault(*(key.derived(_SEALING) for key in keys))


def can_have_a_key(settings: Settings) -> bool:
    return settings.key is not None or key_file(settings) is not None


def require_key(settings: Settings) -> None:
    """Replicas on PostgreSQL share a key, so it has to be set. On SQLite one is made."""
    if not can_have_a_key(settings):
        signing_key(settings)


def known_public_key(settings: Settings) -> str | None:
    """The public key of this installation if it has one: to verify something, no key is made."""
    path = key_file(settings)
    known = settings.key is not None or (path is not None and path.exists())
    return signing_key(settings).public if known else None


def key_file(settings: Settings) -> Path | None:
    """Where the key is kept when the setting is empty; nowhere on PostgreSQL."""
    url = address(settings.database_url)
    return Path(f"{url.database}.key") if url.get_backend_name() == "sqlite" else None


def public_key(written: str) -> str:
    """A public key that somebody gave, as it stands in exports."""
    return base64.b64encode(_public(written).public_bytes_raw()).decode()


def verifies(public: str, signature: str, message: bytes) -> bool:
    try:
        _public(public).verify(_bytes(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(written: str) -> Ed25519PublicKey:
    try:
        if not _is_pem(written):
            return Ed25519PublicKey.from_public_bytes(_bytes(written))
        key = load_pem_public_key(written.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise PublicKeyError("a public key is the base64 of its 32 bytes, or a PEM") from fault
    if not isinstance(key, Ed25519PublicKey):
        raise PublicKeyError("the public key must be one of Ed25519")
    return key


def _parsed(written: str, place: str) -> SigningKey:
    """Faults name the place and never what stands there."""
    try:
        key = load_pem_private_key(written.strip().encode(), None) if _is_pem(written) else _of_seed(_bytes(written))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{place}: must be the base64 of 32 bytes (`openssl rand -base64 32` makes them) or an Ed25519 key as PEM"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{place}: must be a key of Ed25519, and is one of another kind")
    return SigningKey(key)


def _is_pem(written: str) -> bool:
    return written.strip().startswith(_PEM)


def _of_seed(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _bytes(written: str) -> bytes:
    try:
        return base64.b64decode("".join(written.split()), validate=True)
    except binascii.Error as fault:
        raise ValueError("no base64") from fault


def _kept(path: Path) -> SigningKey:
    try:
        return _parsed(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{SETTING}: the key in {path} cannot be read ({fault}); or set it") from fault


def _make(path: Path) -> None:
    """Whole or not at all, readable by its owner alone, and never over another: of two that make one, one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, base64.b64encode(secrets.token_bytes(_SIZE)) + b"\n")
        path.hardlink_to(draft)  # unlike a rename, it fails where something is already
    except FileExistsError:
        return
    except OSError as fault:
        raise SettingsError(f"{SETTING}: no key could be made in {path} ({fault}); set it instead") from fault
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
