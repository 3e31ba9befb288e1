"""Turns exceptions into one line for the operator, which says what failed and what to do."""

from __future__ import annotations

from traceback import extract_tb

from sqlalchemy.exc import DBAPIError
from typer import TyperException

from bot.cli.common.command_error import CommandError
from bot.keys import PublicKeyError
from bot.process.server_lock import AlreadyServedError
from bot.settings import SettingsError
from rules.policy.parse import PolicyError
from store.agents.agent_admin import RegistryError
from store.agents.callback_secrets import VaultError
from store.engine.workers import UnavailableError
from store.migrations.migrate import SchemaError
from store.outbox.callback_admin import CallbackAdminError

_SELF_EXPLANATORY = (
    CommandError,
    SettingsError,
    RegistryError,
    VaultError,
    CallbackAdminError,
    UnavailableError,
    PublicKeyError,
    SchemaError,
    AlreadyServedError,
)


def error_line(fault: Exception, program: str) -> str:
    """The line for stderr. The help that typer raises if no command was given is returned unchanged."""
    sentence = _sentence(fault)
    return sentence if is_usage_error(fault) and "\n" in sentence else f"{program}: {sentence}"


def is_usage_error(fault: Exception) -> bool:
    return isinstance(fault, TyperException) and fault.exit_code == 2  # noqa: PLR2004 - the convention of shells


def _sentence(fault: Exception) -> str:
    match fault:
        case TyperException():
            return _usage_sentence(fault)
        case _ if isinstance(fault, _SELF_EXPLANATORY):
            return str(fault)
        case PolicyError():
            more = f" (and {len(fault.faults) - 1} more)" if len(fault.faults) > 1 else ""
            return f"the policy: {fault.faults[0]}{more}; `countersign policy check` shows all of it"
        case DBAPIError():
            return f"the database: {first_line(str(fault.orig))}; `countersign doctor` looks into it"
        case OSError():
            return f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault.strerror or fault)
        case _:
            return _internal_fault(fault)


def _usage_sentence(fault: TyperException) -> str:
    sentence = fault.format_message()
    context = getattr(fault, "ctx", None)
    if context is None or "\n" in sentence:
        return sentence
    return f"{sentence.rstrip('.')}; see `{context.command_path} --help`"


def _internal_fault(fault: Exception) -> str:
    place = extract_tb(fault.__traceback__)[-1]
    error = f"{type(fault).__name__}: {first_line(str(fault))}".removesuffix(": ")
    return f"a fault of Countersign itself, please report it: {error} ({place.filename}:{place.lineno})"


def first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
