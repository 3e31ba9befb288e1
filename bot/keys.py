"""The installation's Ed25519 key, which signs exports.

`COUNTERSIGN_KEY` is the base64 of 32 random bytes (`openssl rand -base64 32`), or an Ed25519 private key as PEM. Unset
on SQLite, a key is generated once and stored beside the database as `<file>.key`. On PostgreSQL it must be set, because
replicas share it. Callback secrets are encrypted ("sealed") with a key derived from it; COUNTERSIGN_KEY_OLD, an earlier
key, opens what that one sealed. A public key is written as the base64 of its 32 bytes, and read as that or as PEM.
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
from store.engine.address import parse_database_url

SETTING = "COUNTERSIGN_KEY"
_SIZE = 32
_PEM = "-----BEGIN "
_SEALING_PURPOSE = "countersign callback secrets"


class PublicKeyError(ValueError):
    """The text is not a public key; the message says what would be."""


class SigningKey:
    """Signs messages. Its repr shows only the public key, so that the private one cannot leak into a log."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self._key.sign(message)).decode()

    def derive(self, purpose: str) -> bytes:
        """Derive a 32-byte key for this purpose. It reveals nothing about this key (HKDF)."""
        return HKDF(SHA256(), _SIZE, None, purpose.encode()).derive(self._key.private_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey(public={self.public!r})"


def signing_key(settings: Settings) -> SigningKey:
    """The key of this installation; on SQLite, generated at first use."""
    if settings.key is not None:
        return _parse_key(settings.key.get_secret_value(), SETTING)
    path = key_file(settings)
    if path is None:
        raise SettingsError(
            f"{SETTING}: must be set on PostgreSQL, to the same on every machine; `openssl rand -base64 32` makes one"
        )
    if not path.exists():
        _make_key_file(path)
    return _read_key_file(path)


def vault(settings: Settings) -> Vault:
    """Seals with the installation's key, and also opens what COUNTERSIGN_KEY_OLD sealed."""
    old = settings.key_old
    keys = [signing_key(settings), *([_parse_key(old.get_secret_value(), f"{SETTING}_OLD")] if old else [])]
    return Vault(*(key.derive(_SEALING_PURPOSE) for key in keys))


def has_key_source(settings: Settings) -> bool:
    return settings.key is not None or key_file(settings) is not None


def require_key(settings: Settings) -> None:
    """Raise if no key is set on PostgreSQL. On SQLite one can be generated."""
    if not has_key_source(settings):
        signing_key(settings)


def known_public_key(settings: Settings) -> str | None:
    """The public key if there is a key already. Verifying an export must not generate one."""
    path = key_file(settings)
    exists = settings.key is not None or (path is not None and path.exists())
    return signing_key(settings).public if exists else None


def key_file(settings: Settings) -> Path | None:
    """The key file that is used if COUNTERSIGN_KEY is not set; None on PostgreSQL."""
    url = parse_database_url(settings.database_url)
    return Path(f"{url.database}.key") if url.get_backend_name() == "sqlite" else None


def normalize_public_key(text: str) -> str:
    """The key in the form that exports use."""
    return base64.b64encode(_parse_public_key(text).public_bytes_raw()).decode()


def verify_signature(public: str, signature: str, message: bytes) -> bool:
    try:
        _parse_public_key(public).verify(_decode(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parse_public_key(text: str) -> Ed25519PublicKey:
    try:
        if not _is_pem(text):
            return Ed25519PublicKey.from_public_bytes(_decode(text))
        key = load_pem_public_key(text.strip().encode())
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise PublicKeyError("a public key is the base64 of its 32 bytes, or a PEM") from fault
    if not isinstance(key, Ed25519PublicKey):
        raise PublicKeyError("the public key must be an Ed25519 key")
    return key


def _parse_key(text: str, place: str) -> SigningKey:
    """Errors name the setting or file, never its content."""
    try:
        key = load_pem_private_key(text.strip().encode(), None) if _is_pem(text) else _key_from_seed(_decode(text))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(
            f"{place}: must be the base64 of 32 bytes (`openssl rand -base64 32` makes them) or an Ed25519 key as PEM"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{place}: must be an Ed25519 key, and is a key of another kind")
    return SigningKey(key)


def _is_pem(text: str) -> bool:
    return text.strip().startswith(_PEM)


def _key_from_seed(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as fault:
        raise ValueError("not base64") from fault


def _read_key_file(path: Path) -> SigningKey:
    try:
        return _parse_key(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(
            f"{SETTING}: the key in {path} cannot be read ({fault}); correct that, or set it"
        ) from fault


def _make_key_file(path: Path) -> None:
    """Write a new key atomically, readable by its owner only. If two processes do so at once, the first one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        _write_private(draft, base64.b64encode(secrets.token_bytes(_SIZE)) + b"\n")
        path.hardlink_to(draft)  # unlike a rename, it fails if the file exists
    except FileExistsError:
        return
    except OSError as fault:
        raise SettingsError(f"{SETTING}: no key could be made in {path} ({fault}); set it instead") from fault
    finally:
        draft.unlink(missing_ok=True)


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
