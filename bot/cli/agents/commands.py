"""`countersign agents …`: adds agents, and manages their keys, limits and standing.

Each change is one transaction through `store.agents.agent_admin`, in the name of the operator. Arguments are checked
while they are parsed, by the types of the API. A key and a callback secret are printed once, when they are made.
"""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from bot.callbacks.guard import why_forbidden
from bot.cli.agents import limits
from bot.cli.agents.autonomy import EarnedAutonomy, load_earned
from bot.cli.agents.limits import For, MaxOpen, MaxRisk, May, PerMinute
from bot.cli.common import session, spans
from bot.cli.common.session import OPERATOR
from bot.cli.common.text import as_json, iso, plain, table
from bot.cli.policy.effective import effective_policy
from bot.keys import vault
from bot.settings import read_settings
from rules.package.fields import Url
from rules.people.agent_keys import KeyScope, Rates
from rules.people.directory import AgentStanding
from rules.policy.types import UserId
from rules.record.chain import rfc3339
from store.agents import agent_admin
from store.agents.agent_admin import Credentials, ListedAgent, RegistryError
from store.installation import owners
from store.installation.tenancy import INSTALLATION

app = typer.Typer(no_args_is_help=True, help="Add agents and manage their keys.")

_NAME = re.compile(r"[^\W_]([\w.-]{0,78}[^\W_])?")


def _check_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise typer.BadParameter("must be at most 80 letters, digits, '.', '-' and '_', without spaces")
    return text


def _check_owner(text: str) -> str:
    try:
        return TypeAdapter(UserId).validate_python(text)
    except ValidationError as fault:
        raise typer.BadParameter(fault.errors()[0]["msg"]) from None


def _check_callback_url(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        url = TypeAdapter(Url).validate_python(text)
    except ValidationError as fault:
        raise typer.BadParameter(fault.errors()[0]["msg"]) from None
    if refusal := asyncio.run(why_forbidden(url, read_settings().callback_allow)):
        raise typer.BadParameter(refusal)
    return url


Name = Annotated[str, typer.Argument(help="The agent's name.", metavar="NAME", show_default=False)]
NewName = Annotated[
    str, typer.Argument(help="A name for the agent.", metavar="NAME", callback=_check_name, show_default=False)
]
Owner = Annotated[
    str,
    typer.Option(
        help="The Slack user who answers for the agent, and can never approve for it.",
        metavar="USER_ID",
        callback=_check_owner,
        show_default=False,
    ),
]
CallbackUrl = Annotated[
    str | None,
    typer.Option(
        help="The agent's callback address; a package may name another.",
        metavar="URL",
        callback=_check_callback_url,
        show_default=False,
    ),
]
NewCallbackUrl = Annotated[
    str | None,
    typer.Argument(help="The new address.", metavar="URL", callback=_check_callback_url, show_default=False),
]
NoCallbacks = Annotated[bool, typer.Option("--none", help="Remove the address.")]
Overlap = Annotated[
    timedelta | None,
    typer.Option(
        help="How long the old key stays valid, such as 1h; 0s for a key that leaked. Default: the policy's.",
        metavar="SPAN",
        parser=spans.parse_span,
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Accept an owner who is not an active, full member.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: NewName,
    owner: Owner,
    callback_url: CallbackUrl = None,
    *,
    may: May = None,
    requesters: For = None,
    max_risk: MaxRisk = None,
    per_minute: PerMinute = None,
    max_open: MaxOpen = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Add an agent, and print its key and callback secret once."""
    scope = limits.scope_with(KeyScope(), may, requesters, max_risk)
    rates = limits.rates_with(Rates(), per_minute, max_open)
    settings = read_settings()

    def operation(connection: Connection) -> tuple[Credentials, bool]:
        if not force:
            _require_member(connection, owner)
        credentials = agent_admin.add_agent(
            connection,
            name,
            owner,
            session.now(),
            callback_url=callback_url,
            scope=scope,
            rates=rates,
            by=OPERATOR,
            seal=vault(settings).seal,
        )
        return credentials, owners.is_directory_known(connection)

    credentials, checked = session.transaction(operation)
    _print_credentials(credentials, name, json=json)
    if not checked:
        typer.echo(f"note: the service has not read the Slack directory yet, so {owner} was not checked", err=True)


def _require_member(connection: Connection, owner: str) -> None:
    if fault := owners.owner_problem(connection, owner):
        raise RegistryError(f"{owner} {fault}; choose another owner, or add the agent with --force")


def _print_credentials(credentials: Credentials, name: str, *, json: bool, **more: str) -> None:
    agent_id, key, secret = credentials.agent_id, credentials.key, credentials.callback_secret
    if json:
        typer.echo(as_json({"agent_id": agent_id, "name": name, "key": key, "callback_secret": secret} | more))
        return
    typer.echo(f"agent: {name} ({agent_id})")
    typer.echo(f"key: {key}")
    typer.echo(f"callback secret: {secret}")
    typer.echo("note: the key and the secret are not shown again", err=True)


@app.command()
def change(
    name: Name,
    *,
    may: May = None,
    requesters: For = None,
    max_risk: MaxRisk = None,
    per_minute: PerMinute = None,
    max_open: MaxOpen = None,
) -> None:
    """Change what an agent's key may ask for. What you leave out stays; `--may "*"` and `--for "*"` lift a limit."""
    if not any((may, requesters, max_risk, per_minute, max_open)):
        raise typer.BadParameter("give at least one of --may, --for, --max-risk, --per-minute, --max-open")

    def operation(connection: Connection) -> ListedAgent:
        agent = agent_admin.find_agent(connection, name, session.now())
        scope = limits.scope_with(agent.scope, may, requesters, max_risk)
        rates = limits.rates_with(agent.rates, per_minute, max_open)
        agent_admin.set_allowed(connection, name, scope, rates, session.now(), by=OPERATOR)
        return agent._replace(scope=scope, rates=rates)

    _print_agent(session.transaction(operation))


@app.command("show")
def show_agent(name: Name, *, json: Json = False) -> None:
    """Show one agent and the autonomy that it has earned."""
    now, settings = session.now(), effective_policy(read_settings()).policy.autonomy

    def operation(connection: Connection) -> tuple[ListedAgent, EarnedAutonomy]:
        agent = agent_admin.find_agent(connection, name, now)
        return agent, load_earned(connection, agent.agent_id, now, settings)

    agent, earned = session.query(operation)
    if json:
        typer.echo(as_json(_document(agent) | {"autonomy": earned.document()}))
        return
    _print_agent(agent)
    typer.echo("\nearned autonomy:")
    for line in earned.lines():
        typer.echo(f"  {line}")


def _print_agent(agent: ListedAgent) -> None:
    facts = [("agent", f"{agent.name} ({agent.agent_id})"), ("owner", agent.owner), ("standing", str(agent.standing))]
    for title, fact in (*facts, *limits.describe_limits(agent.scope, agent.rates)):
        typer.echo(f"{title}: {fact}")


@app.command()
def callback(name: Name, url: NewCallbackUrl = None, *, none: NoCallbacks = False) -> None:
    """Change an agent's callback address. Callbacks that already wait keep the old one."""
    if (url is None) is not none:
        raise typer.BadParameter("give the new URL, or --none")
    session.transaction(
        lambda connection: agent_admin.set_callback_url(connection, name, url, session.now(), by=OPERATOR)
    )
    typer.echo(
        f"callbacks of {name} go to {plain(url)}" if url else f"{name} has no callback address now, so it must poll"
    )


@app.command("rotate")
def rotate_agent_key(name: Name, overlap: Overlap = None, *, json: Json = False) -> None:
    """Give an agent a new key and a new callback secret. The old ones stay valid for a while."""
    settings = read_settings()
    now = session.now()
    until = now + (effective_policy(settings).policy.windows.key_overlap if overlap is None else overlap)

    def operation(connection: Connection) -> Credentials:
        seal = vault(settings).seal  # here, because this may generate a key, and must not if there is no database
        return agent_admin.rotate_credentials(connection, name, now, old_until=until, by=OPERATOR, seal=seal)

    credentials = session.transaction(operation)
    _print_credentials(credentials, name, json=json, old_key_until=rfc3339(until))
    if not json:
        typer.echo(f"old key: valid until {rfc3339(until)}")


@app.command("list")
def list_agents(*, json: Json = False) -> None:
    """List the agents, their owners and their standing. Keys are never shown."""
    agents, frozen = session.query(
        lambda connection: (agent_admin.list_agents(connection, session.now()), _is_frozen(connection))
    )
    if json:
        typer.echo(as_json([_document(agent) for agent in agents]))
        return
    titles = ("NAME", "OWNER", "STANDING", "KEYS", "ADDED", "CALLBACKS")
    no_agents = "no agents yet; `countersign agents add NAME --owner USER_ID` adds one"
    typer.echo(table(titles, [_row(agent) for agent in agents]) if agents else no_agents)
    if frozen:
        typer.echo("everything is frozen; `countersign thaw` ends it")


def _is_frozen(connection: Connection) -> bool:
    return bool(connection.execute(INSTALLATION.select().with_only_columns(INSTALLATION.c.frozen)).scalar_one())


def _row(agent: ListedAgent) -> tuple[object, ...]:
    url = plain(agent.callback_url or "")
    return (agent.name, agent.owner, agent.standing, agent.keys, iso(agent.created_at), url)


def _document(agent: ListedAgent) -> dict[str, object]:
    facts = agent._asdict()
    return {
        **{name: facts[name] for name in facts if name not in ("scope", "rates")},
        "created_at": rfc3339(agent.created_at),
        "scope": limits.limits_document(agent.scope, agent.rates),
    }


@app.command()
def revoke(name: Name) -> None:
    """Revoke an agent's keys for good. People can still decide its open packages."""
    _set_standing(name, AgentStanding.REVOKED)


@app.command()
def pause(name: Name) -> None:
    """Pause an agent. It can propose and claim nothing, and silence does not count."""
    _set_standing(name, AgentStanding.PAUSED)


@app.command()
def resume(name: Name) -> None:
    """Resume a paused agent."""
    _set_standing(name, AgentStanding.ACTIVE)


def _set_standing(name: str, standing: AgentStanding) -> None:
    session.transaction(
        lambda connection: agent_admin.set_standing(connection, name, standing, session.now(), by=OPERATOR)
    )
    typer.echo(f"{name} is {standing}")
