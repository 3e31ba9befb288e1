"""`countersign show ID`: one package in a terminal, as far as the database can prove its content.

Content that does not match its digest is not shown. For the whole record there is `countersign audit export`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.text import as_json, iso, plain
from rules.authority.ladder import who_may_decide
from rules.package.layout import passages
from rules.package.model import CALLS, DecisionPackage
from rules.policy.actions import Look
from rules.record.chain import Event
from rules.state.model import PackageState, Status, Terms
from rules.state.terms import terms_today
from rules.wording import humanize
from store.commands.policies import active_digest
from store.installation.policy_texts import UnreadablePolicyError, load_policy
from store.installation.tenancy import read_tenant_id
from store.packages.content import load_words
from store.packages.events import load_events
from store.packages.packages import load_package

_NO_CONTENT = "(its content was deleted, as the policy's retention asks, or does not match its digest)"


class _PackageRecord(NamedTuple):
    state: PackageState
    terms: Terms
    package: dict[str, Any] | None
    events: list[Event]


def show(
    package_id: Annotated[str, typer.Argument(metavar="ID", help="The package's id, such as pkg_01….")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a package: what is proposed, and what happened."""
    record = session.query(lambda connection: _load(connection, package_id))
    if json:
        typer.echo(as_json(_document(record)))
    else:
        typer.echo("\n".join(_lines(record)))


def _load(connection: Connection, package_id: str) -> _PackageRecord:
    tenant_id = read_tenant_id(connection)
    loaded = load_package(connection, tenant_id, package_id)
    if loaded is None:
        raise CommandError(f"there is no package {plain(package_id)}; `countersign queue` lists those that wait")
    words = load_words(connection, tenant_id, loaded.state.version_event_id)
    package = words.get(loaded.state.version_event_id, {}).get("package")
    events = load_events(connection, tenant_id, package_id)
    terms = _terms_in_force(connection, loaded.state)
    return _PackageRecord(loaded.state, terms, package if isinstance(package, dict) else None, events)


def _terms_in_force(connection: Connection, state: PackageState) -> Terms:
    """By today's policy; the package's own ones if this release cannot read the policy."""
    try:
        return terms_today(state, load_policy(connection, active_digest(connection)))
    except UnreadablePolicyError:
        return state.terms


def _document(record: _PackageRecord) -> dict[str, Any]:
    return {"state": record.state.model_dump(mode="json"), "package": record.package, "events": record.events}


def _lines(record: _PackageRecord) -> Iterator[str]:
    state = record.state
    yield plain(str(record.package["title"])) if record.package else _NO_CONTENT
    yield f"{state.decision_package_id}, version {state.version}, {state.action_type}, {state.risk.value} risk"
    yield _status(state, record.terms)
    yield f"agent {state.agent_id}, owner {state.owner}, requester {state.requester}"
    yield f"digest {state.action_digest}"
    yield from _content(record.package, state.terms.look) if record.package else ()
    yield from ("", "Events:")
    yield from (f"  {event['occurred_at']}  {event['event_type']}  {event['actor']}" for event in record.events)


def _status(state: PackageState, terms: Terms) -> str:
    status = humanize(state.status.value)
    if state.status is not Status.PENDING:
        return f"{status} since {iso(state.updated_at)}"
    return f"{status}: waits for {who_may_decide(state, terms)} until {iso(state.ends_at)}"


def _content(package: dict[str, Any], look: Look | None) -> Iterator[str]:
    """What an approval releases, in the lines in which reviewers read it. Before a call, the agent's words for it."""
    proposal = DecisionPackage.model_validate(package)
    if proposal.kind in CALLS:
        yield from ("", "The agent proposes:")
        yield from (f"  {plain(line)}" for line in proposal.proposed_action.splitlines())
    yield from ("", "Exactly what is proposed:")
    for _, lines in passages(proposal, look):
        yield from (f"  {line}" for line in lines)
