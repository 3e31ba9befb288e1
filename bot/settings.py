"""The settings, read once at the start from the environment and `.env`. A wrong setting stops the start by name.

What depends on the installation is a setting; what depends on the organisation is in the policy, which can change
while the service runs. Each setting has a row in `docs/reference.md`, and a test compares the two.
"""

from __future__ import annotations

from email.headerregistry import Address
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.exc import ArgumentError

from bot.callbacks.guard import Network, is_internal
from bot.feed.target import FeedTarget, check_feed_url, parse_feed_secrets
from bot.mail.server import SmtpServer, parse_sender, parse_smtp_url
from store.engine.address import parse_database_url

Networks = Annotated[tuple[Network, ...], NoDecode]
SLACK_PATH = "/slack/events"


class SettingsError(Exception):
    """One line that names the setting and says what to do."""


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    database_url: str = Field(default="sqlite:///countersign.db", alias="COUNTERSIGN_DATABASE_URL")
    migration_url: str | None = Field(default=None, alias="COUNTERSIGN_MIGRATION_URL")
    policy: Path = Field(default=Path("policy.toml"), alias="COUNTERSIGN_POLICY")
    key: SecretStr | None = Field(default=None, alias="COUNTERSIGN_KEY")
    key_old: SecretStr | None = Field(default=None, alias="COUNTERSIGN_KEY_OLD")
    host: str = Field(default="127.0.0.1", alias="COUNTERSIGN_HOST")
    port: int = Field(default=8080, ge=0, le=65535, alias="COUNTERSIGN_PORT")
    agents_port: int | None = Field(default=None, ge=0, le=65535, alias="COUNTERSIGN_AGENTS_PORT")
    public_url: str | None = Field(default=None, alias="COUNTERSIGN_PUBLIC_URL")
    log: LogFormat = Field(default=LogFormat.TEXT, alias="COUNTERSIGN_LOG")
    callback_allow: Networks = Field(default=(), alias="COUNTERSIGN_CALLBACK_ALLOW")
    trusted_proxies: Networks = Field(default=(), alias="COUNTERSIGN_TRUSTED_PROXIES")
    smtp_url: SecretStr | None = Field(default=None, alias="COUNTERSIGN_SMTP_URL")
    email_from: str | None = Field(default=None, validate_default=True, alias="COUNTERSIGN_EMAIL_FROM")

    feed_url: SecretStr | None = Field(default=None, alias="COUNTERSIGN_FEED_URL")
    feed_secret: SecretStr | None = Field(default=None, validate_default=True, alias="COUNTERSIGN_FEED_SECRET")
    feed_allow: Networks = Field(default=(), alias="COUNTERSIGN_FEED_ALLOW")
    feed_file: str | None = Field(default=None, alias="COUNTERSIGN_FEED_FILE")

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, url: str) -> str:
        try:
            backend = parse_database_url(url).get_backend_name()
        except (ArgumentError, ValueError):
            backend = ""
        if backend not in ("sqlite", "postgresql"):
            raise ValueError("must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        if backend == "sqlite" and parse_database_url(url).database in (None, "", ":memory:"):
            raise ValueError("must name a file, such as sqlite:///countersign.db, because decisions must be kept")
        return url

    @field_validator("migration_url")
    @classmethod
    def _check_migration_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if not url:
            return None
        try:
            backends = {
                parse_database_url(name).get_backend_name() for name in (url, info.data.get("database_url", url))
            }
        except (ArgumentError, ValueError):
            backends = set()
        if backends != {"postgresql"}:
            raise ValueError(
                "must be the PostgreSQL of COUNTERSIGN_DATABASE_URL with a role that may change its schema"
            )
        return url

    @property
    def migration_database_url(self) -> str:
        """The database, with the role that may change its schema if that is another one."""
        return self.migration_url or self.database_url

    @field_validator("public_url")
    @classmethod
    def _normalize_public_url(cls, url: str | None) -> str | None:
        """Accept the URL with or without the path that Slack calls."""
        if not url:
            return None
        parts = urlsplit(url)
        path = parts.path.rstrip("/").removesuffix(SLACK_PATH) + SLACK_PATH
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
        ):
            raise ValueError("must be the address that Slack calls, such as https://countersign.example.com")
        return f"{parts.scheme}://{parts.netloc}{path}"

    @field_validator("agents_port")
    @classmethod
    def _check_agents_port(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port and port == info.data.get("port"):
            raise ValueError("must differ from COUNTERSIGN_PORT; leave it out to serve agents there as well")
        return port

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parse_smtp_url(url.get_secret_value())
        return url

    @field_validator("email_from")
    @classmethod
    def _check_email_from(cls, text: str | None, info: ValidationInfo) -> str | None:
        """Both settings together turn e-mail on: one alone is a mistake."""
        if bool(text) is not bool(info.data.get("smtp_url")) and "smtp_url" in info.data:
            raise ValueError("must be set together with COUNTERSIGN_SMTP_URL: both turn e-mail on")
        if text:
            parse_sender(text)
        return text or None

    @property
    def mail(self) -> tuple[SmtpServer, Address] | None:
        """The mail server and the sender; None if e-mail is off."""
        if self.smtp_url is None or self.email_from is None:
            return None
        return parse_smtp_url(self.smtp_url.get_secret_value()), parse_sender(self.email_from)

    @field_validator("feed_url")
    @classmethod
    def _check_feed_url(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        check_feed_url(url.get_secret_value())
        return url

    @field_validator("feed_secret")
    @classmethod
    def _check_feed_secret(cls, written: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        secret = written if written and written.get_secret_value() else None
        if bool(secret) is not bool(info.data.get("feed_url")) and "feed_url" in info.data:
            raise ValueError("must be set together with COUNTERSIGN_FEED_URL: it signs what is sent there")
        if secret:
            parse_feed_secrets(secret.get_secret_value())
        return secret

    @property
    def feed_target(self) -> FeedTarget | None:
        """The webhook of the operators' feed; None if it has none."""
        if self.feed_url is None or self.feed_secret is None:
            return None
        return FeedTarget(self.feed_url.get_secret_value(), parse_feed_secrets(self.feed_secret.get_secret_value()))

    @property
    def feeds(self) -> tuple[str, ...]:
        """The receivers of the operators' feed, as `store.feed.chains.FeedKind` names them."""
        settings = {"webhook": self.feed_url, "file": self.feed_file}
        return tuple(kind for kind, setting in settings.items() if setting)

    @property
    def can_prove_clicks(self) -> bool:
        """Whether this service can prove that clicks arrive. Without Slack there are no clicks to prove."""
        return bool(self.slack_app_token or self.public_url or not self.slack_bot_token)

    @field_validator("callback_allow", "feed_allow", "trusted_proxies", mode="before")
    @classmethod
    def _parse_networks(cls, text: Any) -> Any:
        if not isinstance(text, str):
            return text
        try:
            return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
        except ValueError as fault:
            raise ValueError(f"must be networks such as 127.0.0.0/8, with commas between: {fault}") from fault


def require_slack(settings: Settings) -> None:
    """Require the token for calls to Slack, and one of the two ways in which Slack reaches this service."""
    hint = "docs/connect.md says where it comes from"
    if not settings.slack_bot_token:
        raise SettingsError(f"SLACK_BOT_TOKEN: is not set; {hint}")
    if not (settings.slack_app_token or settings.slack_signing_secret):
        raise SettingsError(f"SLACK_APP_TOKEN: is not set, and for HTTP SLACK_SIGNING_SECRET is not set either; {hint}")
    if settings.public_url and is_internal(settings.public_url) and not is_internal(settings.slack_api_url):
        raise SettingsError(
            f"COUNTERSIGN_PUBLIC_URL: {settings.public_url} is inside your network, where Slack cannot call;"
            " name the address that is set in Slack as Request URL, such as https://countersign.example.com"
        )


def read_settings(**values: Any) -> Settings:
    try:
        return Settings(**values)
    except ValidationError as faults:
        first = faults.errors(include_url=False, include_input=False)[0]
        name = _setting_name(str(first["loc"][0]))
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def _setting_name(location: str) -> str:
    """Return the name in the environment. pydantic names a setting by its alias, but a wrong default by its field."""
    field = Settings.model_fields.get(location)
    return (field.alias if field and field.alias else location).upper()
