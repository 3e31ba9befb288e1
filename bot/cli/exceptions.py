"""`countersign exceptions`: the exceptions to rules that people approved, and how to revoke one.

A revocation is a command, as a click in Slack is, in the name of the operator. If the package changes meanwhile, the
transaction is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.session import OPERATOR
from bot.cli.common.text import as_json, cut, iso, plain
from rules.authority.exceptions import exception_standing
from rules.people.directory import Actor, ActorKind, Roster
from rules.record.chain import rfc3339
from rules.state.commands import Revoke
from rules.state.model import PackageState
from store.agents.agents import agent_names
from store.commands.execute import Outcome, execute
from store.commands.invocation import Invocation
from store.engine.database import StaleError
from store.installation.installation import fresh_id
from store.packages.content import load_words
from store.packages.exceptions import ListedException, list_exceptions

app = typer.Typer(help="List and revoke exceptions to rules of the policy.", no_args_is_help=True)

_OPERATOR = Actor(kind=ActorKind.AUTO, actor_id=OPERATOR)
TITLE_WIDTH = 74


class _Listing(NamedTuple):
    exceptions: Sequence[ListedException]
    roster: Roster
    titles: dict[str, str]
    agents: dict[str, str]


@app.command("list")
def list_all_exceptions(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the exceptions. Those that ended more than 30 days ago are left out."""
    listing = session.query(_load)
    if json:
        typer.echo(as_json([_document(listed, listing) for listed in listing.exceptions]))
    elif not listing.exceptions:
        typer.echo("no exception holds, is asked for or ended lately")
    else:
        typer.echo("\n".join(line for listed in listing.exceptions for line in _lines(listed, listing)))


@app.command("revoke")
def revoke_exception(
    package_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the package that asked for it.")],
    *,
    by: Annotated[str, typer.Option(metavar="NAME", help="Your name. It is shown and recorded; nothing proves it.")],
    reason: Annotated[str, typer.Option(help="Why. The agent and the reviewers can read it.")],
) -> None:
    """End an exception now. What it let through and was not claimed yet is not permitted any more."""
    ids = {"command_id": f"cli:{fresh_id()}", "decision_package_id": package_id}
    command = Revoke.model_validate({**ids, "comment": reason, "operator": by})
    outcome = _execute(Invocation(command=command, now=session.now(), actor=_OPERATOR))
    if outcome.refusal:
        raise CommandError(outcome.refusal.sentence)
    typer.echo(f"{plain(package_id)} is revoked; the rule applies again")


def _execute(invocation: Invocation) -> Outcome:
    def operation(connection: Connection) -> Outcome:
        return execute(connection, session.load_installation(connection), invocation)

    try:
        return session.repeatable_transaction(operation)
    except StaleError:
        raise CommandError("The exception keeps changing. Try again.") from None


def _load(connection: Connection) -> _Listing:
    installation = session.load_installation(connection)
    tenant_id = installation.tenant_id
    exceptions = list_exceptions(connection, tenant_id, session.now())
    words = load_words(connection, tenant_id, *(listed.state.version_event_id for listed in exceptions))
    titles = {event_id: title for event_id, texts in words.items() if (title := _title(texts))}
    return _Listing(exceptions, installation.roster(connection), titles, agent_names(connection, tenant_id))


def _title(texts: Mapping[str, Any]) -> str | None:
    package = texts.get("package")
    return str(package["title"]) if isinstance(package, dict) else None


def _lines(listed: ListedException, listing: _Listing) -> list[str]:
    state, exception = listed.state, listed.state.exception
    if exception is None:
        return []
    subject = "one subject" if state.subject_digest else "any subject"
    summary = f"{exception.rule} for {', '.join(exception.action_types)} on {subject}"
    standing = exception_standing(state, exception, listing.roster, session.now())
    return [
        f"{standing.word:<8}  {state.decision_package_id}  until {iso(standing.end)}",
        *([f"  does not hold now: {standing.because}"] if standing.because else []),
        f"  {cut(plain(listing.titles.get(state.version_event_id, '(content deleted)')), TITLE_WIDTH)}",
        f"  {summary}, by {', '.join(_agents(state, listing))}",
        f"  approved by {', '.join(vote.reviewer_id for vote in state.votes) or 'nobody'}; used {listed.uses} times",
    ]


def _agents(state: PackageState, listing: _Listing) -> list[str]:
    agents = state.exception.agents if state.exception else ()
    return [plain(listing.agents.get(agent_id, agent_id)) for agent_id in agents]


def _document(listed: ListedException, listing: _Listing) -> dict[str, object]:
    state, exception = listed.state, listed.state.exception
    standing = exception and exception_standing(state, exception, listing.roster, session.now())
    return {
        "decision_package_id": state.decision_package_id,
        "standing": standing and standing.word,
        "because": standing and standing.because,
        "title": listing.titles.get(state.version_event_id),
        "rule": exception and exception.rule,
        "action_types": exception and exception.action_types,
        "agents": _agents(state, listing),
        "has_subject": state.subject_digest is not None,
        "until": standing and rfc3339(standing.end),
        "granted_at": rfc3339(exception.granted_at) if exception and exception.granted_at else None,
        "approved_by": [vote.reviewer_id for vote in state.votes],
        "uses": listed.uses,
    }
